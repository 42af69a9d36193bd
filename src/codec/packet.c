/*
 * The synthesized TCP conversation.
 */
#include "codec/packet.h"

#include <sys/socket.h>

#include <string.h>

#include "util/err.h"
#include "util/cursor.h"
#include "util/mem.h"

#define PACKET_SCALE	7	/* 65535 << 7: the window is never full */

static void	packet_send(struct packet *, int dir, uint8_t flags,
		    const uint8_t *, size_t, frame_emit, void *);

uint16_t
packet_shown_port(uint16_t port, int ports_map)
{
	static const struct { uint16_t tls, plain; } map[] = {
		{ 443, 80 }, { 8443, 80 },	/* HTTP */
		{ 465, 25 }, { 587, 25 },	/* SMTP */
		{ 993, 143 },			/* IMAP */
		{ 995, 110 },			/* POP3 */
		{ 990, 21 },			/* FTP */
		{ 636, 389 },			/* LDAP */
		{ 853, 53 },			/* DNS */
		{ 8883, 1883 }			/* MQTT */
	};
	size_t i;

	for (i = 0; ports_map && i < NELEM(map); i++)
		if (map[i].tls == port)
			return map[i].plain;
	return port;
}

static unsigned
path_mss(const struct packet *p)
{
	unsigned mtu = p->path->mtu, mss;

	if (mtu < PACKET_MTU_MIN)
		mtu = PACKET_MTU_MIN;
	if (mtu > PACKET_MTU_MAX)
		mtu = PACKET_MTU_MAX;
	mss = mtu - (p->end[0].head.v6 ? 60 : 40);
	return p->mss != 0 && p->mss < mss ? p->mss : mss;
}

static void
put_ip(uint8_t *out, const struct addr *a, int family)
{
	struct addr as = *a;
	const uint8_t *ip;
	size_t len;

	memset(out, 0, 16);
	if (a->sa.sa_family == AF_UNSPEC)
		return;
	if (family == AF_INET6)
		addr_map6(&as);
	ip = addr_ip(&as, &len);
	memcpy(out, ip, len);
}

int
packet_init(struct packet *p, const struct packet_path *path,
    const struct addr *client, const struct addr *server, const uint32_t isn[2])
{
	struct frame_ends up = { 0 }, down;

	memset(p, 0, sizeof(*p));
	p->path = path;
	up.family = client->sa.sa_family == AF_INET6 ||
	    server->sa.sa_family == AF_INET6 ? AF_INET6 : AF_INET;
	put_ip(up.src, client, up.family);
	put_ip(up.dst, server, up.family);
	up.sport = addr_port(client);
	up.dport = packet_shown_port(addr_port(server), path->ports_map);
	up.vlan = path->vlan;
	memcpy(up.src_mac, path->source_mac, 6);
	memcpy(up.dst_mac, path->destination_mac, 6);

	down = up;
	memcpy(down.src_mac, path->reply_mac, 6);
	memcpy(down.src, up.dst, 16);
	memcpy(down.dst, up.src, 16);
	down.sport = up.dport;
	down.dport = up.sport;
	if (framer_build(path->framer, &up, &p->end[0].head) != 0 ||
	    framer_build(path->framer, &down, &p->end[1].head) != 0)
		return ERR_MEM;
	p->mss = (uint16_t)path_mss(p);
	p->end[0].seq = isn[0];
	p->end[1].seq = isn[1];
	p->end[0].id = (uint16_t)(isn[0] >> 16);
	p->end[1].id = (uint16_t)(isn[1] >> 16);
	return 0;
}

/* Send one frame from end dir. It acknowledges all that the other has sent. */
static void
packet_send(struct packet *p, int dir, uint8_t flags, const uint8_t *data,
    size_t len, frame_emit emit, void *arg)
{
	struct packet_end *e = &p->end[dir], *other = &p->end[!dir];
	struct frame_tcp t = { e->seq, other->seq, e->id, flags };
	uint8_t options[FRAME_OPTIONS] = { 2, 4, 0, 0, 1, 3, 3, PACKET_SCALE,
	    1, 1, 4, 2 };	/* MSS, window scale, SACK permitted */
	unsigned mss = path_mss(p), segments;
	struct frame f;

	segments = len > mss ? (unsigned)((len + mss - 1) / mss) : 1;
	f.dir = (uint8_t)dir;
	f.data = len > 0 ? data : f.head;
	f.len = len;
	f.mss = segments > 1 ? (uint16_t)mss : 0;
	f.partial = p->path->super != 0;
	if (!(flags & FRAME_ACK))
		t.ack = 0;
	put_u16(options + 2, p->mss);
	frame_make(&f, &e->head, &t, flags & FRAME_SYN ? options : NULL);

	e->seq += (uint32_t)len + !!(flags & (FRAME_SYN | FRAME_FIN));
	e->id = (uint16_t)(e->id + segments);
	if (len > 0)
		e->unacked = (uint16_t)(e->unacked + segments);
	if (flags & FRAME_ACK)
		other->unacked = 0;
	emit(arg, &f);
}

static void
packet_ack(struct packet *p, int dir, frame_emit emit, void *arg)
{
	packet_send(p, dir, FRAME_ACK, NULL, 0, emit, arg);
}

void
packet_open(struct packet *p, frame_emit emit, void *arg)
{
	packet_send(p, 0, FRAME_SYN, NULL, 0, emit, arg);
	packet_send(p, 1, FRAME_SYN | FRAME_ACK, NULL, 0, emit, arg);
	packet_ack(p, 0, emit, arg);
}

/* The number of segments before an ACK. */
static unsigned
packet_burst(const struct packet *p)
{
	unsigned n = p->path->burst, most;

	most = (PACKET_MTU_MAX - (p->end[0].head.v6 ? 60 : 40)) / path_mss(p);
	if (n > most)
		n = most;
	return n > 0 ? n : 1;
}

void
packet_data(struct packet *p, int dir, const uint8_t *data, size_t len,
    frame_emit emit, void *arg)
{
	struct packet_end *e = &p->end[dir];
	unsigned burst = packet_burst(p);
	size_t room = (size_t)path_mss(p) * (p->path->super ? burst : 1), n;

	if (p->over || e->fin)
		return;
	while (len > 0) {
		n = len < room ? len : room;
		packet_send(p, dir, FRAME_ACK | (n == len ? FRAME_PSH : 0),
		    data, n, emit, arg);
		data += n;
		len -= n;
		/* Acknowledge the last ones at once too: there is no timer. */
		if (e->unacked >= burst || len == 0)
			packet_ack(p, !dir, emit, arg);
	}
}

void
packet_eof(struct packet *p, int dir, frame_emit emit, void *arg)
{
	if (p->over || p->end[dir].fin)
		return;
	p->end[dir].fin = 1;
	packet_send(p, dir, FRAME_FIN | FRAME_ACK, NULL, 0, emit, arg);
	packet_ack(p, !dir, emit, arg);
}

void
packet_reset(struct packet *p, int dir, frame_emit emit, void *arg)
{
	if (p->over)
		return;
	p->over = 1;
	packet_send(p, dir, FRAME_RST | FRAME_ACK, NULL, 0, emit, arg);
}

void
packet_skip(struct packet *p, int dir, size_t len)
{
	if (!p->over && !p->end[dir].fin)
		p->end[dir].seq += (uint32_t)len;
}

int
packet_ended(const struct packet *p)
{
	return p->over || (p->end[0].fin && p->end[1].fin);
}
