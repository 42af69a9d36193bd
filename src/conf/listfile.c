/*
 * Reads list files of up to some million entries.
 */
#include "conf/listfile.h"

#include <stdlib.h>
#include <string.h>

#include "conf/except.h"
#include "conf/lines.h"
#include "conf/pattern.h"
#include "util/err.h"
#include "util/mem.h"

#define LIST_PROBLEMS	20	/* shown for one file */
#define ADDRESS_MAX	64	/* of IPv6, with its length */

struct reader {
	struct conf_named_list *list;
	struct problems	*problems;
	unsigned	 order, told;
	struct conf_named_list except;	/* its addresses: those with "!" */
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

int
listfile_prefix(const char *s, size_t len, struct prefix *p)
{
	char text[ADDRESS_MAX + 1];

	if (len > ADDRESS_MAX)
		return ERR_FORMAT;
	memcpy(text, s, len);
	text[len] = '\0';
	return prefix_parse(p, text);
}

void
listfile_add_name(struct conf_named_list *list, const char *pattern, size_t n)
{
	text_add(&list->names, pattern, n + 1);
	list->nnames++;
}

/* Room is for 16, and then for a power of two. */
void
listfile_add_address(struct conf_named_list *list, const struct prefix *p)
{
	size_t n = list->naddresses;

	if (n == 0 || (n >= 16 && (n & (n - 1)) == 0))
		list->addresses = xrealloc(list->addresses,
		    (n == 0 ? 16 : 2 * n) * sizeof(*list->addresses));
	list->addresses[list->naddresses++] = *p;
}

static int
list_address(struct reader *r, const char *s, size_t len, struct conf_pos pos)
{
	struct conf_named_list *list = r->list;
	int except = len > 0 && s[0] == '!';
	struct prefix p;

	if (listfile_prefix(s + except, len - (size_t)except, &p) != 0)
		return 0;
	listfile_add_address(except ? &r->except : list, &p);
	if (list->odd.line == 0) {
		list->odd_prefix = p;
		prefix_mask(&p);
		if (memcmp(p.ip, list->odd_prefix.ip, sizeof(p.ip)) != 0)
			list->odd = pos;
	}
	return 1;
}

static void
list_line(struct reader *r, const char *s, const char *end,
    struct conf_pos pos)
{
	char entry[PATTERN_MAX + 1];
	size_t len = (size_t)(end - s), n;

	if ((n = pattern_canon(entry, s, len, 1)) > 0)
		listfile_add_name(r->list, entry, n);
	else if (!list_address(r, s, len, pos))
		list_problem(r, pos, s, len);
}

/* Without those that are excepted. */
static void
list_except(struct reader *r)
{
	struct conf_named_list *list = r->list;
	struct prefix *all = list->addresses;

	if (r->except.naddresses == 0)
		return;
	list->addresses = prefixes_without(all, list->naddresses,
	    r->except.addresses, r->except.naddresses, &list->naddresses);
	free(all);
	free(r->except.addresses);
}

void
listfile_parse(struct conf_named_list *list, const char *s, size_t len,
    struct problems *problems, unsigned order)
{
	struct reader r = { list, problems, order, 0, { 0 } };
	const char *from, *to;
	struct conf_pos pos;
	struct lines lines;

	lines_init(&lines, s, len);
	while (lines_next(&lines, &from, &to, &pos))
		list_line(&r, from, to, pos);
	list_except(&r);
	text_fit(&list->names);		/* most memory of a large one */
	if (r.told > LIST_PROBLEMS)
		problem_add(problems, list->path, order,
		    (struct conf_pos){ lines.next, 1 },
		    "and %u more such lines", r.told - LIST_PROBLEMS);
}
