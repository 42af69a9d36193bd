/*
 * clearspan explain: which rule decides for a connection with these facts, and
 * why. The facts are arguments NAME=VALUE, or a URL.
 */
#include <stdio.h>
#include <unistd.h>

#include "admin/told_explain.h"
#include "main/cmd.h"

static int
explain(const char *path, struct told *t)
{
	struct text out = { 0 };
	struct verdict v;
	struct policy *p;
	struct conf *c;
	int r = EXIT_WRONG;

	if (conf_load(path, &c, &out) != 0) {
		fputs(out.s, stderr);
		text_free(&out);
		return r;
	}
	p = policy_new(c);
	if (told_explain(t, p, &v, &out) != 0) {
		fprintf(stderr, "clearspan: explain: %s\n", out.s);
	} else {
		fputs(out.s, stdout);
		r = fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
	}
	policy_unref(p);
	conf_unref(c);
	text_free(&out);
	return r;
}

int
cmd_explain(int argc, char **argv)
{
	const char *path = CONF_DEFAULT_PATH;
	struct text why = { 0 };
	struct told *told;
	int opt, r = EXIT_DONE;

	while ((opt = getopt(argc, argv, "c:")) != -1) {
		if (opt != 'c')
			return cmd_usage(argv[0], "unknown option");
		path = optarg;
	}
	told = told_new();
	for (; r == EXIT_DONE && optind < argc; optind++)
		if (told_take(told, argv[optind], &why) != 0)
			r = cmd_usage(argv[0], "%s", why.s);
	if (r == EXIT_DONE)
		r = explain(path, told);
	told_free(told);
	text_free(&why);
	return r;
}
