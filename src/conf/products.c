/*
 * Files of products, and the key `products`. A file is read by tables of its
 * own, as a configuration is, and its problems are told with those of that.
 */
#include "conf/products.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/keys.h"
#include "conf/shipped.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define FILE_MAX	((size_t)1 << 20)
#define PRODUCTS_MAX	1000
#define IS_OF		8	/* kinds of lines of one product */
#define ORDER		200000	/* behind the files of lists and users */

static const struct type type_scale, type_range;

static void	check_product(struct load *, yaml_node_t *, void *);

static const struct listof names = {
	sizeof(char *), { NULL, &type_text, .max = 128 }
};

static const struct listof kinds = {
	sizeof(struct conf_is), { NULL, &type_fields, .flags = KEY_ALONE }
};

#define F(member)	offsetof(struct conf_product, member)
static const struct key product_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "the product's name" },
	{ "is", &type_list, F(is), .arg = &kinds, .max = IS_OF },
	{ "endpoint", &type_list, F(endpoint), .arg = &names,
	    .max = PRODUCT_NAMED },
	{ "ends", &type_list, F(ends), .arg = &names, .max = 2 },
	{ "severity", &type_list, F(severity), .arg = &names,
	    .max = PRODUCT_FIELDS },
	{ "scale", &type_scale, F(scale) },
	{ "range", &type_range, F(range), "0-10" },
	{ "signature", &type_list, F(signature), .arg = &names,
	    .max = PRODUCT_FIELDS },
	{ "category", &type_list, F(category), .arg = &names,
	    .max = PRODUCT_FIELDS },
	{ "peer", &type_list, F(peer), .arg = &names, .max = PRODUCT_FIELDS },
	{ NULL }
};
#undef F
static const struct map map_product = {
	"a product", product_keys, check_product
};
static const struct listof product_list = {
	sizeof(struct conf_product),
	{ "products", &type_map, .arg = &map_product }
};
static const struct key file_keys[] = {
	{ "products", &type_list, offsetof(struct conf_products, v),
	    .arg = &product_list, .max = PRODUCTS_MAX,
	    .flags = KEY_REQUIRED, .hint = "a list of them" },
	{ NULL }
};
static const struct map map_file = {
	"a file of products", file_keys, NULL
};

static void
check_is(struct load *l, yaml_node_t *is, struct conf_product *p)
{
	yaml_node_t *kind;
	size_t i;

	if (p->nis == 1 && p->is[0].n == 0)
		p->nis = 0;		/* {}: as if it was not given */
	for (i = 0; i < p->nis; i++) {
		kind = node_item(l, is, i);
		if (kind->type == YAML_MAPPING_NODE &&
		    kind->data.mapping.pairs.start ==
		    kind->data.mapping.pairs.top)
			load_problem(l, kind, "an entry of \"is\" without a "
			    "field would have all lines; write one, as in "
			    "{\"@vendor\": Example}, or take it out");
	}
}

static void
check_product(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_product *p = item;

	p->pos = node_pos(n);
	check_is(l, node_get(l, n, "is"), p);
	if (p->endpoint.n == 0 && p->ends.n == 0)
		load_problem(l, n, "nothing says who is meant; write "
		    "\"endpoint\", the field with the endpoint's address, or "
		    "\"ends\", both of a connection");
	if (p->ends.n == 1)
		load_problem(l, node_get(l, n, "ends"), "\"ends\" are two "
		    "fields, of which one is the endpoint; write [src, dst]");
	if (p->nis == 0 && (p->name == NULL ||
	    strcmp(p->name, "generic") != 0 || p->ends.n == 0))
		load_problem(l, n, "nothing says which lines are its own; "
		    "write \"is\", as in {\"@vendor\": Example}");
}

/* A mapping of words to severities. */
static void
scale_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct vec *v = field;
	struct conf_scale *s;
	yaml_node_pair_t *p;
	yaml_node_t *value;
	const char *word, *number;
	char *end;
	long to;

	if (n->type != YAML_MAPPING_NODE) {
		load_problem(l, n, "\"scale\" is a mapping, as in {urgent: 9, "
		    "minor: 2}");
		return;
	}
	for (p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	    p++) {
		value = yaml_document_get_node(&l->doc, p->value);
		word = node_text(l, k->name, yaml_document_get_node(&l->doc,
		    p->key));
		number = node_text(l, k->name, value);
		if (word == NULL || number == NULL)
			return;
		to = strtol(number, &end, 10);
		if (end == number || *end != '\0' || to < 0 || to > 10) {
			load_problem(l, value, "\"%.64s\" is not a severity; "
			    "write a number from 0 to 10", number);
			continue;
		}
		v->v = xrealloc(v->v, (v->n + 1) * sizeof(*s));
		s = (struct conf_scale *)v->v + v->n++;
		s->word = xstrdup(word);
		s->severity = (int)to;
	}
}

static void
scale_drop(const struct key *k, void *field)
{
	struct vec *v = field;

	while (v->n > 0)
		free(((struct conf_scale *)v->v)[--v->n].word);
	free(v->v);
	v->v = NULL;
}

/* A number below 1,000,000 at *s, which then points behind it. */
static int
number_take(const char **s, unsigned *n)
{
	const char *p = *s;

	for (*n = 0; *p >= '0' && *p <= '9' && p - *s < 6; p++)
		*n = *n * 10 + (unsigned)(*p - '0');
	if (p == *s)
		return ERR_FORMAT;
	*s = p;
	return 0;
}

