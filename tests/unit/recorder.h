/*
 * A recorder for tests: reads Ethernet frames of one TCP connection as a
 * stranger would, checks every checksum the slow way, puts the streams
 * together and tells the first thing that is wrong. Shares no code with src/.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recorder_side {
	uint8_t	 mac[6], ip[16];
	uint16_t port;
	int	 begun, syn, fin, rst;
	uint32_t next;			/* sequence expected */
	uint32_t acked;			/* what the other has acknowledged */
	unsigned unacked, unacked_max;	/* data segments without an ACK */
	uint8_t	*data;			/* the stream; gaps are zeros */
	size_t	 len, cap, gap;
	unsigned mss, segment_max, frames;
};

struct recorder {
	struct recorder_side side[2];	/* who is seen first is side 0 */
	uint8_t	 dst_mac[6];
	int	 vlan, v6;
	unsigned frames, frame_max;
	int	 partial_ok;		/* do not check TCP checksums */
	int	 loss_ok;		/* ACKs may be of what was lost */
	char	 wrong[200];		/* "" while nothing is */
};

static inline unsigned
rec16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t
rec32(const uint8_t *p)
{
	return (uint32_t)rec16(p) << 16 | rec16(p + 2);
}

static inline unsigned long
rec_sum(unsigned long sum, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += rec16(p + i);
	if (n & 1)
		sum += (unsigned)p[n - 1] << 8;
	return sum;
}

static inline int
rec_sum_bad(unsigned long sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum != 0xffff;
}

#define REC_WRONG(r, ...) do {						\
	if ((r)->wrong[0] == '\0')					\
		snprintf((r)->wrong, sizeof((r)->wrong), __VA_ARGS__);	\
	return;								\
} while (0)

static inline void
recorder_stream(struct recorder *r, struct recorder_side *s, uint32_t seq,
    const uint8_t *p, size_t n)
{
	int32_t ahead = (int32_t)(seq - s->next);

	if (ahead < 0)
		REC_WRONG(r, "frame %u: sequence goes back by %d", r->frames,
		    -ahead);
	if (s->len + (size_t)ahead + n > s->cap) {
		s->cap = (s->len + (size_t)ahead + n) * 2;
		s->data = realloc(s->data, s->cap);
	}
	if (ahead > 0)
		memset(s->data + s->len, 0, (size_t)ahead);
	s->gap += (size_t)ahead;
	s->len += (size_t)ahead;
	if (n > 0)
		memcpy(s->data + s->len, p, n);
	s->len += n;
	s->next = seq + (uint32_t)n;
}

static inline void
recorder_tcp(struct recorder *r, struct recorder_side *s,
    struct recorder_side *o, const uint8_t *t, size_t n)
{
	unsigned flags = t[13], hl = (unsigned)(t[12] >> 4) * 4;
	uint32_t seq = rec32(t + 4), ack = rec32(t + 8);

	if (hl < 20 || hl > n)
		REC_WRONG(r, "frame %u: TCP header of %u", r->frames, hl);
	if (s->rst || (o->rst && o->begun))
		REC_WRONG(r, "frame %u: after a reset", r->frames);
	if (flags & 2) {
		if (s->begun || n != hl)
			REC_WRONG(r, "frame %u: second SYN", r->frames);
		s->syn = 1;
		s->next = seq + 1;
		s->mss = rec16(t + 22);
	} else {
		if (!s->begun)
			s->next = seq;
		if (s->fin && n > hl)
			REC_WRONG(r, "frame %u: data after FIN", r->frames);
		recorder_stream(r, s, seq, t + hl, n - hl);
	}
	s->begun = 1;
	if (flags & 1) {
		if (s->fin)
			REC_WRONG(r, "frame %u: second FIN", r->frames);
		s->fin = 1;
		s->next++;
	}
	if (flags & 4)
		s->rst = 1;
	if (n - hl > s->segment_max)
		s->segment_max = (unsigned)(n - hl);
	if (n > hl && ++s->unacked > s->unacked_max)
		s->unacked_max = s->unacked;
	if (flags & 16) {
		if (o->begun && ack != o->next && !r->loss_ok &&
		    (int32_t)(ack - o->next) > 0)
			REC_WRONG(r, "frame %u: ACK of %u, sent was %u",
			    r->frames, ack, o->next);
		if (o->begun && ack == o->next)
			o->unacked = 0;
		o->acked = ack;
	}
}

