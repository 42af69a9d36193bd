/*
 * Which version each side is offered, and the crossing between them.
 */
#include "proxy/versions.h"

#include <string.h>

#include "http/cross.h"
#include "proxy/inner.h"
#include "proxy/learned.h"
#include "proxy/measures.h"
#include "proxy/session.h"
#include "util/err.h"
#include "util/log.h"

static const char *const abuses[H2_ABUSE_MAX] = { "rapid-reset",
    "continuation", "hpack-bomb", "empty-frames", "ping-flood",
    "settings-flood", "reset-flood", "slow-window", "protocol" };
static const char http11[] = "http/1.1", http2[] = "h2";

/* Services or rules look at each message, in either version. */
static int
is_read(const struct session *s)
{
	return s->place->parts->engine != NULL &&
	    (s->verdict.rule->nicaps > 0 || measures_by_request(s));
}

/* A client of HTTP/2 only. */
static int
is_only_2(const struct session *s)
{
	return session_offers(s, http2) && !session_offers(s, http11);
}

/* A client of HTTP/1.1, which says so. */
static int
says_only_1(const struct session *s)
{
	return session_offers(s, http11) && !session_offers(s, http2);
}

/* The same, or one that says nothing of protocols. */
static int
is_only_1(const struct session *s)
{
	return s->facts.alpn == NULL || says_only_1(s);
}

int
versions_fixed(const struct session *s)
{
	const struct conf_chain *ch = s->verdict.rule->chain;

	return session_conf(s)->tls.alpn_http11 || (ch != NULL && ch->http11);
}

static void
add(struct text *list, const char *name)
{
	char len = (char)strlen(name);

	text_add(list, &len, 1);
	text_puts(list, name);
}

void
versions_offer(struct session *s, struct text *list)
{
	if (is_read(s) && is_only_1(s) &&
	    learned_has(s->worker->env->servers, &s->facts, LEARNED_HTTP2))
		s->wants_http2 = 1;
	text_add(list, (const char *)s->facts.alpn, s->facts.alpn_len);
	if (is_read(s) && (is_only_2(s) || (s->wants_http2 && list->len == 0)))
		add(list, http11);
	if (s->wants_http2)
		add(list, http2);
}

int
versions_refused(struct session *s, SSL *ssl, int err)
{
	if (s->wants_http2 || !is_read(s))
		return 0;
	if (err == ERR_TLS ? !tls_refused_alpn(ssl) || !is_only_1(s) :
	    s->cert_none || !says_only_1(s))
		return 0;
	s->wants_http2 = 1;
	return 1;
}

int
versions_hung_up(struct session *s)
{
	if (session_answers(s) || versions_ssl(s) == NULL ||
	    session_last(s)->flow[DIR_DOWN].in > 0 || !is_read(s) ||
	    s->facts.tls_server.alpn[0] != '\0' || !says_only_1(s) ||
	    s->wants_http2 || versions_fixed(s))
		return 0;
	learned_set(s->worker->env->servers, &s->facts, LEARNED_HTTP2);
	return 1;
}

/* What the server speaks, if the client does not. */
static int
crosses(const struct session *s, enum cross_to *to)
{
	const char *alpn = s->facts.tls_server.alpn;
	const struct conf_chain *ch;

	if (session_answers(s) || !is_read(s))
		return 0;
	ch = s->verdict.rule->chain;
	*to = strcmp(alpn, http2) == 0 ? CROSS_TO_2 : CROSS_TO_1;
	if (*to == CROSS_TO_2)
		return is_only_1(s);
	/* Devices that are to see HTTP/1.1 would see what the client speaks. */
	return is_only_2(s) && (ch == NULL || !ch->http11) &&
	    (alpn[0] == '\0' || strcmp(alpn, http11) == 0);
}

const char *
versions_answer(const struct session *s)
{
	enum cross_to to;

	if (crosses(s, &to))
		return to == CROSS_TO_1 ? http2 : http11;
	if (!session_answers(s))
		return s->facts.tls_server.alpn;
	return session_offers(s, http11) ? http11 : "";
}

const char *
abuse_str(enum h2_abuse what)
{
	return abuses[what];
}

void
versions_abused(struct session *s, enum flow_dir from, enum h2_abuse what)
{
	static struct log_gate gate;
	int held;

	count(s->worker->counts.abuses[what][from], 1);
	if (log_gate(&gate, &held))
		log_info("session %llu: HTTP/2 of the %s: %s (%d more not "
		    "shown)", (unsigned long long)s->rec.id,
		    from == DIR_UP ? "client" : "server",
		    abuse_str(what), held);
}

static void
crossing_abused(void *arg, enum flow_dir from, enum h2_abuse what)
{
	versions_abused(arg, from, what);
}

void
versions_join(struct session *s)
{
	struct conn *c = &s->server;
	struct cross *cross;
	enum cross_to to;

	if (!crosses(s, &to))
		return;
	if (to == CROSS_TO_2)
		learned_set(s->worker->env->servers, &s->facts, LEARNED_HTTP2);
	cross = cross_new(to, c->ops, c->tp, &c->sock, &(struct cross_user){
	    .head_max = session_conf(s)->limits.head,
	    .session = s->rec.id,
	    .abuse = crossing_abused,
	    .arg = s,
	});
	tlsio_kept(c->tp, cross_ops(cross));
	c->ops = &transport_cross;
	c->tp = cross;
}

SSL *
versions_ssl(const struct session *s)
{
	const struct conn *c = &s->server;
	struct cross *cross = c->tp;

	if (tlsio_is(c->ops))
		return tlsio_ssl(c->tp);
	return c->ops == &transport_cross ? tlsio_ssl(cross_tp(cross)) : NULL;
}
