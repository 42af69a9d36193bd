/*
 * Towards a server: which hello we say, and which session is in it.
 */
#include <openssl/err.h>
#include <string.h>

#include "tls/cert.h"
#include "tls/conn.h"
#include "util/clock.h"
#include "util/mem.h"

/* What two connections must share to share sessions. */
static void
session_key(const struct tls_want *w, const char *name,
    const struct tls_hello *h, uint8_t key[32])
{
	struct text t = { 0 };
	size_t len;
	const uint8_t *ip = addr_ip(&w->server, &len);

	text_printf(&t, "%zu %u %s %s ", w->profile, addr_port(&w->server),
	    w->sni != NULL ? w->sni : "", name);
	text_add(&t, (const char *)ip, len);
	if (h->follows)
		text_add(&t, (const char *)h->item.key, sizeof(h->item.key));
	if (w->client != NULL)
		text_add(&t, (const char *)w->client->id,
		    sizeof(w->client->id));
	text_add(&t, (const char *)w->alpn, w->alpn != NULL ? w->alpn_len : 0);
	digest_bytes(t.s, t.len, key);
	text_free(&t);
}

/* A session holds who we were in it: another one is of no use. */
static char *
conn_kin(const char *name, const struct leaf *client)
{
	struct text t = { 0 };

	text_puts(&t, name);
	if (client != NULL) {
		text_puts(&t, " ");
		text_hex(&t, client->id, sizeof(client->id), "");
	}
	return t.s;
}

/* Whether a server that resumes it says nothing that this hello has not
 * offered. A lineage's may be of a connection with another hello. */
static int
session_fits(const SSL_SESSION *sess, SSL_CTX *ctx)
{
	STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(ctx);
	int version = SSL_SESSION_get_protocol_version(sess);

	return version >= SSL_CTX_get_min_proto_version(ctx) &&
	    version <= SSL_CTX_get_max_proto_version(ctx) &&
	    sk_SSL_CIPHER_find(suites, SSL_SESSION_get0_cipher(sess)) >= 0;
}

/*
 * What the lineage has; or else any session of that server, which then, if it
 * can be used again, is the lineage's: the server may send no other.
 */
static void
conn_resume(struct tls_conn *c, SSL *ssl, SSL_SESSION *sess)
{
	if (sess == NULL) {
		sess = sessions_get(c->tls->sessions, c->key, &c->about);
		if (sess != NULL && SSL_SESSION_get_protocol_version(sess) <
		    TLS1_3_VERSION)
			lineage_put(&c->lineage, c->tls->lineages, sess,
			    &c->about);
	}
	if (sess == NULL)
		return;
	SSL_set_session(ssl, sess);
	SSL_SESSION_free(sess);
}

/* What is said besides the context's. */
static int
conn_say(SSL *ssl, const struct tls_want *w)
{
	struct addr a;

	/* RFC 6066, 3: no addresses in server_name. */
	return (w->sni == NULL || addr_parse_ip(&a, w->sni) == 0 ||
	    SSL_set_tlsext_host_name(ssl, w->sni)) &&
	    (w->alpn == NULL || w->alpn_len == 0 ||
	    !SSL_set_alpn_protos(ssl, w->alpn, (unsigned int)w->alpn_len));
}

SSL *
tls_connect(struct tls *t, const struct tls_want *w)
{
	struct tls_conn start = { .tls = t, .lineage.id = w->lineage }, *c;
	const char *name = w->sni != NULL ? w->sni : w->name;
	char ip[ADDR_STRLEN];
	SSL_SESSION *sess;
	SSL *ssl;

	if (name == NULL)
		name = addr_ip_str(&w->server, ip);
	start.name = xstrdup(name);
	start.kin = conn_kin(name, w->client);
	start.leaf = w->client != NULL ? leaf_ref(w->client) : NULL;
	start.hello = hellos_get(t->hellos, w, clock_coarse_ms());
	lineage_open(&start.lineage, t->lineages, start.kin);
	sess = lineage_get(&start.lineage, t->lineages, &start.about);
	if (sess != NULL && !session_fits(sess, start.hello->ctx)) {
		cache_unref(&start.hello->item);
		start.hello = hellos_own(t->hellos, w->profile);
	}
	session_key(w, name, start.hello, start.key);
	if ((ssl = conn_new(start.hello->ctx, &start, &c)) == NULL ||
	    !conn_say(ssl, w)) {
		SSL_SESSION_free(sess);
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	conn_resume(c, ssl, sess);
	c->later.may = w->later;
	SSL_set_post_handshake_auth(ssl, w->later);
	if (w->hello != NULL && w->ja4 != NULL)
		print_want(&c->print, ssl, &c->hello->prints, w);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* Alerts of one that finds nothing in it for itself (RFC 8446, 6.2); old ones
 * send what they like, or hang up, or we have not even said it. */
int
tls_refused_hello(SSL *ssl)
{
	const struct tls_conn *c = conn_of(ssl);

	if (!c->hello->follows || (SSL_get_state(ssl) != TLS_ST_BEFORE &&
	    SSL_get_state(ssl) != TLS_ST_CW_CLNT_HELLO))
		return 0;
	switch (c->alert) {
	case 0:
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_ILLEGAL_PARAMETER:
	case SSL_AD_PROTOCOL_VERSION:
	case SSL_AD_INSUFFICIENT_SECURITY:
	case SSL_AD_INTERNAL_ERROR:
		return 1;
	}
	return 0;
}
