/*
 * Servers that were told that there is no client certificate, and those that
 * ask behind the handshake. libssl answers the request; here is what it
 * answers, once, and what a server does then: it ends, or it answers, and its
 * status in HTTP may say that it refuses.
 */
#include "tls/later.h"

#include <string.h>

#include "tls/conn.h"
#include "util/err.h"

void
later_none(struct later *l)
{
	l->none = 1;
	reply_begin(&l->reply, 0);
}

void
later_began(struct later *l, int http2)
{
	reply_begin(&l->reply, http2);
}

void
later_sent(struct later *l)
{
	l->waits = 1;
}

void
later_got(struct later *l, const void *data, size_t len)
{
	int status = reply_read(&l->reply, data, len);

	l->waits = 0;
	l->none = 0;
	if (status > 0 && l->answered != NULL)
		l->answered(l->arg, status);
}

void
later_shut(struct later *l, int ended)
{
	l->shut |= !ended;
}

void
later_ended(struct later *l)
{
	l->ended |= !l->shut;
}

int
later_insists(const struct later *l)
{
	return l->none && l->waits && l->ended;
}

void
later_free(struct later *l)
{
	X509_free(l->peer);
	l->peer = NULL;
}

static int
conn_is_http2(const SSL *ssl)
{
	const unsigned char *p;
	unsigned int n;

	SSL_get0_alpn_selected(ssl, &p, &n);
	return n == 2 && memcmp(p, "h2", 2) == 0;
}

int
conn_asked(struct tls_conn *c, const SSL *ssl)
{
	struct later *l = &c->later;

	if (!l->answers)
		return 0;
	if (l->asked == 0)
		l->asked = conn_is_http2(ssl) ? -1 : 1;
	if (l->asked < 0)
		return ERR_DENIED;
	c->about.client = l->shown = l->ours;
	c->no_cert = !l->ours;
	if (!l->ours)
		later_none(l);
	return 0;
}

void
conn_refused_again(struct tls_conn *c)
{
	c->later.asked = c->no_cert = 1;
	later_none(&c->later);
}

/*
 * One renegotiation, which is what a server of TLS 1.2 has to ask by, and only
 * with the server that we know (RFC 5746; RFC 9113, 9.2.1). Each costs as much
 * as a handshake.
 */
static void
conn_renegotiates(struct tls_conn *c, SSL *ssl)
{
	if (SSL_version(ssl) >= TLS1_3_VERSION || conn_is_http2(ssl) ||
	    !SSL_get_secure_renegotiation_support(ssl))
		return;
	later_free(&c->later);
	c->later.peer = SSL_get1_peer_certificate(ssl);
	if (c->later.peer == NULL)
		return;
	SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
	/* The callback's answer counts now. */
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
}

void
conn_renegotiated(struct tls_conn *c, SSL *ssl)
{
	if (c->later.peer != NULL)
		SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
}

int
conn_same_server(struct tls_conn *c, X509_STORE_CTX *ctx)
{
	if (c->later.peer == NULL ||
	    X509_cmp(c->later.peer, X509_STORE_CTX_get0_cert(ctx)) == 0)
		return 1;
	c->why = "the server has another certificate in a renegotiation";
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED);
	return 0;
}

void
tls_answer_later(SSL *ssl, int ours, void (*answered)(void *, int), void *arg)
{
	struct tls_conn *c = conn_of(ssl);

	c->later.answered = answered;
	c->later.arg = arg;
	if (c->no_cert)
		later_began(&c->later, conn_is_http2(ssl));
	c->later.answers = 1;
	c->later.ours = ours && c->leaf != NULL;
	conn_renegotiates(c, ssl);
}

int
tls_asked_late(SSL *ssl)
{
	return conn_of(ssl)->later.asked;
}

int
tls_shown_late(SSL *ssl)
{
	return conn_of(ssl)->later.shown;
}

int
tls_insists_late(SSL *ssl)
{
	return later_insists(&conn_of(ssl)->later);
}
