/*
 * Trickling (`inspect: trickle`). While services hold a response, the client
 * gets its head, and then a few bytes at a time of what the server has sent, so
 * that it does not give up. The end is always held back. What went is kept, and
 * the answer of the services must begin with the same: what follows goes on
 * then. If it is another, the exchange is broken, so that the client sees that
 * what it has is not whole.
 */
#include <event2/event.h>
#include <string.h>

#include "adapt/adapt.h"
#include "util/clock.h"
#include "util/err.h"

/* So much of the end never goes before the services have answered. */
#define LAST	(16 * 1024)

static const struct conf_trickle *
conf_of(const struct adapted_message *m)
{
	return &plan_inspect(m->a->plan)->trickle;
}

static void
arm(struct trickle *t, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	evtimer_add(&t->timer, &tv);
}

/* The bytes of content that may go now: those at *at. */
static uint64_t
may_go(const struct adapted_message *m, uint64_t *at)
{
	const struct part *part = &m->a->part;
	uint64_t end = spool_size(m->virgin->body), most = conf_of(m)->bytes;

	*at = (part->on ? part->first : 0) + trickle_length(&m->a->trickle);
	if (part->on && part->end < end)
		end = part->end;
	if (end <= *at + LAST)
		return 0;
	return end - LAST - *at < most ? end - LAST - *at : most;
}

/* The head goes on. 0, or it was refused. */
static int
begin(struct adapted_message *m)
{
	const struct http_head *h = m->virgin->head;

	if (!m->a->part.on)
		part_end(&m->a->part);
	if (part_send(m, h, 1, h->length, 0) != 0)
		return ERR_DENIED;
	m->a->trickle.given = spool_new(UINT64_MAX);
	return 0;
}

/* As many bytes as may go, and as there is room for. */
static void
give(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;
	struct trickle *t = &m->a->trickle;
	const struct http_head *h = m->virgin->head;
	const uint8_t *p;
	uint64_t at, left;
	size_t n;
	int bad;

	part_begin(m, h, 1, h->length);
	left = may_go(m, &at);
	if (left == 0 || !x->codec->room(x->conn, DIR_DOWN) ||
	    (t->given == NULL && begin(m) != 0))
		return;
	for (; left > 0 && spool_at(m->virgin->body, at, &p, &n) == 0;
	    at += n, left -= n) {
		n = x->codec->data(x->conn, DIR_DOWN, p,
		    n < left ? n : (size_t)left, &bad);
		if (n == 0)
			break;
		if (spool_add(t->given, p, n) != 0) {
			exchange_break(x, "what trickled could not be kept");
			return;
		}
	}
}

/* Services hold what the server sent, and have made nothing else of it. */
static int
is_held(const struct adapted_message *m)
{
	return m->a->x.state[DIR_DOWN] == EXCHANGE_HELD &&
	    m->now == m->virgin && m->making.head == NULL;
}

static void
due(evutil_socket_t fd, short what, void *arg)
{
	struct adapted_message *m = arg;
	struct exchange *x = &m->a->x;

	if (!is_held(m))
		return;
	/* More than a preview must come for it. */
	x->codec->take(x->conn, DIR_DOWN);
	give(m);
	if (!exchange_is_broken(x))
		arm(&m->a->trickle, conf_of(m)->every);
	x->user->wake(x->arg);
}

void
trickle_wait(struct adapted_message *m)
{
	struct trickle *t = &m->a->trickle;

	if (m->dir != DIR_DOWN || t->timed || conf_of(m)->bytes == 0 ||
	    m->a->plan->base == NULL || m->a->grpc != NULL ||
	    m->virgin->body == NULL)
		return;
	evtimer_assign(&t->timer, m->a->plan->base, due, m);
	t->timed = 1;
	arm(t, conf_of(m)->after);
}

/* It cannot go on, and the client has the beginning of the server's. */
static void
cut(struct adaptation *a, const char *why)
{
	struct http_record *r = &a->x.record;

	http_record_restored(r, a->x.msg[DIR_DOWN].head);
	if (a->part.on)
		r->status = 206;
	exchange_break(&a->x, why);
}

int
trickle_head(struct adapted_message *m, const struct http_head *h, int body,
    int64_t length)
{
	const struct http_head *went = m->virgin->head;

	if (m->a->trickle.given == NULL)
		return 1;
	m->a->trickle.again = 0;
	if (body && http_same(h, went) && (length < 0 || went->length < 0 ||
	    length == went->length))
		return 0;
	cut(m->a, "the services' answer is another than what has trickled");
	return ERR_DENIED;
}

/* Whether these bytes are the next of those that went. */
static int
is_same(struct trickle *t, const uint8_t *p, size_t len)
{
	const uint8_t *went;
	size_t n;

	for (; len > 0; p += n, len -= n, t->again += n) {
		if (spool_at(t->given, t->again, &went, &n) != 0)
			return 0;
		if (n > len)
			n = len;
		if (memcmp(p, went, n) != 0)
			return 0;
	}
	return 1;
}

size_t
trickle_body(struct adaptation *a, const uint8_t *p, size_t len, int *bad)
{
	struct trickle *t = &a->trickle;
	uint64_t left;

	if (t->given == NULL)
		return 0;
	left = spool_size(t->given) - t->again;
	if (len > left)
		len = (size_t)left;
	if (!exchange_is_broken(&a->x) && is_same(t, p, len))
		return len;
	cut(a, "a service changed what has trickled");
	*bad = 1;
	return 0;
}

int
trickle_ends(const struct adaptation *a)
{
	const struct trickle *t = &a->trickle;

	return t->given == NULL || (!exchange_is_broken(&a->x) &&
	    t->again == spool_size(t->given));
}

int
trickle_alone(const struct trickle *t)
{
	return t->given != NULL && !t->past;
}

uint64_t
trickle_length(const struct trickle *t)
{
	return t->given != NULL ? spool_size(t->given) : 0;
}

void
trickle_stop(struct trickle *t)
{
	if (t->timed)
		evtimer_del(&t->timer);
}

void
trickle_end(struct trickle *t)
{
	trickle_stop(t);
	spool_free(t->given);
	memset(t, 0, sizeof(*t));
}
