/*
 * Connections to ICAP servers, plain and TLS: opened, read, written, closed.
 */
#include "icap/client.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/dial.h"
#include "net/sock.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define IN_FIRST	16384
/* Both heads of an answer at their bounds, and what came with them. */
#define IN_MAX		(ICAP_HEAD_MAX + HTTP_HEAD_MAX + 65536)
#define GATHER		16384	/* one TLS record */

void
icap_timer(struct event *ev, uint64_t *armed, uint64_t due)
{
	struct timeval tv;
	uint64_t now;

	if (due == 0 || (*armed != 0 && *armed <= due))
		return;
	now = clock_ms();
	tv = clock_timeval(due > now ? due - now : 0);
	event_add(ev, &tv);
	*armed = due;
}

void
icap_conn_close(struct icap_conn *c, int reset)
{
	int fd = c->sock.fd;

	if (c->tls != NULL && !reset && !c->shaking && fd != -1)
		c->ops->shut(c->tp, END_NOTIFY);
	if (c->dial != NULL)
		dial_cancel(c->dial);
	if (fd != -1)
		event_del(&c->ev);
	if (c->shaking)
		event_del(&c->timer);
	if (c->ops != NULL)
		c->ops->free(c->tp);
	free(c->in);
	free(c);
	if (fd != -1 && reset)
		sock_reset(fd);
	else if (fd != -1)
		close(fd);
}

static void
conn_opened(struct icap_conn *c, enum icap_fault fault, const char *why)
{
	if (c->shaking)
		event_del(&c->timer);
	c->shaking = 0;
	c->open = fault == ICAP_F_NONE;
	if (c->open)
		c->server->opened++;
	c->user->opened(c->arg, fault, why);
}

/*
 * F4 is for a server that is not the one it should be. One that hangs up, sends
 * an alert or speaks no TLS counts as not there (F2): whoever could make it do
 * so could cut the connection as well.
 */
static void
conn_handshake(struct icap_conn *c)
{
	char why[128] = "";

	switch (tlsio_handshake(c->tls, why, sizeof(why))) {
	case 0:
		conn_opened(c, ICAP_F_NONE, NULL);
		break;
	case ERR_AGAIN:
		break;
	case ERR_TLS:
		conn_opened(c, SSL_get_verify_result(
		    tlsio_ssl(c->tls)) != X509_V_OK ? ICAP_F_TLS :
		    ICAP_F_CONNECT, why);
		break;
	default:
		conn_opened(c, ICAP_F_CONNECT, "closed in the TLS handshake");
	}
}

static void
conn_event(evutil_socket_t fd, short what, void *arg)
{
	struct icap_conn *c = arg;

	if (what & (EV_READ | EV_CLOSED))
		c->sock.readable = 1;
	if (what & EV_CLOSED)
		c->sock.hup = 1;
	if (what & EV_WRITE)
		c->sock.writable = 1;
	if (c->shaking)
		conn_handshake(c);
	else
		c->user->event(c->arg);
}

static void
conn_timeout(evutil_socket_t fd, short what, void *arg)
{
	conn_opened(arg, ICAP_F_CONNECT_TIME, "TLS handshake timed out");
}

static void
conn_tls(struct icap_conn *c)
{
	SSL *ssl = icap_tls_ssl(c->server);
	uint64_t armed = 0;

	if (ssl == NULL) {
		conn_opened(c, ICAP_F_TLS, "no TLS for this server's name");
		return;
	}
	c->tls = tlsio_new(ssl, &c->sock, c->client->scratch, NULL);
	c->tp = c->tls;
	c->ops = &transport_tls;
	c->shaking = 1;
	event_assign(&c->timer, c->client->base, -1, 0, conn_timeout, c);
	icap_timer(&c->timer, &armed, clock_ms() +
	    c->client->service->conf->connect_timeout);
	conn_handshake(c);
}

static void
conn_dialled(void *arg, int fd, const struct addr *to, const char *why)
{
	struct icap_conn *c = arg;

	c->dial = NULL;
	if (fd < 0) {
		conn_opened(c, fd == ERR_NOTFOUND || fd == ERR_FORMAT ?
		    ICAP_F_DNS : fd == ERR_TIMEOUT ? ICAP_F_CONNECT_TIME :
		    ICAP_F_CONNECT, why);
		return;
	}
	sock_nodelay(fd);
	c->sock.fd = fd;
	c->sock.writable = 1;
	c->tp = &c->sock;
	c->ops = &transport_plain;
	event_assign(&c->ev, c->client->base, fd, EV_READ | EV_WRITE |
	    EV_CLOSED | EV_ET | EV_PERSIST, conn_event, c);
	event_add(&c->ev, NULL);
	if (c->server->conf->tls)
		conn_tls(c);
	else
		conn_opened(c, ICAP_F_NONE, NULL);
}

