/*
 * clearspan check: is the configuration right? It prints every problem on
 * stderr, one per line. If there is none, it prints warnings of values that are
 * perhaps not meant.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "main/cmd.h"
#include "main/here.h"
#include "util/text.h"

int
cmd_check(int argc, char **argv)
{
	const char *path = CONF_DEFAULT_PATH;
	struct text errors = { 0 };
	struct conf *c;
	int opt, r;

	while ((opt = getopt(argc, argv, "c:")) != -1) {
		if (opt != 'c')
			return cmd_usage(argv[0], "unknown option");
		path = optarg;
	}
	if (optind < argc)
		return cmd_usage(argv[0], "unexpected argument \"%s\"",
		    argv[optind]);
	r = here_load(path, &c, &errors);
	if (r == 0)
		here_warnings(c, &errors);
	if (r == 0)
		printf("%s: all right (listeners: %zu, rules: %zu, mirrors: "
		    "%zu, devices: %zu, chains: %zu)\n", path, c->nlistens,
		    c->nrules, c->nmirrors, c->ndevices, c->nchains);
	if (errors.len > 0)
		fputs(errors.s, stderr);
	conf_unref(c);
	text_free(&errors);
	return r == 0 ? EXIT_DONE : EXIT_WRONG;
}
