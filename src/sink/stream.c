/*
 * Encodes packets into blocks.
 */
#include "sink/stream.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/pcapfile.h"
#include "util/budget.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define STREAM_BLOCK_MIN	(80 << 10)	/* the largest packet fits */
#define STREAM_BLOCK_MAX	(256 << 10)
#define MIRRORS_SHARE		2	/* of limits.memory, all mirrors */
#define STREAM_PROBE_MS		1000	/* between tries of what fails */
#define STREAM_DELAY_US		20000	/* a packet waits at most this long, so
					   in a file the times of two workers
					   may differ by it */

struct stream_seat {
	struct synth_seat synth;	/* first: synth's ops see only it */
	struct stream	*stream;
	struct block	*block;		/* being filled; or NULL */
	struct event	*timer;
	uint64_t	 ns;		/* of the current event */
	int		 probing;	/* the event is to try a write */
};

int
stream_init(struct stream *s, const struct conf_mirror *c, struct text *why)
{
	int rv;

	s->ng = c->pcapng;
	s->max = c->queue;
	s->block = s->max / 4;
	if (c->rotate_size != 0 && s->block > c->rotate_size / 2)
		s->block = c->rotate_size / 2;
	if (s->block > STREAM_BLOCK_MAX)
		s->block = STREAM_BLOCK_MAX;
	if (s->block < STREAM_BLOCK_MIN)
		s->block = STREAM_BLOCK_MIN;
	if (s->max < s->block)
		s->max = s->block;
	s->full = "queue full";
	if ((rv = synth_sink_init(&s->synth, c, why)) == 0)
		s->synth.comments = s->ng;
	return rv;
}

void
stream_stats(void *sink, struct sink_stats *st)
{
	struct stream *s = sink;

	synth_sink_stats(&s->synth, st);
	st->queued = atomic_load(&s->used) + atomic_load(&s->shared);
}

static enum synth_mode
stream_ready(struct synth_seat *seat)
{
	struct stream_seat *s = (struct stream_seat *)seat;
	struct stream *st = s->stream;
	struct timespec ts;

	if (st->wanted != NULL && !st->wanted(st))
		return SYNTH_SKIP;
	seat->lose = atomic_load_explicit(&st->failing, memory_order_relaxed);
	s->probing = seat->lose != NULL;
	if (s->probing && clock_ms() < atomic_load(&st->probe))
		return SYNTH_LOSE;
	ts = clock_wall();
	s->ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	return SYNTH_SHOW;
}

static struct block *
block_new(struct stream *st)
{
	size_t size = sizeof(struct block) + st->block;
	struct block *b;

	/* Mirrors lose before sessions wait. */
	if (budget_held(BUDGET_MIRRORS) + size > budget_max() / MIRRORS_SHARE ||
	    budget_take(BUDGET_MIRRORS, size, 1) != 0)
		return NULL;
	if ((b = malloc(size)) == NULL) {
		budget_give(BUDGET_MIRRORS, size);
		return NULL;
	}
	memset(b, 0, sizeof(*b));
	b->refs = 1;
	b->stream = st;
	b->room = st->block;
	return b;
}

static void
stream_give(struct stream_seat *s)
{
	struct block *b = s->block, *less;

	s->block = NULL;
	if (b == NULL)
		return;
	if (b->len < s->stream->block / 2 &&
	    (less = realloc(b, sizeof(*b) + b->len)) != NULL)
		b = less;
	s->stream->give(s->stream, b);
}

static void
stream_timer(evutil_socket_t fd, short what, void *arg)
{
	stream_give(arg);
}

/* The block for need bytes, which are then on the account; NULL: no room. */
static struct block *
stream_room(struct stream_seat *s, size_t need)
{
	static const struct timeval delay = { 0, STREAM_DELAY_US };
	struct stream *st = s->stream;

	if (s->block != NULL && s->block->len + need > s->block->room)
		stream_give(s);
	if (atomic_fetch_add(&st->used, need) + need > st->max ||
	    (s->block == NULL && (s->block = block_new(st)) == NULL)) {
		atomic_fetch_sub(&st->used, need);
		return NULL;
	}
	if (s->block->len == 0 && !evtimer_pending(s->timer, NULL))
		evtimer_add(s->timer, &delay);
	return s->block;
}

static void
stream_emit(struct synth_seat *seat, const struct frame *f, const char *comment)
{
	struct stream_seat *s = (struct stream_seat *)seat;
	struct stream *st = s->stream;
	struct block *b;

	b = stream_room(s, pcapfile_size(st->ng, f, comment));
	if (b == NULL) {
		synth_lost(seat, f, st->full);
		return;
	}
	/* Not in ready: the filter may drop all of the event's frames. */
	if (s->probing) {
		atomic_store(&st->probe, clock_ms() + STREAM_PROBE_MS);
		s->probing = 0;
	}
	b->len += pcapfile_put(b->data + b->len, st->ng, s->ns, f, comment);
	b->packets++;
	b->payload += f->len;
	synth_queued(seat, f);
}

void *
stream_attach(void *sink, struct event_base *base)
{
	static const struct synth_out out = {
		.ready = stream_ready, .emit = stream_emit
	};
	struct stream_seat *s = xcalloc(1, sizeof(*s));

	s->stream = sink;
	s->timer = evtimer_new(base, stream_timer, s);
	if (s->timer == NULL)
		abort();
	synth_seat_init(&s->synth, &s->stream->synth, &out);
	return s;
}

void
stream_detach(void *seat)
{
	struct stream_seat *s = seat;

	stream_give(s);
	event_free(s->timer);
	synth_seat_clear(&s->synth);
	free(s);
}

struct block *
block_ref(struct block *b)
{
	atomic_fetch_add(&b->refs, 1);
	return b;
}

void
block_unref(struct block *b)
{
	if (b == NULL || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	atomic_fetch_sub(&b->stream->shared, b->len);
	block_uncount(b);
	free(b);
}

void
block_uncount(struct block *b)
{
	budget_give(BUDGET_MIRRORS, sizeof(*b) + b->room);
}

void
block_settle(struct block *b)
{
	atomic_fetch_sub(&b->stream->used, b->len);
}

void
block_share(struct block *b)
{
	atomic_fetch_add(&b->stream->shared, b->len);
	block_settle(b);
}

void
block_order(struct block *b, uint64_t *last)
{
	size_t at = 0;

	while (at < b->len)
		at += pcapfile_next(b->data + at, b->stream->ng, last);
}
