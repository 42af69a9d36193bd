/*
 * Feeds of categories. What is read becomes a list of names and addresses for
 * each category, whichever of the feeds had them. A feed is a file of
 * "NAME CATEGORY ..."; a file all of which is of one category, a name a line or
 * as hosts(5); or a directory of such: CATEGORY/domains.
 *
 * Whoever makes a feed is seldom whoever reads it. So a line that is no name is
 * left out, and warned of; if more than one line in a hundred is so, the file
 * is not what it should be, and an error.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/lines.h"
#include "conf/listfile.h"
#include "conf/pattern.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

#define FEED_MAX	((size_t)256 << 20)	/* some ten million names */
#define CATEGORIES_MAX	1000
#define CATEGORY_LEN	63
#define SLOTS		4096	/* a power of two, well over the categories */
#define SHOWN		20	/* lines told of, for one file */

#define F(member)	offsetof(struct conf_feed, member)
static const struct key feed_keys[] = {
	{ "file", &type_text, F(file), .flags = KEY_REQUIRED,
	    .hint = "the path of a file, or of a directory" },
	{ "category", &type_text, F(category) },
	{ NULL }
};
#undef F
static const struct map map_feed = { "a feed", feed_keys, NULL };
const struct listof feed_list = {
	sizeof(struct conf_feed),
	{ "categories", &type_short, .arg = &map_feed }
};

struct odd {			/* a line that is left out */
	struct conf_pos	 pos;
	char		 text[65];
};

struct feeds {			/* one reading of all */
	struct load	*l;
	uint16_t	 slots[SLOTS];	/* 1 + an index of conf.categories */
	/* the file */
	const char	*path;
	struct conf_named_list *all;	/* the category of all of it, or NULL */
	struct odd	 odd[SHOWN];
	unsigned	 lines, nodd;
};

struct word_at {
	const char	*s;
	size_t		 n;
};

/* A category's name in lower case; 0, or ERR_FORMAT. */
static int
category_canon(char out[CATEGORY_LEN + 1], const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < CATEGORY_LEN; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '_')
			return ERR_FORMAT;
		out[i] = (char)tolower((unsigned char)s[i]);
	}
	out[i] = '\0';
	return i > 0 && i == n ? 0 : ERR_FORMAT;
}

/* The category of that name, found or made; an index, or ERR_*. */
static int
category_index(struct feeds *f, const char *s, size_t n)
{
	struct conf *c = f->l->conf;
	char name[CATEGORY_LEN + 1];
	size_t at;

	if (category_canon(name, s, n) != 0 || strcmp(name, "unknown") == 0)
		return ERR_FORMAT;
	for (at = hash_fold(hash_bytes(HASH_START, name, n)) % SLOTS;
	    f->slots[at] != 0;
	    at = (at + 1) % SLOTS)
		if (strcmp(c->categories[f->slots[at] - 1].name, name) == 0)
			return f->slots[at] - 1;
	if (c->ncategories == CATEGORIES_MAX)
		return ERR_LIMIT;
	if (c->categories == NULL)
		c->categories = xcalloc(CATEGORIES_MAX,
		    sizeof(*c->categories));
	c->categories[c->ncategories].name = xstrdup(name);
	f->slots[at] = (uint16_t)++c->ncategories;
	return f->slots[at] - 1;
}

/* The next word of a line, at any of these separators. 0: there is none. */
static int
word_next(const char **s, const char *end, struct word_at *w)
{
	while (*s < end && (isspace((unsigned char)**s) || **s == ',' ||
	    **s == ';'))
		++*s;
	for (w->s = *s; *s < end && !isspace((unsigned char)**s) &&
	    **s != ',' && **s != ';'; ++*s)
		;
	w->n = (size_t)(*s - w->s);
	return w->n > 0;
}

/* Put a name or an address into a category. */
static int
feed_take(struct conf_named_list *list, const struct word_at *w)
{
	char pattern[PATTERN_MAX + 1];
	struct prefix p;
	size_t n;

	if ((n = pattern_canon(pattern, w->s, w->n, 1)) > 0)
		listfile_add_name(list, pattern, n);
	else if (listfile_prefix(w->s, w->n, &p) == 0)
		listfile_add_address(list, &p);
	else
		return ERR_FORMAT;
	return 0;
}

