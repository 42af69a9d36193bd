/*
 * Asks the table of verdict/contain.
 */
#include "proxy/endpoint.h"

#include <stdlib.h>

#include "conf/contained.h"
#include "net/neighbours.h"
#include "proxy/inner.h"
#include "proxy/measures.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "verdict/contain.h"
#include "verdict/denied.h"

/* The profile it is to be refused by; NULL: this server is let through. */
static const char *
endpoint_profile(const struct conf *c, const struct contained *by,
    const struct facts *f)
{
	int i = conf_quarantine_find(c, by->profile);

	if (i < 0)
		return conf_quarantine_gone.name;
	return f->server.sa.sa_family != AF_UNSPEC &&
	    conf_quarantine_lets(&c->quarantines[i], &f->server, f->port) ?
	    NULL : c->quarantines[i].name;
}

void
endpoint_facts(const struct worker *w, struct facts *f)
{
	struct contain *t = w->env->contain;
	struct contained *by;

	f->denials = denied_ask(w->env->denied);
	if (t == NULL || contain_count(t) == 0)
		return;
	f->mac_known = neighbours_mac(w->env->neighbours, &f->client,
	    f->mac) == 0;
	by = contain_ask(t, &f->client, f->mac_known ? f->mac : NULL,
	    clock_ms());
	if (by != NULL)
		f->contained = endpoint_profile(policy_conf(w->policy), by, f);
	contained_unref(by);
}

static void
tags_look(struct session *s)
{
	struct contain *t = s->worker->env->tags;

	free(s->tags);
	s->tags = NULL;
	if (t != NULL) {
		s->tags_version = contain_version(t);
		s->tags = contain_names(t, &s->facts.client,
		    s->facts.mac_known ? s->facts.mac : NULL, clock_ms());
	}
	s->facts.tags = s->tags;
}

void
endpoint_renew(struct session *s)
{
	struct contain *t = s->worker->env->tags;

	if (t == NULL || s->tags_version == contain_version(t))
		return;
	tags_look(s);
	free(s->name_allowed);		/* it is to be judged again */
	s->name_allowed = NULL;
}

void
endpoint_look(struct session *s)
{
	struct contain *t = s->worker->env->contain;

	endpoint_forget(s);
	tags_look(s);
	measures_look(s);
	if (t == NULL)
		return;
	s->contained = contain_ask(t, &s->facts.client,
	    s->facts.mac_known ? s->facts.mac : NULL, clock_ms());
	if (s->contained != NULL)
		s->facts.contained = endpoint_profile(session_conf(s),
		    s->contained, &s->facts);
}

void
endpoint_forget(struct session *s)
{
	contained_unref(s->contained);
	s->contained = NULL;
	s->facts.contained = NULL;
	free(s->tags);
	s->tags = NULL;
	s->facts.tags = NULL;
	measures_forget(s);
}

const char *
endpoint_why(const struct session *s)
{
	return s->facts.contained != NULL ? s->contained->reason : NULL;
}
