/*
 * A reader and its queue: a ring of references to blocks that all readers
 * share.
 */
#include "sink/reader.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

#define READER_IOV	16	/* blocks in one send */
#define READER_WORDS	16384	/* of its own, in one turn */

struct reader {
	int		 fd;
	struct event	*rd, *wr;
	const struct reader_ops *ops;
	void		*ctx;
	const uint8_t	*head;
	size_t		 head_len;	/* still to send */
	struct block	**ring;
	size_t		 cap, first, n;
	size_t		 at;		/* bytes sent of the first block */
	size_t		 queued, max;
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
	r->head = head;
	r->head_len = head_len;
	r->ops = ops;
	r->ctx = ctx;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
	r->rd = event_new(base, fd, EV_READ | EV_PERSIST | EV_ET,
	    reader_readable, r);
	r->wr = event_new(base, fd, EV_WRITE | EV_ET, reader_writable, r);
	event_add(r->rd, NULL);
	event_add(r->wr, NULL);
	return r;
}

static void
reader_pop(struct reader *r)
{
	struct block *b = r->ring[r->first];

	r->first = (r->first + 1) % r->cap;
	r->n--;
	r->queued -= b->len;
	block_unref(b);
}

void
reader_free(struct reader *r)
{
	while (r->n > 0)
		reader_pop(r);
	event_free(r->rd);
	event_free(r->wr);
	close(r->fd);
	free(r->ring);
	free(r);
}

size_t
reader_queued(const struct reader *r)
{
	return r->queued + r->head_len;
}

static void
reader_grow(struct reader *r)
{
	size_t cap = r->cap == 0 ? 16 : r->cap * 2, i;
	struct block **ring = xcalloc(cap, sizeof(struct block *));

	for (i = 0; i < r->n; i++)
		ring[i] = r->ring[(r->first + i) % r->cap];
	free(r->ring);
	r->ring = ring;
	r->cap = cap;
	r->first = 0;
}

/* The first block may be half sent, so it stays. */
void
reader_limit(struct reader *r, size_t max)
{
	struct block *b;

	r->max = max;
	while (r->n > 1 && r->queued > max) {
		r->n--;
		b = r->ring[(r->first + r->n) % r->cap];
		r->queued -= b->len;
		r->ops->lost(r->ctx, b);
		block_unref(b);
	}
}

void
reader_give(struct reader *r, struct block *b)
{
	if (r->queued + b->len > r->max) {
		r->ops->lost(r->ctx, b);
		return;
	}
	if (r->n == r->cap)
		reader_grow(r);
	r->ring[(r->first + r->n) % r->cap] = block_ref(b);
	r->n++;
	r->queued += b->len;
}

static size_t
reader_iov(struct reader *r, struct iovec *iov)
{
	struct block *b;
	size_t n = 0, i;

	if (r->head_len > 0) {
		iov[n].iov_base = (void *)(uintptr_t)r->head;
		iov[n++].iov_len = r->head_len;
	}
	for (i = 0; i < r->n && n < READER_IOV; i++) {
		b = r->ring[(r->first + i) % r->cap];
		iov[n].iov_base = b->data + (i == 0 ? r->at : 0);
		iov[n++].iov_len = b->len - (i == 0 ? r->at : 0);
	}
	return n;
}

static void
reader_took(struct reader *r, size_t len)
{
	size_t n = len < r->head_len ? len : r->head_len;

	r->head += n;
	r->head_len -= n;
	len -= n;
	while (len > 0) {
		n = r->ring[r->first]->len - r->at;
		if (len < n) {
			r->at += len;
			return;
		}
		len -= n;
		r->at = 0;
		reader_pop(r);
	}
}

void
reader_flush(struct reader *r)
{
	struct iovec iov[READER_IOV];
	struct msghdr msg = { .msg_iov = iov };
	ssize_t n;

	while (reader_queued(r) > 0) {
		msg.msg_iovlen = reader_iov(r, iov);
		n = sendmsg(r->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(r->wr, NULL);
			return;
		}
		if (n < 0) {
			r->ops->gone(r->ctx, r);
			return;
		}
		reader_took(r, (size_t)n);
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
