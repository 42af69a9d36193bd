/*
 * PHASE_CONNECT and PHASE_SERVER_TLS: the way to the server, and our own
 * verified TLS over it. The client's hello still lies unread in its socket,
 * so whatever the server turns out to want, nothing is lost yet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/sock.h"
#include "proxy/inner.h"
#include "proxy/reach.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define SETTLE_MS	300	/* for a server that is slow itself */

static struct step	server_tls_event(struct session *, struct conn *);

static struct step
connect_failed(struct session *s, int err, const char *why)
{
	const char *host = session_dials(s);

	s->dial_errno = err == ERR_SYS ? errno : 0;
	if (err == ERR_LIMIT)	/* others need not meet the same */
		worker_full(s->worker);
	if (err == ERR_DENIED)
		return reach_refuse(s);
	return step_refuse(s, err == ERR_TIMEOUT ? 504 : 502,
	    "connect: %s%s%s", host != NULL ? host : "",
	    host != NULL ? ": " : "", why);
}

static struct step
connect_made(struct session *s, int fd, const struct addr *to)
{
	s->facts.server = *to;
	s->rec.state = "established";
	s->open = 1;
	sock_session(fd, session_conf(s)->timeouts.keepalive);
	conn_open(&s->server, fd);
	if (s->asked)
		return explicit_connected(s);
	if (s->verdict.rule != NULL)
		return decide_joined(s);
	return step_go(PHASE_HELLO);
}

static void
connect_done(void *arg, int fd, const struct addr *to, const char *why)
{
	struct session *s = arg;

	s->dial = NULL;
	session_due(s, fd < 0 ? connect_failed(s, fd, why) :
	    connect_made(s, fd, to));
}

static struct step
connect_enter(struct session *s)
{
	struct dial_want want = {
		.host = session_dials(s),
		.port = s->facts.port,
		.client = &s->facts.client,
		.addr = s->facts.server,
		.timeout = session_conf(s)->connect_timeout,
		.allow = reach_veto,
		.arg = s,
	};

	/* A second connection goes where the first one went. */
	if (s->facts.server.sa.sa_family != AF_UNSPEC)
		want.host = NULL;
	/* Answers to the client's address come back to us under TPROXY only. */
	if (s->facts.mode == CONF_TRANSPARENT && !s->redirected &&
	    session_conf(s)->keep_client_address)
		want.from = &s->facts.client;
	s->dial = dial_start(s->worker->base, s->worker->names, &want,
	    connect_done, s);
	return step_wait();
}

const struct phase_ops phase_connect = {
	.name = "connect",
	.enter = connect_enter,
	.event = step_client_event
};

/*
 * What to offer the server: the client's list; or http/1.1 alone, where that
 * is asked for or what passes must be read (ICAP).
 */
static void
server_tls_alpn(const struct session *s, struct tls_want *want)
{
	static const uint8_t http11[] = "\x08http/1.1";

	want->alpn = s->facts.alpn;
	want->alpn_len = s->facts.alpn_len;
	if (s->facts.alpn != NULL && (session_conf(s)->tls[0].alpn_http11 ||
	    s->verdict.rule->nicaps > 0)) {
		want->alpn = http11;
		want->alpn_len = sizeof(http11) - 1;
	}
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
	server_tls_count(s, 0);
	if (session_conf(s)->on.handshake_failure == ON_BYPASS)
		return decide_bypass(s, UNDECRYPTED_FAILURE,
		    "handshake with server failed");
	return step_refuse(s, 502, "handshake with server: %s", why);
}

/* How to go on with a server of this standing. */
static enum conf_on
server_tls_judge(const struct session *s, SSL *ssl)
{
	const struct conf *conf = session_conf(s);

	/* It may be late and of another name: the block of either counts. */
	if (tls_late(ssl) && conf->on.expired_server == ON_BLOCK)
		return ON_BLOCK;
	switch (s->facts.verify) {
	case VERIFY_OK:
		return ON_DECRYPT;
	case VERIFY_EXPIRED:
		return conf->on.expired_server;
	case VERIFY_NAME:
		return conf->on.name_mismatch;
	case VERIFY_REVOKED:
		return conf->on.revoked_server;
	default:
		return conf->on.untrusted_server;
	}
}

/*
 * It asks for a client certificate, which any server may do to everybody: the
 * answer is that there is none, and it goes on or not. Its own certificate
 * came first, and may be reason enough to block it.
 */
