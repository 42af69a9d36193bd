/*
 * PHASE_HEAD: the client of an explicit listener says which server it wants:
 * by HTTP CONNECT, by an HTTP request with an absolute URL, or by SOCKS5. We
 * look at the bytes where they are (in the socket; or in the flow, if an
 * earlier session has read them) and take out only those that are meant for
 * us.
 */
#include "proxy/explicit.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>

#include "codec/hostname.h"
#include "codec/http.h"
#include "codec/socks.h"
#include "proxy/answer.h"
#include "proxy/auth.h"
#include "proxy/decide.h"
#include "proxy/endpoint.h"
#include "proxy/forward.h"
#include "proxy/inner.h"
#include "proxy/phases.h"
#include "proxy/session.h"
#include "proxy/taps.h"
#include "util/err.h"

/* The first byte of a TLS handshake record; no request begins with it. */
#define TLS_HANDSHAKE	22

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

static struct step	head_event(struct session *, struct conn *);

/* Read more behind the bytes that an earlier session has read. */
static ssize_t
head_fill(struct session *s)
{
	struct flow *f = &s->wire.flow[DIR_UP];
	uint8_t *p;
	size_t room;
	ssize_t n;

	if (!s->client.sock.readable)
		return ERR_AGAIN;
	p = flow_room(f, &room);
	if (p == NULL || room == 0)
		return ERR_LIMIT;
	n = sock_recv(&s->client.sock, p, room);
	if (n > 0)
		flow_filled(f, (size_t)n);
	else if (n == 0)
		sock_look(&s->client.sock);	/* others see it, too */
	return n;
}

/* The bytes that have come: their number; 0 at FIN; ERR_AGAIN; ERR_SYS. */
static ssize_t
head_view(struct session *s, const uint8_t **data)
{
	struct sock *sock = &s->client.sock;
	struct flow *f = &s->wire.flow[DIR_UP];
	ssize_t n;

	if (f->in > f->out) {
		while ((n = head_fill(s)) > 0)
			;
		*data = f->buf + (f->out - f->base);
		return (ssize_t)(f->in - f->out);
	}
	*data = s->worker->peek;
	n = sock_peek(sock, s->worker->peek, sizeof(s->worker->peek));
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		sock->readable = 0;
		return ERR_AGAIN;
	}
	if (n == -1)
		sock->err = errno;
	return n == -1 ? ERR_SYS : n;
}

static struct step
head_broke(struct session *s)
{
	return step_broke(s, DIR_UP, "client reset the connection");
}

/* Take n bytes of them out. 0 or ERR_SYS. */
static int
head_take(struct session *s, size_t n)
{
	struct flow *f = &s->wire.flow[DIR_UP];
	ssize_t got;

	if (f->in > f->out) {
		f->clear = f->out + n;
		flow_wrote(f, n);
		return 0;
	}
	for (; n > 0; n -= (size_t)got) {	/* urgent data splits it */
		got = recv(s->client.sock.fd, s->worker->peek, n,
		    MSG_DONTWAIT);
		if (got <= 0)
			return ERR_SYS;
	}
	return 0;
}

/* A short answer; the socket's buffer is empty, so it fits. 0 or ERR_SYS. */
static int
head_say(struct session *s, const void *p, size_t len)
{
	return sock_send(&s->client.sock, p, len) == (ssize_t)len ? 0 :
	    ERR_SYS;
}

static struct step
head_mute(struct session *s)
{
	return step_broke(s, DIR_UP, "client: cannot be answered");
}

/* Send a last answer and end the session. */
static struct step
head_last(struct session *s, const void *p, size_t len, const char *reason)
{
	if (head_say(s, p, len) != 0)
		return head_mute(s);
	return step_end(s, "%s", reason);
}

static struct step
head_page(struct session *s, int status, const char *why)
{
	snprintf(s->rec.reason, sizeof(s->rec.reason), "request: %s", why);
	answer_page(s, status, why);
	return step_go(PHASE_PAGE);
}

/* The reply code that fits best (RFC 1928, 6). */
static uint8_t
head_socks_code(const struct session *s, int status)
{
	if (s->dial_errno == ECONNREFUSED)
		return SOCKS_REFUSED;
	if (s->dial_errno == ENETUNREACH)
		return SOCKS_NET_UNREACHABLE;
	switch (status) {
	case 403:
		return SOCKS_DENIED;
	case 502:
		return SOCKS_HOST_UNREACHABLE;
	case 504:
		return SOCKS_TTL;
	}
	return SOCKS_FAILURE;
}

static int
head_say_connected(struct session *s)
{
	uint8_t out[SOCKS_REPLY_MAX];

	if (!s->socks)
		return head_say(s, established, sizeof(established) - 1);
	s->socks = 0;
	return head_say(s, out, socks_reply(out, SOCKS_OK, NULL));
}

/*
 * A browser shows no page in answer to CONNECT. So it is told that it is
 * connected, and gets the page as that of the site; and so is every client
 * that a rule blocks.
 */
