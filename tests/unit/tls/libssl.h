/*
 * Whether our records are libssl's. A handshake in memory, by a key both know; then
 * our records on one side and libssl on the other read each other, before and
 * after a KeyUpdate.
 */
#ifndef TESTS_TLS_LIBSSL_H
#define TESTS_TLS_LIBSSL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <string.h>

#include "tls/bulk/channel.h"
#include "util/mem.h"

struct self {
	SSL_CTX		*ctx[2];
	SSL		*ssl[2];	/* client, server */
	BIO		*wire;		/* instead of the server, later */
	struct channel	 s;
};

struct caught {
	uint8_t	secret[2][RECORD_SECRET];
	size_t	len;
};

static const uint8_t	psk[16] = "clearspan itself";

static unsigned int
self_client_psk(SSL *ssl, const char *hint, char *id, unsigned int max_id,
    unsigned char *key, unsigned int max_key)
{
	if (max_id < 2 || max_key < sizeof(psk))
		return 0;
	memcpy(id, "s", 2);
	memcpy(key, psk, sizeof(psk));
	return sizeof(psk);
}

static unsigned int
self_server_psk(SSL *ssl, const char *id, unsigned char *key,
    unsigned int max_key)
{
	if (max_key < sizeof(psk))
		return 0;
	memcpy(key, psk, sizeof(psk));
	return sizeof(psk);
}

static void
self_keylog(const SSL *ssl, const char *line)
{
	struct caught *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const char *hex = strrchr(line, ' ');
	int i = strncmp(line, "SERVER_T", 8) == 0;

	if (hex != NULL && strstr(line, "_TRAFFIC_SECRET_0 ") != NULL &&
	    strstr(line, "HANDSHAKE") == NULL)
		OPENSSL_hexstr2buf_ex(c->secret[i], RECORD_SECRET, &c->len,
		    hex + 1, '\0');
}

static int
self_side(struct self *t, int i, BIO *b, struct caught *c)
{
	t->ctx[i] = SSL_CTX_new(TLS_method());
	if (t->ctx[i] == NULL)
		goto no;
	SSL_CTX_set_min_proto_version(t->ctx[i], TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(t->ctx[i], 0);
	SSL_CTX_set_psk_client_callback(t->ctx[i], self_client_psk);
	SSL_CTX_set_psk_server_callback(t->ctx[i], self_server_psk);
	SSL_CTX_set_app_data(t->ctx[i], c);
	SSL_CTX_set_keylog_callback(t->ctx[i], self_keylog);
	if (!SSL_CTX_set_ciphersuites(t->ctx[i], "TLS_AES_128_GCM_SHA256") ||
	    (t->ssl[i] = SSL_new(t->ctx[i])) == NULL)
		goto no;
	SSL_set_bio(t->ssl[i], b, b);
	if (i == 0)
		SSL_set_connect_state(t->ssl[i]);
	else
		SSL_set_accept_state(t->ssl[i]);
	return 1;
no:
	BIO_free(b);
	return 0;
}

static int
self_handshake(struct self *t)
{
	int i, done[2] = { 0, 0 };

	for (i = 0; i < 20 && !(done[0] && done[1]); i++)
		done[i & 1] = SSL_do_handshake(t->ssl[i & 1]) == 1;
	return done[0] && done[1];
}

/* From ours to libssl, and back. */
static int
self_echo(struct self *t, size_t len)
{
	uint8_t clear[RECORD_CLEAR], back[RECORD_CLEAR];
	uint8_t wire[RECORD_CLEAR + CHANNEL_EXTRA];
	size_t i, n, used = 0;
	ssize_t got;

	for (i = 0; i < len; i++)
		clear[i] = (uint8_t)(i * 7 + len);
	n = channel_data(&t->s, clear, len, wire);
	if (n == 0 || BIO_write(t->wire, wire, (int)n) != (int)n ||
	    SSL_read(t->ssl[0], back, (int)len) != (int)len ||
	    memcmp(back, clear, len) != 0 ||
	    SSL_write(t->ssl[0], clear, (int)len) != (int)len)
		return 0;
	memset(back, 0, len);
	n = (size_t)BIO_read(t->wire, wire, (int)sizeof(wire));
	for (i = 0, got = 0; got == 0 && i < n; i += used)
		got = channel_open(&t->s, wire + i, n - i, back, len, &used);
	return got == (ssize_t)len && memcmp(back, clear, len) == 0;
}

static int
self_run(struct self *t, struct caught *c)
{
	BIO *a = NULL, *b = NULL;

	if (!BIO_new_bio_pair(&a, 40000, &b, 40000))
		return 0;
	BIO_up_ref(b);
	t->wire = b;
	if (!self_side(t, 0, a, c)) {
		BIO_free(b);
		return 0;
	}
	if (!self_side(t, 1, b, c) || !self_handshake(t))
		return 0;
	channel_init(&t->s);
	t->s.server = 1;
	return record_init(&t->s.in, 0x1301, c->secret[0], c->len, 0) == 0 &&
	    record_init(&t->s.out, 0x1301, c->secret[1], c->len, 1) == 0 &&
	    self_echo(t, 1) && self_echo(t, RECORD_CLEAR) &&
	    SSL_key_update(t->ssl[0], SSL_KEY_UPDATE_REQUESTED) &&
	    self_echo(t, 1000) && self_echo(t, 1001) && t->s.out.seq == 1;
}

/* 1: they are. */
static int
libssl_agrees(void)
{
	struct self t = { 0 };
	struct caught c = { 0 };
	int i, rv = self_run(&t, &c);

	channel_done(&t.s);
	for (i = 0; i < 2; i++) {
		SSL_free(t.ssl[i]);
		SSL_CTX_free(t.ctx[i]);
	}
	BIO_free(t.wire);
	OPENSSL_cleanse(&c, sizeof(c));
	return rv;
}

#endif