/* The names behind an address in hosts(5); those of the host itself, which
 * have no dot, and addresses are no sites. */
static int
feed_hosts(struct feeds *f, const char *s, const char *end)
{
	struct word_at w;
	struct prefix p;
	int rv = 0;

	while (rv == 0 && word_next(&s, end, &w))
		if (memchr(w.s, '.', w.n) != NULL &&
		    listfile_prefix(w.s, w.n, &p) != 0)
			rv = feed_take(f->all, &w);
	return rv;
}

/* A line of a file that is all of one category, behind its first word. */
static int
feed_listed(struct feeds *f, const struct word_at *first, const char *s,
    const char *end)
{
	struct prefix p;

	while (s < end && isspace((unsigned char)*s))
		s++;
	if (s == end)
		return feed_take(f->all, first);
	return listfile_prefix(first->s, first->n, &p) == 0 ||
	    memchr(first->s, ':', first->n) != NULL ?
	    feed_hosts(f, s, end) : ERR_FORMAT;
}

static int
feed_line(struct feeds *f, const char *s, const char *end)
{
	struct word_at first, w;
	int i, rv = 0, n = 0;

	word_next(&s, end, &first);
	if (f->all != NULL)
		return feed_listed(f, &first, s, end);
	for (; rv == 0 && word_next(&s, end, &w); n++)
		rv = (i = category_index(f, w.s, w.n)) < 0 ? i :
		    feed_take(&f->l->conf->categories[i], &first);
	return rv != 0 ? rv : n == 0 ? ERR_FORMAT : 0;
}

static void
feed_odd(struct feeds *f, const char *s, const char *end,
    struct conf_pos pos)
{
	struct odd *o = &f->odd[f->nodd];
	size_t n = (size_t)(end - s), i;

	if (f->nodd++ >= SHOWN)
		return;
	o->pos = pos;
	n = n < sizeof(o->text) ? n : sizeof(o->text) - 1;
	for (i = 0; i < n; i++)
		o->text[i] = s[i] >= ' ' && s[i] < 0x7f ? s[i] : '?';
	o->text[n] = '\0';
}

static void
feed_lines(struct feeds *f, const char *s, size_t len)
{
	const char *from, *to;
	struct conf_pos pos;
	struct lines lines;

	lines_init(&lines, s, len);
	while (lines_next(&lines, &from, &to, &pos)) {
		f->lines++;
		if (feed_line(f, from, to) != 0)
			feed_odd(f, from, to, pos);
	}
}

/* The lines that were left out are too many. */
static void
feed_broken(struct feeds *f)
{
	struct problems *problems = &f->l->problems;
	unsigned i, order = (unsigned)f->l->conf->nfiles;

	for (i = 0; i < f->nodd && i < SHOWN; i++)
		problem_add(problems, f->path, order, f->odd[i].pos,
		    f->all != NULL ? "\"%s\" is not a name or address; write "
		    "one a line, or lines as in hosts(5)" : "\"%s\" is not a "
		    "name and its categories; write \"example.com finance\", "
		    "of %d categories at most; or say which one all of the "
		    "file has: {file: ..., category: ...}", f->odd[i].text,
		    CATEGORIES_MAX);
	if (f->nodd > SHOWN)
		problem_add(problems, f->path, order, f->odd[SHOWN - 1].pos,
		    "and %u more such lines", f->nodd - SHOWN);
}

static void
feed_end(struct feeds *f)
{
	struct text *out = &f->l->conf->odd_feeds;
	unsigned i;

	if (f->nodd > f->lines / 100) {
		feed_broken(f);
		return;
	}
	for (i = 0; i < f->nodd && i < SHOWN; i++)
		text_printf(out, "%s:%u:%u: warning: \"%s\" is not a name, and "
		    "left out\n", f->path, f->odd[i].pos.line,
		    f->odd[i].pos.column, f->odd[i].text);
}

