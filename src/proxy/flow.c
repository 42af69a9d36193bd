/*
 * The buffer of one direction, and its taps.
 */
#include "proxy/flow.h"

#include <assert.h>
#include <string.h>

#include "util/err.h"

/*
 * Below this much room, what is left is moved to the front of the buffer
 * first: a read is worth a whole record.
 */
#define FLOW_ROOM	(20 * 1024)

uint8_t *
flow_room(struct flow *f, struct pool *pool, size_t *len)
{
	size_t used;

	*len = 0;
	f->starved = 0;
	if (f->buf == NULL) {
		if ((f->buf = pool_get(pool)) == NULL) {
			f->starved = 1;
			return NULL;
		}
		f->base = f->in;
	}
	used = (size_t)(f->in - f->base);
	if (POOL_BUF - used < FLOW_ROOM && f->out > f->base) {
		memmove(f->buf, f->buf + (f->out - f->base),
		    (size_t)(f->in - f->out));
		f->base = f->out;
		used = (size_t)(f->in - f->base);
	}
	*len = POOL_BUF - used;
	return f->buf + used;
}

void
flow_filled(struct flow *f, size_t n)
{
	f->in += n;
}

void
flow_offer(struct flow *f, struct tap *taps, size_t ntaps)
{
	uint64_t upto = f->in;
	struct tap *t;
	size_t i, len, let;

	for (i = 0; i < ntaps; i++) {
		t = &taps[i];
		if (t->state == NULL) {
			t->pos[f->dir] = upto;
			continue;
		}
		while ((len = (size_t)(upto - t->pos[f->dir])) > 0) {
			let = t->ops->data(t->state, f->dir,
			    f->buf + (t->pos[f->dir] - f->base), len);
			assert(let <= (size_t)(f->in - t->pos[f->dir]));
			t->pos[f->dir] += let;
			/* An editor may have changed how much there is. */
			if (i == 0)
				upto = f->in;
			if (let == 0)
				break;
		}
		if (upto == f->in && f->end_in != END_NONE &&
		    !t->ended[f->dir]) {
			t->ended[f->dir] = 1;
			t->ops->eof(t->state, f->dir);
		}
		upto = t->pos[f->dir];
	}
	f->clear = upto;
}

const uint8_t *
flow_ready(const struct flow *f, size_t *len)
{
	*len = (size_t)(f->clear - f->out);
	return f->buf == NULL ? NULL : f->buf + (f->out - f->base);
}

void
flow_wrote(struct flow *f, struct pool *pool, size_t n)
{
	f->out += n;
	if (f->out == f->in) {
		pool_put(pool, f->buf);
		f->buf = NULL;
	}
}

uint8_t *
flow_held(const struct flow *f, const struct tap *t, size_t *len)
{
	*len = (size_t)(f->in - t->pos[f->dir]);
	return f->buf == NULL ? NULL : f->buf + (t->pos[f->dir] - f->base);
}

/*
 * Only the first tap of a row edits: those behind it have not seen what it
 * holds, so no other position is touched. (Editors further back would need
 * the ones ahead to have their own view of what follows.)
 */
int
flow_replace(struct flow *f, const struct tap *t, size_t old, const void *p,
    size_t n)
{
	size_t at = (size_t)(t->pos[f->dir] - f->base);
	size_t used = (size_t)(f->in - f->base), shift;

	if (used - old + n > POOL_BUF) {
		shift = (size_t)(f->out - f->base);
		if (used - shift - old + n > POOL_BUF)
			return ERR_LIMIT;
		memmove(f->buf, f->buf + shift, used - shift);
		f->base = f->out;
		at -= shift;
		used -= shift;
	}
	memmove(f->buf + at + n, f->buf + at + old, used - at - old);
	memcpy(f->buf + at, p, n);
	f->in = f->in - old + n;
	return 0;
}

int
flow_done(const struct flow *f)
{
	return f->end_in == END_FIN && f->out == f->in &&
	    f->end_out == END_FIN;
}

void
flow_drop(struct flow *f, struct pool *pool)
{
	pool_put(pool, f->buf);
	f->buf = NULL;
	f->in = f->clear = f->out;
}
