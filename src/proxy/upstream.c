/*
 * PHASE_CONNECT and PHASE_SERVER_TLS: connecting to the server, and our own
 * verified TLS handshake with it. The client's hello is still in its socket:
 * whatever the server turns out to want, a bypass is possible.
 */
#include <errno.h>
#include <string.h>

#include "net/sock.h"
#include "net/via.h"
#include "policy/verdict.h"
#include "proxy/bypasses.h"
#include "proxy/chain.h"
#include "proxy/decide.h"
#include "proxy/endpoint.h"
#include "proxy/explicit.h"
#include "proxy/greeting.h"
#include "proxy/inner.h"
#include "proxy/issuer.h"
#include "proxy/learned.h"
#include "proxy/ours.h"
#include "proxy/phases.h"
#include "proxy/reach.h"
#include "proxy/session.h"
#include "proxy/turn.h"
#include "proxy/versions.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define SETTLE_MS	300	/* more, for a server that is slow */

static struct step	server_tls_event(struct session *, struct conn *);

static struct step
connect_failed(struct session *s, int err, const char *why)
{
	const char *host = session_dials(s);

	/* What a proxy says may be another thing a moment later. */
	if (err == ERR_TIMEOUT && s->rec.proxy == NULL && host == NULL)
		reach_died(s);
	s->dial_errno = err == ERR_SYS ? errno : 0;
	if (err == ERR_LIMIT)	/* new sessions would meet it, too */
		worker_full(s->worker);
	if (err == ERR_DENIED)
		return reach_refuse(s);
	return step_refuse(s, err == ERR_TIMEOUT ? 504 : 502,
	    "connect: %s%s%s", host != NULL ? host : "",
	    host != NULL ? ": " : "", why);
}

/* A proxy has a name to itself, and its own address is shown instead. */
static void
connect_to(struct session *s, const struct addr *to,
    const struct via_proxy *by)
{
	struct facts *f = &s->facts;

	s->rec.proxy = by != NULL ? by->name : NULL;
	if (by == NULL) {
		f->proxied = 0;
		endpoint_server(s, f, to);
	} else if (f->server.sa.sa_family == AF_UNSPEC || f->proxied) {
		f->server = *to;
		addr_set_port(&f->server, f->port);
		f->proxied = 1;
	}
}

static struct step
connect_made(struct session *s, int fd)
{
	s->rec.state = "established";
	s->established = 1;
	sock_session(fd, session_conf(s)->timeouts.keepalive);
	conn_open(&s->server, fd);
	if (s->reply_due)
		return explicit_connected(s);
	if (s->wants_http2 && s->verdict.action != ACTION_BYPASS)
		return step_go(PHASE_SERVER_TLS);
	if (s->verdict.rule != NULL)
		return decide_joined(s);
	return step_go(PHASE_HELLO);
}

static void
connect_done(void *arg, int fd, const struct addr *to,
    const struct via_proxy *by, const char *why)
{
	struct session *s = arg;

	s->via = NULL;
	if (fd >= 0)
		connect_to(s, to, by);
	else if (by != NULL)
		s->rec.proxy = by->name;
	session_due(s, fd < 0 ? connect_failed(s, fd, why) :
	    connect_made(s, fd));
}

/*
 * A client that has both families takes the other one when an address does not
 * answer. But it was connected to us, so we do that for it. It has chosen the
 * address of a session that goes on, or of one that devices have seen begin.
 * The name for that, or NULL.
 */
static const char *
connect_other(const struct session *s)
{
	const char *name = facts_name(&s->facts);
	struct addr ip;

	if (s->facts.mode != CONF_TRANSPARENT || s->verdict.rule == NULL ||
	    s->chain != NULL || s->established || name == NULL ||
	    addr_parse_ip(&ip, name) == 0)
		return NULL;
	return name;
}

static struct step
connect_enter(struct session *s)
{
	struct via_want want = {
		.dial = {
			.host = session_dials(s),
			.port = s->facts.port,
			.client = &s->facts.client,
			.addr = s->facts.server,
			.timeout = session_conf(s)->connect_timeout,
			.allow = reach_veto,
			.arg = s,
		},
		.name = session_dials(s),
		.allow_proxy = reach_veto_proxy,
	};

	s->way = s->verdict.rule != NULL ? s->verdict.rule :
	    policy_way(s->policy, &s->facts);
	want.hops = s->way->proxies;
	want.n = s->way->nproxies;
	/* A second connection goes to the same address as the first. */
	if (s->facts.server.sa.sa_family != AF_UNSPEC && !s->facts.proxied)
		want.dial.host = NULL;
	/* Packets to the client's address come back to us by TPROXY only. */
	if (s->facts.mode == CONF_TRANSPARENT && !s->redirected &&
	    session_conf(s)->keep_client_address)
		want.dial.from = &s->facts.client;
	if (s->facts.mode == CONF_TRANSPARENT && want.n == 0 &&
	    reach_is_dead(s))
		return step_refuse(s, 504, "connect: timed out a moment "
		    "ago");
	want.dial.other = connect_other(s);
	s->via = via_start(s->worker->base, s->worker->names, &want,
	    connect_done, s);
	return step_wait();
}

