/*
 * libssl on the socket itself.
 */
#include "verdict/sensors_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "util/err.h"

/* No one is asked for the passphrase of a key. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

static void
say(struct text *why, const char *what)
{
	const char *said = ERR_reason_error_string(ERR_peek_last_error());

	text_printf(why, "%s: %s", what, said != NULL ? said : "unknown");
	ERR_clear_error();
}

/* The certificates of a PEM text; NULL: there is none. */
static STACK_OF(X509) *
certs_read(const char *pem, size_t len)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *b = BIO_new_mem_buf(pem, (int)len);
	X509 *x;

	while ((x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL)) != NULL)
		sk_X509_push(all, x);
	BIO_free(b);
	if (sk_X509_num(all) > 0) {
		ERR_clear_error();	/* that no more are there */
		return all;
	}
	sk_X509_free(all);
	return NULL;
}

static EVP_PKEY *
key_read(const char *pem, size_t len)
{
	BIO *b = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);

	BIO_free(b);
	return key;
}

/* A certificate, with those behind it in its file, and its key. */
static int
pair_use(SSL_CTX *ctx, const char *cert, size_t ncert, const char *pkey,
    size_t nkey, struct text *why)
{
	STACK_OF(X509) *certs = certs_read(cert, ncert);
	EVP_PKEY *key = key_read(pkey, nkey);
	X509 *leaf = certs != NULL ? sk_X509_shift(certs) : NULL;
	int rv = ERR_TLS;

	if (leaf == NULL || key == NULL || SSL_CTX_use_cert_and_key(ctx, leaf,
	    key, certs, 1) != 1)
		say(why, "its certificate or key");
	else
		rv = 0;
	X509_free(leaf);
	sk_X509_pop_free(certs, X509_free);
	EVP_PKEY_free(key);
	return rv;
}

/* Clients have a certificate of one of these. */
static int
cas_use(SSL_CTX *ctx, const char *pem, size_t len, struct text *why)
{
	STACK_OF(X509) *cas = certs_read(pem, len);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	int i;

	if (cas == NULL) {
		say(why, "its client-ca");
		return ERR_TLS;
	}
	for (i = 0; i < sk_X509_num(cas); i++) {
		X509_STORE_add_cert(store, sk_X509_value(cas, i));
		SSL_CTX_add_client_CA(ctx, sk_X509_value(cas, i));
	}
	sk_X509_pop_free(cas, X509_free);
	/* One of them is enough, as an intermediate of a large company. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
	    X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

/* A connection lasts for days, so nothing is kept for another one. */
static void
context_set(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
	    SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	/* One record a call, so that others have their turn. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
}

SSL_CTX *
sensors_tls_new(const struct sensor_given *g, const char *pem,
    struct text *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *key = pem + g->cert;
	int rv;

	if (ctx == NULL) {
		say(why, "TLS");
		return NULL;
	}
	context_set(ctx);
	rv = pair_use(ctx, pem, g->cert, key, g->key, why);
	if (rv == 0 && g->ca > 0)
		rv = cas_use(ctx, key + g->key, g->ca, why);
	if (rv == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static enum sensors_tls_got
failed(SSL *ssl, int rv)
{
	switch (SSL_get_error(ssl, rv)) {
	case SSL_ERROR_WANT_READ:
		return TLS_GOT_NOTHING;
	case SSL_ERROR_WANT_WRITE:
		return TLS_GOT_ROOM;
	case SSL_ERROR_ZERO_RETURN:
		SSL_shutdown(ssl);
		return TLS_GOT_END;
	case SSL_ERROR_SYSCALL:
		return TLS_GOT_CUT;
	default:
		return ERR_GET_REASON(ERR_peek_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING ? TLS_GOT_CUT :
		    TLS_GOT_ERROR;
	}
}

enum sensors_tls_got
sensors_tls_read(SSL *ssl, char *buf, size_t room, size_t *n)
{
	int rv;

	ERR_clear_error();
	if (!SSL_is_init_finished(ssl)) {
		rv = SSL_accept(ssl);
		return rv == 1 ? TLS_GOT_HANDSHAKE : failed(ssl, rv);
	}
	rv = SSL_read_ex(ssl, buf, room, n);
	return rv == 1 ? TLS_GOT_BYTES : failed(ssl, rv);
}

const char *
sensors_tls_why(const SSL *ssl)
{
	long verified = SSL_get_verify_result(ssl);
	unsigned long e = ERR_peek_error();
	const char *said = ERR_reason_error_string(e);

	if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
	    verified != X509_V_OK)
		said = X509_verify_cert_error_string(verified);
	else if (ERR_GET_REASON(e) == SSL_R_HTTP_REQUEST ||
	    ERR_GET_REASON(e) == SSL_R_WRONG_VERSION_NUMBER)
		said = "what it sends is not TLS";
	return said != NULL ? said : "it closed the connection";
}

/* A name as it is, if a person can read it. */
static int
name_take(const ASN1_STRING *s, char *out)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int i, n = ASN1_STRING_length(s);

	for (i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] >= 0x7f)
			return 0;
	if (n == 0 || n >= SENDER_MAX)
		return 0;
	memcpy(out, p, (size_t)n);
	out[n] = '\0';
	return 1;
}

static int
dns_take(X509 *x, char *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	const GENERAL_NAME *name;
	int i, took = 0;

	for (i = 0; !took && i < sk_GENERAL_NAME_num(names); i++) {
		name = sk_GENERAL_NAME_value(names, i);
		took = name->type == GEN_DNS && name_take(name->d.dNSName,
		    out);
	}
	GENERAL_NAMES_free(names);
	return took;
}

char *
sensors_tls_sender(const SSL *ssl, char *out)
{
	X509 *x = SSL_get1_peer_certificate(ssl);
	const X509_NAME *subject;
	BIO *b;
	int at, n;

	out[0] = '\0';
	if (x == NULL)
		return out;
	subject = X509_get_subject_name(x);
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (!dns_take(x, out) && (at < 0 || !name_take(X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(subject, at)), out))) {
		b = BIO_new(BIO_s_mem());
		X509_NAME_print_ex(b, subject, 0, XN_FLAG_RFC2253);
		n = BIO_read(b, out, SENDER_MAX - 1);
		out[n > 0 ? n : 0] = '\0';
		BIO_free(b);
	}
	X509_free(x);
	return out;
}
