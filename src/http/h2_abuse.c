/*
 * What a peer may do often, but not without end. Each kind has an allowance,
 * which time fills up again, and so does what the connection is for: content,
 * or for resets a stream that ends in order.
 */
#include "http/h2_inner.h"
#include "util/clock.h"

static const struct allowance {
	int64_t		 most, per_s;
	int		 by_work;	/* what a frame of content gives back */
	int		 by_stream;	/* ... and a stream that ended well */
} allowances[] = {
	/* A browser that leaves a page cancels what it had asked for. */
	[H2_RAPID_RESET] = { 300, 50, 0, 1 },
	[H2_RESET_FLOOD] = { 100, 10, 0, 1 },
	/* Some open both windows after each frame of content, or part of it. */
	[H2_EMPTY_FRAMES] = { 2000, 200, 4, 0 },
	/* gRPC measures with one for each round trip under load. */
	[H2_PING_FLOOD] = { 1000, 100, 1, 0 },
	[H2_SETTINGS_FLOOD] = { 100, 10, 0, 0 },
	[H2_SLOW_WINDOW] = { 500, 50, 0, 0 },
	[H2_ABUSE_MAX] = { 0 }
};

#define ONE	1000		/* so that a millisecond counts */

/* What is used up of it now. */
static int64_t
used(const struct h2_bucket *b, const struct allowance *a, uint64_t now)
{
	int64_t more = (int64_t)(now - b->at) * a->per_s * ONE / 1000;

	return b->used > more ? b->used - more : 0;
}

static void
fail(struct h2_side *side, uint32_t code, enum h2_abuse what)
{
	if (side->failed)
		return;
	side->failed = 1;
	side->code = code;
	side->h2->user->abuse(side->h2->arg, side->dir, what);
}

void
h2_accuse(struct h2_side *side, enum h2_abuse what)
{
	fail(side, what == H2_PROTOCOL ? NGHTTP2_PROTOCOL_ERROR :
	    NGHTTP2_ENHANCE_YOUR_CALM, what);
}

int
h2_wrong(struct h2_side *side, uint32_t code)
{
	fail(side, code, H2_PROTOCOL);
	return 1;
}

int
h2_abused(struct h2_side *side, enum h2_abuse what)
{
	const struct allowance *a = &allowances[what];
	struct h2_bucket *b = &side->bucket[what];
	uint64_t now = clock_coarse_ms();

	b->used = used(b, a, now) + ONE;
	b->at = now;
	if (b->used <= a->most * ONE)
		return 0;
	h2_accuse(side, what);
	return 1;
}

static void
give_back(struct h2_bucket *b, int n)
{
	b->used = b->used > n * ONE ? b->used - n * ONE : 0;
}

void
h2_worked(struct h2_side *side)
{
	enum h2_abuse i;

	for (i = 0; i < H2_ABUSE_MAX; i++)
		give_back(&side->bucket[i], allowances[i].by_work);
}

void
h2_flowed(struct h2_side *side)
{
	give_back(&side->bucket[H2_SLOW_WINDOW], 1);
}

void
h2_ended_well(struct h2_side *side)
{
	enum h2_abuse i;

	for (i = 0; i < H2_ABUSE_MAX; i++)
		give_back(&side->bucket[i], allowances[i].by_stream);
}