/*
 * A client that said nothing was connected early, in case its server speaks
 * first. If it speaks itself now, and its server does not answer soon, its own
 * words decide: the rule, the way there, and whether the address has a name and
 * so another family.
 */
static struct step
connect_event(struct session *s, struct conn *c)
{
	if (c == &s->client && c->sock.readable && s->verdict.rule == NULL &&
	    s->facts.mode == CONF_TRANSPARENT && !s->reply_due)
		session_timer(s, DIAL_NEXT_MS);
	return step_client_event(s, c);
}

static struct step
connect_heard(struct session *s)
{
	return step_go(PHASE_HELLO);
}

static void
connect_leave(struct session *s)
{
	via_cancel(s->via);
	s->via = NULL;
}

const struct phase_ops phase_connect = {
	.name = "connect",
	.enter = connect_enter,
	.event = connect_event,
	.timeout = connect_heard,
	.leave = connect_leave
};

static void
server_tls_alpn(struct session *s, struct text *list)
{
	static const char http11[] = "\x08http/1.1";

	if (!versions_fixed(s))
		versions_offer(s, list);
	else if (s->facts.alpn != NULL)
		text_puts(list, http11);
}

static void
server_tls_count(struct session *s, int ok)
{
	int version = SSL_version(tlsio_ssl(s->server.tp));

	count(s->worker->counts.handshakes[1][tls_version_class(version)]
	    [s->facts.tls_server.resumed][ok], 1);
}

static struct step
server_tls_failed(struct session *s, const char *why)
{
	struct step elsewhere;

	server_tls_count(s, 0);
	if (decide_certificate(s, &elsewhere))
		return elsewhere;
	if (decide_failed(s, UNDECRYPTED_FAILURE))
		return decide_bypass(s, UNDECRYPTED_FAILURE,
		    bypasses_why(UNDECRYPTED_FAILURE));
	return step_refuse(s, 502, "handshake with server: %s", why);
}

/* Take the server's certificate, and what is to be thought of it. 0: it has
 * none. */
static int
server_tls_cert(struct session *s, SSL *ssl)
{
	struct facts *f = &s->facts;
	X509 *cert = SSL_get0_peer_certificate(ssl);
	char url[ISSUER_URL_MAX];

	f->verify = tls_verdict(ssl, &f->verify_text);
	if (cert == NULL)
		return 0;
	s->ours = ours_trusts(s);
	if (s->ours && f->verify != VERIFY_OK) {
		f->verify = VERIFY_OK;
		f->verify_text = "own server";
	}
	f->late = !s->ours && tls_late(ssl);
	f->lacks_issuer = f->verify == VERIFY_UNTRUSTED &&
	    session_conf(s)->on.incomplete_chain != ON_FETCH &&
	    tls_lacks_issuer(ssl, url);
	certinfo_unref(f->cert);
	f->cert = certinfo_of(cert, f->verify == VERIFY_OK);
	return 1;
}

/* The rule that decides has a client certificate, the handshake was begun with
 * it, and the server is who it should be: nobody else is shown it. */
static int
server_tls_shows(const struct session *s)
{
	return s->facts.verify == VERIFY_OK &&
	    conf_own_same(&s->way->client, &s->verdict.rule->client);
}

/*
 * The server asks for a client certificate, which any server may do. We show
 * that of the rule, or answer that there is none, and it goes on or it does
 * not. Its own certificate came first, and may be reason enough to block it.
 */
static struct step
server_tls_wants_cert(struct session *s)
{
	SSL *ssl = tlsio_ssl(s->server.tp);
	struct facts *f = &s->facts;
	struct step elsewhere;

	if (server_tls_cert(s, ssl) &&
	    decide_certificate(s, &elsewhere))
		return elsewhere;
	if (on_server(session_conf(s), f).on == ON_BLOCK)
		return decide_block(s, f->verify_text);
	s->cert_none = !tls_answer_certificate(ssl, server_tls_shows(s));
	return server_tls_event(s, &s->server);
}

