/*
 * PHASE_FORGE and PHASE_CLIENT_TLS: forge a certificate that says what the
 * server's says, and do the TLS handshake with the client.
 */
#include <string.h>

#include "proxy/decide.h"
#include "proxy/inner.h"
#include "proxy/ours.h"
#include "proxy/phases.h"
#include "proxy/session.h"
#include "proxy/taps.h"
#include "proxy/turn.h"
#include "proxy/versions.h"
#include "util/err.h"

static struct step
forge_have(struct session *s, struct leaf *leaf, int cached)
{
	s->leaf = leaf;
	s->rec.forged = 1;
	s->rec.forged_cached = cached;
	count(s->worker->counts.forged[cached ? 1 : 0], 1);
	return step_go(PHASE_CLIENT_TLS);
}

static void
forge_done(void *arg, struct leaf *leaf, int cached)
{
	struct session *s = arg;

	s->leaf_wait = NULL;
	session_due(s, leaf != NULL ? forge_have(s, leaf, cached) :
	    step_reset(s, DIR_DOWN, "forging: the certificate could not be "
	    "made"));
}

/* The name that the client asked for; a page of ours has it, too. */
static const char *
forge_name(const struct session *s, char *addr)
{
	const char *name = facts_name(&s->facts);

	return name != NULL ? name : addr_ip_str(&s->facts.server, addr);
}

/* An own server's certificate. A page of ours for its clients has it too, for
 * they do not know our CA. */
static struct step
forge_own(struct session *s, struct leaf *leaf)
{
	s->leaf = leaf_ref(leaf);
	s->rec.forged = 1;
	s->rec.own = 1;
	return step_go(PHASE_CLIENT_TLS);
}

static struct step
forge_enter(struct session *s)
{
	struct own *own = s->verdict.untrusted ? NULL : ours_of(s);
	struct leaf_want want = {
		.key = s->leaf_key,
		.authority = session_ca(s),
		.untrusted = s->verdict.untrusted,
		.lifetime = (uint32_t)(session_conf(s)->forge_lifetime / 1000),
		.owner = s->turn.owner[0],
	};
	char addr[ADDR_STRLEN];
	struct leaf *leaf;

	if (own != NULL)
		return forge_own(s, own_leaf(own, s->leaf_key));
	if (tls_authority(s->place->parts->tls, want.authority) == NULL)
		return step_reset(s, DIR_DOWN, "forging: there is no CA");
	if (want.authority > 0)
		s->rec.ca = conf_ca_name(conf_ca(session_conf(s),
		    want.authority));
	if (session_answers(s)) {
		want.name = forge_name(s, addr);
	} else {
		want.original = SSL_get0_peer_certificate(
		    tlsio_ssl(s->server.tp));
		if (session_conf(s)->forge_names == FORGE_ASKED)
			want.asked = forge_name(s, addr);
	}
	session_timer(s, session_conf(s)->timeouts.handshake);
	leaf = leaf_get(tls_leafs(s->place->parts->tls), &want,
	    s->worker->mailbox, forge_done, s, &s->leaf_wait);
	return leaf != NULL ? forge_have(s, leaf, 1) : step_wait();
}

static struct step
forge_timeout(struct session *s)
{
	return step_reset(s, DIR_DOWN, "forging: timed out");
}

static void
forge_leave(struct session *s)
{
	leaf_cancel(s->leaf_wait);
	s->leaf_wait = NULL;
}

const struct phase_ops phase_forge = {
	.name = "forging",
	.handshake = 1,
	.enter = forge_enter,
	.timeout = forge_timeout,
	.leave = forge_leave
};

static void
client_tls_count(struct session *s, int ok)
{
	int version = tls_version_of(tlsio_ssl(s->client.tp),
	    s->hello_version);

	count(s->worker->counts.handshakes[0][tls_version_class(version)]
	    [s->facts.tls_client.resumed][ok], 1);
}

static struct step
client_tls_done(struct session *s)
{
	const struct proxy_env *env = s->worker->env;

	tls_used(tlsio_ssl(s->client.tp), &s->facts.tls_client);
	client_tls_count(s, 1);
	versions_join(s);
	taps_facts(s);
	decide_worked(s);
	if (env->handshaken != NULL)
		env->handshaken(env->arg, &s->rec);
	return step_go(session_answers(s) ? PHASE_PAGE : PHASE_RELAY);
}

static struct step
client_tls_failed(struct session *s, const char *why)
{
	struct step end;

	client_tls_count(s, 0);
	/* It is right to refuse what we mark as untrusted. */
	if (s->verdict.untrusted)
		return step_end(s, "handshake with client: %s; the server is "
		    "untrusted: %s", why, s->facts.verify_text);
	end = step_end(s, "handshake with client: %s", why);
	if (!session_answers(s) && tls_refused_leaf(tlsio_ssl(s->client.tp)))
		decide_failed(s, UNDECRYPTED_REFUSED);
	return end;
}

static struct step
client_tls_event(struct session *s, struct conn *c)
{
	struct tlsio *t = s->client.tp;
	char why[128] = "";
	int rv;

	if (c != NULL && c != &s->client)
		return step_wait();	/* its bytes wait for relay */
	rv = tlsio_handshake(t, why, sizeof(why));
	if (rv == ERR_AGAIN)
		return step_wait();
	if (rv == 0)
		return client_tls_done(s);
	return client_tls_failed(s, rv == ERR_EOF ?
	    "it closed the connection" : rv == ERR_SYS ?
	    strerror(s->client.sock.err) : why);
}

static struct step
client_tls_timeout(struct session *s)
{
	return client_tls_failed(s, "timed out");
}

static struct step
client_tls_enter(struct session *s)
{
	struct conn *c = &s->client;
	const char *alpn = versions_answer(s);
	struct step next;
	SSL *ssl;

	turn_take(s);
	ssl = tls_accept(s->place->parts->tls, 0, s->leaf,
	    alpn[0] != '\0' ? (const uint8_t *)alpn : NULL, strlen(alpn));
	if (ssl == NULL)
		return step_reset(s, DIR_DOWN, "handshake with client: out of "
		    "memory");
	if (!session_answers(s))
		tls_same_lineage(ssl, tlsio_ssl(s->server.tp));
	conn_transport(c, &transport_tls, tlsio_new(ssl, &c->sock,
	    &s->worker->scratch, &c->ops));
	sock_look(&c->sock);	/* the hello that was peeked */
	session_timer(s, session_conf(s)->timeouts.handshake);
	next = client_tls_event(s, c);
	conn_note(c);
	return next;
}

const struct phase_ops phase_client_tls = {
	.name = "handshake with client",
	.handshake = 1,
	.enter = client_tls_enter,
	.event = client_tls_event,
	.timeout = client_tls_timeout
};