static int
head_tells(const struct session *s)
{
	return !s->socks && s->facts.protocol == PROTO_UNKNOWN &&
	    (s->browser || s->verdict.action == ACTION_BLOCK);
}

static struct step
head_tell(struct session *s, int status)
{
	s->reply_due = 0;
	s->told = status;
	if (head_say_connected(s) != 0)
		return head_mute(s);
	return step_go(PHASE_HELLO);
}

struct step
explicit_refused(struct session *s, int status)
{
	uint8_t out[SOCKS_REPLY_MAX];

	if (head_tells(s))
		return head_tell(s, status);
	if (!s->socks) {
		s->reply_due = 0;
		if (s->facts.protocol == PROTO_HTTP)	/* it is not read */
			answer_request(s, status);
		else
			answer_page(s, status, s->rec.reason);
		return step_go(PHASE_PAGE);
	}
	if (head_say(s, out, socks_reply(out, head_socks_code(s, status),
	    NULL)) != 0)
		return head_mute(s);
	s->rec.answer = "socks";
	return step_end(s, "refused");
}

struct step
explicit_connected(struct session *s)
{
	struct step refused;

	if (s->forward != NULL ? decide_http(s, &refused) :
	    decide_early(s, &refused))
		return refused;
	s->reply_due = 0;
	if (s->forward != NULL) {
		taps_open(s);
		return step_go(PHASE_RELAY);
	}
	if (head_say_connected(s) != 0)
		return head_mute(s);
	return step_go(PHASE_HELLO);
}

static void
head_host(struct session *s, struct slice host, uint16_t port)
{
	char text[sizeof(s->host)];
	struct facts *f = &s->facts;

	f->port = port;

	/* In one spelling, as it is compared with rules and requests. */
	if (hostname_copy(s->host, host.p, host.len) == 0) {
		f->host = s->host;
		return;
	}
	if (host.len == 0 || host.len >= sizeof(text))
		return;
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	f->host = s->host;
	if (addr_parse_ip(&f->server, text) == 0) {
		addr_set_port(&f->server, port);
		addr_ip_str(&f->server, s->host);
		endpoint_look(s);
	} else {
		memcpy(s->host, text, host.len + 1);
	}
}

/* Browsers try https first, by themselves. */
static int
head_portal(const struct session *s)
{
	return s->facts.port == 443 &&
	    portal_is(session_conf(s), s->facts.host) && decide_forges(s);
}

/* The first n bytes have named the server. */
static struct step
head_dial(struct session *s, size_t n)
{
	struct step refused;

	if (head_take(s, n) != 0)
		return head_broke(s);
	/* The next phase looks into the socket and would miss these. */
	if (s->wire.flow[DIR_UP].in > s->wire.flow[DIR_UP].out)
		return head_page(s, 400, "bytes came after the request before "
		    "it was answered");
	if (head_portal(s))
		return head_tell(s, 200);
	s->reply_due = 1;
	return decide_early(s, &refused) ? refused : step_go(PHASE_CONNECT);
}

static struct step
head_socks_request(struct session *s, const uint8_t *data, size_t len)
{
	struct socks_request r;
	uint8_t out[SOCKS_REPLY_MAX];
	struct slice host;
	size_t need;
	int rv;

	rv = socks_request(&r, data, len, &need);
	if (rv == ERR_SHORT)
		return step_wait();
	if (rv != 0)
		return head_last(s, out, socks_reply(out, r.reply, NULL),
		    "SOCKS: request not understood");
	host.p = r.host;
	host.len = strlen(r.host);
	head_host(s, host, r.port);
	return head_dial(s, r.len);
}

static struct step
head_socks_login(struct session *s, const uint8_t *data, size_t len)
{
	struct basic b;
	uint8_t out[2];
	size_t used = 0, need;
	enum auth_is is;
	int rv;

	rv = basic_read_socks(&b, data, len, &used, &need);
	if (rv == ERR_SHORT)
		return step_wait();
	is = rv == 0 ? auth_password(s, &b) : AUTH_IS_WRONG;
	OPENSSL_cleanse(&b, sizeof(b));
	if (is == AUTH_IS_WAITING)
		return step_wait();
	if (is != AUTH_IS_OK) {
		snprintf(s->rec.reason, sizeof(s->rec.reason), "SOCKS: %s",
		    auth_str(is));
		s->rec.answer = "socks";
		return head_last(s, out, socks_login(out, 0), "refused");
	}
	if (head_take(s, used) != 0)
		return head_broke(s);
	if (head_say(s, out, socks_login(out, 1)) != 0)
		return head_mute(s);
	s->socks_login = 0;
	return head_event(s, &s->client);
}