/* It does not go on without a certificate. The client may have one. */
static struct step
server_tls_insists(struct session *s)
{
	const char *why = bypasses_why(UNDECRYPTED_CERT);

	server_tls_count(s, 0);
	if (!decide_failed(s, UNDECRYPTED_CERT))
		return decide_block(s, why);
	return decide_bypass(s, UNDECRYPTED_CERT, why);
}

/* How a server that was decrypted has wanted one; NULL: it has not, or it went
 * on without. */
static const char *
server_tls_wanted(SSL *ssl)
{
	int asked = tls_asked_late(ssl);

	if (asked < 0)
		return "it asked in HTTP/2, after the handshake";
	if (!tls_refused_none(ssl) && !tls_insists_late(ssl))
		return NULL;
	if (!asked)
		return "it refused after the handshake";
	return SSL_version(ssl) < TLS1_3_VERSION ?
	    "it asked by a renegotiation" : "it asked after the handshake";
}

static void
server_tls_reason(struct session *s, const char *how)
{
	snprintf(s->rec.reason, sizeof(s->rec.reason), "%s: %s",
	    bypasses_why(UNDECRYPTED_CERT), how);
}

static void
server_tls_refusal(struct session *s)
{
	char how[32];

	snprintf(how, sizeof(how), "it answered %d", s->refusal);
	server_tls_reason(s, how);
}

/* Of nginx (400, and what its error_page calls that), Apache and IIS (403). */
static int
server_tls_refuses(int status)
{
	return status == 400 || status == 403 || status == 495 ||
	    status == 496;
}

/*
 * It was told that there is no certificate, and has answered a request. One
 * that has served somebody so does not refuse for want of it: else any client
 * could have it bypassed by a bad request. If it refuses, the client would ask
 * again by this connection. The session may be at its end (tls_last_words): the
 * phase sets its timer. If it goes on, it may end for another reason.
 */
static void
server_tls_answered(void *arg, int status)
{
	struct session *s = arg;
	struct learned *servers = s->worker->env->servers;

	if (!server_tls_refuses(status)) {
		if (status < 400)
			learned_set(servers, &s->facts, LEARNED_SERVES);
		return;
	}
	if (learned_has(servers, &s->facts, LEARNED_SERVES))
		return;
	s->refusal = (uint16_t)status;
	server_tls_refusal(s);
	s->makes_way = decide_failed(s, UNDECRYPTED_CERT);
	if (!s->makes_way)
		s->rec.reason[0] = '\0';
}

void
server_tls_over(struct session *s)
{
	SSL *ssl = versions_ssl(s);
	const char *how;

	if (ssl == NULL || s->verdict.action != ACTION_DECRYPT)
		return;
	s->facts.tls_server.certificate |= tls_shown_late(ssl);
	if (s->cert_none || tls_asked_late(ssl))
		tls_last_words(ssl);
	if (s->refusal != 0) {
		if (s->rec.answer == NULL)	/* else that is the reason */
			server_tls_refusal(s);
	} else if ((how = server_tls_wanted(ssl)) != NULL) {
		server_tls_reason(s, how);
		decide_failed(s, UNDECRYPTED_CERT);
	}
}

static struct step
server_tls_done(struct session *s, SSL *ssl)
{
	struct facts *f = &s->facts;
	struct step elsewhere;

	tls_used(ssl, &f->tls_server);
	server_tls_count(s, 1);
	if (!server_tls_cert(s, ssl))
		return server_tls_failed(s, "it has no certificate");
	if (decide_certificate(s, &elsewhere))
		return elsewhere;
	tls_answer_later(ssl, server_tls_shows(s), server_tls_answered, s);
	switch (on_server(session_conf(s), f).on) {
	case ON_BLOCK:
		return decide_block(s, f->verify_text);
	case ON_BYPASS:
		return decide_bypass(s, UNDECRYPTED_VERIFY, f->verify_text);
	case ON_UNTRUSTED:
		s->verdict.untrusted = 1;
		break;
	default:
		break;
	}
	greeting_over(s);
	return step_go(chain_due(s) ? PHASE_CHAIN : PHASE_FORGE);
}

/*
 * In TLS 1.3 our handshake is complete before the server has read that we have
 * no certificate. It then refuses, or goes on, mostly with a ticket. We wait
 * for either, for two round trips at most. If the server refuses later, this
 * session is lost, and the next one knows.
 */
