/*
 * The outside end: it sends 64 bytes back, or answers a request with a file.
 */
#include "chain/through_server.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chain/through.h"
#include "net/sock.h"
#include "util/mem.h"
#include "util/text.h"

#define REQUEST		512	/* bytes of one, at most */
#define GUESTS		64	/* at once; a device may open some itself */
#define LIFE		10	/* s */

/* A connection that came through. */
struct guest {
	TAILQ_ENTRY(guest) entry;
	struct through_server *server;
	int		 fd;
	struct event	*ev;
	char		 in[REQUEST];
	size_t		 got;
	const char	*out;		/* in, or the server's answer */
	size_t		 outlen, sent;
};

struct through_server {
	struct event_base *base;
	struct event	*ev;
	struct text	 answer;
	size_t		 n;
	TAILQ_HEAD(, guest) guests;
};

static void
guest_free(struct guest *c)
{
	TAILQ_REMOVE(&c->server->guests, c, entry);
	c->server->n--;
	event_free(c->ev);
	close(c->fd);
	free(c);
}

/* A request is complete, or 64 bytes of something else: what to answer. */
static void
guest_answer(struct guest *c)
{
	if (c->got >= 4 && memcmp(c->in, "GET ", 4) == 0) {
		if (memmem(c->in, c->got, "\r\n\r\n", 4) == NULL)
			return;
		c->out = c->server->answer.s;
		c->outlen = c->server->answer.len;
	} else if (c->got >= THROUGH_ECHO) {
		c->out = c->in;
		c->outlen = THROUGH_ECHO;
	}
}

/* Returns -1 when it is over. */
static int
guest_read(struct guest *c)
{
	char waste[512];
	ssize_t n;

	if (c->out == NULL && c->got < sizeof(c->in))
		n = read(c->fd, c->in + c->got, sizeof(c->in) - c->got);
	else
		n = read(c->fd, waste, sizeof(waste));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	if (c->out == NULL) {
		c->got += (size_t)n;
		guest_answer(c);
	}
	return 0;
}

static int
guest_write(struct guest *c)
{
	ssize_t n;

	if (c->sent == c->outlen)
		return 0;
	n = send(c->fd, c->out + c->sent, c->outlen - c->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->sent += (size_t)n;
	if (c->sent == c->outlen && c->out != c->in)
		shutdown(c->fd, SHUT_WR);
	return 0;
}

static void
on_guest(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval life = { LIFE, 0 };
	struct guest *c = arg;
	short want = EV_READ | EV_PERSIST;

	if ((what & EV_TIMEOUT) ||
	    ((what & EV_READ) && guest_read(c) != 0) ||
	    guest_write(c) != 0) {
		guest_free(c);
		return;
	}
	if (c->sent < c->outlen)
		want |= EV_WRITE;
	event_del(c->ev);
	event_assign(c->ev, c->server->base, fd, want, on_guest, c);
	event_add(c->ev, &life);
}

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	static const struct timeval life = { LIFE, 0 };
	struct through_server *s = arg;
	struct addr peer;
	struct guest *c;
	int fd;

	while ((fd = sock_accept(listener, &peer)) >= 0) {
		if (s->n >= GUESTS) {
			close(fd);
			continue;
		}
		sock_nodelay(fd);
		c = xcalloc(1, sizeof(*c));
		c->server = s;
		c->fd = fd;
		c->ev = event_new(s->base, fd, EV_READ | EV_PERSIST, on_guest,
		    c);
		event_add(c->ev, &life);
		TAILQ_INSERT_TAIL(&s->guests, c, entry);
		s->n++;
	}
}

struct through_server *
through_server_new(struct event_base *base, int listener, const char *body,
    size_t len)
{
	struct through_server *s = xcalloc(1, sizeof(*s));

	s->base = base;
	TAILQ_INIT(&s->guests);
	text_printf(&s->answer, "HTTP/1.1 200 OK\r\n"
	    "Content-Type: application/octet-stream\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n", len);
	if (len > 0)
		text_add(&s->answer, body, len);
	s->ev = event_new(base, listener, EV_READ | EV_PERSIST, on_accept, s);
	event_add(s->ev, NULL);
	return s;
}

void
through_server_free(struct through_server *s)
{
	if (s == NULL)
		return;
	while (!TAILQ_EMPTY(&s->guests))
		guest_free(TAILQ_FIRST(&s->guests));
	event_free(s->ev);
	text_free(&s->answer);
	free(s);
}
