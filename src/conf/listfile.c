/*
 * Reads list files of up to some million entries.
 */
#include "conf/listfile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/pattern.h"
#include "util/mem.h"

#define LIST_PROBLEMS	20	/* shown for one file */
#define ADDRESS_MAX	64	/* of IPv6, with its length */

struct reader {
	struct conf_named_list *list;
	struct problems	*problems;
	size_t		 cap;
	unsigned	 order, told;
};

static void
list_problem(struct reader *r, struct conf_pos pos, const char *s, size_t len)
{
	if (r->told++ < LIST_PROBLEMS)
		problem_add(r->problems, r->list->path, r->order, pos,
		    "\"%.*s\" is not a name or address; write example.com, "
		    "=example.com, *.example.com, !www.example.com or "
		    "10.0.0.0/8, one a line", len > 64 ? 64 : (int)len, s);
}

static int
list_address(struct reader *r, const char *s, size_t len, struct conf_pos pos)
{
	struct conf_named_list *list = r->list;
	char text[ADDRESS_MAX + 1];
	struct prefix p;

	if (len > ADDRESS_MAX)
		return 0;
	memcpy(text, s, len);
	text[len] = '\0';
	if (prefix_parse(&p, text) != 0)
		return 0;
	if (list->naddresses == r->cap) {
		r->cap = r->cap == 0 ? 16 : r->cap * 2;
		list->addresses = xrealloc(list->addresses,
		    r->cap * sizeof(*list->addresses));
	}
	list->addresses[list->naddresses++] = p;
	if (list->odd.line == 0) {
		list->odd_prefix = p;
		prefix_mask(&p);
		if (memcmp(p.ip, list->odd_prefix.ip, sizeof(p.ip)) != 0)
			list->odd = pos;
	}
	return 1;
}

/* One line, without its end and its comment. */
static void
list_line(struct reader *r, const char *s, const char *end, unsigned line)
{
	char entry[PATTERN_MAX + 1];
	struct conf_pos pos = { line, 1 };
	const char *start = s;
	size_t n;

	while (s < end && isspace((unsigned char)*s))
		s++;
	while (s < end && isspace((unsigned char)end[-1]))
		end--;
	if (s == end)
		return;
	pos.column = (unsigned)(s - start) + 1;
	if ((n = pattern_canon(entry, s, (size_t)(end - s), 1)) > 0) {
		text_add(&r->list->names, entry, n + 1);
		r->list->nnames++;
	} else if (!list_address(r, s, (size_t)(end - s), pos)) {
		list_problem(r, pos, s, (size_t)(end - s));
	}
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
	text_fit(&list->names);		/* most memory of a large one */
	if (r.told > LIST_PROBLEMS)
		problem_add(problems, list->path, order,
		    (struct conf_pos){ line, 1 }, "and %u more such lines",
		    r.told - LIST_PROBLEMS);
}
