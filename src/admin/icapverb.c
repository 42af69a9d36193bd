/*
 * `ctl icap`: the state of the ICAP services.
 */
#include <string.h>

#include "admin/admin.h"
#include "admin/icapcheck.h"
#include "sink/eve.h"

static json_t *
service_line(const struct conf_icap *c, const struct icap_stats *st)
{
	json_t *o = json_pack("{s:s,s:s,s:b,s:i}", "service", c->name, "fail",
	    !c->fail.reqmod != !c->fail.respmod ? "mixed" :
	    c->fail.reqmod ? "open" : "closed", "monitor", c->monitor,
	    "waiting", (int)st->waiting);
	uint64_t n;
	int k;

	for (k = 0; k < ICAP_R_MAX; k++) {
		n = st->results[ICAP_REQMOD][k] + st->results[ICAP_RESPMOD][k];
		json_object_set_new(o, icap_result_name((enum icap_result)k),
		    json_integer((json_int_t)n));
	}
	return o;
}

static const char *
state_name(enum icap_state state)
{
	return state == ICAP_UP ? "up" : state == ICAP_DOWN ? "down" :
	    "new";
}

static json_t *
server_line(const struct conf_icap *c, const struct icap_server_stats *s)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:I,"
	    "s:o,s:o}", "service", c->name, "server", s->url, "state",
	    state_name(s->state), "connections", (int)s->connections, "idle",
	    (int)s->idle, "busy", (int)s->busy, "limit", (int)s->limit,
	    "transactions", (json_int_t)s->transactions, "failures",
	    (json_int_t)s->failures, "opened", (json_int_t)s->opened,
	    "reused", (json_int_t)s->reused, "preview",
	    (json_int_t)s->preview, "istag", eve_string(s->istag), "why",
	    eve_string(s->why));
}

json_t *
admin_icap(const struct admin_env *env)
{
	json_t *services = json_array(), *servers = json_array();
	const struct conf_icap *c;
	struct icap_server_stats server;
	size_t i, k;

	for (i = 0; i < env->conf->nicaps; i++) {
		c = icap_service_conf(env->icaps[i]);
		json_array_append_new(services, service_line(c,
		    icap_service_stats(env->icaps[i])));
		for (k = 0; icap_server_stats(env->icaps[i], k,
		    &server) == 0; k++)
			json_array_append_new(servers,
			    server_line(c, &server));
	}
	return json_pack("{s:i,s:o,s:o}", "configured",
	    (int)env->conf->nicaps, "services", services, "servers", servers);
}

json_t *
admin_icap_config(const struct admin_env *env, const char *name)
{
	const struct conf *c = env->conf;
	size_t i;

	for (i = 0; i < c->nicaps; i++)
		if (strcmp(c->icaps[i].name, name) == 0)
			return icapcheck_pack(&c->icaps[i]);
	return json_pack("{s:s}", "error", "no such ICAP service: icap lists "
	    "them");
}
