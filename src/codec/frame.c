/*
 * Header templates by libnet, and the fields patched into them.
 */
#include "codec/frame.h"

#include <sys/socket.h>

#include <libnet.h>
#include <stdlib.h>
#include <string.h>

#include "codec/inetsum.h"
#include "util/err.h"
#include "util/cursor.h"

#define FRAME_TTL	64
#define FRAME_WINDOW	65535	/* times 128 after the handshake */

struct framer {
	libnet_t	*net;
};

static void	frame_sums(struct frame *);

/*
 * LIBNET_NONE opens no device, but makes libnet_adv_cull_packet() refuse, the
 * only public way to the bytes. That call looks only at the type, so change it.
 */
struct framer *
framer_new(void)
{
	char why[LIBNET_ERRBUF_SIZE];
	struct framer *fr;

	if ((fr = calloc(1, sizeof(*fr))) == NULL)
		return NULL;
	if ((fr->net = libnet_init(LIBNET_NONE, NULL, why)) == NULL) {
		free(fr);
		return NULL;
	}
	fr->net->injection_type = LIBNET_LINK_ADV;
	return fr;
}

void
framer_free(struct framer *fr)
{
	if (fr == NULL)
		return;
	fr->net->injection_type = LIBNET_NONE;
	libnet_destroy(fr->net);
	free(fr);
}

static libnet_ptag_t
build_ip(libnet_t *net, const struct frame_ends *e)
{
	struct libnet_in6_addr src6, dst6;
	libnet_ptag_t tag;
	uint32_t src, dst;

	if (e->family == AF_INET6) {
		memcpy(&src6, e->src, 16);
		memcpy(&dst6, e->dst, 16);
		return libnet_build_ipv6(0, 0, 20, IPPROTO_TCP, FRAME_TTL,
		    src6, dst6, NULL, 0, net, 0);
	}
	memcpy(&src, e->src, 4);
	memcpy(&dst, e->dst, 4);
	tag = libnet_build_ipv4(40, 0, 0, IP_DF, FRAME_TTL, IPPROTO_TCP, 0,
	    src, dst, NULL, 0, net, 0);
	if (tag >= 0)
		libnet_toggle_checksum(net, tag, LIBNET_OFF);
	return tag;
}

static libnet_ptag_t
build_link(libnet_t *net, const struct frame_ends *e)
{
	uint16_t type = e->family == AF_INET6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP;

	if (e->vlan >= 0)
		return libnet_build_802_1q(e->dst_mac, e->src_mac,
		    ETHERTYPE_VLAN, 0, 0, (uint16_t)e->vlan, type, NULL, 0,
		    net, 0);
	return libnet_build_ethernet(e->dst_mac, e->src_mac, type, NULL, 0,
	    net, 0);
}

int
framer_build(struct framer *fr, const struct frame_ends *e,
    struct frame_head *h)
{
	libnet_t *net = fr->net;
	libnet_ptag_t tag;
	uint8_t *p = NULL;
	uint32_t len = 0;
	int rv = ERR_MEM;

	tag = libnet_build_tcp(e->sport, e->dport, 0, 0, FRAME_ACK,
	    FRAME_WINDOW, 0, 0, LIBNET_TCP_H, NULL, 0, net, 0);
	if (tag < 0)
		goto out;
	libnet_toggle_checksum(net, tag, LIBNET_OFF);
	if (build_ip(net, e) < 0 || build_link(net, e) < 0)
		goto out;
	if (libnet_adv_cull_packet(net, &p, &len) < 0 || len > FRAME_HEAD)
		goto out;
	memcpy(h->bytes, p, len);
	h->len = (uint8_t)len;
	h->tcp = (uint8_t)(len - LIBNET_TCP_H);
	h->v6 = e->family == AF_INET6;
	h->ip = (uint8_t)(h->tcp - (h->v6 ? LIBNET_IPV6_H : LIBNET_IPV4_H));
	rv = 0;
out:
	if (p != NULL)
		libnet_adv_free_packet(net, p);
	libnet_clear_packet(net);
	return rv;
}

