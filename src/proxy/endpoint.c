/*
 * Asks the table of verdict/contain.
 */
#include "proxy/endpoint.h"

#include <stdlib.h>

#include "conf/contained.h"
#include "conf/segment.h"
#include "net/neighbours.h"
#include "proxy/inner.h"
#include "proxy/measures.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "verdict/contain.h"
#include "verdict/denied.h"

const struct conf_quarantine *
endpoint_profile(const struct conf *c, const struct contained *who)
{
	int i = conf_quarantine_find(c, who->profile);

	return i < 0 ? &conf_quarantine_gone : &c->quarantines[i];
}

/* The profile it is to be refused by; NULL: this server is let through. */
static const char *
endpoint_refused(const struct conf *c, const struct contained *who,
    const struct facts *f)
{
	const struct conf_quarantine *q = endpoint_profile(c, who);

	return f->server.sa.sa_family != AF_UNSPEC &&
	    conf_quarantine_lets(q, &f->server, f->port) ? NULL : q->name;
}

/* The MAC address is known, if it can be. */
static struct contained *
endpoint_find(const struct worker *w, const struct conf *c, struct facts *f)
{
	struct contain *t = w->env->contain;
	struct contained *who;

	f->contained = NULL;
	if (t == NULL)
		return NULL;
	who = contain_ask(t, &f->client, f->mac_known ? f->mac : NULL,
	    clock_ms());
	if (who != NULL)
		f->contained = endpoint_refused(c, who, f);
	return who;
}

struct contained *
endpoint_ask(const struct worker *w, const struct conf *c, struct facts *f)
{
	f->denials = denied_ask(w->env->denied);
	if (c->nquarantines == 0)
		return NULL;
	f->mac_known = neighbours_mac(w->env->neighbours, &f->client,
	    f->mac) == 0;
	return endpoint_find(w, c, f);
}

/* The server's MAC address and tags into f; *tags is to hold them. */
static void
server_look(struct session *s, struct facts *f, char **tags)
{
	const struct proxy_env *env = s->worker->env;

	free(*tags);
	*tags = NULL;
	f->server_mac_known = 0;
	if (f->server.sa.sa_family != AF_UNSPEC && !f->proxied &&
	    conf_segmented(session_conf(s))) {
		f->server_mac_known = neighbours_mac(env->neighbours,
		    &f->server, f->server_mac) == 0;
		if (env->tags != NULL)
			*tags = contain_names(env->tags, &f->server,
			    f->server_mac_known ? f->server_mac : NULL,
			    clock_ms());
	}
	f->server_tags = *tags;
}

void
endpoint_server(struct session *s, struct facts *f, const struct addr *server)
{
	policy_server(s->policy, f, server);
	server_look(s, f, f == &s->facts ? &s->server_tags : &s->other_tags);
}

static void
tags_look(struct session *s)
{
	struct contain *t = s->worker->env->tags;

	server_look(s, &s->facts, &s->server_tags);
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
	endpoint_forget(s);
	tags_look(s);
	measures_look(s);
	s->contained = endpoint_find(s->worker, session_conf(s), &s->facts);
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
	free(s->server_tags);
	s->server_tags = NULL;
	s->facts.server_tags = NULL;
	free(s->other_tags);
	s->other_tags = NULL;
}

const char *
endpoint_why(const struct session *s)
{
	return s->facts.contained != NULL ? s->contained->reason : NULL;
}
