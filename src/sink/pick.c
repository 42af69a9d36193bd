/*
 * In the ring's thread all chunks get a reference, and each conversation is
 * noted with its last packet: nothing behind that is read, so nothing read here
 * changes. Which chunks are needed shows when the chains have been followed.
 */
#include "sink/pick.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "codec/pcapfile.h"
#include "sink/ring_inner.h"
#include "util/mem.h"

struct ring_seen {
	struct ring_flow *flow;		/* a reference */
	const struct ring_entry *first, *last;
	char		*about;		/* ours, if it had not ended */
	const char	*said;		/* that, or the conversation's; NULL
					   once it was said */
};

struct ring_held {
	struct ring_chunk *chunk;	/* a reference, or NULL: let go */
	uint64_t	 first;		/* its first seq */
};

static int
same_ip(const struct addr *a, const struct addr *b)
{
	size_t n, m;
	const uint8_t *p, *q;

	if (a->sa.sa_family == AF_UNSPEC || b->sa.sa_family == AF_UNSPEC)
		return 0;
	p = addr_ip(a, &n);
	q = addr_ip(b, &m);
	return n == m && memcmp(p, q, n) == 0;
}

static int
is_of(const struct ring_flow *f, const struct endpoint *who, int by)
{
	const struct ring_ends *e = &f->ends;

	switch (by) {
	case RING_BY_MAC:
		return who->by_mac && e->mac_known &&
		    memcmp(e->mac, who->mac, MAC_LEN) == 0;
	case RING_BY_CLIENT:
		return (!who->by_mac || !e->mac_known) &&
		    same_ip(&e->client, &who->addr);
	default:
		return same_ip(&e->server, &who->addr);
	}
}

static void
pick_flow(struct ring_pick *p, struct ring_flow *f)
{
	struct ring *r = p->ring;
	struct ring_seen *s;
	struct text t = { 0 };

	if (f->picked == r->picks || f->last == NULL ||
	    f->last->seq <= p->from)
		return;
	f->picked = r->picks;
	if (p->nseen == p->cap) {
		p->cap = p->cap != 0 ? 2 * p->cap : 16;
		p->seen = xrealloc(p->seen, p->cap * sizeof(*p->seen));
	}
	s = &p->seen[p->nseen++];
	atomic_fetch_add(&f->refs, 1);
	*s = (struct ring_seen){ .flow = f, .first = f->first,
	    .last = f->last, .said = f->about };
	if (f->source == NULL)
		return;
	r->about(f->source, &t);
	s->said = s->about = text_take(&t);
}

static void
pick_bucket(struct ring_pick *p, const struct endpoint *who, int by,
    size_t bucket)
{
	struct ring_key *k;

	LIST_FOREACH(k, &p->ring->bucket[bucket], link)
		if (k == &k->flow->key[by] && is_of(k->flow, who, by))
			pick_flow(p, k->flow);
}

static void
pick_hold(struct ring_pick *p)
{
	struct ring_chunk *c;

	TAILQ_FOREACH(c, &p->ring->chunks, link)
		p->nchunks++;
	p->chunks = xcalloc(p->nchunks + 1, sizeof(*p->chunks));
	p->nchunks = 0;
	TAILQ_FOREACH(c, &p->ring->chunks, link) {
		atomic_fetch_add(&c->refs, 1);
		p->chunks[p->nchunks].first = c->first;
		p->chunks[p->nchunks++].chunk = c;
	}
}

struct ring_pick *
pick_new(struct ring *r, const struct endpoint *who, uint64_t from,
    uint64_t now)
{
	struct ring_pick *p = xcalloc(1, sizeof(*p));

	ring_tick(r, now);
	atomic_fetch_add(&r->refs, 1);
	p->ring = r;
	p->from = from;
	r->picks++;
	if (who->by_mac)
		pick_bucket(p, who, RING_BY_MAC, ring_hash_mac(r, who->mac));
	if (who->addr.sa.sa_family != AF_UNSPEC) {
		pick_bucket(p, who, RING_BY_CLIENT,
		    ring_hash_addr(r, &who->addr));
		pick_bucket(p, who, RING_BY_SERVER,
		    ring_hash_addr(r, &who->addr));
	}
	if (p->nseen > 0) {
		pick_hold(p);
		return p;
	}
	pick_free(p);
	return NULL;
}

