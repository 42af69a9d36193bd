/*
 * The process's TLS: what is made once at start. The settings of the
 * contexts are here, with why; what happens on a connection is in conn.c.
 */
#include "tls/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls/certinfo.h"
#include "tls/conn.h"
#include "tls/intern.h"
#include "tls/offer.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define CACHES		((size_t)128 << 20)
#define MAX_CHAIN	(64 * 1024)

/*
 * Handshakes at OpenSSL's level 1, as browsers do: 1024-bit DH, SHA-1 for
 * signatures not. Certificates are held to Debian's level, 2: an RSA key
 * below 2048 bits makes the server untrusted. Who asks for TLS 1.0 or 1.1
 * gets level 0, for they sign with MD5 and SHA-1.
 */
#define LEVEL		1
#define LEVEL_VERIFY	2

/* What both sides have in common. NULL and a line in errors. */
static SSL_CTX *
ctx_new(const SSL_METHOD *method, const struct tls_side *side,
    const char *what, struct text *errors)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	const char *wrong;

	if (ctx == NULL) {
		text_printf(errors, "tls: %s: no memory\n", what);
		return NULL;
	}
	SSL_CTX_set_security_level(ctx,
	    side->min != 0 && side->min < TLS1_2_VERSION ? 0 : LEVEL);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	if (!SSL_CTX_set_min_proto_version(ctx,
	    side->min != 0 ? side->min : TLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx,
	    side->max != 0 ? side->max : TLS1_3_VERSION))
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

static SSL_CTX *
ctx_server(struct tls *t, const struct tls_profile *p, struct text *errors)
{
	SSL_CTX *ctx;

	ctx = ctx_new(TLS_server_method(), &p->client, "client", errors);
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

static SSL_CTX *
ctx_client(struct tls *t, const struct tls_profile *p, size_t max_chain,
    struct text *errors)
{
	SSL_CTX *ctx;

	ctx = ctx_new(TLS_client_method(), &p->server, "server", errors);
	if (ctx == NULL)
		return NULL;
	/* As browsers do; renegotiation, where the harm is, never happens. */
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_set1_cert_store(ctx, trust_store(t->trust));
	X509_VERIFY_PARAM_set_auth_level(SSL_CTX_get0_param(ctx),
	    LEVEL_VERIFY);
	SSL_CTX_set_max_cert_list(ctx, (long)max_chain);
	conn_client_ctx(ctx, t, p->libssl);
	return ctx;
}

static int
tls_profiles(struct tls *t, const struct tls_options *o, struct text *errors)
{
	size_t i;

	t->nprofiles = o->nprofiles;
	t->server = xcalloc(o->nprofiles, sizeof(SSL_CTX *));
	t->client = xcalloc(o->nprofiles, sizeof(SSL_CTX *));
	for (i = 0; i < o->nprofiles; i++) {
		t->server[i] = ctx_server(t, &o->profiles[i], errors);
		t->client[i] = ctx_client(t, &o->profiles[i],
		    o->max_chain != 0 ? o->max_chain : MAX_CHAIN, errors);
		if (t->server[i] == NULL || t->client[i] == NULL)
			return ERR_USAGE;
	}
	return 0;
}

static int
tls_authorities(struct tls *t, const struct tls_options *o,
    struct text *errors)
{
	size_t i;

	t->nauthorities = o->nauthorities;
	t->authorities = xcalloc(o->nauthorities, sizeof(*t->authorities));
	for (i = 0; i < o->nauthorities; i++)
		if (o->authorities[i] != NULL)
			t->authorities[i] = authority_ref(o->authorities[i]);
	return authorities_check(t->authorities, t->nauthorities, errors);
}

/* What verifies servers. 0 or ERR_USAGE. */
static int
tls_trust(struct tls *t, const struct tls_options *o, size_t bytes,
    struct text *errors)
{
	size_t i;
	int rv;

	rv = trust_new(o->trust, o->trust_also, o->ntrust_also, bytes,
	    &t->trust, errors);
	if (rv == 0 && o->intermediates != NULL)
		rv = issuers_load(trust_issuers(t->trust), o->intermediates,
		    errors);
	for (i = 0; rv == 0 && i < o->ncrls; i++)
		rv = trust_add_crls(t->trust, o->crls[i], errors);
	return rv;
}

int
tls_new(const struct tls_options *o, struct tls **out, struct text *errors)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	size_t caches = o->caches != 0 ? o->caches : CACHES;
	int rv;

	*out = NULL;
	rv = conn_init();
	intern_budget(caches / 8);
	certinfo_budget(caches / 16);
	if (!intern_start())
		log_debug("tls: certificates of servers are read each time");
	if (tls_authorities(t, o, errors) != 0)
		rv = ERR_USAGE;
	if (tls_trust(t, o, caches / 16, errors) != 0)
		rv = ERR_USAGE;
	if (o->keylog != NULL &&
	    (t->keylog = keylog_new(o->keylog, errors)) == NULL)
		rv = ERR_USAGE;
	t->sessions = cache_new(caches / 8 * 3);
	t->lineages = lineages_new();
	t->tickets = ticket_keys_new();
	if (rv == 0)
		t->leafs = leafs_new(t->authorities, t->nauthorities,
		    caches / 8 * 3);
	if (rv == 0 && (t->tickets == NULL || t->leafs == NULL)) {
		text_puts(errors, "tls: OpenSSL makes no keys\n");
		rv = ERR_USAGE;
	}
	if (rv == 0)
		rv = tls_profiles(t, o, errors);
	ERR_clear_error();
	if (rv != 0) {
		tls_free(t);
		return ERR_USAGE;
	}
	*out = t;
	return 0;
}

void
tls_free(struct tls *t)
{
	size_t i;

	if (t == NULL)
		return;
	leafs_free(t->leafs);
	for (i = 0; i < t->nprofiles; i++) {
		SSL_CTX_free(t->server[i]);
		SSL_CTX_free(t->client[i]);
	}
	free(t->server);
	free(t->client);
	cache_free(t->sessions);
	cache_free(t->lineages);
	ticket_keys_free(t->tickets);
	keylog_free(t->keylog);
	trust_free(t->trust);
	for (i = 0; i < t->nauthorities; i++)
		authority_free(t->authorities[i]);
	free(t->authorities);
	free(t);
}

struct authority *
tls_authority(struct tls *t, size_t i)
{
	return i < t->nauthorities ? t->authorities[i] : NULL;
}

X509 *
tls_ca_cert(struct tls *t, size_t i)
{
	const struct authority *a = tls_authority(t, i);

	return a != NULL ? a->ca[0]->cert : NULL;
}

struct leafs *
tls_leafs(struct tls *t)
{
	return t->leafs;
}

void
tls_stats(struct tls *t, struct tls_stats *out)
{
	cache_stats(t->sessions, &out->sessions);
	trust_stats(t->trust, &out->verdicts);
	intern_stats(&out->certificates);
	certinfo_stats(&out->texts);
}