static struct step
server_tls_wants_cert(struct session *s)
{
	SSL *ssl = tlsio_ssl(s->server.tp);
	struct facts *f = &s->facts;

	f->verify = tls_verdict(ssl, &f->verify_text);
	if (server_tls_judge(s, ssl) == ON_BLOCK)
		return decide_block(s, f->verify_text);
	s->cert_none = 1;
	tls_no_certificate(ssl);
	return server_tls_event(s, &s->server);
}

/* Without a certificate it does not go on: what the client has may do. */
static struct step
server_tls_insists(struct session *s)
{
	static const char why[] = "client certificate wanted";

	server_tls_count(s, 0);
	if (session_conf(s)->on.client_certificate_wanted == ON_BLOCK)
		return decide_block(s, why);
	decide_learn(s, LEARNED_INSISTS);
	return decide_bypass(s, UNDECRYPTED_CERT, why);
}

void
server_tls_over(struct session *s)
{
	struct conn *c = &s->server;

	if (tlsio_is(c->ops) && (tls_wanted_again(tlsio_ssl(c->tp)) ||
	    tls_refused_none(tlsio_ssl(c->tp))))
		decide_learn(s, LEARNED_INSISTS);
}

static struct step
server_tls_done(struct session *s, SSL *ssl)
{
	struct facts *f = &s->facts;
	X509 *cert = SSL_get0_peer_certificate(ssl);

	tls_used(ssl, &f->tls_server);
	f->verify = tls_verdict(ssl, &f->verify_text);
	server_tls_count(s, 1);
	if (cert == NULL)
		return server_tls_failed(s, "it has no certificate");
	f->cert = certinfo_of(cert, f->verify == VERIFY_OK);
	switch (server_tls_judge(s, ssl)) {
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
	return step_go(PHASE_FORGE);
}

/*
 * In TLS 1.3 the handshake is over here before the server has read that there
 * is no certificate. It refuses at once or goes on, mostly by a ticket. One
 * that sends none gets the time of two round trips; should it refuse later,
 * this session is lost and the next one knows.
 */
static int
server_tls_settles(struct session *s, SSL *ssl)
{
	uint64_t took = clock_coarse_ms() - s->active;

	if (!s->cert_none || s->settling || SSL_version(ssl) < TLS1_3_VERSION ||
	    decide_learned(s) == LEARNED_GOES_ON)
		return 0;
	log_debug("session %llu: waits for the server to go on without a "
	    "certificate", (unsigned long long)s->rec.id);
	s->settling = 1;
	session_timer(s, SETTLE_MS + 2 * took);
	return 1;
}

static struct step
server_tls_result(struct session *s, int rv, const char *why)
{
	struct tlsio *t = s->server.tp;

	if (rv == ERR_AGAIN)
		return step_wait();
	if (rv == ERR_DENIED)
		return server_tls_wants_cert(s);
	if (rv == 0 && server_tls_settles(s, tlsio_ssl(t)))
		return server_tls_event(s, &s->server);
	if (rv == 0) {
		if (s->settling)
			decide_learn(s, LEARNED_GOES_ON);
		return server_tls_done(s, tlsio_ssl(t));
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
	if (s->settling)
		rv = tlsio_settle(t, why, sizeof(why));
	else
		rv = tlsio_handshake(t, why, sizeof(why));
	return server_tls_result(s, rv, why);
}

static struct step
server_tls_timeout(struct session *s)
{
	if (s->settling)
		return server_tls_result(s, 0, NULL);
	return server_tls_failed(s, "timed out");
}

static struct step
server_tls_enter(struct session *s)
{
	struct tls_want want = {
		.sni = s->facts.sni,
		.name = s->facts.host,
		.server = s->facts.server,
	};
	struct conn *c = &s->server;
	SSL *ssl;

	turn_take(s);
	s->active = clock_coarse_ms();
	s->cert_none = s->settling = 0;
	server_tls_alpn(s, &want);
	if ((ssl = tls_connect(s->worker->env->tls, &want)) == NULL)
		return step_reset(s, DIR_UP, "handshake with server: out of "
		    "memory");
	conn_transport(c, &transport_tls, tlsio_new(ssl, &c->sock,
	    &s->worker->scratch, &c->ops));
	session_timer(s, session_conf(s)->timeouts.handshake);
	return server_tls_event(s, c);
}

const struct phase_ops phase_server_tls = {
	.name = "handshake with server",
	.enter = server_tls_enter,
	.event = server_tls_event,
	.timeout = server_tls_timeout
};