/* Follow the chains. packets may be NULL, to count. */
static size_t
pick_walk(const struct ring_pick *p, struct ring_packet *packets)
{
	const struct ring_entry *e;
	size_t i, n = 0;

	for (i = 0; i < p->nseen; i++)
		for (e = p->seen[i].first;; e = e->next) {
			if (e->seq > p->from && packets != NULL)
				packets[n] = (struct ring_packet){ e->ns,
				    e->seq, e, i };
			n += e->seq > p->from;
			if (e == p->seen[i].last)
				break;
		}
	return n;
}

static int
by_seq(const void *va, const void *vb)
{
	const struct ring_packet *a = va, *b = vb;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void
let_go(struct ring_pick *p, struct ring_held *h)
{
	if (h->chunk != NULL)
		ring_chunk_unref(p->ring, h->chunk);
	h->chunk = NULL;
}

/* The first seq behind a chunk. */
static uint64_t
chunk_end(const struct ring_pick *p, size_t i)
{
	return i + 1 < p->nchunks ? p->chunks[i + 1].first : UINT64_MAX;
}

/* Chunks without one of the packets. */
static void
pick_release(struct ring_pick *p)
{
	size_t c, i = 0;

	for (c = 0; c < p->nchunks; c++) {
		while (i < p->n && p->packets[i].seq < p->chunks[c].first)
			i++;
		if (i == p->n || p->packets[i].seq >= chunk_end(p, c))
			let_go(p, &p->chunks[c]);
	}
}

void
pick_open(struct ring_pick *p)
{
	p->n = pick_walk(p, NULL);
	p->packets = xcalloc(p->n + 1, sizeof(*p->packets));
	pick_walk(p, p->packets);
	qsort(p->packets, p->n, sizeof(*p->packets), by_seq);
	pick_release(p);
}

/* Of an entry, as it was. One that is cut further on has no sum yet. */
static void
entry_frame(const struct ring_flow *f, const struct ring_entry *e,
    struct frame *out)
{
	struct frame_tcp t = { e->tcp_seq, e->tcp_ack, e->id, e->flags };

	out->dir = e->dir;
	out->mss = e->mss;
	out->partial = e->mss != 0;
	out->len = e->len;
	out->data = e->data + (e->options ? FRAME_OPTIONS : 0);
	frame_make(out, &f->head[e->dir], &t, e->options ? e->data : NULL);
}

size_t
pick_bytes(const struct ring_packet *packet, unsigned *segments)
{
	const struct ring_entry *e = packet->entry;
	struct frame f = { .head_len = FRAME_HEAD + FRAME_OPTIONS };
	size_t n = e->mss != 0 ? (e->len + e->mss - 1) / e->mss : 1;

	*segments = (unsigned)n;
	f.len = n > 1 ? e->mss : e->len;
	return n * pcapfile_size(1, &f, NULL);
}

const char *
pick_about(struct ring_pick *p, const struct ring_packet *packet)
{
	struct ring_seen *s = &p->seen[packet->seen];
	const char *said = s->flow->born > p->from ? s->said : NULL;

	s->said = NULL;
	return said;
}

uint64_t
pick_about_bytes(const struct ring_pick *p, size_t prefix)
{
	uint64_t sum = 0;
	size_t i, n;

	for (i = 0; i < p->nseen; i++) {
		if (p->seen[i].said == NULL || p->seen[i].flow->born <=
		    p->from)
			continue;
		n = strlen(p->seen[i].said) + prefix;
		sum += 8 + (n < PCAPFILE_COMMENT_MAX ? n :
		    PCAPFILE_COMMENT_MAX);
	}
	return sum;
}

void
pick_frames(const struct ring_pick *p, const struct ring_packet *packet,
    frame_emit emit, void *arg)
{
	const struct ring_entry *e = packet->entry;
	struct frame f;

	entry_frame(p->seen[packet->seen].flow, e, &f);
	if (e->mss != 0)
		frame_segment(&f, 0, emit, arg);
	else
		emit(arg, &f);
}

uint64_t
pick_session(const struct ring_pick *p, const struct ring_packet *packet)
{
	return p->seen[packet->seen].flow->ends.session;
}

void
pick_passed(struct ring_pick *p, size_t at)
{
	uint64_t seq = at < p->n ? p->packets[at].seq : UINT64_MAX;

	while (p->let_go < p->nchunks && chunk_end(p, p->let_go) <= seq)
		let_go(p, &p->chunks[p->let_go++]);
}

void
pick_free(struct ring_pick *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->nchunks; i++)
		let_go(p, &p->chunks[i]);
	for (i = 0; i < p->nseen; i++) {
		free(p->seen[i].about);
		ring_flow_unref(p->ring, p->seen[i].flow);
	}
	ring_unref(p->ring);
	free(p->chunks);
	free(p->seen);
	free(p->packets);
	free(p);
}