/* A file, all of which is of that category, or NULL. */
static void
feed_file(struct feeds *f, yaml_node_t *n, const char *path,
    const char *category)
{
	struct text t = { 0 };
	int i = 0, r;

	f->path = path;
	f->lines = f->nodd = 0;
	if (category != NULL)
		i = category_index(f, category, strlen(category));
	if (i >= 0)
		load_file(f->l, path);
	r = i < 0 ? i : f->l->world->read(path, FEED_MAX, &t);
	f->all = category != NULL && i >= 0 ?
	    &f->l->conf->categories[i] : NULL;
	if (i == ERR_LIMIT)
		load_problem(f->l, n, "there are more than %d categories",
		    CATEGORIES_MAX);
	else if (i < 0)
		load_problem(f->l, n, "\"%.64s\" is not a category; write a "
		    "word of letters, digits, \"-\" and \"_\"", category);
	else if (r != 0)
		load_problem(f->l, n, "cannot read \"%.256s\": %s; make it, or "
		    "take the feed out", path, r == ERR_LIMIT ?
		    "it is longer than 256 MiB" : err_str(r));
	feed_lines(f, t.s != NULL ? t.s : "", t.len);
	feed_end(f);
	text_free(&t);
}

/* CATEGORY/domains, for each that is there. */
static void
feed_directory(struct feeds *f, yaml_node_t *n, const char *path,
    const struct text *names)
{
	const struct conf_world *world = f->l->world;
	const char *s = names->s, *end = s + names->len;
	char skip[CATEGORY_LEN + 1];
	struct text file = { 0 };

	for (; s < end; s += strlen(s) + 1) {
		text_clear(&file);
		text_printf(&file, "%s/%s/domains", path, s);
		if (category_canon(skip, s, strlen(s)) == 0 &&
		    world->exists != NULL && world->exists(file.s) == 0)
			feed_file(f, n, file.s, s);
	}
	text_free(&file);
}

static size_t
feeds_count(const struct conf *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->ncategories; i++)
		n += c->categories[i].nnames + c->categories[i].naddresses;
	return n;
}

static void
feed_read(struct feeds *f, yaml_node_t *n, const struct conf_feed *feed)
{
	const struct conf_world *world = f->l->world;
	size_t before = feeds_count(f->l->conf), wrong = f->l->problems.n;
	struct text names = { 0 };

	if (feed->file == NULL || world->read == NULL)
		return;
	if (feed->category == NULL && world->list != NULL &&
	    world->list(feed->file, &names) == 0) {
		load_file(f->l, feed->file);
		text_clear(&names);	/* it may have changed before */
		world->list(feed->file, &names);
		feed_directory(f, n, feed->file, &names);
	} else {
		feed_file(f, n, feed->file, feed->category);
	}
	if (f->l->problems.n == wrong && feeds_count(f->l->conf) == before)
		load_problem(f->l, n, "no name is in \"%.256s\"; fill it (a "
		    "directory has files CATEGORY/domains), or take the feed "
		    "out", feed->file);
	text_free(&names);
}

static void
feeds_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct feeds *f = xcalloc(1, sizeof(*f));
	size_t i;

	f->l = l;
	type_list.set(l, k, n, field);
	for (i = 0; i < l->conf->nfeeds; i++)
		feed_read(f, node_item(l, n, i), &l->conf->feeds[i]);
	for (i = 0; i < l->conf->ncategories; i++)
		text_fit(&l->conf->categories[i].names);
	free(f);
}

static void
feeds_free(const struct key *k, void *field)
{
	type_list.drop(k, field);
}

void
feeds_drop(struct conf *c)
{
	size_t i;

	for (i = 0; i < c->ncategories; i++) {
		free(c->categories[i].name);
		text_free(&c->categories[i].names);
		free(c->categories[i].addresses);
	}
	free(c->categories);
	text_free(&c->odd_feeds);
}

/* Of a rule: one that a feed has. */
static int
category_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	const struct conf *c = l->conf;
	char *name = name_lower(s);
	size_t i;
	int rv = 0;

	if (c->nfeeds == 0) {
		text_puts(why, "\"category\" needs feeds of names and their "
		    "categories; write them under \"categories\"");
		rv = ERR_FORMAT;
	} else if (strcmp(name, "unknown") != 0 && l->world->read != NULL &&
	    l->problems.n == 0) {	/* a feed may be missing */
		rv = ref_find(c->categories, c->ncategories,
		    sizeof(*c->categories), "category", "categories", name,
		    &i, why);
	}
	if (rv == 0)
		*(char **)field = name;
	else
		free(name);
	return rv;
}

const struct type type_feeds = { NULL, feeds_set, feeds_free };
const struct type type_category = { category_parse, NULL, text_drop };
const struct listof rule_categories = {
	sizeof(char *), { NULL, &type_category }
};
