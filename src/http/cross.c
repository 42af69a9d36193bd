/*
 * The crossing as a transport: what its user writes is read as the client's
 * version, and what comes of it is written to the transport below.
 */
#include "http/cross.h"

#include <stdlib.h>
#include <string.h>

#include "http/cross_inner.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define PIECE		16384	/* a record of TLS */
#define ROUNDS		16	/* of them in one call, that bring nothing */

struct cross *
cross_new(enum cross_to to, const struct transport_ops *ops, void *tp,
    struct sock *sock, const struct cross_user *user)
{
	struct cross *c = xcalloc(1, sizeof(*c));

	c->to = to;
	c->ops = ops;
	c->tp = tp;
	c->sock = sock;
	c->head_max = user->head_max;
	c->session = user->session;
	c->meter.dir = to == CROSS_TO_1 ? DIR_UP : DIR_DOWN;
	c->meter.abuse = user->abuse;
	c->meter.arg = user->arg;
	TAILQ_INIT(&c->line);
	cross_h2_open(c);
	return c;
}

const struct transport_ops **
cross_ops(struct cross *c)
{
	return &c->ops;
}

void *
cross_tp(struct cross *c)
{
	return c->tp;
}

static void
cross_free(void *arg)
{
	struct cross *c = arg;
	struct cross_x *x;

	while ((x = TAILQ_FIRST(&c->line)) != NULL) {
		TAILQ_REMOVE(&c->line, x, line);
		cross_free_x(x);
	}
	cross_free_x(c->now);
	c->now = NULL;
	cross_h2_close(c);
	h2_queue_free(&c->out);
	text_free(&c->head);
	budget_give(BUDGET_BUFFERS, c->charged);
	c->ops->free(c->tp);
	free(c);
}

/* What came goes on, as far as there is room. */
static void
turn(struct cross *c)
{
	cross_h1_settled(c);
	cross_settle(c);
	cross_h1_write(c);
	cross_settle(c);
	cross_h1_write(c);	/* of the next */
}

static size_t
queue_take(struct h2_queue *q, uint8_t *to, size_t n)
{
	if (n > q->len)
		n = q->len;
	if (n > 0)
		memcpy(to, q->buf + q->off, n);
	h2_queue_drop(q, n);
	return n;
}

/* The client's side has all but the end. */
static int
is_over(const struct cross *c)
{
	if (!c->over || c->now != NULL || c->told == END_FIN)
		return 0;
	return c->to == CROSS_TO_1 ? !cross_h2_waits(c) : c->out.len == 0;
}

/* What goes to the client, or to the server. */
static struct h2_queue *
out_of(struct cross *c, int near)
{
	return (c->to == CROSS_TO_1) == near ? &c->frames : &c->out;
}

static size_t
gather(struct cross *c, int near)
{
	struct h2_queue *q = out_of(c, near);

	turn(c);
	return q == &c->frames ? cross_h2_pack(c) : q->len;
}

static size_t
near_take(struct cross *c, uint8_t *buf, size_t len)
{
	size_t n = 0;

	while (n < len && gather(c, 1) > 0)
		n += queue_take(out_of(c, 1), buf + n, len - n);
	turn(c);
	return n;
}

static void
far_came(struct cross *c, const uint8_t *p, size_t n)
{
	if (c->to == CROSS_TO_1)
		cross_h1_read(c, p, n);
	else
		cross_h2_read(c, p, n);
	turn(c);
}

static void
far_ended(struct cross *c, enum end how)
{
	struct cross_x *x = c->now;
	int whole = x == NULL || x->ended;

	if (c->to == CROSS_TO_1) {
		cross_h1_eof(c, how);
		return;
	}
	if (!whole) {
		x->cut = 1;
		cross_h1_write(c);	/* that it is so */
	}
	cross_leave(c, !whole);
}

/* Nothing more of the server's counts. */
static int
is_deaf(const struct cross *c)
{
	return c->over || (c->to == CROSS_TO_2 && c->meter.failed);
}

