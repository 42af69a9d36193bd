/*
 * A reader and its queue: references to blocks that all readers share. The
 * first of them moves to an evbuffer, which sends it without a copy.
 */
#include "sink/reader.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/mem.h"

#define READER_WORDS	16384	/* of its own, in one turn */

struct place {
	TAILQ_ENTRY(place) next;
	struct reader	*reader;
	struct block	*block;
};

struct reader {
	int		 fd;
	struct event	*rd, *wr;
	const struct reader_ops *ops;
	void		*ctx;
	struct evbuffer	*out;		/* the header, or one block */
	TAILQ_HEAD(places, place) queue;	/* the blocks after it */
	size_t		 queued, max;	/* bytes of all these blocks */
};

static void	reader_readable(evutil_socket_t, short, void *);
static void	reader_writable(evutil_socket_t, short, void *);

struct reader *
reader_new(struct event_base *base, int fd, const uint8_t *head,
    size_t head_len, const struct reader_ops *ops, void *ctx)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	int on = 1, seconds = 10;

	r->fd = fd;
	r->ops = ops;
	r->ctx = ctx;
	TAILQ_INIT(&r->queue);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
	r->rd = event_new(base, fd, EV_READ | EV_PERSIST | EV_ET,
	    reader_readable, r);
	r->wr = event_new(base, fd, EV_WRITE | EV_ET, reader_writable, r);
	event_add(r->rd, NULL);
	event_add(r->wr, NULL);
	if ((r->out = evbuffer_new()) == NULL ||
	    evbuffer_add(r->out, head, head_len) != 0)
		abort();
	return r;
}

/* The block is sent, or will not be. */
static void
place_free(const void *data, size_t len, void *arg)
{
	struct place *p = arg;

	p->reader->queued -= p->block->len;
	block_unref(p->block);
	free(p);
}

/* Take a block off the queue. */
static struct place *
reader_take(struct reader *r, struct place *p)
{
	TAILQ_REMOVE(&r->queue, p, next);
	return p;
}

void
reader_free(struct reader *r)
{
	struct place *p;

	while ((p = TAILQ_FIRST(&r->queue)) != NULL)
		place_free(NULL, 0, reader_take(r, p));
	evbuffer_free(r->out);
	event_free(r->rd);
	event_free(r->wr);
	close(r->fd);
	free(r);
}

int
reader_idle(const struct reader *r)
{
	return TAILQ_EMPTY(&r->queue) && evbuffer_get_length(r->out) == 0;
}

/* The block in the evbuffer may be half sent, so it stays. */
void
reader_limit(struct reader *r, size_t max)
{
	struct place *p;

	r->max = max;
	while (r->queued > max &&
	    (p = TAILQ_LAST(&r->queue, places)) != NULL) {
		r->ops->lost(r->ctx, p->block);
		place_free(NULL, 0, reader_take(r, p));
	}
}

void
reader_give(struct reader *r, struct block *b)
{
	struct place *p;

	if (r->queued + b->len > r->max) {
		r->ops->lost(r->ctx, b);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->reader = r;
	p->block = block_ref(b);
	TAILQ_INSERT_TAIL(&r->queue, p, next);
	r->queued += b->len;
}

void
reader_flush(struct reader *r)
{
	struct place *p;
	int n;

	while (!reader_idle(r)) {
		if (evbuffer_get_length(r->out) == 0) {
			p = reader_take(r, TAILQ_FIRST(&r->queue));
			evbuffer_add_reference(r->out, p->block->data,
			    p->block->len, place_free, p);
		}
		n = evbuffer_write(r->out, r->fd);
		if (n < 0 && errno == EAGAIN) {
			event_add(r->wr, NULL);
			return;
		}
		if (n < 0 && errno != EINTR) {
			r->ops->gone(r->ctx, r);
			return;
		}
	}
}

/*
 * A reader has nothing to tell us. Its half-close (nc -N) is no reason to stop
 * sending: one that is gone answers the next packet or keepalive with RST. The
 * event is edge-triggered, so the end of its stream comes only once.
 */
static void
reader_readable(evutil_socket_t fd, short what, void *arg)
{
	struct reader *r = arg;
	char buf[READER_WORDS];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		r->ops->gone(r->ctx, r);
	} else if (n > 0 || (n < 0 && errno == EINTR)) {
		event_del(r->rd);	/* for a new edge, after the others */
		event_add(r->rd, NULL);
	}
}

static void
reader_writable(evutil_socket_t fd, short what, void *arg)
{
	reader_flush(arg);
}
