/*
 * Reads YAML nodes by tables. Reading goes on after a problem, so that one run
 * finds them all.
 */
#include "conf/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#define MAP_MAX		1000	/* keys in one mapping */
#define LIST_MAX	1000	/* elements, where the table says nothing */
#define NEAREST_MAX	64	/* names compared, and their length */

static void	map_set(struct load *, const struct key *, yaml_node_t *,
		    void *);
static void	map_drop(const struct key *, void *);
static void	short_set(struct load *, const struct key *, yaml_node_t *,
		    void *);
static void	list_set(struct load *, const struct key *, yaml_node_t *,
		    void *);
static void	list_drop(const struct key *, void *);
static int	map_same(const struct key *, const void *, const void *);
static int	list_same(const struct key *, const void *, const void *);

const struct type type_later = { NULL };
const struct type type_map = { NULL, map_set, map_drop, .same = map_same };
const struct type type_short = { NULL, short_set, map_drop, .same = map_same };
const struct type type_list = { NULL, list_set, list_drop, .same = list_same };

struct conf_pos
node_pos(const yaml_node_t *n)
{
	struct conf_pos pos;

	pos.line = (unsigned)n->start_mark.line + 1;
	pos.column = (unsigned)n->start_mark.column + 1;
	return pos;
}

void
load_problem(struct load *l, yaml_node_t *n, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	problem_add(&l->problems, l->path, 0, node_pos(n), "%s", s);
	free(s);
}

static const char *
node_kind(const yaml_node_t *n)
{
	switch (n->type) {
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	default:
		return "a single value";
	}
}

/* `key:` with nothing after it. */
static int
node_empty(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE &&
	    n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    n->data.scalar.length == 0;
}

/* The text of a scalar, or NULL if it has a NUL inside. */
static const char *
scalar(const yaml_node_t *n)
{
	const char *s = (const char *)n->data.scalar.value;

	if (n->type != YAML_SCALAR_NODE || strlen(s) != n->data.scalar.length)
		return NULL;
	return s;
}

const char *
node_text(struct load *l, const char *what, yaml_node_t *n)
{
	const char *s = scalar(n);

	if (s == NULL && n->type != YAML_SCALAR_NODE)
		load_problem(l, n, "\"%s\" is a single value, not %s", what,
		    node_kind(n));
	else if (s == NULL)
		load_problem(l, n, "\"%s\" has a NUL character in it; "
		    "take it out", what);
	return s;
}

/* The Levenshtein distance of two short names, row by row. */
static size_t
distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), i, j, up, diag, d;
	size_t row[NEAREST_MAX + 1];

	if (la > NEAREST_MAX || lb > NEAREST_MAX)
		return NEAREST_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			up = row[j];
			d = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < d)
				d = up + 1;
			if (row[j - 1] + 1 < d)
				d = row[j - 1] + 1;
			diag = up;
			row[j] = d;
		}
	}
	return row[lb];
}

