/*
 * Reads a file of tags.
 */
#include "conf/tagfile.h"

#include <stdlib.h>
#include <string.h>

#include "codec/slice.h"
#include "conf/group.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mac.h"
#include "util/mem.h"

#define FILE_MAX	((size_t)16 << 20)
#define TAGGED_MAX	65536		/* of all endpoints together */
#define PROBLEMS_MAX	20		/* shown of one file */
#define ORDER		100000		/* behind the files of lists */

struct reader {
	struct load	*l;
	const char	*path;
	struct conf_tagfile *file;
	size_t		 cap, told;
};

static void
line_bad(struct reader *r, unsigned line, size_t column, const char *what)
{
	struct conf_pos pos = { line, (unsigned)column };

	if (r->told++ < PROBLEMS_MAX)
		problem_add(&r->l->problems, r->path, ORDER, pos, "%s", what);
}

/* The next word of a line, without what is blank around it. */
static struct slice
word_next(struct slice *s)
{
	struct slice w;

	*s = slice_trim(*s);
	for (w = *s, w.len = 0; w.len < s->len && !is_blank(s->p[w.len]);
	    w.len++)
		continue;
	s->p += w.len;
	s->len -= w.len;
	return w;
}

/* As it is kept: "02:00:5e:00:00:07", "10.0.0.7"; or NULL. */
static char *
who_text(struct slice w)
{
	char text[ADDR_STRLEN], *s = xstrndup(w.p, w.len);
	uint8_t mac[MAC_LEN];
	struct addr a;
	int ok = 1;

	if (mac_parse(mac, s) == 0)
		mac_str(mac, text);
	else if ((ok = addr_parse_ip(&a, s) == 0))
		addr_ip_str(&a, text);
	free(s);
	return ok ? xstrdup(text) : NULL;
}

static void
tagged_add(struct reader *r, const char *who, char *tag)
{
	struct conf_tagfile *f = r->file;

	if (f->n == r->cap) {
		r->cap = r->cap == 0 ? 16 : 2 * r->cap;
		f->v = xrealloc(f->v, r->cap * sizeof(*f->v));
	}
	f->v[f->n].who = xstrdup(who);
	f->v[f->n++].tag = tag;
}

static void
line_read(struct reader *r, struct slice s, unsigned line)
{
	const char *start = s.p;
	struct slice w;
	char *who, *tag;

	if (s.len > 0 && s.p[s.len - 1] == '\r')
		s.len--;
	w = word_next(&s);
	if (w.len == 0 || w.p[0] == '#')
		return;
	if ((who = who_text(w)) == NULL) {
		line_bad(r, line, (size_t)(w.p - start) + 1, "this is no "
		    "endpoint; write an address or a MAC address, and behind "
		    "it its tags");
		return;
	}
	while ((w = word_next(&s)).len > 0 && w.p[0] != '#') {
		tag = xstrndup(w.p, w.len);
		if (conf_tag_valid(tag)) {
			tagged_add(r, who, tag);
			continue;
		}
		free(tag);
		line_bad(r, line, (size_t)(w.p - start) + 1, "this is no tag; "
		    "write letters, digits, \"-\", \"_\" and \".\"");
	}
	free(who);
}

static int
tagged_order(const void *a, const void *b)
{
	const struct conf_tagged *x = a, *y = b;
	int n = strcmp(x->who, y->who);

	return n != 0 ? n : strcmp(x->tag, y->tag);
}

static void
tagged_drop(struct conf_tagged *t)
{
	free(t->who);
	free(t->tag);
}

/* In order, and each once. */
static void
file_sort(struct conf_tagfile *f)
{
	size_t i, n = 0;

	if (f->n > 0)
		qsort(f->v, f->n, sizeof(*f->v), tagged_order);
	for (i = 0; i < f->n; i++)
		if (n > 0 && tagged_order(&f->v[n - 1], &f->v[i]) == 0)
			tagged_drop(&f->v[i]);
		else
			f->v[n++] = f->v[i];
	f->n = n;
}

static void
file_read(struct reader *r, yaml_node_t *n, struct slice s)
{
	struct slice line;
	unsigned number = 0;

	while (slice_cut(&s, '\n', &line))
		line_read(r, line, ++number);
	line_read(r, s, ++number);
	file_sort(r->file);
	if (r->file->n > TAGGED_MAX)
		load_problem(r->l, n, "\"%.256s\" has more than %d tags; take "
		    "some out", r->path, TAGGED_MAX);
}

static void
tagfile_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct reader r = { .l = l, .file = field };
	struct text t = { 0 };
	int rv;

	if ((r.path = node_text(l, k->name, n)) == NULL)
		return;
	load_file(l, r.path);
	if (l->world->read == NULL)
		return;
	if ((rv = l->world->read(r.path, FILE_MAX, &t)) != 0)
		load_problem(l, n, "cannot read \"%.256s\": %s; make it, with "
		    "lines such as \"10.0.0.7 printer\"", r.path,
		    err_str(rv));
	else
		file_read(&r, n, slice_of(t.s, t.len));
	text_free(&t);
}

static void
tagfile_drop(const struct key *k, void *field)
{
	struct conf_tagfile *f = field;
	size_t i;

	for (i = 0; i < f->n; i++)
		tagged_drop(&f->v[i]);
	free(f->v);
	memset(f, 0, sizeof(*f));
}

static int
tagfile_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_tagfile *f = a, *g = b;
	size_t i;

	for (i = 0; i < f->n && i < g->n; i++)
		if (tagged_order(&f->v[i], &g->v[i]) != 0)
			break;
	return i == f->n && i == g->n;
}

const struct type type_tagfile = { NULL, tagfile_set, tagfile_drop,
	.same = tagfile_same };
