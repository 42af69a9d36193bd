/*
 * The fingerprint of the hello that we send a server, from its bytes, and how
 * far it is from the client's. libssl shows each message that it makes; we look
 * no longer than until there was a hello, and only where that kind of hello to
 * that kind of client was not seen yet.
 */
#include "tls/print.h"

#include <stdio.h>
#include <string.h>

#include "tls/conn.h"
#include "tls/hellos.h"
#include "util/mem.h"

void
prints_init(struct prints *s)
{
	pthread_mutex_init(&s->mutex, NULL);
}

void
prints_done(struct prints *s)
{
	pthread_mutex_destroy(&s->mutex);
}

static int
prints_find(struct prints *s, struct print *p)
{
	size_t i;

	pthread_mutex_lock(&s->mutex);
	for (i = 0; i < PRINTS; i++)
		if (strcmp(s->v[i].of, p->of) == 0) {
			*p = s->v[i];
			break;
		}
	pthread_mutex_unlock(&s->mutex);
	return i < PRINTS;
}

/* Two workers may put the same; the second one is of no harm. */
static void
prints_put(struct prints *s, const struct print *p)
{
	pthread_mutex_lock(&s->mutex);
	s->v[s->next++ % PRINTS] = *p;
	pthread_mutex_unlock(&s->mutex);
}

static void
print_hello(int ours, int version, int type, const void *msg, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_conn *c = conn_of(ssl);
	struct cursor w = cursor_of(arg, 4);
	struct hello h, client;

	if (!ours || type != SSL3_RT_HANDSHAKE)
		return;
	SSL_set_msg_callback(ssl, NULL);
	if (hello_parse_message(&h, msg, len) != 0 ||
	    hello_parse_message(&client, arg,
	    4 + (cursor_u32(&w) & 0xffffff)) != 0 ||
	    ja4(c->print.ja4, &h, NULL) != 0)
		return;
	c->print.distance = ja4_distance(&h, &client);
	prints_put(&c->hello->prints, &c->print);
}

/* A session of TLS 1.3 goes into an extension of its own. */
static int
has_psk(const SSL *ssl)
{
	const SSL_SESSION *s = SSL_get0_session(ssl);

	return s != NULL &&
	    SSL_SESSION_get_protocol_version(s) >= TLS1_3_VERSION;
}

/* Of the protocols JA4 has the first one's first and last character. */
static unsigned
alpn_ends(const uint8_t *alpn, size_t len)
{
	if (len < 2 || alpn[0] == 0 || alpn[0] >= len)
		return 0;
	return (unsigned)(1 << 16 | alpn[1] << 8 | alpn[alpn[0]]);
}

void
print_want(struct print *p, SSL *ssl, struct prints *s,
    const struct tls_want *w)
{
	snprintf(p->of, sizeof(p->of), "%s %d%d %x", w->ja4,
	    SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL,
	    has_psk(ssl), alpn_ends(w->alpn, w->alpn_len));
	if (prints_find(s, p))
		return;
	SSL_set_msg_callback(ssl, print_hello);
	SSL_set_msg_callback_arg(ssl, (void *)(uintptr_t)w->hello);
}
