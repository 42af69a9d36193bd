/*
 * The sections `ca:` and `cas:`, and what a rule says of them.
 */
#include "conf/ca.h"

#include <string.h>

#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"

size_t
conf_ca_count(const struct conf *c)
{
	return c->ncas + 1;
}

const struct conf_ca *
conf_ca(const struct conf *c, size_t i)
{
	return i == 0 ? &c->ca : &c->cas[i - 1];
}

const char *
conf_ca_name(const struct conf_ca *ca)
{
	return ca->name != NULL ? ca->name : CONF_CA_DEFAULT;
}

static void
check_named(struct load *l, yaml_node_t *n, void *item)
{
	struct conf *c = l->conf;
	struct conf_ca *ca = item;

	check_name(l, n, "CA", c->cas, c->ncas, sizeof(*ca));
	if (ca->name != NULL && strcmp(ca->name, CONF_CA_DEFAULT) == 0)
		load_problem(l, node_get(l, n, "name"), "\"default\" stands "
		    "for the CA under \"ca\"; give it another name");
	check_ca_files(l, n, ca);
}

#define F(member)	offsetof(struct conf_ca, member)
#define UNTRUSTED_KEYS							\
	{ "untrusted-certificate", &type_text, F(untrusted_cert),	\
	    .flags = KEY_EXISTS },					\
	{ "untrusted-key", &type_text, F(untrusted_key),		\
	    .flags = KEY_EXISTS }
static const struct key ca_keys[] = {
	{ "certificate", &type_text, F(cert), .def = "/etc/clearspan/ca.pem",
	    .flags = KEY_EXISTS | KEY_CA },
	{ "key", &type_text, F(key), .def = "/etc/clearspan/ca.key",
	    .flags = KEY_EXISTS | KEY_CA },
	UNTRUSTED_KEYS,
	{ NULL }
};
static const struct key named_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "certificate", &type_text, F(cert), .flags = KEY_REQUIRED |
	    KEY_EXISTS | KEY_CA, .hint = "a PEM file" },
	{ "key", &type_text, F(key), .flags = KEY_REQUIRED | KEY_EXISTS |
	    KEY_CA, .hint = "a PEM file" },
	UNTRUSTED_KEYS,
	{ NULL }
};
#undef F
const struct map map_ca = { "ca", ca_keys, NULL };
static const struct map map_named = { "a CA", named_keys, check_named };
const struct listof ca_list = {
	sizeof(struct conf_ca), { "cas", &type_map, .arg = &map_named }
};

static int
ca_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct conf *c = l->conf;
	size_t *ca = field;

	if (strcmp(s, CONF_CA_DEFAULT) == 0)
		return 0;
	if (ref_find(c->cas, c->ncas, sizeof(*c->cas), "CA", "cas", s, ca,
	    why) != 0)
		return ERR_FORMAT;
	++*ca;
	return 0;
}

const struct type type_ca = { ca_parse, .size = sizeof(size_t) };

static int
files_same(const struct conf_ca *a, const struct conf_ca *b)
{
	return strcmp(conf_ca_name(a), conf_ca_name(b)) == 0 &&
	    schema_same(&map_ca, NULL, a, b);
}

int
conf_ca_same(const struct conf_ca *a, const struct conf_ca *b)
{
	return files_same(a, b) && sum_same(a->sum, b->sum);
}

int
conf_cas_same(const struct conf *a, const struct conf *b)
{
	size_t i;

	for (i = 0; a->ncas == b->ncas && i < conf_ca_count(a); i++)
		if (!conf_ca_same(conf_ca(a, i), conf_ca(b, i)))
			return 0;
	return a->ncas == b->ncas;
}

static int
keys_same(const struct conf_ca *a, const struct conf_ca *b)
{
	return schema_same(&map_ca, "key", a, b) &&
	    schema_same(&map_ca, "untrusted-key", a, b);
}

const struct conf_ca *
conf_ca_moved(const struct conf *a, const struct conf *b)
{
	const struct conf_ca *x, *y;
	size_t i, k;

	for (i = 0; i < conf_ca_count(b); i++)
		for (k = 0; k < conf_ca_count(a); k++) {
			x = conf_ca(a, k);
			y = conf_ca(b, i);
			if (strcmp(conf_ca_name(x), conf_ca_name(y)) == 0 &&
			    !keys_same(x, y))
				return y;
		}
	return NULL;
}
