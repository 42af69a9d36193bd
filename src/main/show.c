/*
 * Shows JSON. Its texts may come from a peer, so nothing is printed that a
 * terminal would take as a command.
 */
#include "main/show.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/text.h"

#define COLUMNS	24	/* of a table, at most */

static void	show_members(FILE *, const json_t *, const char *prefix);

/* A value as text; the caller frees. Controls, C1 too, become '?'. */
static char *
value_text(const json_t *v)
{
	unsigned char *p;
	char *s;

	if (json_is_string(v))
		s = xstrdup(json_string_value(v));
	else if (json_is_true(v) || json_is_false(v))
		s = xstrdup(json_is_true(v) ? "yes" : "no");
	else if (json_is_integer(v))
		s = xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		s = xstrdup("-");
	if (s[0] == '\0') {
		free(s);
		s = xstrdup("-");
	}
	for (p = (unsigned char *)s; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f ||
		    (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			*p = '?';
	return s;
}

static void
show_row(FILE *out, char *const *cells, const size_t *width, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fprintf(out, i + 1 < n ? "%-*s  " : "%*s", i + 1 < n ?
		    (int)width[i] : 0, cells[i]);
	fputc('\n', out);
}

/* Show objects as a table. The members of the first are the columns. */
static void
show_table(FILE *out, const json_t *rows)
{
	char **cells, *names[COLUMNS];
	size_t width[COLUMNS] = { 0 }, n = 0, r, i, nrows;
	const json_t *first = json_array_get(rows, 0);
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)first, key, v)
		if (n < COLUMNS) {
			names[n] = (char *)key;
			width[n++] = strlen(key);
		}
	nrows = json_array_size(rows);
	cells = xcalloc(nrows * n, sizeof(*cells));
	for (r = 0; r < nrows; r++)
		for (i = 0; i < n; i++) {
			cells[r * n + i] = value_text(json_object_get(
			    json_array_get(rows, r), names[i]));
			if (strlen(cells[r * n + i]) > width[i])
				width[i] = strlen(cells[r * n + i]);
		}
	show_row(out, names, width, n);
	for (r = 0; r < nrows; r++)
		show_row(out, cells + r * n, width, n);
	for (i = 0; i < nrows * n; i++)
		free(cells[i]);
	free(cells);
}

static void
show_member(FILE *out, const char *name, const json_t *v)
{
	char *s;

	if (json_is_object(v)) {
		show_members(out, v, name);
	} else if (json_is_array(v)) {
		if (json_array_size(v) == 0)
			return;
		fprintf(out, "\n%s:\n", name);
		show_table(out, v);
	} else {
		s = value_text(v);
		fprintf(out, "%-32s %s\n", name, s);
		free(s);
	}
}

static void
show_members(FILE *out, const json_t *o, const char *prefix)
{
	const char *key;
	json_t *v;
	char *name;

	json_object_foreach((json_t *)o, key, v) {
		name = xasprintf("%s%s%s", prefix, prefix[0] != '\0' ? "." :
		    "", key);
		show_member(out, name, v);
		free(name);
	}
}

void
show_json(FILE *out, const json_t *o)
{
	show_members(out, o, "");
}