/* More of the server's. 1: some came, or its end; or ERR_AGAIN. */
static int
far_read(struct cross *c)
{
	uint8_t buf[PIECE];
	size_t room = c->to == CROSS_TO_1 ? cross_h1_room(c) : sizeof(buf);
	enum end how = END_NONE;
	ssize_t n;

	if (room == 0 || is_deaf(c)) {
		c->paused = 1;
		c->sock->readable = 0;	/* it is not what we wait for */
		return ERR_AGAIN;
	}
	if (c->paused)
		sock_look(c->sock);
	c->paused = 0;
	n = c->ops->read(c->tp, buf, room < sizeof(buf) ? room : sizeof(buf),
	    &how);
	if (n == ERR_AGAIN)
		return ERR_AGAIN;
	if (n > 0)
		far_came(c, buf, (size_t)n);
	else
		far_ended(c, n == ERR_EOF ? how : END_FIN);
	return 1;
}

/* The client has closed its half of a WebSocket: of HTTP/1 the connection's. */
static int
half_closed(const struct cross *c)
{
	return c->to == CROSS_TO_1 && c->now != NULL && c->now->written &&
	    c->now->tunnel == CROSS_OPEN;
}

/* To the server. 0: nothing waits any more; or ERR_AGAIN. */
static int
far_push(struct cross *c)
{
	struct h2_queue *q = out_of(c, 0);
	ssize_t n;

	while (gather(c, 0) > 0) {
		n = c->ops->write(c->tp, q->buf + q->off, q->len);
		if (n == ERR_AGAIN)
			return ERR_AGAIN;
		if (n < 0) {
			h2_queue_free(q);
			cross_leave(c, 1);
			return 0;
		}
		h2_queue_drop(q, (size_t)n);
	}
	if (half_closed(c))
		c->ops->shut(c->tp, END_NOTIFY);
	return c->ops->flush(c->tp) == ERR_AGAIN ? ERR_AGAIN : 0;
}

static ssize_t
cross_read(void *arg, uint8_t *buf, size_t len, enum end *how)
{
	struct cross *c = arg;
	int rounds = 0;
	size_t n;

	while ((n = near_take(c, buf, len)) == 0 && !is_over(c))
		if (rounds++ == ROUNDS || far_read(c) != 1)
			break;
	far_push(c);
	if (n > 0)
		return (ssize_t)n;
	if (!is_over(c))
		return ERR_AGAIN;
	*how = c->told = c->torn || c->told == END_NOTIFY ? END_FIN :
	    END_NOTIFY;
	return ERR_EOF;
}

static ssize_t
cross_write(void *arg, const uint8_t *p, size_t len)
{
	struct cross *c = arg;
	size_t n = len;

	if (c->to == CROSS_TO_1)
		cross_h2_read(c, p, len);
	else if (!c->over) {
		if ((n = cross_h1_room(c)) > len)
			n = len;
		n = cross_h1_read(c, p, n);
	}
	turn(c);
	far_push(c);
	return n > 0 ? (ssize_t)n : ERR_AGAIN;
}

static int
cross_flush(void *arg)
{
	turn(arg);
	return far_push(arg);
}

static int
cross_shut(void *arg, enum end how)
{
	struct cross *c = arg;

	if (c->to == CROSS_TO_2 && c->now != NULL && !c->over) {
		if (c->now->tunnel == CROSS_OPEN && !c->now->read) {
			c->now->read = 1;
			cross_h2_more(c->now);
		}
		if (c->now->read)	/* its answer is yet to come */
			return ERR_AGAIN;
		cross_reset(c->now, NGHTTP2_CANCEL);
		cross_leave(c, 1);
	}
	if (c->to == CROSS_TO_2)
		cross_leave(c, 0);
	turn(c);
	if (far_push(c) != 0)
		return ERR_AGAIN;
	return c->ops->shut(c->tp, how);
}

static int
cross_pending(void *arg)
{
	const struct cross *c = arg;

	if (is_over(c))
		return 1;
	if (c->to == CROSS_TO_1 ? cross_h2_waits(c) : c->out.len > 0)
		return 1;
	if (is_deaf(c) || (c->to == CROSS_TO_1 && cross_h1_room(c) == 0))
		return 0;
	return c->paused || c->ops->pending(c->tp);
}

const struct transport_ops transport_cross = {
	.read = cross_read,
	.write = cross_write,
	.flush = cross_flush,
	.shut = cross_shut,
	.pending = cross_pending,
	.free = cross_free,
};
