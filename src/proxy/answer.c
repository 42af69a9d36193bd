/*
 * Answers of our own: made at once, or when the request has been read.
 */
#include "proxy/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proxy/coach.h"
#include "proxy/endpoint.h"
#include "proxy/inner.h"
#include "proxy/portal.h"
#include "proxy/session.h"
#include "stream/node.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/contain.h"

#define ASKED_MAX	(64 * 1024)	/* of a request that gets a page */

static void
answer_set(struct session *s, const char *how, int status, char *text,
    size_t len)
{
	free(s->page);
	s->page = text;
	s->page_len = len;
	s->page_due = 0;
	s->rec.answer = how;
	s->rec.status = status;
}

void
answer_http(struct session *s, int status, char *text, size_t len)
{
	answer_set(s, "page", status, text, len);
}

struct page
answer_about(const struct session *s)
{
	const struct verdict *v = &s->verdict;
	struct page p = {
		.rule = v->rule != NULL ? v->rule->name : NULL,
		.client = &s->facts.client,
		.host = facts_name(&s->facts),
		.tls = s->facts.protocol == PROTO_TLS,
		.realm = s->listen->auth.realm,
		.pages = &session_conf(s)->pages,
	};

	return p;
}

/* The button's address, where the rule only warns. */
static char *
answer_button(struct session *s, const struct http_head *h)
{
	char token[COACH_TOKEN];

	coach_token(token, &s->facts.client, session_site(s), clock_ms());
	return coach_action(h->path, token);
}

/* The button was pressed: remember that, and send the client on. 1: so. */
static int
answer_went_on(struct session *s, const struct http_head *h)
{
	struct text t = { 0 };
	struct slice token;
	char *to = coach_pressed(h, &token);
	int ok = to != NULL && coach_accepts(token, &s->facts.client,
	    session_site(s), clock_ms());

	if (ok) {
		coach_remember(&s->facts.client, session_site(s), clock_ms() +
		    session_conf(s)->pages.remember);
		snprintf(s->rec.reason, sizeof(s->rec.reason), "went on after "
		    "the warning of rule %s", s->verdict.rule->name);
		text_printf(&t, "HTTP/1.1 303 See Other\r\nLocation: %s\r\n"
		    "Content-Length: 0\r\nCache-Control: no-store\r\n"
		    "Connection: close\r\n\r\n", to);
		s->page_due = 0;
		answer_http(s, 303, t.s, t.len);
	}
	free(to);
	return ok;
}

/* By its number an operator can release it. */
static void
answer_contained(const struct session *s, char reference[32], char until[32])
{
	time_t end = s->contained->until;
	struct tm tm;

	snprintf(reference, 32, "quarantine %llu",
	    (unsigned long long)s->contained->id);
	strftime(until, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&end, &tm));
}

static void
answer_reference(const struct session *s, char reference[32])
{
	snprintf(reference, 32, s->denial != NULL ? "denial %llu" :
	    "session %llu", (unsigned long long)(s->denial != NULL ?
	    s->denial->id : s->rec.id));
}

static void
answer_make(struct session *s, int status, const char *why,
    const struct http_head *h)
{
	struct page p = answer_about(s);
	char reference[32], until[32] = "", *text, *button = NULL;
	size_t len;

	answer_reference(s, reference);
	p.kind = page_kind_of(status);
	if (s->verdict.action == ACTION_WARN && status == 403)
		p.kind = PAGE_WARN;
	if (status == 403 && s->denial == NULL &&
	    endpoint_why(s) != NULL) {
		p.kind = PAGE_QUARANTINE;
		answer_contained(s, reference, until);
		p.until = until;
	}
	if (p.kind == PAGE_WARN && h != NULL)
		p.go_on = button = answer_button(s, h);
	p.status = status;
	p.reason = why;
	p.reference = reference;
	p.request = h;
	text = page_make(&p, &len);
	free(button);
	answer_http(s, status, text, len);
}

void
answer_page(struct session *s, int status, const char *why)
{
	answer_make(s, status, why, NULL);
}

void
answer_request(struct session *s, int status)
{
	s->page_due = status;
}

void
answer_ca(struct session *s)
{
	s->portal = 1;
	s->page_due = 200;
	snprintf(s->rec.reason, sizeof(s->rec.reason), "the page of the CA");
}

static void
answer_portal(struct session *s, const struct http_head *h)
{
	struct page p = answer_about(s);
	size_t len;
	char *text;

	p.request = h;
	text = portal_page(tls_ca_cert(s->place->parts->tls,
	    policy_client_ca(s->policy, &s->facts)), &p, &len);
	answer_http(s, p.status, text, len);
}

void
answer_alert(struct session *s, uint8_t alert)
{
	uint8_t record[] = { 21, 3, 3, 0, 2, 2, alert };

	answer_set(s, "alert", 0, xmemdup(record, sizeof(record)),
	    sizeof(record));
}

/* The request is here, or what came is none (NULL). */
static void
answer_asked(struct session *s, const struct http_head *h)
{
	if (s->portal && h != NULL)
		answer_portal(s, h);
	else if (s->verdict.action != ACTION_WARN || h == NULL ||
	    !answer_went_on(s, h))
		answer_make(s, s->page_due, s->rec.reason, h);
	node_say(&s->server, s->page, s->page_len);
	text_free(&s->asked);
}

/* More of the request has come; or (NULL) it has ended. */
static void
answer_heard(void *arg, const uint8_t *p, size_t len)
{
	struct session *s = arg;
	struct http_text *h;
	int rv;

	if (p == NULL) {
		answer_asked(s, NULL);
		return;
	}
	text_add(&s->asked, (const char *)p, len);
	h = xcalloc(1, sizeof(*h));
	h->scanned = s->scanned;
	rv = http_request(h, s->asked.s, s->asked.len);
	s->scanned = h->scanned;
	if (rv != ERR_SHORT || s->asked.len > ASKED_MAX)
		answer_asked(s, rv == 0 ? &h->head : NULL);
	free(h);
}

void
answer_begin(struct session *s)
{
	s->scanned = 0;
	if (s->page_due != 0)
		node_listen(&s->server, answer_heard, s);
	else
		node_speak(&s->server, s->page, s->page_len);
}

int
answer_anyway(struct session *s)
{
	if (s->page_due != 0 && s->asked.len > 0)
		answer_asked(s, NULL);
	return s->page_due == 0;
}

void
answer_free(struct session *s)
{
	free(s->page);
	text_free(&s->asked);
}
