/*
 * PHASE_HELLO: what does the client speak? Its first bytes are looked at
 * with MSG_PEEK and left where they are, so that bypass has nothing to
 * replay. While a ClientHello is short, SO_RCVLOWAT lets us sleep until it
 * can be whole. A client that is silent may wait for its server to speak
 * first, so after a moment the server is connected, and whoever speaks
 * decides.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "codec/http1.h"
#include "codec/ja.h"
#include "proxy/inner.h"
#include "util/err.h"
#include "util/mem.h"

/* Longer than clients take for their first bytes on a LAN, shorter than a
 * person notices. */
#define SILENCE_MS	40

static void
hello_lowat(struct session *s, size_t need)
{
	int n = (int)need;

	setsockopt(s->leg.client.sock.fd, SOL_SOCKET, SO_RCVLOWAT, &n,
	    sizeof(n));
}

void
hello_enter(struct session *s)
{
	s->said = 0;	/* what it said before was for the proxy */
	/* Its first bytes may be there already, unseen by an edge. */
	session_timer(s, s->leg.server.sock.fd == -1 ? SILENCE_MS :
	    session_conf(s)->timeouts.idle);
	hello_event(s, &s->leg.client);
}

/* What is asked of the hello later on outlives the peeked bytes. */
static void
hello_keep(struct session *s, const struct hello *h)
{
	struct record *r = &s->rec;

	r->protocol = PROTO_TLS;
	memcpy(r->sni, h->sni, sizeof(h->sni));
	ja3_hash(r->ja3, h, NULL);
	ja4(r->ja4, h, NULL);
	free(s->alpn);
	s->alpn = NULL;
	s->alpn_len = h->alpn.len;
	if (h->alpn.len > 0)
		s->alpn = xmemdup(h->alpn.p, h->alpn.len);
	s->leaf_key = hello_can_ecdsa(h, h->max_version) ? LEAF_P256 :
	    LEAF_RSA;
}

static void
hello_plain(struct session *s, const char *data, size_t len)
{
	hello_lowat(s, 1);
	s->rec.protocol = len > 0 && http1_starts_request(data, len) == 1 ?
	    PROTO_HTTP : PROTO_OTHER;
	decide(s);
}

/* Less than a whole hello: wait for the rest, unless none will come. */
static void
hello_short(struct session *s, size_t len, size_t need)
{
	if (s->leg.client.sock.hup) {
		hello_plain(s, NULL, 0);
		return;
	}
	if (!s->said)
		session_timer(s, session_conf(s)->timeouts.hello);
	s->said = 1;
	hello_lowat(s, need);
}

static void
hello_look(struct session *s, size_t len)
{
	const char *data = (const char *)s->worker->peek;
	struct hello h;
	size_t need = 0;
	int rv;

	rv = hello_parse(&h, s->worker->peek, len, &need);
	if (rv == ERR_SHORT && len < sizeof(s->worker->peek)) {
		hello_short(s, len, need);
		return;
	}
	if (rv == 0) {
		hello_lowat(s, 1);
		hello_keep(s, &h);
		hello_free(&h);
		decide(s);
	} else if (rv == ERR_NOTFOUND && len < 16 && !s->hinted &&
	    !s->leg.client.sock.hup &&
	    http1_starts_request(data, len) == ERR_SHORT) {
		/* "GE": a moment more tells HTTP from the rest. */
		s->hinted = 1;
		session_timer(s, SILENCE_MS);
	} else {
		hello_plain(s, data, len);
	}
}

/* The server's end before the client has said anything. */
static void
hello_server_event(struct session *s)
{
	struct sock *sock = &s->leg.server.sock;
	char c;
	ssize_t n;

	n = recv(sock->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		sock->readable = 0;
	else if (n == -1)
		session_reset(s, DIR_DOWN, "server reset the connection");
	else
		hello_plain(s, NULL, 0);
}

void
hello_event(struct session *s, struct conn *c)
{
	struct sock *sock = &s->leg.client.sock;
	ssize_t n;

	if (c == &s->leg.server && c->sock.readable) {
		hello_server_event(s);
		return;
	}
	if (!sock->readable)
		return;
	n = recv(sock->fd, s->worker->peek, sizeof(s->worker->peek),
	    MSG_PEEK | MSG_DONTWAIT);
	if (n > 0)
		hello_look(s, (size_t)n);
	else if (n == 0)
		hello_plain(s, NULL, 0);
	else if (errno == EAGAIN || errno == EINTR)
		sock->readable = 0;
	else
		session_reset(s, DIR_UP, "client reset the connection");
}

void
hello_timeout(struct session *s)
{
	ssize_t n;

	n = recv(s->leg.client.sock.fd, s->worker->peek,
	    sizeof(s->worker->peek), MSG_PEEK | MSG_DONTWAIT);
	if (n > 0 && !s->said) {
		/* It came as the time ran out. */
		hello_look(s, (size_t)n);
	} else if (n > 0) {
		session_reset(s, DIR_UP, "hello: timed out, incomplete");
	} else if (s->leg.server.sock.fd == -1) {
		/* Perhaps the server speaks first. */
		if (!decide_early(s))
			session_go(s, PHASE_CONNECT);
	} else {
		session_end(s, "idle for too long, nothing was said");
	}
}