static int
server_tls_settles(struct session *s, SSL *ssl)
{
	uint64_t took = clock_coarse_ms() - s->active;

	if (!s->cert_none || s->awaits_refusal ||
	    SSL_version(ssl) < TLS1_3_VERSION ||
	    learned_has(s->worker->env->servers, &s->facts, LEARNED_GOES_ON))
		return 0;
	log_debug("session %llu: waits for the server to go on without a "
	    "certificate", (unsigned long long)s->rec.id);
	s->awaits_refusal = 1;
	session_timer(s, SETTLE_MS + 2 * took);
	return 1;
}

static struct step
server_tls_result(struct session *s, int rv, const char *why)
{
	struct tlsio *t = s->server.tp;

	if (rv == ERR_AGAIN)
		return step_wait();
	if (!s->awaits_refusal && (rv == 0 || rv == ERR_DENIED) &&
	    issuer_due(s, tlsio_ssl(t)))
		return step_wait();
	if (rv == ERR_DENIED)
		return server_tls_wants_cert(s);
	if (rv == 0 && server_tls_settles(s, tlsio_ssl(t)))
		return server_tls_event(s, &s->server);
	if (rv == 0) {
		if (s->awaits_refusal)
			learned_set(s->worker->env->servers, &s->facts,
			    LEARNED_GOES_ON);
		return server_tls_done(s, tlsio_ssl(t));
	}
	if ((!versions_fixed(s) && versions_refused(s, tlsio_ssl(t), rv)) ||
	    greeting_refused(s, tlsio_ssl(t))) {
		server_tls_count(s, 0);
		conn_close(&s->server, 1);
		return step_go(PHASE_CONNECT);
	}
	if (s->cert_none && (rv != ERR_TLS || tls_refused_none(tlsio_ssl(t))))
		return server_tls_insists(s);
	return server_tls_failed(s, rv == ERR_EOF ?
	    "it closed the connection" : rv == ERR_SYS ?
	    strerror(s->server.sock.err) : why);
}

static struct step
server_tls_event(struct session *s, struct conn *c)
{
	struct tlsio *t = s->server.tp;
	char why[128] = "";
	int rv;

	if (c == &s->client)
		return step_client_event(s, c);
	if (s->issuer != NULL)
		return step_wait();
	if (s->awaits_refusal)
		rv = tlsio_settle(t, why, sizeof(why));
	else
		rv = tlsio_handshake(t, why, sizeof(why));
	return server_tls_result(s, rv, why);
}

static struct step
server_tls_timeout(struct session *s)
{
	if (s->issuer != NULL) {
		issuer_leave(s);
		session_timer(s, session_conf(s)->timeouts.handshake);
		return server_tls_event(s, NULL);
	}
	if (s->awaits_refusal)
		return server_tls_result(s, 0, NULL);
	return server_tls_failed(s, "timed out");
}

/* The client certificate of the rule that decides so far; or NULL. */
static struct leaf *
server_tls_client(const struct session *s)
{
	const struct own *client = s->place->parts->clients[
	    s->way - session_conf(s)->rules];

	return client != NULL ? own_leaf(client, LEAF_P256) : NULL;
}

static struct step
server_tls_enter(struct session *s)
{
	struct tls_want want = {
		.sni = s->facts.sni,
		.name = s->facts.host,
		.server = s->facts.server,
		.lineage = s->lineage,
		.hello = s->hello,
		.ja4 = s->place->parts->flow_events ? s->facts.ja4 : NULL,
		.how = greeting_how(s),
	};
	struct conn *c = &s->server;
	struct text alpn = { 0 };
	SSL *ssl;

	if (s->verdict.rule != NULL)	/* another one behind STARTTLS */
		s->way = s->verdict.rule;
	want.client = server_tls_client(s);
	want.later = want.client != NULL || s->hello_later;
	turn_take(s);
	s->active = clock_coarse_ms();
	s->cert_none = s->awaits_refusal = 0;
	server_tls_alpn(s, &alpn);
	want.alpn = (const uint8_t *)alpn.s;
	want.alpn_len = alpn.len;
	ssl = tls_connect(s->place->parts->tls, &want);
	text_free(&alpn);
	if (ssl == NULL)
		return step_reset(s, DIR_UP, "handshake with server: out of "
		    "memory");
	conn_transport(c, &transport_tls, tlsio_new(ssl, &c->sock,
	    &s->worker->scratch, &c->ops));
	session_timer(s, session_conf(s)->timeouts.handshake);
	return server_tls_event(s, c);
}

const struct phase_ops phase_server_tls = {
	.name = "handshake with server",
	.handshake = 1,
	.enter = server_tls_enter,
	.event = server_tls_event,
	.timeout = server_tls_timeout,
	.leave = issuer_leave
};
