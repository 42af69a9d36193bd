/*
 * The buffer of one direction, and its taps.
 */
#include "stream/flow.h"

#include <assert.h>
#include <string.h>

#include "util/err.h"

/*
 * With less room than this, move the bytes left to the front of the buffer
 * first, so that a read can take a whole record.
 */
#define FLOW_ROOM	(20 * 1024)
#define FLOW_LEAST	4096	/* enough, if moving would move much */
/* As good as full: records and segments do not fill a buffer to the byte. */
#define FLOW_FULL	(POOL_BUF * 3 / 4)

static uint8_t *
flow_get(struct flow *f, size_t size)
{
	f->size = size;
	return pool_get(f->pool, size);
}

/* Get a buffer from the pool unless there is one. */
static int
flow_buffer(struct flow *f)
{
	f->starved = 0;
	if (f->buf != NULL)
		return 0;
	if (f->used >= FLOW_FULL)
		f->buf = flow_get(f, POOL_BULK);
	if (f->buf == NULL)
		f->buf = flow_get(f, POOL_BUF);
	f->starved = f->buf == NULL;
	f->base = f->out;
	return f->starved ? ERR_MEM : 0;
}

static void
flow_give_back(struct flow *f)
{
	pool_put(f->pool, f->buf, f->size);
	f->buf = NULL;
}

/* Move the bytes left to the front if there is less than n bytes of room. */
static size_t
flow_compact(struct flow *f, size_t n)
{
	size_t used = (size_t)(f->in - f->base);

	if (f->size - used < n && f->out > f->base) {
		memmove(f->buf, f->buf + (f->out - f->base),
		    (size_t)(f->in - f->out));
		f->base = f->out;
		used = (size_t)(f->in - f->base);
	}
	return f->size - used;
}

uint8_t *
flow_room(struct flow *f, size_t *len)
{
	*len = 0;
	if (flow_buffer(f) != 0)
		return NULL;
	*len = flow_compact(f, f->out - f->base >= f->size / 4 ? FLOW_ROOM :
	    FLOW_LEAST);
	return f->buf + (f->in - f->base);
}

void
flow_filled(struct flow *f, size_t n)
{
	if (f->in == f->base)	/* the first of this buffer */
		f->used = 0;
	f->in += n;
	if ((size_t)(f->in - f->base) > f->used)
		f->used = (size_t)(f->in - f->base);
}

/* Show a tap the bytes it has not let go, up to the position of the one before
 * it. */
static void
flow_show(struct flow *f, struct tap *t, const uint64_t *upto)
{
	uint64_t *pos = &t->pos[f->dir];
	size_t len, let;

	if (t->ops->room != NULL)
		t->ops->room(t->state, f->dir);
	while ((len = (size_t)(*upto - *pos)) > 0) {
		let = t->ops->data(t->state, f->dir, f->buf +
		    (*pos - f->base), len);
		assert(let <= (size_t)(*upto - *pos));
		*pos += let;
		if (let == 0)
			break;
	}
	if (*upto == f->in && f->end_in != END_NONE && !f->busy &&
	    !t->ended[f->dir]) {
		t->ended[f->dir] = 1;
		if (t->ops->eof != NULL)
			t->ops->eof(t->state, f->dir);
	}
	if (t->ops->busy != NULL && t->ops->busy(t->state, f->dir))
		f->busy = 1;
}

void
flow_offer(struct flow *f)
{
	const uint64_t *upto = &f->in;	/* it moves when a tap edits */
	struct tap *t;

	f->busy = 0;
	for (t = f->wire.taps->first[f->dir]; t != NULL; t = t->next[f->dir]) {
		if (t->state != NULL)
			flow_show(f, t, upto);
		else
			t->pos[f->dir] = *upto;
		upto = &t->pos[f->dir];
	}
	f->clear = *upto;
}

const uint8_t *
flow_ready(const struct flow *f, size_t *len)
{
	*len = (size_t)(f->clear - f->out);
	return f->buf == NULL ? NULL : f->buf + (f->out - f->base);
}

void
flow_wrote(struct flow *f, size_t n)
{
	f->out += n;
	if (f->out == f->in)
		flow_give_back(f);
}

/* The bytes behind a tap's position have moved, and with them all positions
 * ahead of it. A tap that was moved there may not have seen these bytes. */
static void
flow_shift(struct flow *f, struct tap *t, size_t old, size_t n)
{
	uint64_t end = t->pos[f->dir] + old;
	struct tap *ahead;

	f->in = f->in - old + n;
	for (ahead = f->wire.taps->first[f->dir]; ahead != t;
	    ahead = ahead->next[f->dir])
		ahead->pos[f->dir] = (ahead->pos[f->dir] > end ?
		    ahead->pos[f->dir] : end) - old + n;
}

int
flow_replace(struct flow *f, struct tap *t, size_t old, const void *p,
    size_t n)
{
	size_t at, tail;

	if (old == 0 && n == 0)
		return 0;
	if (flow_buffer(f) != 0)
		return ERR_LIMIT;
	if (n > old && flow_compact(f, n - old) < n - old)
		return ERR_LIMIT;
	at = (size_t)(t->pos[f->dir] - f->base);
	tail = (size_t)(f->in - f->base) - at - old;
	memmove(f->buf + at + n, f->buf + at + old, tail);
	if (n > 0)
		memcpy(f->buf + at, p, n);
	flow_shift(f, t, old, n);
	return 0;
}

size_t
flow_space(struct flow *f)
{
	return flow_buffer(f) != 0 ? 0 : f->size - (size_t)(f->in - f->out);
}

size_t
flow_put(struct flow *f, struct tap *t, const void *p, size_t n)
{
	size_t room;

	if (n == 0 || flow_buffer(f) != 0)
		return 0;
	room = flow_compact(f, n);
	if (n > room)
		n = room;
	if (n == 0 || flow_replace(f, t, 0, p, n) != 0)
		return 0;
	t->pos[f->dir] += n;
	return n;
}

void
flow_finish(struct flow *f)
{
	f->finished = 1;
	f->notify = 1;
	f->end_in = END_FIN;
}

int
flow_done(const struct flow *f)
{
	return f->end_in == END_FIN && f->out == f->in && !f->busy &&
	    f->end_out == END_FIN;
}

void
flow_drop(struct flow *f)
{
	flow_give_back(f);
	f->in = f->clear = f->out;
}

void
flow_restart(struct flow *f)
{
	flow_drop(f);
	f->finished = f->notify = 0;
	f->end_in = END_NONE;
	f->upto = UINT64_MAX;
}
