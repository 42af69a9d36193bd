/*
 * The section inspect, at the top level and under a rule: what may not opt out
 * of inspection. A rule without one uses that of the top level; in a rule's
 * own, a key that is not given has the top level's value.
 */
#include <stdlib.h>

#include "conf/keys.h"
#include "conf/value.h"
#include "util/mem.h"

static struct conf_inspect *
inspect_copy(const struct conf_inspect *top)
{
	struct conf_inspect *in = xmemdup(top, sizeof(*top));

	in->of_rule = 1;
	return in;
}

/* Of a rule: what is not in it is as at the top level. */
static void
inspect_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct conf_inspect *in = inspect_copy(&l->conf->inspect);

	*(struct conf_inspect **)field = in;
	schema_map(l, &map_inspect, n, in);
}

static void
inspect_drop(const struct key *k, void *field)
{
	struct conf_inspect *in = *(struct conf_inspect **)field;

	if (in == NULL || !in->of_rule)
		return;
	schema_drop(&map_inspect, in);
	free(in);
	*(struct conf_inspect **)field = NULL;
}

const struct type type_inspect = { NULL, inspect_set, inspect_drop };
