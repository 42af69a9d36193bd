/*
 * PHASE_HELLO: what does the client speak? We look at its first bytes with
 * MSG_PEEK and leave them in the socket, so that a bypass has nothing to
 * replay. While a ClientHello is incomplete, SO_RCVLOWAT lets us sleep until
 * it can be complete. A silent client may be waiting for its server to speak
 * first; so after a moment we connect to the server, and the first of the two
 * to speak decides.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "codec/http.h"
#include "codec/ja.h"
#include "conf/pattern.h"
#include "net/sock.h"
#include "proxy/answer.h"
#include "proxy/decide.h"
#include "proxy/inner.h"
#include "proxy/measures.h"
#include "proxy/phases.h"
#include "proxy/session.h"
#include "proxy/upgrade.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define HELLO_KEPT	8192	/* bytes; clients of today have less */

/* Longer than clients take for their first bytes on a LAN, shorter than a
 * person notices. */
#define SILENCE_MS	40
/* For one that is refused whatever it says no server waits, so it has the time
 * of a slow radio link to ask for what it then gets as a page. */
#define REFUSED_MS	1000

/*
 * Which session of the server's may be resumed matters where it has to be that
 * of another connection. HTTP has no such thing, and takes any.
 */
static uint64_t
hello_lineage(const struct session *s, const struct hello *h)
{
	struct tls *tls = s->place->parts->tls;

	if (tls == NULL || session_offers(s, "http/1.1") ||
	    session_offers(s, "h2"))
		return 0;
	return tls_lineage(tls, h);
}

/* The leaf's key: the best for us of those that this client can do. */
static enum leaf_key
hello_leaf_key(const struct session *s, const struct hello *h)
{
	int max = session_conf(s)->tls.profile.client.max;
	uint16_t v = h->max_version;

	if (max != 0 && v > max)
		v = (uint16_t)max;
	if (hello_can_ecdsa(h, v, 23))
		return LEAF_P256;
	if (hello_can_rsa(h, v))
		return LEAF_RSA;
	if (hello_can_ecdsa(h, v, 24))
		return LEAF_P384;
	if (hello_can_ecdsa(h, v, 25))
		return LEAF_P521;
	return hello_can_ed25519(h, v) ? LEAF_ED25519 : LEAF_RSA;
}

/*
 * Whether the hello hides another one. GREASE of ECH has the same form, and
 * browsers send it to all servers; but a real one names its provider.
 */
static int
hello_ech(const struct session *s, const struct hello *h)
{
	static const char ours[] = "cloudflare-ech.com";
	const struct conf_list *more = &session_conf(s)->ech_names;
	size_t i;

	if (!(h->flags & HELLO_ECH) || h->sni[0] == '\0')
		return 0;
	for (i = 0; i < more->n; i++)
		if (pattern_matches(more->v[i], h->sni))
			return 1;
	return pattern_matches(ours, h->sni);
}

/* Keep what is needed of the hello when the peeked bytes have gone. */
static void
hello_keep(struct session *s, const struct hello *h)
{
	struct facts *f = &s->facts;

	if (!f->upgraded)
		f->protocol = PROTO_TLS;
	memcpy(s->sni, h->sni, sizeof(h->sni));
	f->sni = s->sni[0] != '\0' ? s->sni : NULL;
	f->sni_bad = (h->flags & HELLO_SNI_BAD) != 0;
	f->ech = hello_ech(s, h);
	ja3_hash(f->ja3, h, NULL);
	ja4(f->ja4, h, NULL);
	free(s->alpn);
	s->alpn = h->alpn.len > 0 ? xmemdup(h->alpn.p, h->alpn.len) : NULL;
	f->alpn = s->alpn;
	f->alpn_len = h->alpn.len;
	free(s->hello);
	s->hello = h->msg.len <= HELLO_KEPT ?
	    xmemdup(h->msg.p, h->msg.len) : NULL;
	s->hello_version = h->max_version;
	s->hello_later = (h->flags & HELLO_PHA) != 0;
	s->lineage = hello_lineage(s, h);
	s->leaf_key = hello_leaf_key(s, h);
}

