/*
 * The checks of an ICAP service that need more than one key, and its defaults
 * that are lists.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "util/mem.h"

/* The list has a server, one of them is of tier 0, and none is there twice. */
static void
check_servers(struct load *l, yaml_node_t *n, const char *key,
    const struct conf_icap_url *v, size_t nv)
{
	yaml_node_t *at = node_get(l, n, key);
	size_t i, j, first = 0;

	if (at != NULL && at->type == YAML_SEQUENCE_NODE && nv == 0)
		load_problem(l, at, "\"%s\" is empty; give it a URL or take "
		    "it out", key);
	for (i = 0; i < nv; i++) {
		first += v[i].tier == 0;
		for (j = 0; j < i; j++)
			if (v[i].url != NULL && v[j].url != NULL &&
			    strcmp(v[i].url, v[j].url) == 0)
				load_problem(l, at, "the server \"%.256s\" is "
				    "named twice; take one out, or give it "
				    "more weight", v[i].url);
	}
	if (nv > 0 && first == 0)
		load_problem(l, at, "no server is of tier 0, the first; "
		    "number them from there");
}

/* Media that never end, and those that are large and seldom harmful. */
static void
bypass_default(struct conf_list *types)
{
	static const char *const v[] = { "text/event-stream",
	    "multipart/x-mixed-replace", "application/grpc*", "video/*",
	    "audio/*" };
	size_t i;

	types->v = xcalloc(NELEM(v), sizeof(*types->v));
	types->n = NELEM(v);
	for (i = 0; i < NELEM(v); i++)
		types->v[i] = xstrdup(v[i]);
}

static int
servers_tls(const struct conf_icap_url *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].tls || v[i].url == NULL)
			return 1;
	return 0;
}

void
check_icap(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const tls_keys[] = { "trust", "certificate", "key",
	    "tls-fail-open", NULL };
	static const char *const monitor_keys[] = { "sample", NULL };
	struct conf_icap *s = item;
	struct conf *c = l->conf;

	s->pos = node_pos(n);
	check_name(l, n, "service", c->icaps, c->nicaps, sizeof(*s));
	check_servers(l, n, "reqmod", s->reqmod, s->nreqmod);
	check_servers(l, n, "respmod", s->respmod, s->nrespmod);
	if (node_get(l, n, "reqmod") == NULL &&
	    node_get(l, n, "respmod") == NULL)
		load_problem(l, n, "an ICAP service needs \"reqmod\", "
		    "\"respmod\" or both; write icap://HOST:PORT/SERVICE");
	else if (!servers_tls(s->reqmod, s->nreqmod) &&
	    !servers_tls(s->respmod, s->nrespmod))
		check_unwanted(l, n, tls_keys, "icaps://");
	if (check_says(l, n, "trust", "system")) {
		free(s->trust);
		s->trust = NULL;
	}
	if ((s->certificate != NULL) != (s->key != NULL))
		load_problem(l, n, "\"certificate\" and \"key\" go together; "
		    "write both");
	if (!s->monitor)
		check_unwanted(l, n, monitor_keys, "monitor: yes");
	if (!s->types_given)
		bypass_default(&s->bypass_types);
	check_codings(l, n, "accept-encoding", &s->encodings);
}

int
conf_icap_passes(const struct conf_icap *s, int respmod, int endless_open)
{
	if (s->oversize != OVERSIZE_DEFAULT)
		return s->oversize != OVERSIZE_BLOCK;
	return endless_open || (respmod ? s->fail.respmod : s->fail.reqmod);
}