const char *
nearest(const char *s, const char *const *names, size_t n)
{
	size_t i, d, len = strlen(s), best = 1 + len / 3;
	const char *found = NULL;

	for (i = 0; i < n; i++) {
		d = distance(s, names[i]);
		if (d < len &&
		    (d < best || (d == best && found == NULL))) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

yaml_node_t *
node_key(struct load *l, yaml_node_t *map, const char *name)
{
	yaml_node_pair_t *p = map->data.mapping.pairs.start;
	const char *s;

	for (; p < map->data.mapping.pairs.top; p++) {
		s = scalar(yaml_document_get_node(&l->doc, p->key));
		if (s != NULL && strcmp(s, name) == 0)
			return yaml_document_get_node(&l->doc, p->key);
	}
	return NULL;
}

yaml_node_t *
node_get(struct load *l, yaml_node_t *map, const char *name)
{
	yaml_node_pair_t *p = map->data.mapping.pairs.start;
	const char *s;

	for (; p < map->data.mapping.pairs.top; p++) {
		s = scalar(yaml_document_get_node(&l->doc, p->key));
		if (s != NULL && strcmp(s, name) == 0)
			return yaml_document_get_node(&l->doc, p->value);
	}
	return NULL;
}

static void
unknown_key(struct load *l, const struct map *m, yaml_node_t *n,
    const char *name)
{
	const char *names[NEAREST_MAX], *near;
	struct text all = { 0 };
	size_t i;

	for (i = 0; m->keys[i].name != NULL && i < NEAREST_MAX; i++) {
		names[i] = m->keys[i].name;
		if (m->keys[i].type != &type_later)
			text_printf(&all, "%s%s", all.len > 0 ? ", " : "",
			    names[i]);
	}
	near = nearest(name, names, i);
	if (near != NULL)
		load_problem(l, n, "unknown key \"%.64s\", did you mean "
		    "\"%s\"?", name, near);
	else
		load_problem(l, n, "unknown key \"%.64s\"; the keys of %s are "
		    "%s", name, m->what, all.s != NULL ? all.s : "none");
	text_free(&all);
}

static const struct key *
key_find(const struct map *m, const char *name)
{
	const struct key *k;

	for (k = m->keys; k->name != NULL; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

/* Check that each key is known, available, given once, and has a value. */
static void
check_keys(struct load *l, const struct map *m, yaml_node_t *map)
{
	yaml_node_pair_t *p = map->data.mapping.pairs.start;
	yaml_node_t *n, *first;
	const struct key *k;
	const char *name;

	for (; p < map->data.mapping.pairs.top; p++) {
		n = yaml_document_get_node(&l->doc, p->key);
		if ((name = node_text(l, "key", n)) == NULL)
			continue;
		first = node_key(l, map, name);
		if (first != n)
			load_problem(l, n, "\"%.64s\" is given twice; the "
			    "first is in line %u", name, node_pos(first).line);
		else if ((k = key_find(m, name)) == NULL)
			unknown_key(l, m, n, name);
		else if (k->type == &type_later)
			load_problem(l, n, "\"%s\" is not available in this "
			    "version; take it out", name);
		else if (node_empty(yaml_document_get_node(&l->doc, p->value)))
			load_problem(l, n, "\"%s\" has no value; give it one "
			    "or take it out", name);
	}
}

/* What to do about a path that does not exist. */
static void
path_mend(const struct key *k, const char *path, struct text *t)
{
	char *dir;

	if (k->flags & KEY_CA) {
		dir = xdirname(path);
		text_printf(t, "make a CA with \"clearspan ca create --dir "
		    "%.256s\" (its files are ca.pem and ca.key)", dir);
		free(dir);
	} else
		text_puts(t, "write the path of one that is there, or take "
		    "the key out");
}

/* Some paths must exist already. */
static void
check_path(struct load *l, const struct key *k, yaml_node_t *n,
    const char *path)
{
	struct text mend = { 0 };

	if (!(k->flags & (KEY_EXISTS | KEY_SYSTEM)) ||
	    l->world->exists == NULL)
		return;
	if ((k->flags & KEY_SYSTEM) && strcmp(path, "system") == 0)
		return;
	if (l->world->exists(path) == 0)
		return;
	path_mend(k, path, &mend);
	load_problem(l, n, "\"%s\": no such file \"%.256s\" (%s); %s",
	    k->name, path, err_str(ERR_SYS), mend.s);
	text_free(&mend);
}

static void
set_value(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct text why = { 0 };
	const char *s;

	if (k->type->set != NULL) {
		k->type->set(l, k, n, field);
		return;
	}
	if ((s = node_text(l, k->name, n)) == NULL)
		return;
	if (k->type->drop != NULL)
		k->type->drop(k, field);	/* the default */
	if (k->type->parse(l, k, s, field, &why) != 0)
		load_problem(l, n, "%s", why.s);
	else
		check_path(l, k, n, s);
	text_free(&why);
}

void
schema_defaults(struct load *l, const struct map *m, void *base)
{
	struct text why = { 0 };
	const struct key *k;

	for (k = m->keys; k->name != NULL; k++) {
		if (k->def != NULL &&
		    k->type->parse(l, k, k->def, (char *)base + k->offset,
		    &why) != 0)
			abort();	/* a table is wrong */
		if (k->type == &type_map)
			schema_defaults(l, k->arg, (char *)base + k->offset);
	}
}

void
schema_map(struct load *l, const struct map *m, yaml_node_t *n, void *base)
{
	const struct key *k;
	yaml_node_t *v;

	if (n->type != YAML_MAPPING_NODE) {
		load_problem(l, n, "%s is a mapping (\"key: value\"), not %s",
		    m->what, node_kind(n));
		return;
	}
	if (n->data.mapping.pairs.top - n->data.mapping.pairs.start > MAP_MAX) {
		load_problem(l, n, "too many keys in %s; at most %d", m->what,
		    MAP_MAX);
		return;
	}
	check_keys(l, m, n);
	for (k = m->keys; k->name != NULL; k++) {
		v = node_get(l, n, k->name);
		if (v == NULL && (k->flags & KEY_REQUIRED))
			load_problem(l, n, "%s needs \"%s\"; write %s",
			    m->what, k->name, k->hint);
		if (v != NULL && k->type != &type_later && !node_empty(v))
			set_value(l, k, v, (char *)base + k->offset);
		if (k->given != 0)
			*(int *)(void *)((char *)base + k->given) = v != NULL;
	}
	if (m->after != NULL)
		m->after(l, n, base);
}

void
text_drop(const struct key *k, void *field)
{
	free(*(char **)field);
	*(char **)field = NULL;
}

void
schema_drop(const struct map *m, void *base)
{
	const struct key *k;

	for (k = m->keys; k->name != NULL; k++)
		if (k->type->drop != NULL)
			k->type->drop(k, (char *)base + k->offset);
}

static void
map_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	schema_map(l, k->arg, n, field);
}

static void
map_drop(const struct key *k, void *field)
{
	schema_drop(k->arg, field);
}

static void
short_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	const struct map *m = k->arg;
	struct key first = m->keys[0];

	schema_defaults(l, m, field);
	first.name = k->name;
	if (n->type == YAML_MAPPING_NODE)
		schema_map(l, m, n, field);
	else
		set_value(l, &first, n, (char *)field + first.offset);
}

static void
list_item(struct load *l, const struct key *k, yaml_node_t *n, void *elem)
{
	struct key item = ((const struct listof *)k->arg)->item;

	item.name = k->name;
	if (item.type == &type_map)
		schema_defaults(l, item.arg, elem);
	set_value(l, &item, n, elem);
}

size_t
node_count(const yaml_node_t *n)
{
	return n->type != YAML_SEQUENCE_NODE ? 1 : (size_t)
	    (n->data.sequence.items.top - n->data.sequence.items.start);
}

yaml_node_t *
node_item(struct load *l, yaml_node_t *n, size_t i)
{
	return n->type != YAML_SEQUENCE_NODE ? n : yaml_document_get_node(
	    &l->doc, n->data.sequence.items.start[i]);
}

static void
list_fill(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	const struct listof *of = k->arg;
	size_t count = node_count(n);
	struct vec vec = { NULL, 0 };

	if (count == 0)
		return;			/* leaves it NULL */
	vec.v = xcalloc(count, of->size);
	while (vec.n < count) {
		vec.n++;	/* counted first: an element may look back */
		memcpy(field, &vec, sizeof(vec));
		list_item(l, k, node_item(l, n, vec.n - 1),
		    (char *)vec.v + (vec.n - 1) * of->size);
	}
}

static void
list_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	const struct listof *of = k->arg;
	size_t max = k->max != 0 ? (size_t)k->max : LIST_MAX;

	if (node_count(n) > max) {
		load_problem(l, n, "too many entries in \"%s\"; at most %zu",
		    k->name, max);
	} else if (n->type == YAML_SEQUENCE_NODE ||
	    (n->type == YAML_MAPPING_NODE && (of->item.flags & KEY_ALONE)) ||
	    (n->type == YAML_SCALAR_NODE && of->item.type != &type_map)) {
		list_drop(k, field);
		list_fill(l, k, n, field);
	} else
		load_problem(l, n, "\"%s\" is a list; write %s", k->name,
		    of->item.type == &type_map ?
		    "each entry after a \"- \"" : "[a, b, c]");
}

static void
list_drop(const struct key *k, void *field)
{
	const struct listof *of = k->arg;
	struct vec vec;
	size_t i;

	memcpy(&vec, field, sizeof(vec));
	for (i = 0; of->item.type->drop != NULL && i < vec.n; i++)
		of->item.type->drop(&of->item, (char *)vec.v + i * of->size);
	free(vec.v);
	memset(field, 0, sizeof(vec));
}

/* Whether the fields of two structs are the same. */
static int
key_same(const struct key *k, const char *a, const char *b)
{
	const struct type *t = k->type;
	const char *s, *r;

	if (k->given != 0 && memcmp(a + k->given, b + k->given,
	    sizeof(int)) != 0)
		return 0;
	a += k->offset;
	b += k->offset;
	if (t->same != NULL || t->size > 0)
		return t->same != NULL ? t->same(k, a, b) :
		    memcmp(a, b, t->size) == 0;
	if (t->drop != text_drop)
		return t == &type_later;
	s = *(char *const *)(const void *)a;
	r = *(char *const *)(const void *)b;
	return s == NULL || r == NULL ? s == r : strcmp(s, r) == 0;
}

int
schema_same(const struct map *m, const char *key, const void *a, const void *b)
{
	size_t n = key != NULL ? strcspn(key, ".") : 0;
	const struct key *k;
	int same = 1;

	for (k = m->keys; k->name != NULL; k++) {
		if (key != NULL && (strlen(k->name) != n ||
		    strncmp(k->name, key, n) != 0))
			continue;
		if (key != NULL && key[n] == '.')
			return schema_same(k->arg, key + n + 1,
			    (const char *)a + k->offset,
			    (const char *)b + k->offset);
		same &= key_same(k, a, b);
	}
	return same;
}

static int
map_same(const struct key *k, const void *a, const void *b)
{
	return schema_same(k->arg, NULL, a, b);
}

static int
list_same(const struct key *k, const void *a, const void *b)
{
	const struct listof *of = k->arg;
	struct vec x, y;
	size_t i;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	for (i = 0; x.n == y.n && i < x.n; i++)
		if (!key_same(&of->item, (char *)x.v + i * of->size,
		    (char *)y.v + i * of->size))
			return 0;
	return x.n == y.n;
}