static inline void
recorder_ends(struct recorder *r, const uint8_t *f, const uint8_t *ip,
    const uint8_t *tcp, size_t n)
{
	size_t alen = r->v6 ? 16 : 4;
	const uint8_t *src = ip + (r->v6 ? 8 : 12), *dst = src + alen;
	struct recorder_side *s = &r->side[0];
	int dir;

	if (r->frames == 1) {
		memcpy(s->ip, src, alen);
		memcpy(r->side[1].ip, dst, alen);
		s->port = (uint16_t)rec16(tcp);
		r->side[1].port = (uint16_t)rec16(tcp + 2);
		memcpy(r->dst_mac, f, 6);
	}
	dir = !(memcmp(src, s->ip, alen) == 0 && rec16(tcp) == s->port);
	s = &r->side[dir];
	if (memcmp(src, s->ip, alen) != 0 || rec16(tcp) != s->port ||
	    memcmp(dst, r->side[!dir].ip, alen) != 0 ||
	    rec16(tcp + 2) != r->side[!dir].port)
		REC_WRONG(r, "frame %u: of another connection", r->frames);
	if (s->frames++ == 0)
		memcpy(s->mac, f + 6, 6);
	if (memcmp(s->mac, f + 6, 6) != 0 || memcmp(r->dst_mac, f, 6) != 0)
		REC_WRONG(r, "frame %u: MAC changed", r->frames);
	recorder_tcp(r, s, &r->side[!dir], tcp, n);
}

/* One frame as captured. */
static inline void
recorder_feed(struct recorder *r, const uint8_t *f, size_t len)
{
	const uint8_t *ip = f + 14, *tcp;
	unsigned type, n;
	unsigned long sum;
	int vlan = -1;

	r->frames++;
	if (len > r->frame_max)
		r->frame_max = (unsigned)len;
	if (len < 54)
		REC_WRONG(r, "frame %u: %zu bytes", r->frames, len);
	type = rec16(f + 12);
	if (type == 0x8100) {
		vlan = (int)rec16(f + 14) & 0xfff;
		type = rec16(f + 16);
		ip += 4;
	}
	if (r->frames == 1) {
		r->vlan = vlan;
		r->v6 = type == 0x86dd;
	}
	if (vlan != r->vlan)
		REC_WRONG(r, "frame %u: VLAN %d", r->frames, vlan);
	if (type == 0x0800 && !r->v6) {
		n = rec16(ip + 2) - 20;
		tcp = ip + 20;
		if (ip[0] != 0x45 || rec16(ip + 6) != 0x4000 || ip[8] != 64 ||
		    ip[9] != 6)
			REC_WRONG(r, "frame %u: IPv4 header", r->frames);
		if (rec_sum_bad(rec_sum(0, ip, 20)))
			REC_WRONG(r, "frame %u: IPv4 checksum", r->frames);
		sum = rec_sum(6 + n, ip + 12, 8);
	} else if (type == 0x86dd && r->v6) {
		n = rec16(ip + 4);
		tcp = ip + 40;
		if (ip[0] != 0x60 || ip[6] != 6 || ip[7] != 64)
			REC_WRONG(r, "frame %u: IPv6 header", r->frames);
		sum = rec_sum(6 + n, ip + 8, 32);
	} else
		REC_WRONG(r, "frame %u: type %04x", r->frames, type);
	if (tcp + n > f + len || n < 20)
		REC_WRONG(r, "frame %u: length %u of %zu", r->frames, n, len);
	if (!r->partial_ok && rec_sum_bad(rec_sum(sum, tcp, n)))
		REC_WRONG(r, "frame %u: TCP checksum", r->frames);
	recorder_ends(r, f, ip, tcp, n);
}

static inline void
recorder_free(struct recorder *r)
{
	free(r->side[0].data);
	free(r->side[1].data);
	memset(r, 0, sizeof(*r));
}

#endif
