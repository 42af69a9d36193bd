/*
 * The context of a server of our own.
 */
#include "tls/serve.h"

#include <openssl/err.h>

#include "util/err.h"

static int
serve_files(SSL_CTX *ctx, const char *certificate, const char *key,
    const char *client_ca, struct text *why)
{
	STACK_OF(X509_NAME) *names;

	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		text_printf(why, "%s: no certificate can be read from it",
		    certificate);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		text_printf(why, "%s: no key can be read from it that goes "
		    "with %s", key, certificate);
	else if (client_ca == NULL)
		return 0;
	else if (!SSL_CTX_load_verify_file(ctx, client_ca) ||
	    (names = SSL_load_client_CA_file(client_ca)) == NULL)
		text_printf(why, "%s: no certificates can be read from it",
		    client_ca);
	else {
		SSL_CTX_set_client_CA_list(ctx, names);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		return 0;
	}
	return ERR_FORMAT;
}

int
serve_new(const char *certificate, const char *key, const char *client_ca,
    SSL_CTX **out, struct text *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int rv;

	*out = NULL;
	if (ctx == NULL) {
		text_printf(why, "%s: no memory for TLS", certificate);
		return ERR_FORMAT;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	/* A session that is resumed was verified by another client-ca. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	if ((rv = serve_files(ctx, certificate, key, client_ca, why)) == 0)
		*out = ctx;
	else
		SSL_CTX_free(ctx);
	ERR_clear_error();
	return rv;
}
