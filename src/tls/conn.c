/*
 * An SSL of either side, and the callbacks through which libssl asks on its
 * way: which certificate, which protocol, is this chain good, keep this
 * session?
 */
#include "tls/conn.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/cert.h"
#include "tls/offer.h"
#include "tls/bulk/bulk.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define TICKET_MAX	4096	/* a server could send us 64 KiB to keep */
#define FAR		((time_t)1 << 40)	/* s since 1970 */
#define CHAIN_USUAL	(96 * 1024)	/* as cert.h counts it */

static pthread_once_t	 conn_once = PTHREAD_ONCE_INIT;

static void
conn_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	struct tls_conn *c = ptr;

	if (c == NULL)
		return;
	lineage_close(&c->lineage, c->tls->lineages);
	leaf_unref(c->leaf);
	later_free(&c->later);
	if (c->hello != NULL)
		cache_unref(&c->hello->item);
	budget_give(BUDGET_TLS, c->held);
	free(c->alpn);
	free(c->name);
	free(c->kin);
	free(c);
}

static void
conn_once_init(void)
{
	conn_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, conn_free);
}

int
conn_init(void)
{
	pthread_once(&conn_once, conn_once_init);
	return conn_index == -1 ? ERR_MEM : 0;
}

SSL *
conn_new(SSL_CTX *ctx, const struct tls_conn *start, struct tls_conn **out)
{
	struct tls_conn *c = xmemdup(start, sizeof(*start));
	SSL *ssl = SSL_new(ctx);

	if (ssl != NULL && SSL_set_ex_data(ssl, conn_index, c)) {
		*out = c;
		return ssl;
	}
	SSL_free(ssl);
	conn_free(NULL, c, NULL, 0, 0, NULL);
	return NULL;
}

static void
conn_keylog(const SSL *ssl, const char *line)
{
	struct keylog *file = conn_of(ssl)->tls->keylog;

	if (file != NULL)
		keylog_put(file, line);
}

static void
conn_secrets(const SSL *ssl, const char *line)
{
	takeover_keylog(ssl, line);
	conn_keylog(ssl, line);
}

/* Without the secrets there is no takeover. */
static void
conn_watch_keys(SSL_CTX *ctx, const struct tls *t, int libssl)
{
	if (!libssl && takeover_on())
		SSL_CTX_set_keylog_callback(ctx, conn_secrets);
	else if (t->keylog != NULL)
		SSL_CTX_set_keylog_callback(ctx, conn_keylog);
}

/* Towards clients. Not called when a ticket is resumed, which saves it. */
static int
server_cert(SSL *ssl, void *arg)
{
	struct leaf *leaf = conn_of(ssl)->leaf;

	return offer_unsigned(ssl) && SSL_use_cert_and_key(ssl, leaf->cert,
	    leaf->key, leaf->chain, 1);
}

static int
server_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned int inlen, void *arg)
{
	struct tls_conn *c = conn_of(ssl);
	const unsigned char *p = in, *end = in + inlen;

	for (; c->alpn != NULL && p < end && *p < end - p; p += *p + 1) {
		if (*p != c->alpn_len || memcmp(p + 1, c->alpn, *p) != 0)
			continue;
		*out = p + 1;
		*outlen = *p;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static int
server_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	const struct tls_conn *c = conn_of(ssl);
	int rv = ticket_crypt(c->tls->tickets, c->lineage.id, name, iv,
	    cipher, mac, enc);

	/* A client of TLS 1.3 uses a ticket once: with 2 it gets another. */
	return rv == 1 && !enc && SSL_version(ssl) == TLS1_3_VERSION ? 2 : rv;
}

/* A client without tickets, in TLS 1.2. */
static int
server_session_id(SSL *ssl, unsigned char *id, unsigned int *len)
{
	if (RAND_bytes(id, (int)*len) != 1)
		return 0;
	lineage_name(&conn_of(ssl)->lineage, id, *len);
	return 1;
}

static int
server_session(SSL *ssl, SSL_SESSION *sess)
{
	struct tls_conn *c = conn_of(ssl);
	static const struct sessions_about about = { .until = FAR };

	if (SSL_version(ssl) >= TLS1_3_VERSION)
		return 0;
	lineage_open(&c->lineage, c->tls->lineages, NULL);
	lineage_put(&c->lineage, c->tls->lineages, sess, &about);
	return 0;
}

static SSL_SESSION *
server_session_get(SSL *ssl, const unsigned char *id, int len, int *copy)
{
	const struct tls_conn *c = conn_of(ssl);

	*copy = 0;
	if (lineage_of_id(id, (size_t)len) != c->lineage.id)
		return NULL;
	return lineage_find(c->tls->lineages, id, (size_t)len);
}

static void
server_info(const SSL *ssl, int where, int ret)
{
	if (where == SSL_CB_READ_ALERT && ret >> 8 == SSL3_AL_FATAL)
		conn_of(ssl)->alert = ret & 0xff;
}

int
tls_refused_leaf(SSL *ssl)
{
	switch (conn_of(ssl)->alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
		return 1;
	}
	return 0;
}

void
conn_server_ctx(SSL_CTX *ctx, const struct tls *t, int libssl)
{
	SSL_CTX_set_info_callback(ctx, server_info);
	SSL_CTX_set_cert_cb(ctx, server_cert, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, server_alpn, NULL);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, server_ticket);
	SSL_CTX_set_generate_session_id(ctx, server_session_id);
	SSL_CTX_sess_set_new_cb(ctx, server_session);
	SSL_CTX_sess_set_get_cb(ctx, server_session_get);
	conn_watch_keys(ctx, t, libssl);
}