/* The host of a request (RFC 9112, 3.2.2), if its head is complete. */
static void
hello_host(struct session *s, const char *data, size_t len)
{
	struct http_text h;
	char name[HTTP_NAME_MAX];

	h.scanned = 0;
	if (http_request(&h, data, len) != 0 || http_name(&h.head, name) != 0)
		return;
	if (s->facts.host == NULL) {
		memcpy(s->host, name, sizeof(name));
		s->facts.host = s->host;
	} else {
		free(s->request_name);
		s->facts.request = s->request_name = xstrdup(name);
	}
}

/*
 * We wait for no more bytes. What can still become a request is treated as
 * one: otherwise a pause in its first line would be a way around the rules.
 */
static struct step
hello_plain(struct session *s, const char *data, size_t len)
{
	int http = len > 0 ? http_starts_request(data, len) : 0;

	sock_lowat(s->client.sock.fd, 1);
	if (s->facts.upgraded)
		return len > 0 ? upgrade_injected(s, DIR_UP) : step_end(s,
		    "STARTTLS: nothing followed what was agreed on");
	s->facts.protocol = http != 0 ? PROTO_HTTP : PROTO_OTHER;
	s->facts.http_unsure = http == ERR_SHORT;
	if (s->facts.protocol == PROTO_HTTP)
		hello_host(s, data, len);
	if (s->facts.protocol == PROTO_HTTP && session_at_portal(s)) {
		answer_ca(s);
		return step_go(PHASE_PAGE);
	}
	return decide(s);
}

/*
 * How long to wait for the rest of a first line or a head. If no rule needs
 * to know what is in it, a moment is enough: services still read a line that
 * ends late.
 */
static uint64_t
hello_patience(const struct session *s)
{
	return policy_settled(s->policy, &s->facts) ? SILENCE_MS :
	    session_conf(s)->timeouts.hello;
}

/*
 * Wait until the first line shows whether this is HTTP; and for the whole head
 * where the host is needed. 1: we wait.
 */
static int
hello_waits(struct session *s, const char *data, size_t len)
{
	struct http_text h;
	int rv = http_starts_request(data, len);

	h.scanned = 0;
	if (rv == 1 && (s->facts.host == NULL ||
	    measures_by_request(s)))
		rv = http_request(&h, data, len);
	if (rv != ERR_SHORT)
		return 0;
	if (!s->awaits_head)
		session_timer(s, hello_patience(s));
	s->awaits_head = 1;
	return 1;
}

/*
 * TLS that cannot be read is not passed on as something else: it would escape
 * every rule. It passes only if the rules bypass it whatever its name is.
 */
static struct step
hello_refuse(struct session *s, enum hello_refused what, uint8_t alert,
    const char *wrong)
{
	static struct log_gate gate;
	char from[ADDR_STRLEN];
	int held;

	sock_lowat(s->client.sock.fd, 1);
	if (!decide_unread(s, "unreadable hello"))
		return decide(s);
	count(s->worker->counts.hellos_refused[what], 1);
	if (log_gate(&gate, &held))
		log_info("session %llu: the ClientHello of %s is refused: %s "
		    "(%d more like it not shown)",
		    (unsigned long long)s->rec.id,
		    addr_str(&s->facts.client, from), wrong, held);
	return step_alert(s, alert, "hello: refused: %s", wrong);
}

/* The hello is incomplete: wait for the rest, unless none will come. */
static struct step
hello_short(struct session *s, const struct hello *h, size_t len, size_t need)
{
	if (s->client.sock.hup && h->begun)
		return hello_refuse(s, HELLO_CUT, ALERT_DECODE_ERROR,
		    "the client ended in the middle of it");
	if (s->client.sock.hup)
		return hello_plain(s, NULL, 0);
	if (!s->client_spoke)
		session_timer(s, session_conf(s)->timeouts.hello);
	s->client_spoke = 1;
	s->tls_begun = h->begun != 0;
	sock_lowat(s->client.sock.fd, need);
	return step_wait();
}

