/*
 * Chunks of memory in a list. Packets are written into the newest; the oldest
 * is emptied, packet by packet as they age, or at once when its room is wanted,
 * and then it is the newest.
 */
#include "sink/ring_inner.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "util/budget.h"
#include "util/cursor.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

#define CHUNK_MIN	((uint64_t)128 << 10)	/* the largest packet fits */
#define CHUNK_MAX	((uint64_t)1 << 20)
#define CHUNKS		16			/* of a small budget */

static void
add(_Atomic uint64_t *n, uint64_t by)
{
	/* One thread writes. */
	atomic_store_explicit(n, atomic_load_explicit(n,
	    memory_order_relaxed) + by, memory_order_relaxed);
}

/* Bytes that were taken are given back; any thread. */
static void
give(struct ring *r, size_t n)
{
	atomic_fetch_sub_explicit(&r->held, n, memory_order_relaxed);
	budget_give(BUDGET_HISTORY, n);
}

struct ring *
ring_new(uint64_t no, uint64_t seed,
    void (*about)(const void *, struct text *))
{
	struct ring *r = xcalloc(1, sizeof(*r));

	atomic_init(&r->refs, 1);
	atomic_init(&r->held, sizeof(*r));
	budget_add(BUDGET_HISTORY, sizeof(*r));
	r->no = no;
	r->seed = seed;
	r->about = about;
	TAILQ_INIT(&r->chunks);
	return r;
}