struct icap_conn *
icap_conn_open(struct icap_client *cl, struct icap_server *v)
{
	struct icap_conn *c = xcalloc(1, sizeof(*c));
	struct dial_want want = {
		.host = v->conf->host,
		.port = v->conf->port,
		.timeout = cl->service->conf->connect_timeout,
	};

	c->client = cl;
	c->server = v;
	c->sock.fd = -1;
	c->epoch = v->epoch;
	c->dial = dial_start(cl->base, cl->names, &want, conn_dialled, c);
	return c;
}

/* Room behind what is there. 0, or ERR_LIMIT. */
static int
conn_room(struct icap_conn *c)
{
	if (c->in_len == 0)
		c->in_off = 0;
	if (c->in_off + c->in_len < c->in_cap)
		return 0;
	if (c->in_off > 0) {
		memmove(c->in, c->in + c->in_off, c->in_len);
		c->in_off = 0;
		return 0;
	}
	if (c->in_cap >= IN_MAX)
		return ERR_LIMIT;
	c->in_cap = c->in_cap == 0 ? IN_FIRST : c->in_cap * 2;
	if (c->in == NULL && c->client->spare != NULL) {
		c->in = c->client->spare;
		c->client->spare = NULL;
	} else
		c->in = xrealloc(c->in, c->in_cap);
	return 0;
}

ssize_t
icap_conn_fill(struct icap_conn *c)
{
	enum end how;
	size_t room;
	ssize_t n;

	if (c->eof)
		return ERR_EOF;
	if (conn_room(c) != 0)
		return ERR_LIMIT;
	room = c->in_cap - c->in_off - c->in_len;
	c->sock.thin = 0;	/* we look for an RST behind the bytes */
	n = c->ops->read(c->tp, (uint8_t *)c->in + c->in_off + c->in_len,
	    room, &how);
	if (n == ERR_EOF)
		c->eof = 1;
	if (n > 0) {
		c->in_len += (size_t)n;
		/* A body that comes faster than this deserves more. */
		if ((size_t)n == c->in_cap && c->in_cap < 65536)
			c->in = xrealloc(c->in, c->in_cap *= 2);
	}
	return n;
}

void
icap_conn_used(struct icap_conn *c, size_t n)
{
	c->in_off += n;
	c->in_len -= n;
}

void
icap_conn_lean(struct icap_conn *c)
{
	if (c->in_cap == IN_FIRST && c->client->spare == NULL)
		c->client->spare = c->in;
	else
		free(c->in);
	c->in = NULL;
	c->in_off = c->in_len = c->in_cap = 0;
}

int
icap_conn_quiet(struct icap_conn *c)
{
	uint8_t b;
	enum end how;

	return c->ops->read(c->tp, &b, 1, &how) == ERR_AGAIN;
}

/* Small pieces go together in one record; a big one goes as it is. */
static ssize_t
conn_write_tls(struct icap_conn *c, struct iovec *v, int n)
{
	uint8_t buf[GATHER];
	size_t len = 0, k;

	if (v[0].iov_len >= GATHER)
		return c->ops->write(c->tp, v[0].iov_base, v[0].iov_len);
	for (; n > 0 && len < GATHER; v++, n--) {
		k = v->iov_len < GATHER - len ? v->iov_len : GATHER - len;
		memcpy(buf + len, v->iov_base, k);
		len += k;
	}
	return c->ops->write(c->tp, buf, len);
}

ssize_t
icap_conn_write(struct icap_conn *c, struct iovec *v, int n)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = (size_t)n };
	size_t all = 0;
	ssize_t rv;
	int i;

	if (c->tls != NULL)
		return conn_write_tls(c, v, n);
	if (!c->sock.writable)
		return ERR_AGAIN;
	for (i = 0; i < n; i++)
		all += v[i].iov_len;
	do
		rv = sendmsg(c->sock.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (rv == -1 && errno == EINTR);
	if (rv == -1) {
		c->sock.writable = 0;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return ERR_AGAIN;
		return ERR_SYS;
	}
	if ((size_t)rv < all)
		c->sock.writable = 0;
	return rv;
}
