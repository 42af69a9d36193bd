/*
 * The section inspect, at the top level and under a rule: it says what may not
 * opt out of inspection. A rule without a section uses that of the top level.
 * In a rule's own section, a missing key has the top level's value.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/value.h"
#include "util/mem.h"

static void
list_copy(struct conf_list *to, const char *const *v, size_t n)
{
	size_t i;

	to->v = xcalloc(n + 1, sizeof(*to->v));
	to->n = n;
	for (i = 0; i < n; i++)
		to->v[i] = xstrdup(v[i]);
}

/* The codings that scanners decode: those of browsers, except zstd. */
void
inspect_default(struct conf_inspect *in)
{
	static const char *const upgrade[] = { "websocket" };
	static const char *const encodings[] = { "gzip", "deflate", "br" };

	list_copy(&in->upgrade, upgrade, NELEM(upgrade));
	list_copy(&in->encodings, encodings, NELEM(encodings));
}

static struct conf_inspect *
inspect_copy(const struct conf_inspect *top)
{
	struct conf_inspect *in = xmemdup(top, sizeof(*top));

	in->of_rule = 1;
	list_copy(&in->upgrade, (const char *const *)top->upgrade.v,
	    top->upgrade.n);
	list_copy(&in->encodings, (const char *const *)top->encodings.v,
	    top->encodings.n);
	return in;
}

/* A rule's section. Missing keys have the values of the top level. */
static void
inspect_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct conf_inspect *in = inspect_copy(&l->conf->inspect);

	*(struct conf_inspect **)field = in;
	schema_map(l, k->arg, n, in);
}

static void
inspect_drop(const struct key *k, void *field)
{
	struct conf_inspect *in = *(struct conf_inspect **)field;

	if (in == NULL || !in->of_rule)
		return;
	schema_drop(k->arg, in);
	free(in);
	*(struct conf_inspect **)field = NULL;
}

void
check_codings(struct load *l, yaml_node_t *n, const char *key,
    const struct conf_list *codings)
{
	yaml_node_t *v = node_get(l, n, key);
	size_t i;

	if (v == NULL)
		return;
	if (codings->n == 0 && v->type == YAML_SEQUENCE_NODE)
		load_problem(l, v, "\"%s\" is empty; write identity for none, "
		    "or any", key);
	for (i = 0; i < codings->n && codings->n > 1; i++)
		if (codings->v[i] != NULL && strcmp(codings->v[i], "any") == 0)
			load_problem(l, v, "\"any\" stands alone; write %s: "
			    "any", key);
}

void
check_inspect(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_inspect *in = item;

	check_codings(l, n, "encodings", &in->encodings);
}

/* Without a value it is off. */
static void
trickle_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	const char *s;

	memset(field, 0, sizeof(struct conf_trickle));
	if (n->type == YAML_MAPPING_NODE) {
		schema_defaults(l, k->arg, field);
		schema_map(l, k->arg, n, field);
	} else if ((s = node_text(l, k->name, n)) != NULL &&
	    strcmp(s, "off") != 0)
		load_problem(l, n, "\"%.64s\" is not off, nor what trickles; "
		    "write {after: 5s, bytes: 1k, every: 1s}", s);
}

const struct type type_inspect = { NULL, inspect_set, inspect_drop };
const struct type type_trickle = {
	NULL, trickle_set, NULL, sizeof(struct conf_trickle), NULL
};
