/*
 * The outside end: it sends 64 bytes back, or answers a request with a file.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "chain/through.h"
#include "net/sock.h"
#include "util/mem.h"
#include "util/text.h"

#define REQUEST		512	/* bytes of one, at most */
#define GUESTS		64	/* at once; a device may open some itself */

/* A connection that came through. */
struct guest {
	TAILQ_ENTRY(guest) entry;
	struct through_server *server;
	struct bufferevent *bev;
	int		 answered;
};

struct through_server {
	struct event_base *base;
	struct event	 ev;		/* of the listener */
	struct text	 answer;
	size_t		 n;
	TAILQ_HEAD(, guest) guests;
};

static void
guest_free(struct guest *g)
{
	TAILQ_REMOVE(&g->server->guests, g, entry);
	g->server->n--;
	bufferevent_free(g->bev);
	free(g);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	guest_free(arg);
}

/* A request is complete, or 64 bytes of something else; what follows is of no
 * interest. */
static void
on_read(struct bufferevent *bev, void *arg)
{
	struct guest *g = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n = evbuffer_get_length(in);
	char what[4] = "";

	evbuffer_copyout(in, what, sizeof(what));
	if (!g->answered && memcmp(what, "GET ", 4) == 0) {
		if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos < 0 &&
		    n < REQUEST)
			return;
		g->answered = 1;
		evbuffer_add_reference(bufferevent_get_output(bev),
		    g->server->answer.s, g->server->answer.len, NULL, NULL);
	} else if (!g->answered && n >= THROUGH_ECHO) {
		evbuffer_remove_buffer(in, bufferevent_get_output(bev),
		    THROUGH_ECHO);
	} else if (!g->answered) {
		return;
	}
	evbuffer_drain(in, evbuffer_get_length(in));
}

/* What was to be said is written; an answer of HTTP ends with it. */
static void
on_written(struct bufferevent *bev, void *arg)
{
	struct guest *g = arg;

	if (g->answered)
		shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	static const struct timeval life = { 10, 0 };
	struct through_server *s = arg;
	struct addr peer;
	int fd = sock_accept(listener, &peer);
	struct guest *g;

	if (fd >= 0 && s->n >= GUESTS)
		evutil_closesocket(fd);
	if (fd < 0 || s->n >= GUESTS)
		return;
	g = xcalloc(1, sizeof(*g));
	g->server = s;
	g->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(g->bev, on_read, on_written, on_event, g);
	bufferevent_set_timeouts(g->bev, &life, &life);
	bufferevent_enable(g->bev, EV_READ | EV_WRITE);
	TAILQ_INSERT_TAIL(&s->guests, g, entry);
	s->n++;
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
	event_assign(&s->ev, base, listener, EV_READ | EV_PERSIST, on_accept,
	    s);
	event_add(&s->ev, NULL);
	return s;
}

void
through_server_free(struct through_server *s)
{
	if (s == NULL)
		return;
	while (!TAILQ_EMPTY(&s->guests))
		guest_free(TAILQ_FIRST(&s->guests));
	event_del(&s->ev);
	text_free(&s->answer);
	free(s);
}