/* over: we wait for no more. */
static struct step
hello_look(struct session *s, size_t len, int over)
{
	const char *data = (const char *)s->worker->peek;
	struct hello h;
	size_t need = 0;
	int rv;

	rv = hello_parse(&h, s->worker->peek, len, &need);
	if (rv == ERR_SHORT)
		return hello_short(s, &h, len, need);
	if (rv == 0) {
		sock_lowat(s->client.sock.fd, 1);
		hello_keep(s, &h);
		hello_free(&h);
		return decide(s);
	}
	if (rv != ERR_NOTFOUND)
		return hello_refuse(s, rv == ERR_LIMIT ? HELLO_LONG :
		    HELLO_MALFORMED, h.alert, h.wrong);
	if (over || s->client.sock.hup || len == sizeof(s->worker->peek) ||
	    !hello_waits(s, data, len))
		return hello_plain(s, data, len);
	return step_wait();
}

static ssize_t
hello_peek(struct session *s)
{
	return sock_peek(&s->client.sock, s->worker->peek,
	    sizeof(s->worker->peek));
}

/*
 * The server speaks. That decides the protocol only if the client is silent:
 * a server does not turn what its client has begun into something else.
 */
static struct step
hello_server_event(struct session *s)
{
	struct sock *sock = &s->server.sock;
	char c;
	ssize_t n;

	n = recv(sock->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		sock->readable = 0;
		return step_wait();
	}
	if (n == -1)
		return step_broke(s, DIR_DOWN, "server reset the connection");
	if (n > 0 && s->facts.upgraded)
		return upgrade_injected(s, DIR_DOWN);
	if ((n = hello_peek(s)) > 0 && http_starts_request(
	    (const char *)s->worker->peek, (size_t)n) != 0)
		return hello_look(s, (size_t)n, 0);
	return hello_plain(s, NULL, 0);
}

static struct step
hello_event(struct session *s, struct conn *c)
{
	struct sock *sock = &s->client.sock;
	ssize_t n;

	if (c == &s->server && c->sock.readable)
		return s->tls_begun ? step_wait() : hello_server_event(s);
	if (!sock->readable)
		return step_wait();
	n = hello_peek(s);
	if (n > 0)
		return hello_look(s, (size_t)n, 0);
	if (n == 0)
		return hello_plain(s, NULL, 0);
	if (errno != EAGAIN && errno != EINTR)
		return step_broke(s, DIR_UP, "client reset the connection");
	sock->readable = 0;
	return step_wait();
}

static struct step
hello_enter(struct session *s)
{
	/* What the client has sent before was for the proxy. */
	s->client_spoke = s->tls_begun = 0;
	/* Its first bytes may be there already; no event will tell. */
	session_timer(s, s->told != 0 || s->facts.upgraded ?
	    session_conf(s)->timeouts.hello :
	    s->server.sock.fd == -1 ? SILENCE_MS :
	    session_conf(s)->timeouts.idle);
	return hello_event(s, &s->client);
}

/*
 * The time is over and the bytes are incomplete. They are the beginning of a
 * hello, or of a request line.
 */
static struct step
hello_stalled(struct session *s, size_t len)
{
	struct hello h;

	if (hello_parse(&h, s->worker->peek, len, NULL) == ERR_SHORT)
		return hello_refuse(s, HELLO_STALLED, ALERT_DECODE_ERROR,
		    "its rest did not come in time");
	return step_reset(s, DIR_UP, "hello: timed out, incomplete");
}

static struct step
hello_timeout(struct session *s)
{
	struct step refused;
	ssize_t n;

	n = hello_peek(s);
	if (n > 0 && !s->client_spoke)	/* it came just now */
		return hello_look(s, (size_t)n, 1);
	if (n > 0)
		return hello_stalled(s, (size_t)n);
	if (s->told != 0)
		return step_reset(s, DIR_UP, "hello: timed out");
	if (s->server.sock.fd != -1)
		return step_end(s, "idle for too long, nothing was said");
	/* Perhaps the server speaks first. */
	if (!decide_early(s, &refused))
		return step_go(PHASE_CONNECT);
	if (refused.kind != STEP_REFUSE || s->awaits_page)
		return refused;
	s->awaits_page = 1;
	session_timer(s, REFUSED_MS);
	return step_wait();
}

const struct phase_ops phase_hello = {
	.name = "hello",
	.enter = hello_enter,
	.event = hello_event,
	.timeout = hello_timeout
};
