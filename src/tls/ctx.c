/*
 * The contexts: one for each side of a profile, and those that follow a
 * client's hello. Their settings are here, with why.
 */
#include "tls/ctx.h"

#include <openssl/err.h>

#include "tls/offer.h"
#include "util/err.h"

/*
 * Handshakes at OpenSSL's level 1, as browsers do: 1024-bit DH, SHA-1 for
 * signatures not. Certificates are held to Debian's level, 2: an RSA key
 * below 2048 bits makes the server untrusted. Who asks for TLS 1.0 or 1.1
 * gets level 0, for they sign with MD5 and SHA-1.
 */
#define LEVEL		1
#define LEVEL_VERIFY	2

/* What both sides have in common. NULL: no memory. */
static SSL_CTX *
ctx_new(const SSL_METHOD *method, const struct tls_side *side)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_security_level(ctx,
	    side->min != 0 && side->min < TLS1_2_VERSION ? 0 : LEVEL);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	return ctx;
}

/* Versions, suites and groups, as configured. Frees ctx where they are wrong:
 * NULL and a line in errors. */
static SSL_CTX *
ctx_offer(SSL_CTX *ctx, const struct tls_side *side, const char *what,
    struct text *errors)
{
	const char *wrong = "no memory";

	if (ctx == NULL)
		;
	else if (!SSL_CTX_set_min_proto_version(ctx, side_min(side)) ||
	    !SSL_CTX_set_max_proto_version(ctx, side_max(side)))
		wrong = "versions this OpenSSL does not know";
	else
		wrong = offer_set(ctx, side);
	ERR_clear_error();
	if (wrong == NULL)
		return ctx;
	text_printf(errors, "tls: %s: %s\n", what, wrong);
	SSL_CTX_free(ctx);
	return NULL;
}

SSL_CTX *
ctx_server(struct tls *t, const struct tls_profile *p, struct text *errors)
{
	SSL_CTX *ctx;

	ctx = ctx_offer(ctx_new(TLS_server_method(), &p->client), &p->client,
	    "client", errors);
	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_dh_auto(ctx, 1);
	/* Kept is what a lineage needs. One ticket, for each costs 30 us. */
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_set_num_tickets(ctx, 1);
	conn_server_ctx(ctx, t, p->libssl);
	return ctx;
}

/* All but versions, suites and groups. */
static SSL_CTX *
ctx_client_new(struct tls *t, const struct tls_profile *p)
{
	SSL_CTX *ctx = ctx_new(TLS_client_method(), &p->server);

	if (ctx == NULL)
		return NULL;
	/* As browsers do; renegotiation, where the harm is, never happens. */
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_set1_cert_store(ctx, trust_store(t->trust));
	X509_VERIFY_PARAM_set_auth_level(SSL_CTX_get0_param(ctx),
	    LEVEL_VERIFY);
	SSL_CTX_set_max_cert_list(ctx, (long)t->max_chain);
	conn_client_ctx(ctx, t, p->libssl);
	return ctx;
}

SSL_CTX *
ctx_client(struct tls *t, const struct tls_profile *p, struct text *errors)
{
	return ctx_offer(ctx_client_new(t, p), &p->server, "server", errors);
}

SSL_CTX *
ctx_following(struct tls *t, const struct tls_profile *p, const SSL_CTX *own,
    const struct follow *f)
{
	SSL_CTX *ctx = ctx_client_new(t, p);

	if (ctx != NULL && !follow_set(ctx, own, f)) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	ERR_clear_error();
	return ctx;
}
