/*
 * The section `certificates:`, the certificates of own servers: its keys and
 * checks. Its files are watched, so that a renewed one is noticed.
 */
#include <string.h>

#include "conf/keys.h"
#include "conf/value.h"

/* Each certificate has its key; the files are watched. */
static void
check_pairs(struct load *l, yaml_node_t *n, struct conf_own *o)
{
	yaml_node_t *cert = node_get(l, n, "certificate");
	yaml_node_t *key = node_get(l, n, "key");
	size_t i;

	if (cert == NULL || key == NULL)
		return;
	o->pos[0] = node_pos(cert);
	o->pos[1] = node_pos(key);
	if (node_count(cert) != node_count(key) || node_count(cert) == 0)
		load_problem(l, key, "each \"certificate\" has its \"key\", "
		    "in the same order: %zu and %zu are given",
		    node_count(cert), node_count(key));
	else if (o->certificate.n == o->key.n) {
		for (i = 0; i < o->key.n; i++) {
			load_file(l, o->certificate.v[i]);
			load_file(l, o->key.v[i]);
		}
		check_sum(l, (const char *const *)o->certificate.v,
		    o->certificate.n, o->sum);
	}
}

static void
check_client(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_own *o = item;

	if (n == NULL)
		return;
	if (o->certificate.n != 1 || o->key.n != 1)
		load_problem(l, n, "a client certificate has a "
		    "\"certificate\" and a \"key\"");
	check_pairs(l, n, o);
}

static void
check_own(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const sets[] = { "site", "server", NULL };
	struct conf_own *o = item;

	check_filled(l, n, sets);
	if (node_get(l, n, "site") == NULL && node_get(l, n, "server") == NULL)
		load_problem(l, n, "a certificate needs \"site\" or "
		    "\"server\", to say whose it is; write the names in it, "
		    "such as site: [www.example.com]");
	if (!o->verify && node_get(l, n, "server") == NULL)
		load_problem(l, node_get(l, n, "verify"), "\"verify: no\" "
		    "needs \"server\": anybody could take such a name; write "
		    "the addresses of the servers");
	check_pairs(l, n, o);
}

static int
list_same(const struct conf_list *a, const struct conf_list *b)
{
	size_t i;

	for (i = 0; a->n == b->n && i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			break;
	return a->n == b->n && i == a->n;
}

int
conf_own_same(const struct conf_own *a, const struct conf_own *b)
{
	return list_same(&a->certificate, &b->certificate) &&
	    list_same(&a->key, &b->key) &&
	    memcmp(a->sum, b->sum, sizeof(a->sum)) == 0;
}

#define F(member)	offsetof(struct conf_own, member)
static const struct listof
    patterns = { sizeof(char *), { NULL, &type_pattern } },
    sources = { sizeof(char *), { NULL, &type_source } },
    paths = { sizeof(char *), { NULL, &type_text, .flags = KEY_EXISTS } };
static const struct key own_keys[] = {
	{ "site", &type_list, F(site), .arg = &patterns },
	{ "server", &type_list, F(server), .arg = &sources },
	{ "certificate", &type_list, F(certificate), .arg = &paths, .max = 3,
	    .flags = KEY_REQUIRED, .hint = "a PEM file" },
	{ "key", &type_list, F(key), .arg = &paths, .max = 3,
	    .flags = KEY_REQUIRED, .hint = "a PEM file" },
	{ "verify", &type_bool, F(verify), "yes" },
	{ NULL }
};
static const struct key client_keys[] = {
	{ "certificate", &type_list, F(certificate), .arg = &paths, .max = 1,
	    .hint = "a PEM file" },
	{ "key", &type_list, F(key), .arg = &paths, .max = 1,
	    .hint = "a PEM file" },
	{ NULL }
};
#undef F
static const struct map map_own = {
	"an own certificate", own_keys, check_own
};
const struct listof own_list = {
	sizeof(struct conf_own), { "certificates", &type_map, .arg = &map_own }
};
const struct map map_client = {
	"client-certificate", client_keys, check_client
};