void
frame_make(struct frame *f, const struct frame_head *h,
    const struct frame_tcp *t, const uint8_t *options)
{
	uint8_t *tcp = f->head + h->tcp;

	memcpy(f->head, h->bytes, h->len);
	f->head_len = h->len;
	f->ip = h->ip;
	f->tcp = h->tcp;
	f->v6 = h->v6;
	if (options != NULL) {
		memcpy(f->head + f->head_len, options, FRAME_OPTIONS);
		f->head_len += FRAME_OPTIONS;
	}
	put_u32(tcp + 4, t->seq);
	put_u32(tcp + 8, t->ack);
	tcp[12] = (uint8_t)((f->head_len - f->tcp) / 4 << 4);
	tcp[13] = t->flags;
	if (!f->v6)
		put_u16(f->head + f->ip + 4, t->id);
	frame_sums(f);
}

/* The pseudo-header of RFC 9293, 3.1; RFC 8200, 8.1. */
static uint64_t
pseudo_sum(const struct frame *f, size_t tcp_len)
{
	const uint8_t *ip = f->head + f->ip;
	uint8_t tail[8] = { 0 };

	put_u32(tail, (uint32_t)tcp_len);
	tail[7] = IPPROTO_TCP;
	return inet_sum(inet_sum(0, tail, 8), ip + (f->v6 ? 8 : 12),
	    f->v6 ? 32 : 8);
}

/* Fill in the lengths and checksums of a frame that is otherwise complete. */
static void
frame_sums(struct frame *f)
{
	uint8_t *ip = f->head + f->ip, *tcp = f->head + f->tcp;
	size_t tcp_len = f->head_len - f->tcp + f->len;
	uint64_t sum;

	if (f->v6) {
		put_u16(ip + 4, (uint16_t)tcp_len);
	} else {
		put_u16(ip + 2, (uint16_t)(tcp_len + 20));
		put_u16(ip + 10, 0);
		inet_put(ip + 10, (uint16_t)~inet_fold(inet_sum(0, ip, 20)));
	}
	sum = pseudo_sum(f, tcp_len);
	if (f->partial) {
		inet_put(tcp + 16, inet_fold(sum));
		return;
	}
	put_u16(tcp + 16, 0);
	sum = inet_sum(sum, tcp, f->head_len - f->tcp);
	sum = inet_sum(sum, f->data, f->len);
	inet_put(tcp + 16, (uint16_t)~inet_fold(sum));
}

void
frame_segment(const struct frame *f, unsigned max, frame_emit emit, void *arg)
{
	struct frame s = *f;
	size_t mss = f->mss != 0 ? f->mss : f->len, at = 0;
	uint32_t seq;
	uint16_t id;

	if (max != 0 && mss > max)
		mss = max;
	seq = (uint32_t)f->head[f->tcp + 4] << 24 |
	    (uint32_t)f->head[f->tcp + 5] << 16 |
	    (uint32_t)f->head[f->tcp + 6] << 8 | f->head[f->tcp + 7];
	id = (uint16_t)(f->head[f->ip + 4] << 8 | f->head[f->ip + 5]);
	s.mss = 0;
	s.partial = 0;
	do {
		s.data = f->data + at;
		s.len = f->len - at < mss ? f->len - at : mss;
		put_u32(s.head + s.tcp + 4, seq + (uint32_t)at);
		if (!s.v6)
			put_u16(s.head + s.ip + 4, id++);
		s.head[s.tcp + 13] = f->head[f->tcp + 13];
		if (at + s.len < f->len)
			s.head[s.tcp + 13] &= (uint8_t)~(FRAME_PSH | FRAME_FIN);
		frame_sums(&s);
		emit(arg, &s);
		at += s.len;
	} while (at < f->len);
}
