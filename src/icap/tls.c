/*
 * icaps://: TLS to the servers of a service. Certificates are always verified,
 * by chain and by name. One session per server is kept, to resume it.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "icap/server.h"
#include "util/err.h"

/* Keep the session for the server that it came from. */
static int
tls_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct icap_server *v = SSL_get_app_data(ssl);
	SSL_SESSION *old;

	if (v == NULL)
		return 0;
	pthread_mutex_lock(&v->service->lock);
	old = v->session;
	v->session = session;
	pthread_mutex_unlock(&v->service->lock);
	SSL_SESSION_free(old);
	return 1;		/* it is ours now */
}

static int
tls_wanted(const struct icap_service *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->servers[i].conf->tls)
			return 1;
	return 0;
}

int
icap_tls_new(struct icap_service *s, struct text *why)
{
	const char *trust = s->conf->trust, *cert = s->conf->certificate;
	int ok;

	if (!tls_wanted(s))
		return 0;
	if ((s->ctx = SSL_CTX_new(TLS_client_method())) == NULL) {
		text_puts(why, "icaps: no memory");
		return ERR_MEM;
	}
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(s->ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(s->ctx, tls_new_session);
	ok = trust == NULL ? SSL_CTX_set_default_verify_paths(s->ctx) :
	    SSL_CTX_load_verify_file(s->ctx, trust);
	ERR_clear_error();
	if (!ok) {
		text_printf(why, "trust: %s: no certificates can be read",
		    trust != NULL ? trust : "the system's");
		return ERR_FORMAT;
	}
	if (cert == NULL)
		return 0;
	ok = SSL_CTX_use_certificate_chain_file(s->ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey_file(s->ctx, s->conf->key,
	    SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(s->ctx) == 1;	/* of another type */
	ERR_clear_error();
	if (!ok) {
		text_printf(why, "certificate %s and key %s: they cannot be "
		    "read, or do not match", cert, s->conf->key);
		return ERR_FORMAT;
	}
	return 0;
}

SSL *
icap_tls_ssl(struct icap_server *v)
{
	SSL *ssl = SSL_new(v->service->ctx);
	const char *host = v->conf->host;
	struct addr a;
	int ok;

	if (ssl == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	SSL_set_app_data(ssl, v);
	if (addr_parse_ip(&a, host) == 0)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	else
		ok = SSL_set_tlsext_host_name(ssl, host) &&
		    SSL_set1_host(ssl, host);
	if (!ok) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	pthread_mutex_lock(&v->service->lock);
	if (v->session != NULL)
		SSL_set_session(ssl, v->session);
	pthread_mutex_unlock(&v->service->lock);
	return ssl;
}
