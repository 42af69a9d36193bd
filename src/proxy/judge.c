/*
 * Each HTTP request is judged by the name that it is for. The rules have
 * admitted the connection, and chosen its services and mirrors, for the name
 * that the connection was made for. If the rules say otherwise of a request's
 * name, the request is blocked, or answered with 421 (RFC 9110, 15.5.20) so
 * that the client sends it on a connection of its own. The same holds for a
 * name to which the server has no claim (it is neither in the hello nor in its
 * certificate): rules and scanners would be told a name, and another server
 * would get the request.
 */
#include "proxy/judge.h"

#include <stdlib.h>
#include <string.h>

#include "codec/http.h"
#include "policy/denied.h"
#include "proxy/coach.h"
#include "proxy/engine.h"
#include "proxy/inner.h"
#include "proxy/session.h"
#include "proxy/versions.h"
#include "tls/tls.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

static const char *const results[JUDGED_MAX] = { "blocked", "misdirected",
    "host-mismatch-blocked", "host-mismatch-logged",
    "host-mismatch-allowed" };

const char *
judged_str(enum judged what)
{
	return results[what];
}

/* Whether the server's certificate has the name, and can be believed. */
static int
judge_covered(const struct session *s, const char *name)
{
	enum tls_verify v = s->facts.verify;
	SSL *ssl = versions_ssl(s);

	return ssl != NULL && (v == VERIFY_OK ||
	    v == VERIFY_EXPIRED || v == VERIFY_NAME) &&
	    tls_covers(ssl, name);
}

/* Whether this server may be asked for that name. */
static int
judge_claimed(const struct session *s, const char *name)
{
	const struct facts *f = &s->facts;
	const char *meant = facts_name(f);
	struct addr ip;

	if (f->protocol != PROTO_TLS ||
	    (meant != NULL && strcmp(meant, name) == 0))
		return 1;
	if (addr_parse_ip(&ip, name) == 0) {
		addr_set_port(&ip, addr_port(&f->server));
		if (addr_eq(&ip, &f->server))
			return 1;
	}
	return judge_covered(s, name);
}

/* Count and log it; a client can cause many of these lines. */
static void
judge_say(struct session *s, enum judged what, const char *name)
{
	static struct log_gate gate;
	char from[ADDR_STRLEN];
	int held;

	count(s->worker->counts.judged[what], 1);
	if (what != JUDGED_ALLOWED && log_gate(&gate, &held))
		log_info("session %llu: %s asks for %s on a connection for "
		    "%s: %s (%d more not shown)",
		    (unsigned long long)s->rec.id,
		    addr_str(&s->facts.client, from), name,
		    facts_name(&s->facts) != NULL ? facts_name(&s->facts) :
		    "no name",
		    results[what], held);
}

static void
judge_refuse(struct judgement *j, int status, char *why)
{
	j->status = status;
	j->why = why;
}

/* What the rules say. 1: that decides. */
static int
judge_rules(struct session *s, const char *name, struct judgement *j)
{
	struct verdict v;

	switch (policy_request(s->policy, &s->facts, &s->verdict, name, &v)) {
	case REQUEST_SAME:
		if (v.action != ACTION_WARN || coach_remembers(
		    &s->facts.client, name, clock_ms()))
			return 0;
		/* FALLTHROUGH */
	case REQUEST_OTHERWISE:
		judge_say(s, JUDGED_MISDIRECTED, name);
		j->rule = v.rule->name;
		judge_refuse(j, 421, xasprintf("a request for %s belongs "
		    "on a connection of its own, by rule %s", name,
		    v.rule->name));
		break;
	case REQUEST_REFUSED:
		judge_say(s, JUDGED_BLOCKED, name);
		j->rule = v.rule->name;
		judge_refuse(j, v.action == ACTION_RESET ? -1 : 403,
		    xasprintf("%s by rule %s", v.action == ACTION_RESET ?
		    "reset" : "blocked", v.rule->name));
		break;
	}
	return 1;
}

/* It passed before, and has not been denied since. */
static int
judge_known(const struct session *s, const char *name)
{
	return s->name_allowed != NULL && strcmp(s->name_allowed, name) == 0 &&
	    !(denied_names(&s->facts) &&
	    s->facts.denials->has_name(s->facts.denials, name));
}

void
session_judge(struct session *s, const struct http_head *h,
    struct judgement *j)
{
	enum conf_mismatch on = s->verdict.rule->inspect->host_mismatch;
	char name[HTTP_NAME_MAX];

	memset(j, 0, sizeof(*j));
	s->asked_http = 1;
	if (http_name(h, name) != 0 || judge_known(s, name) ||
	    judge_rules(s, name, j))
		return;
	/* CONNECT names the end of a tunnel, not this server. */
	if ((!slice_eq(h->method, "CONNECT") || h->protocol.len > 0) &&
	    !judge_claimed(s, name)) {
		judge_say(s, on == MISMATCH_BLOCK ? JUDGED_MISMATCH :
		    on == MISMATCH_LOG ? JUDGED_LOGGED : JUDGED_ALLOWED, name);
		if (on == MISMATCH_BLOCK)
			judge_refuse(j, 421, xasprintf("the server of this "
			    "connection has no claim to the name %s", name));
		return;
	}
	free(s->name_allowed);	/* it need not be judged again */
	s->name_allowed = xstrdup(name);
}
