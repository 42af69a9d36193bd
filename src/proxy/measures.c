/*
 * Asks the tables of verdict/denied and of step-ups.
 */
#include "proxy/measures.h"

#include <string.h>

#include "proxy/inner.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "verdict/denied.h"

void
measures_look(struct session *s)
{
	const struct proxy_env *env = s->worker->env;

	s->facts.denials = denied_ask(env->denied);
	if (env->step_ups == NULL)
		return;
	s->step_up = contain_ask(env->step_ups, &s->facts.client,
	    s->facts.mac_known ? s->facts.mac : NULL, clock_ms());
	if (s->step_up != NULL)
		s->facts.step_up = s->step_up->profile;
}

void
measures_forget(struct session *s)
{
	contained_unref(s->step_up);
	contained_unref(s->denial);
	s->step_up = s->denial = NULL;
	s->facts.step_up = NULL;
}

const char *
measures_denied_why(struct session *s)
{
	char addr[ADDR_STRLEN];
	const char *by = s->verdict.rule != NULL &&
	    s->verdict.rule->match.denied ?
	    denied_by(&s->facts, addr, NULL) : NULL;

	if (by == NULL)
		return NULL;
	contained_unref(s->denial);
	s->denial = denied_find(s->worker->env->denied, by);
	return s->denial != NULL ? s->denial->reason : NULL;
}

int
measures_by_request(const struct session *s)
{
	return policy_by_request(s->policy) || denied_names(&s->facts);
}

/* Whether a step-up adds this mirror: its list is "a,b", or "*". */
static int
step_up_has(const char *list, const char *mirror)
{
	size_t n, len = strlen(mirror);

	if (strcmp(list, "*") == 0)
		return 1;
	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && strncmp(list, mirror, n) == 0)
			return 1;
	}
	return 0;
}

static int
seen_has(const struct conf_seen *v, size_t n, size_t mirror)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].mirror == mirror)
			return 1;
	return 0;
}

size_t
measures_mirrors(const struct session *s, struct conf_seen *out)
{
	const struct conf_rule *rule = s->verdict.rule;
	const struct conf *c = session_conf(s);
	size_t i, n = rule->nmirrors;

	if (n > 0)
		memcpy(out, rule->mirrors, n * sizeof(*out));
	if (s->facts.step_up == NULL || s->verdict.action == ACTION_BYPASS)
		return n;
	for (i = 0; i < c->nmirrors && n < MEASURES_MIRRORS; i++)
		if (step_up_has(s->facts.step_up, c->mirrors[i].name) &&
		    !seen_has(out, n, i))
			out[n++] = (struct conf_seen){ .mirror = i };
	return n;
}