void
ring_unref(struct ring *r)
{
	if (atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	budget_give(BUDGET_HISTORY, sizeof(*r));
	free(r);
}

uint64_t
ring_no(const struct ring *r)
{
	return r->no;
}

void
ring_chunk_unref(struct ring *r, struct ring_chunk *c)
{
	if (atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	give(r, sizeof(*c) + c->size);
	free(c);
}

static size_t
flow_bytes(const struct ring_flow *f)
{
	return sizeof(*f) + (f->about != NULL ? strlen(f->about) + 1 : 0);
}

void
ring_flow_unref(struct ring *r, struct ring_flow *f)
{
	if (atomic_fetch_sub(&f->refs, 1) > 1)
		return;
	give(r, flow_bytes(f));
	free(f->about);
	free(f);
}

size_t
ring_hash_addr(const struct ring *r, const struct addr *a)
{
	const uint8_t *ip;
	size_t len = 0;

	ip = a->sa.sa_family != AF_UNSPEC ? addr_ip(a, &len) : NULL;
	return hash_fold(hash_bytes(HASH_START ^ r->seed, ip, len)) %
	    RING_BUCKETS;
}

size_t
ring_hash_mac(const struct ring *r, const uint8_t *mac)
{
	return hash_fold(hash_bytes(HASH_START ^ r->seed, mac, MAC_LEN)) %
	    RING_BUCKETS;
}

static void
flow_index(struct ring *r, struct ring_flow *f)
{
	size_t at[RING_KEYS] = { ring_hash_addr(r, &f->ends.client),
	    ring_hash_addr(r, &f->ends.server),
	    ring_hash_mac(r, f->ends.mac) };
	int i;

	for (i = 0; i < RING_KEYS; i++) {
		f->key[i].flow = f;
		if (i != RING_BY_MAC || f->ends.mac_known)
			LIST_INSERT_HEAD(&r->bucket[at[i]], &f->key[i], link);
	}
}

/* It has no packets. If it goes on, it begins anew with the next. */
static void
flow_drop(struct ring *r, struct ring_flow *f)
{
	int i;

	if (f->slot != NULL)
		*f->slot = NULL;
	for (i = 0; i < RING_KEYS; i++)
		if (i != RING_BY_MAC || f->ends.mac_known)
			LIST_REMOVE(&f->key[i], link);
	ring_flow_unref(r, f);
}

static uint64_t
packets_of(size_t len, size_t mss)
{
	return mss != 0 ? (len + mss - 1) / mss : 1;
}

static size_t
entry_bytes(size_t len, int options)
{
	return (offsetof(struct ring_entry, data) + len +
	    (options ? FRAME_OPTIONS : 0) + 7) & ~(size_t)7;
}

static struct ring_entry *
entry_at(struct ring_chunk *c, size_t at)
{
	return (struct ring_entry *)(void *)(c->data + at);
}

/* The oldest of a chunk, which is the oldest of its conversation, goes. */
static void
chunk_shift(struct ring *r, struct ring_chunk *c, enum ring_gone why)
{
	struct ring_entry *e = entry_at(c, c->at);
	struct ring_flow *f = e->flow;
	uint64_t n = packets_of(e->len, e->mss);

	c->at += entry_bytes(e->len, e->options);
	add(&r->packets, -n);
	add(&r->gone[why], n);
	f->first = e == f->last ? NULL : e->next;
	if (f->first != NULL)
		return;
	f->last = NULL;
	if (f != r->busy)
		flow_drop(r, f);
}

static void
chunk_empty(struct ring *r, struct ring_chunk *c)
{
	while (c->at < c->used)
		chunk_shift(r, c, RING_ROOM);
}

static void
chunk_drop(struct ring *r, struct ring_chunk *c)
{
	chunk_empty(r, c);
	TAILQ_REMOVE(&r->chunks, c, link);
	ring_chunk_unref(r, c);
}

/* Nobody else has it; only this thread could give it to anybody. */
static int
chunk_ours(const struct ring_chunk *c)
{
	return atomic_load_explicit(&c->refs, memory_order_acquire) == 1;
}

/* Take n bytes, in the place of the oldest chunks but the one being filled.
 * Those that a pick holds would give none. */
static int
take(struct ring *r, size_t n)
{
	struct ring_chunk *c;

	while (atomic_load_explicit(&r->held, memory_order_relaxed) + n >
	    r->max || budget_take(BUDGET_HISTORY, n, 1) != 0) {
		c = TAILQ_FIRST(&r->chunks);
		if (c == NULL || !chunk_ours(c) ||
		    c == TAILQ_LAST(&r->chunks, ring_chunks))
			return ERR_LIMIT;
		chunk_drop(r, c);
	}
	atomic_fetch_add_explicit(&r->held, n, memory_order_relaxed);
	return 0;
}

static size_t
chunk_size(const struct ring *r)
{
	uint64_t n = r->max / CHUNKS;

	n = n < CHUNK_MIN ? CHUNK_MIN : n > CHUNK_MAX ? CHUNK_MAX : n;
	return (size_t)n - sizeof(struct ring_chunk);
}

/* Use the oldest one again: no call of malloc, and no new pages. */
static struct ring_chunk *
chunk_again(struct ring *r, size_t size)
{
	struct ring_chunk *c = TAILQ_FIRST(&r->chunks);

	if (c == NULL || c->size != size || !chunk_ours(c) ||
	    atomic_load_explicit(&r->held, memory_order_relaxed) + size +
	    sizeof(*c) <= r->max)
		return NULL;
	chunk_empty(r, c);
	TAILQ_REMOVE(&r->chunks, c, link);
	return c;
}

static struct ring_chunk *
chunk_new(struct ring *r)
{
	size_t size = chunk_size(r);
	struct ring_chunk *c = chunk_again(r, size);

	if (c == NULL) {
		if (take(r, sizeof(*c) + size) != 0)
			return NULL;
		if ((c = malloc(sizeof(*c) + size)) == NULL) {
			give(r, sizeof(*c) + size);
			return NULL;
		}
		atomic_init(&c->refs, 1);
		c->size = size;
	}
	c->at = c->used = 0;
	c->first = r->seq + 1;
	TAILQ_INSERT_TAIL(&r->chunks, c, link);
	return c;
}

void
ring_free(struct ring *r)
{
	struct ring_chunk *c;
	struct ring_key *k;
	size_t i;

	if (r == NULL)
		return;
	while ((c = TAILQ_FIRST(&r->chunks)) != NULL)
		chunk_drop(r, c);
	for (i = 0; i < RING_BUCKETS; i++)	/* none has a packet left */
		while ((k = LIST_FIRST(&r->bucket[i])) != NULL)
			flow_drop(r, k->flow);
	ring_unref(r);
}

/* A smaller budget: also what a pick holds is not the ring's any more. */
void
ring_limit(struct ring *r, uint64_t bytes, uint64_t age)
{
	struct ring_chunk *c;

	r->max = bytes;
	r->age = age;
	while (atomic_load_explicit(&r->held, memory_order_relaxed) > r->max &&
	    (c = TAILQ_FIRST(&r->chunks)) != NULL)
		chunk_drop(r, c);
}

/* Whether the chunk has packets yet. */
static int
chunk_age(struct ring *r, struct ring_chunk *c, uint64_t now)
{
	while (c->at < c->used && entry_at(c, c->at)->ms + r->age <= now)
		chunk_shift(r, c, RING_AGED);
	return c->at < c->used;
}

int
ring_tick(struct ring *r, uint64_t now)
{
	struct ring_chunk *c;

	while ((c = TAILQ_FIRST(&r->chunks)) != NULL) {
		if (chunk_age(r, c, now))
			return 1;
		chunk_drop(r, c);
	}
	return 0;
}

struct ring_flow *
ring_open(struct ring *r, const struct ring_ends *ends, const void *source,
    struct ring_flow **slot)
{
	struct ring_flow *f;

	*slot = NULL;
	if (take(r, sizeof(*f)) != 0)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	atomic_init(&f->refs, 1);
	f->ends = *ends;
	f->source = source;
	f->slot = slot;
	f->born = r->seq + 1;
	flow_index(r, f);
	*slot = f;
	return f;
}

/* The template of its direction, from any frame of it. */
static void
flow_head(struct ring_flow *f, const struct frame *frame)
{
	struct frame_head *h = &f->head[frame->dir];

	if (h->len != 0)
		return;
	h->len = (uint8_t)(frame->tcp + 20);
	h->ip = frame->ip;
	h->tcp = frame->tcp;
	h->v6 = frame->v6;
	memcpy(h->bytes, frame->head, h->len);
}

static void
entry_fill(struct ring_entry *e, const struct frame *f)
{
	const uint8_t *tcp = f->head + f->tcp;
	uint8_t *data = e->data;

	e->tcp_seq = get_u32(tcp + 4);
	e->tcp_ack = get_u32(tcp + 8);
	e->flags = tcp[13];
	e->id = f->v6 ? 0 : get_u16(f->head + f->ip + 4);
	e->mss = f->mss;
	e->dir = f->dir;
	e->len = (uint32_t)f->len;
	e->options = f->head_len > f->tcp + 20;
	if (e->options) {
		memcpy(data, tcp + 20, FRAME_OPTIONS);
		data += FRAME_OPTIONS;
	}
	if (f->len > 0)
		memcpy(data, f->data, f->len);
}

/* Room for so many bytes, in the newest chunk; or NULL. */
static struct ring_entry *
entry_new(struct ring *r, size_t n)
{
	struct ring_chunk *c = TAILQ_LAST(&r->chunks, ring_chunks);

	if ((c == NULL || c->used + n > c->size) &&
	    (c = chunk_new(r)) == NULL)
		return NULL;
	c->used += n;
	return entry_at(c, c->used - n);
}

void
ring_put(struct ring *r, struct ring_flow *f, const struct frame *frame,
    uint64_t ns, uint64_t now)
{
	struct ring_entry *e;

	r->busy = f;
	e = entry_new(r, entry_bytes(frame->len, frame->head_len >
	    frame->tcp + 20));
	r->busy = NULL;
	if (e == NULL) {
		ring_lost(r, frame);
		if (f->first == NULL)
			flow_drop(r, f);
		return;
	}
	flow_head(f, frame);
	entry_fill(e, frame);
	e->flow = f;
	e->ns = ns;
	e->ms = now;
	e->seq = ++r->seq;
	if (f->last != NULL)
		f->last->next = e;
	else
		f->first = e;
	f->last = e;
	add(&r->packets, packets_of(frame->len, frame->mss));
	add(&r->put, packets_of(frame->len, frame->mss));
}

void
ring_lost(struct ring *r, const struct frame *f)
{
	add(&r->gone[RING_HELD], packets_of(f->len, f->mss));
}

void
ring_close(struct ring *r, struct ring_flow *f, char *about)
{
	f->slot = NULL;
	f->source = NULL;
	r->busy = f;
	if (about != NULL && take(r, strlen(about) + 1) == 0)
		f->about = about;
	else
		free(about);
	r->busy = NULL;
	if (f->first == NULL)
		flow_drop(r, f);
}

void
ring_stats(struct ring *r, struct ring_stats *st)
{
	int i;

	st->bytes = atomic_load_explicit(&r->held, memory_order_relaxed);
	st->packets = atomic_load_explicit(&r->packets, memory_order_relaxed);
	st->put = atomic_load_explicit(&r->put, memory_order_relaxed);
	for (i = 0; i < RING_MAX; i++)
		st->gone[i] = atomic_load_explicit(&r->gone[i],
		    memory_order_relaxed);
}