SSL *
tls_accept(struct tls *t, size_t profile, struct leaf *leaf,
    const uint8_t *alpn, size_t alpn_len)
{
	struct tls_conn start = { .tls = t, .leaf = leaf_ref(leaf) }, *c;
	SSL *ssl = conn_new(t->server[profile], &start, &c);

	if (ssl == NULL)
		return NULL;
	if (alpn != NULL && alpn_len > 0) {
		c->alpn = xmemdup(alpn, alpn_len);
		c->alpn_len = alpn_len;
	}
	/* A ticket counts only where this very leaf would be shown. */
	if (!SSL_set_session_id_context(ssl, leaf->id, sizeof(leaf->id))) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

/*
 * A chain lives as long as its connection. One of a usual size goes with the
 * connection; what is beyond it counts in limits.memory.
 */
static void
conn_hold(struct tls_conn *c, X509_STORE_CTX *ctx)
{
	size_t n = cert_weight_chain(X509_STORE_CTX_get0_untrusted(ctx));

	c->about.chain = n;
	if (n <= CHAIN_USUAL || c->held != 0)
		return;
	if (budget_take(BUDGET_TLS, n - CHAIN_USUAL, 1) == 0)
		c->held = n - CHAIN_USUAL;
	else
		c->why = "limits.memory is spent, and the server's chain of "
		    "certificates is large";
}

static int
client_verify(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *c = conn_of(ssl);

	if (!conn_same_server(c, ctx))
		return 0;
	c->about.client = 0;	/* so far: it did not resume */
	conn_hold(c, ctx);
	conn_verify(c, ssl, ctx);
	X509_STORE_CTX_set_error(ctx, c->error);
	return 1;
}

/* The server's flight is over, with or without a staple. Only a chain that is
 * still to be completed needs it later. */
static int
client_stapled(SSL *ssl, void *arg)
{
	conn_stapled(ssl);
	if (!trust_lacks_issuer(conn_error(ssl)))
		SSL_set_tlsext_status_ocsp_resp(ssl, NULL, 0);
	return 1;
}

/* Nothing of ours is sent until the caller has seen the certificate; behind the
 * handshake it has. */
static int
client_cert(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct tls_conn *c = conn_of(ssl);

	if (conn_asked(c, ssl) != 0)
		return -1;
	if (!c->about.client)
		return c->no_cert ? 0 : -1;
	/* The chain too, which libssl does not ask for. */
	if (!SSL_use_cert_and_key(ssl, c->leaf->cert, c->leaf->key,
	    c->leaf->chain, 1))
		return 0;
	X509_up_ref(*cert = c->leaf->cert);
	EVP_PKEY_up_ref(*key = c->leaf->key);
	return 1;
}

uint64_t
tls_lineage(struct tls *t, const struct hello *h)
{
	SSL_SESSION *sess;
	uint64_t id = 0;

	if (h->ticket.p != NULL)
		id = ticket_lineage(t->tickets, h->ticket.p, h->ticket.len);
	else if ((sess = lineage_find(t->lineages, h->session_id.p,
	    h->session_id.len)) != NULL) {
		id = lineage_of_id(h->session_id.p, h->session_id.len);
		SSL_SESSION_free(sess);
	}
	return id != 0 ? id : lineage_new();
}

static void
conn_settle(struct tls_conn *c, SSL *ssl)
{
	lineage_settle(&c->lineage, c->tls->lineages, ssl, c->kin);
}

void
tls_same_lineage(SSL *client, SSL *server)
{
	conn_settle(conn_of(server), server);
	conn_of(client)->lineage.id = conn_of(server)->lineage.id;
	/* It may use them up faster than it reads others. */
	if (conn_of(server)->lineage.id != 0)
		SSL_set_num_tickets(client, 2);
}

/* Within a lineage what was thought of the server counts on, good or not. Not
 * that it is revoked: libssl's session cannot tell what came with a staple. */
static void
client_session_keep(struct tls_conn *c, SSL *ssl, SSL_SESSION *sess, int good)
{
	struct sessions_about about = c->about;

	if (!good)
		about.until = FAR;
	conn_settle(c, ssl);
	lineage_put(&c->lineage, c->tls->lineages, sess, &about);
}

/*
 * Only sessions of servers found good are kept for everyone, under a key that
 * holds the name: so a resumed session is a good one for that name.
 */
static int
client_session(SSL *ssl, SSL_SESSION *sess)
{
	struct tls_conn *c = conn_of(ssl);
	const unsigned char *ticket;
	size_t len;
	int error = conn_error(ssl), good = error == X509_V_OK;

	c->ticket = 1;
	SSL_SESSION_get0_ticket(sess, &ticket, &len);
	if (!SSL_SESSION_is_resumable(sess) || len > TICKET_MAX ||
	    error == X509_V_ERR_CERT_REVOKED)
		return 0;
	client_session_keep(c, ssl, sess, good);
	if (!good)
		return 0;
	sessions_put(c->tls->sessions, c->key, sess, &c->about);
	return 1;
}

/* libssl refuses a longer message by its length, before it reads it. */
static int
conn_chain_long(const SSL *ssl, unsigned long e)
{
	return ERR_GET_LIB(e) == ERR_LIB_SSL &&
	    ERR_GET_REASON(e) == SSL_R_EXCESSIVE_MESSAGE_SIZE &&
	    SSL_get_state(ssl) == TLS_ST_CR_CERT;
}

const char *
conn_why(const SSL *ssl, unsigned long e)
{
	const struct tls_conn *c = conn_of(ssl);

	if (c != NULL && conn_chain_long(ssl, e))
		return "the server's certificates are more than "
		    "upstream.max-chain";
	return c != NULL ? c->why : NULL;
}

/* Ours is, in TLS 1.2, the answer to a HelloRequest (RFC 5246, 7.4.1.1). */
static void
client_info(const SSL *ssl, int where, int ret)
{
	struct tls_conn *c = conn_of(ssl);

	if (where == SSL_CB_WRITE_ALERT &&
	    (ret & 0xff) == SSL_AD_NO_RENEGOTIATION)
		conn_refused_again(c);
	else if (where == SSL_CB_READ_ALERT && ret >> 8 == SSL3_AL_FATAL)
		c->alert = ret & 0xff;
	else if (where == SSL_CB_HANDSHAKE_DONE)
		conn_renegotiated(c, (SSL *)(uintptr_t)ssl);
}

void
conn_client_ctx(SSL_CTX *ctx, const struct tls *t, int libssl)
{
	SSL_CTX_set_info_callback(ctx, client_info);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, client_verify, NULL);
	SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
	SSL_CTX_set_tlsext_status_cb(ctx, client_stapled);
	SSL_CTX_set_client_cert_cb(ctx, client_cert);
	SSL_CTX_sess_set_new_cb(ctx, client_session);
	conn_watch_keys(ctx, t, libssl);
}

int
tls_answer_certificate(SSL *ssl, int ours)
{
	struct tls_conn *c = conn_of(ssl);

	c->about.client = ours && c->leaf != NULL;
	c->no_cert = !c->about.client;
	return c->about.client;
}

/* The alerts for a certificate that is not there (RFC 8446, 6.2), and those
 * that servers of before it send instead. */
int
tls_refused_none(SSL *ssl)
{
	const struct tls_conn *c = conn_of(ssl);

	if (!c->no_cert)
		return 0;
	switch (c->alert) {
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_NO_CERTIFICATE:
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case TLS13_AD_CERTIFICATE_REQUIRED:
		return 1;
	}
	return 0;
}

int
tls_refused_alpn(SSL *ssl)
{
	return conn_of(ssl)->alert == SSL_AD_NO_APPLICATION_PROTOCOL;
}

int
tls_ticketed(SSL *ssl)
{
	return conn_of(ssl)->ticket;
}

void
tls_end(SSL *ssl)
{
	if (ssl == NULL)
		return;
	/* Else SSL_free() takes the session for one that broke off. */
	if (SSL_is_init_finished(ssl))
		SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN |
		    SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
}
