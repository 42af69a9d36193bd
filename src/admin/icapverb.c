/*
 * `ctl icap`: what there is to tell of the ICAP services.
 */
#include <string.h>

#include "admin/admin.h"
#include "admin/icapcheck.h"

static void
farm_lines(json_t *lines, const struct conf_icap *s, const char *method,
    const struct conf_icap_url *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(lines, json_pack("{s:s,s:s,s:s,s:i,s:i}",
		    "service", s->name, "method", method, "server", v[i].url,
		    "weight", (int)v[i].weight, "tier", (int)v[i].tier));
}

json_t *
admin_icap(const struct admin_env *env)
{
	const struct conf *c = env->conf;
	json_t *lines = json_array();
	size_t i;

	for (i = 0; i < c->nicaps; i++) {
		farm_lines(lines, &c->icaps[i], "REQMOD", c->icaps[i].reqmod,
		    c->icaps[i].nreqmod);
		farm_lines(lines, &c->icaps[i], "RESPMOD",
		    c->icaps[i].respmod, c->icaps[i].nrespmod);
	}
	return json_pack("{s:i,s:o}", "services", (int)c->nicaps, "farms",
	    lines);
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