/* "0-100", or "5-1" where a low number is a severe one. */
static int
range_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct { unsigned lo, hi; } *r = field;
	const char *p = s;

	if (number_take(&p, &r->lo) == 0 && *p++ == '-' &&
	    number_take(&p, &r->hi) == 0 && *p == '\0' && r->lo != r->hi)
		return 0;
	text_printf(why, "\"%.64s\" is not a range of severities; write "
	    "what is 0 and what is 10, as in 0-100 or 5-1", s);
	return ERR_FORMAT;
}

/* Hand what was read over to out. */
static void
products_move(struct conf_products *out, struct conf_products *from)
{
	if (from->n > 0) {
		out->v = xrealloc(out->v, (out->n + from->n) *
		    sizeof(*out->v));
		memcpy(out->v + out->n, from->v, from->n * sizeof(*out->v));
	}
	out->n += from->n;
	free(from->v);
	memset(from, 0, sizeof(*from));
}

/* Read the text that scan_yaml() has passed. */
static void
file_tree(struct load *l, const char *yaml, size_t len,
    struct conf_products *out)
{
	struct conf_pos start = { 1, 1 };
	struct conf_products file = { 0 };
	yaml_parser_t parser;
	yaml_node_t *root;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml,
	    len);
	if (!yaml_parser_load(&parser, &l->doc)) {
		problem_add(&l->problems, l->path, 0, start, "YAML: %s",
		    parser.problem != NULL ? parser.problem : "no memory");
	} else {
		root = yaml_document_get_root_node(&l->doc);
		if (root == NULL)
			problem_add(&l->problems, l->path, 0, start, "nothing "
			    "in it; write \"products\", or take the file out");
		else
			schema_map(l, &map_file, root, &file);
		yaml_document_delete(&l->doc);
	}
	yaml_parser_delete(&parser);
	products_move(out, &file);
}

static void
file_read(struct load *l, const char *yaml, size_t len,
    struct conf_products *out)
{
	if (scan_yaml(l->path, yaml, len, &l->problems) == 0)
		file_tree(l, yaml, len, out);
}

int
products_parse(const struct conf_world *world, const char *path,
    const char *yaml, size_t len, struct conf_products *out,
    struct text *errors)
{
	struct load l = { .path = path, .world = world };

	file_read(&l, yaml, len, out);
	if (l.problems.n == 0)
		return 0;
	problems_tell(&l.problems, errors);
	return ERR_USAGE;
}

void
products_drop(struct conf_products *p)
{
	while (p->n > 0)
		schema_drop(&map_product, &p->v[--p->n]);
	free(p->v);
	p->v = NULL;
	free(p->path);
	p->path = NULL;
}

const struct conf_products *
products_shipped(void)
{
	static struct conf_products all;
	struct text errors = { 0 };
	size_t i;

	if (all.n == 0)
		for (i = 0; shipped_products[i].name != NULL; i++)
			if (products_parse(&conf_world_none,
			    shipped_products[i].name, shipped_products[i].text,
			    strlen(shipped_products[i].text), &all, &errors) !=
			    0)
				abort();	/* etc/products is wrong */
	return &all;
}

/* The problems of a file, among those of the configuration. */
static void
problems_move(struct problems *to, struct problems *from, unsigned order)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		problem_add(to, from->v[i].file, order, from->v[i].pos, "%s",
		    from->v[i].what);
		free(from->v[i].file);
		free(from->v[i].what);
	}
	free(from->v);
}

static void
one_read(struct load *l, yaml_node_t *n, const char *path, unsigned order,
    struct conf_products *out)
{
	struct load file = { .path = path, .world = l->world };
	struct text t = { 0 };
	int rv;

	load_file(l, path);
	if ((rv = l->world->read(path, FILE_MAX, &t)) != 0)
		load_problem(l, n, "cannot read \"%.256s\": %s; make it "
		    "readable, or take it out", path, rv == ERR_LIMIT ?
		    "it is longer than 1 MiB" : err_str(rv));
	else
		file_read(&file, t.s != NULL ? t.s : "", t.len, out);
	problems_move(&l->problems, &file.problems, order);
	text_free(&t);
}

static int
is_yaml(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

/* A directory: each NAME.yaml in it. */
static void
products_set(struct load *l, const struct key *k, yaml_node_t *n,
    void *field)
{
	struct conf_products *p = field;
	const char *dir = node_text(l, k->name, n), *s, *end;
	struct text list = { 0 }, path = { 0 };
	unsigned order = ORDER;

	if (dir == NULL)
		return;
	p->path = xstrdup(dir);
	if (l->world->list == NULL || l->world->read == NULL)
		return;
	load_file(l, dir);
	if (l->world->list(dir, &list) != 0)
		load_problem(l, n, "\"%.256s\" is not a directory that can be "
		    "read (%s); make it, for files of products, or take the "
		    "key out", dir, err_str(ERR_SYS));
	end = list.s + list.len;
	for (s = list.s; s < end; s += strlen(s) + 1) {
		text_clear(&path);
		text_printf(&path, "%s/%s", dir, s);
		if (is_yaml(s))
			one_read(l, n, path.s, order++, p);
	}
	text_free(&list);
	text_free(&path);
}

static void
products_free(const struct key *k, void *field)
{
	products_drop(field);
}

static const struct type type_scale = { NULL, scale_set, scale_drop };
static const struct type type_range = { range_parse,
	.size = 2 * sizeof(unsigned) };
const struct type type_products = { NULL, products_set, products_free };
