/*
 * Reads list files of up to some million entries.
 */
#include "conf/listfile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"
#include "util/mem.h"

#define LIST_PROBLEMS	20	/* shown for one file */
#define ENTRY_MAX	256	/* a name has 253 */

struct reader {
	struct conf_named_list *list;
	struct problems	*problems;
	size_t		 cap;
	unsigned	 order, told;
};

static void
list_problem(struct reader *r, struct conf_pos pos, const char *s)
{
	if (r->told++ >= LIST_PROBLEMS)
		return;
	if (name_unicode(s))
		problem_add(r->problems, r->list->path, r->order, pos,
		    "\"%.64s\": " NAME_IDN, s);
	else
		problem_add(r->problems, r->list->path, r->order, pos,
		    "\"%.64s\" is not a name or address; write example.com, "
		    "*.example.com or 10.0.0.0/8, one a line", s);
}

static void
list_add(struct reader *r, char *s)
{
	struct conf_list *e = &r->list->entries;

	if (e->n == r->cap) {
		r->cap = r->cap == 0 ? 16 : r->cap * 2;
		e->v = xrealloc(e->v, r->cap * sizeof(*e->v));
	}
	e->v[e->n++] = s;
}

/* One line, without its end and its comment. */
static void
list_line(struct reader *r, const char *s, const char *end, unsigned line)
{
	char entry[ENTRY_MAX + 1], *e = entry;
	struct conf_pos pos = { line, 1 };
	const char *start = s;
	struct prefix p;

	while (s < end && isspace((unsigned char)*s))
		s++;
	while (s < end && isspace((unsigned char)end[-1]))
		end--;
	if (s == end)
		return;
	pos.column = (unsigned)(s - start) + 1;
	if (end - s > ENTRY_MAX || memchr(s, '\0', (size_t)(end - s))) {
		list_problem(r, pos, "(this line)");
		return;
	}
	memcpy(entry, s, (size_t)(end - s));
	entry[end - s] = '\0';
	if (prefix_parse(&p, entry) == 0) {
		r->list->naddresses++;
		list_add(r, xstrdup(entry));
		return;
	}
	if (entry[0] == '.')		/* squid's spelling of "*." */
		e++;
	if (name_valid(e, e == entry))
		list_add(r, name_lower(e));
	else
		list_problem(r, pos, entry);
}

void
listfile_parse(struct conf_named_list *list, const char *s, size_t len,
    struct problems *problems, unsigned order)
{
	struct reader r = { list, problems, 0, order, 0 };
	const char *end = s + len, *eol, *hash;
	unsigned line = 1;

	if (len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		s += 3;			/* a byte order mark */
	for (; s < end; s = eol + 1, line++) {
		eol = memchr(s, '\n', (size_t)(end - s));
		if (eol == NULL)
			eol = end;
		hash = memchr(s, '#', (size_t)(eol - s));
		list_line(&r, s, hash != NULL ? hash : eol, line);
	}
	if (r.told > LIST_PROBLEMS)
		problem_add(problems, list->path, order,
		    (struct conf_pos){ line, 1 }, "and %u more such lines",
		    r.told - LIST_PROBLEMS);
}