static struct step
head_socks_greeting(struct session *s, const uint8_t *data, size_t len)
{
	uint8_t out[8], method = auth_wanted(s) ? SOCKS_PASSWORD :
	    SOCKS_NO_LOGIN;
	size_t used = 0, need;
	int rv;

	rv = socks_greeting(data, len, method, &used, &need);
	if (rv == ERR_SHORT)
		return step_wait();
	if ((rv == 0 || rv == ERR_DENIED) && head_take(s, used) != 0)
		return head_broke(s);
	if (rv == ERR_UNSUPPORTED)
		return head_last(s, out, socks4_refuse(out),
		    "SOCKS: version 4 is not served, use 5");
	if (rv != 0)
		return head_last(s, out, socks_method(out, SOCKS_NO_METHOD),
		    method == SOCKS_NO_LOGIN ? "SOCKS: the client asks for "
		    "authentication" : "SOCKS: the client has no user and "
		    "password");
	if (head_say(s, out, socks_method(out, method)) != 0)
		return head_mute(s);
	s->socks = 1;
	s->socks_login = method == SOCKS_PASSWORD;
	return head_event(s, &s->client);
}

static struct step
head_connect(struct session *s, const struct http_text *h)
{
	struct http_url url;

	if (http_authority(h->head.authority, 0, &url) != 0)
		return head_page(s, 400, "CONNECT needs a host and a port");
	s->browser = slice_starts(http_value(&h->head, "User-Agent"),
	    "Mozilla/");
	head_host(s, url.host, url.port);
	return head_dial(s, h->len);
}

/* Its head stays where it is: forward.c will read it. */
static struct step
head_absolute(struct session *s, const struct http_head *h)
{
	struct http_url url;
	struct step refused;

	if (http_absolute(h->target, &url) != 0 ||
	    !slice_is(url.scheme, "http"))
		return head_page(s, 400, "an http:// URL or CONNECT is "
		    "needed");
	head_host(s, url.host, url.port);
	s->facts.protocol = PROTO_HTTP;
	if (session_at_portal(s)) {
		answer_ca(s);
		return step_go(PHASE_PAGE);
	}
	s->reply_due = 1;
	if (decide_http(s, &refused))
		return refused;
	s->forward = forward_new(s, &url);
	return step_go(PHASE_CONNECT);
}

static struct step
head_http(struct session *s, const char *data, size_t len)
{
	struct http_text h;
	enum auth_is is;
	int rv;

	h.scanned = s->scanned;
	rv = http_request(&h, data, len);
	s->scanned = rv == ERR_SHORT ? h.scanned : 0;
	if (rv == ERR_SHORT && len >= sizeof(s->worker->peek)) {
		rv = ERR_LIMIT;
		h.why = "the head is too long";
	}
	if (rv == ERR_SHORT)
		return step_wait();
	if (rv == ERR_LIMIT)
		return head_page(s, 431, h.why);
	if (rv != 0)
		return head_page(s, 400, h.why != NULL ? h.why :
		    "not a request");
	if (h.head.target.p[0] == '/') {	/* opened like a web site */
		answer_ca(s);
		return step_go(PHASE_PAGE);
	}
	if ((is = auth_http(s, &h.head)) == AUTH_IS_WAITING)
		return step_wait();
	if (is != AUTH_IS_OK)
		return head_page(s, is == AUTH_IS_BUSY ? 503 : 407,
		    auth_str(is));
	if (slice_is(h.head.method, "CONNECT"))
		return head_connect(s, &h);
	return head_absolute(s, &h.head);
}

static struct step
head_event(struct session *s, struct conn *c)
{
	const uint8_t *data;
	ssize_t n;

	n = head_view(s, &data);
	if (n == ERR_AGAIN)
		return step_wait();
	if (n == ERR_SYS)
		return head_broke(s);
	if (n == 0)
		return step_end(s, "client closed before it asked");
	if (!s->client_spoke)
		session_timer(s, session_conf(s)->timeouts.hello);
	s->client_spoke = 1;
	if (s->socks_login)
		return head_socks_login(s, data, (size_t)n);
	if (s->socks)
		return head_socks_request(s, data, (size_t)n);
	if (socks_starts(data[0]))
		return head_socks_greeting(s, data, (size_t)n);
	if (data[0] == TLS_HANDSHAKE)
		return step_alert(s, ALERT_HANDSHAKE_FAILURE, "TLS came to an "
		    "explicit listener, which speaks HTTP and SOCKS5");
	return head_http(s, (const char *)data, (size_t)n);
}

static struct step
head_enter(struct session *s)
{
	session_timer(s, s->wire.flow[DIR_UP].in > s->wire.flow[DIR_UP].out ?
	    session_conf(s)->timeouts.hello : session_conf(s)->timeouts.idle);
	return head_event(s, &s->client);
}

static struct step
head_timeout(struct session *s)
{
	return step_end(s, s->client_spoke ? "request: timed out, incomplete" :
	    "idle, nothing was asked");
}

const struct phase_ops phase_head = {
	.name = "request",
	.enter = head_enter,
	.event = head_event,
	.timeout = head_timeout,
	.leave = auth_leave
};
