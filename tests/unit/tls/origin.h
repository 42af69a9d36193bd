/*
 * A server to connect to and a client that comes, both plain libssl.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "mint.h"

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* An origin server, a plain libssl one. */
struct origin {
	SSL_CTX		*ctx;
	struct minted	 root, cert;
};

static inline void
origin_init(struct origin *o, const struct mint *m)
{
	struct mint own = *m;

	o->root = mint_ca("Origin Root", NULL);
	if (own.by == NULL)
		own.by = &o->root;
	o->cert = mint(&own);
	o->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(o->ctx, 0);
	SSL_CTX_use_certificate(o->ctx, o->cert.cert);
	SSL_CTX_use_PrivateKey(o->ctx, o->cert.key);
	SSL_CTX_set_session_id_context(o->ctx, (const uint8_t *)"o", 1);
}

static inline void
origin_done(struct origin *o)
{
	SSL_CTX_free(o->ctx);
	mint_done(&o->root);
	mint_done(&o->cert);
}

static inline SSL *
origin_join(struct origin *o, SSL *client)
{
	SSL *server = SSL_new(o->ctx);

	SSL_set_accept_state(server);
	join(client, server);
	return server;
}

static inline struct tls_want
want_of(const char *name)
{
	struct tls_want w = { .sni = name };

	addr_parse(&w.server, "192.0.2.1:443");
	return w;
}

/* One connection to the origin; whether it was resumed. */
static inline int
visit(struct tls *t, struct origin *o, const struct tls_want *w,
    enum tls_verify expect, const char **text)
{
	SSL *client = tls_connect(t, w), *server;
	struct tls_used used;
	const char *why;

	server = origin_join(o, client);
	ck_assert_int_eq(shake(client, server), 0);
	talk(client, server);
	ck_assert_int_eq(tls_verdict(client, &why), expect);
	ck_assert_ptr_nonnull(SSL_get0_peer_certificate(client));
	tls_used(client, &used);
	if (text != NULL)
		*text = why;
	tls_end(client);
	SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(server);
	return used.resumed;
}

/* One visit of a client to us; *sess is offered, and then the new one. */
static inline int
visited(struct tls *t, SSL_CTX *ctx, struct leaf *leaf, SSL_SESSION **sess)
{
	SSL *client = SSL_new(ctx), *server = tls_accept(t, 0, leaf, NULL, 0);
	int resumed;

	SSL_set_connect_state(client);
	if (*sess != NULL)
		SSL_set_session(client, *sess);
	join(client, server);
	ck_assert_int_eq(shake(client, server), 0);
	talk(client, server);
	resumed = SSL_session_reused(server);
	SSL_SESSION_free(*sess);
	*sess = SSL_get1_session(client);
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client);
	tls_end(server);
	return resumed;
}

#endif
