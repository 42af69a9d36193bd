/*
 * What is thought of a server's certificate: first of its chain, then of its
 * name, and then what a stapled response says. A resumed session has the
 * verdict of the handshake that it began with.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/conn.h"
#include "tls/staple.h"
#include "util/err.h"

#define ERRORS	256		/* more than X509_V_ERR_* there are */

int	conn_index = -1;	/* here, below those who ask */

/* An X509_V_*: whether it is a certificate for this name or address. */
static int
conn_name_error(X509 *cert, const char *name)
{
	struct addr a;

	if (addr_parse_ip(&a, name) == 0)
		return X509_check_ip_asc(cert, name, 0) == 1 ? X509_V_OK :
		    X509_V_ERR_IP_ADDRESS_MISMATCH;
	return X509_check_host(cert, name, 0,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1 ? X509_V_OK :
	    X509_V_ERR_HOSTNAME_MISMATCH;
}

int
tls_covers(SSL *ssl, const char *name)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	int rv = cert != NULL && conn_name_error(cert, name) == X509_V_OK;

	ERR_clear_error();
	return rv;
}

/* Take what is thought of the chain, and then look at the name. */
static void
conn_judge(struct tls_conn *c, const struct trust_verdict *v, X509 *cert)
{
	int error;

	c->error = v->error;
	c->about.until = v->until;
	c->late = trust_is_late(v->error);
	c->verified = 1;
	if (v->error != X509_V_OK && !c->late)
		return;
	if ((error = conn_name_error(cert, c->name)) != X509_V_OK)
		c->error = error;
	ERR_clear_error();
}

/* The server's response, if there is one to look at: the chain is good, but
 * for its time. Returns its length. */
static size_t
conn_staple(SSL *ssl, const uint8_t **der)
{
	long len = SSL_get_tlsext_status_ocsp_resp(ssl, der);

	switch (len > 0 ? tls_verdict(ssl, NULL) : VERIFY_UNTRUSTED) {
	case VERIFY_OK:
	case VERIFY_EXPIRED:
	case VERIFY_NAME:
		return (size_t)len;
	default:
		return 0;
	}
}

/* Revoked is revoked, as in a list, whatever its time and name. */
static void
conn_judge_staple(struct tls_conn *c, SSL *ssl, X509_STORE_CTX *ctx)
{
	const uint8_t *der;
	size_t len = conn_staple(ssl, &der);

	if (len == 0 || !staple_revokes(der, len, ctx,
	    trust_issuers(c->tls->trust)))
		return;
	c->error = X509_V_ERR_CERT_REVOKED;
	c->late = 0;
}

void
conn_verify(struct tls_conn *c, SSL *ssl, X509_STORE_CTX *ctx)
{
	struct trust_verdict v;

	trust_verify(c->tls->trust, ctx, &v);
	conn_judge(c, &v, X509_STORE_CTX_get0_cert(ctx));
	conn_judge_staple(c, ssl, ctx);
}

/* As libssl verifies the chain of a server. NULL: no memory. */
static X509_STORE_CTX *
conn_chain(struct tls_conn *c, SSL *ssl)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (ctx != NULL && X509_STORE_CTX_init(ctx,
	    trust_store(c->tls->trust), SSL_get0_peer_certificate(ssl),
	    SSL_get_peer_cert_chain(ssl)) &&
	    X509_STORE_CTX_set_default(ctx, "ssl_server") &&
	    X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(ctx),
	    SSL_get0_param(ssl)))
		return ctx;
	X509_STORE_CTX_free(ctx);
	return NULL;
}

void
conn_stapled(SSL *ssl)
{
	struct tls_conn *c = conn_of(ssl);
	const uint8_t *der;
	X509_STORE_CTX *ctx = NULL;

	if (SSL_version(ssl) < TLS1_3_VERSION && conn_staple(ssl, &der) > 0)
		ctx = conn_chain(c, ssl);
	if (ctx != NULL)
		conn_judge_staple(c, ssl, ctx);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
}

int
tls_lacks_issuer(SSL *ssl, char url[ISSUER_URL_MAX])
{
	struct tls_conn *c = conn_of(ssl);
	struct trust_verdict v;
	X509_STORE_CTX *ctx;
	X509 *last = NULL;
	int rv;

	url[0] = '\0';
	if (!trust_lacks_issuer(conn_error(ssl)) ||
	    (ctx = conn_chain(c, ssl)) == NULL)
		return 0;
	trust_verify_again(c->tls->trust, ctx, &v, &last);
	conn_judge(c, &v, X509_STORE_CTX_get0_cert(ctx));
	conn_judge_staple(c, ssl, ctx);
	rv = last != NULL && issuers_url(last, url) == 0;
	X509_free(last);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rv;
}

int
tls_issuer_asked(SSL *ssl, const char *url)
{
	return issuers_asked(trust_issuers(conn_of(ssl)->tls->trust), url);
}

int
tls_issuer_put(struct tls *t, const char *url, const uint8_t *data, size_t len)
{
	return issuers_put(trust_issuers(t->trust), url, data, len);
}

int
conn_error(SSL *ssl)
{
	struct tls_conn *c = conn_of(ssl);

	if (c->verified)
		return c->error;
	return SSL_session_reused(ssl) ? (int)SSL_get_verify_result(ssl) :
	    X509_V_ERR_UNSPECIFIED;
}

static enum tls_verify
verdict_of(int error)
{
	switch (error) {
	case X509_V_OK:
		return VERIFY_OK;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return VERIFY_EXPIRED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return VERIFY_NAME;
	case X509_V_ERR_CERT_REVOKED:
		return VERIFY_REVOKED;
	}
	return VERIFY_UNTRUSTED;
}

enum tls_verify
tls_verdict(SSL *ssl, const char **text)
{
	int error = conn_error(ssl);

	if (text != NULL)
		*text = X509_verify_cert_error_string(error);
	return verdict_of(error);
}

int
tls_verdict_said(const char *text, enum tls_verify *v)
{
	int error;

	for (error = 0; error < ERRORS; error++)
		if (strcmp(text, X509_verify_cert_error_string(error)) == 0) {
			*v = verdict_of(error);
			return 0;
		}
	return ERR_NOTFOUND;
}

int
tls_late(SSL *ssl)
{
	return conn_of(ssl)->late;
}
