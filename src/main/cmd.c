/*
 * What all subcommands share: their usage, and the default directory.
 */
#include "main/cmd.h"

#include <stdarg.h>
#include <stdlib.h>

#include "util/mem.h"

static const struct command *current;

void
cmd_begin(const struct command *c)
{
	current = c;
}

void
cmd_show_usage(FILE *out)
{
	fprintf(out, "usage: clearspan %s %s\n", current->name, current->args);
}

int
cmd_usage(const char *name, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "clearspan: %s: ", name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	cmd_show_usage(stderr);
	return EXIT_WRONG;
}

char *
cmd_default_dir(void)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (data != NULL && data[0] == '/')
		return xasprintf("%s/clearspan", data);
	return xasprintf("%s/.local/share/clearspan",
	    home != NULL && home[0] == '/' ? home : "/root");
}
