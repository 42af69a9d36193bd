/*
 * The TCP conversation that a recorder sees. A session's events (begun, bytes,
 * end of stream, reset) become frames of a connection that never was on a wire:
 * SYN, SYN-ACK, ACK; segments of at most the MSS, and an ACK from the other
 * side after each burst of them; FIN or RST as they happened (RFC 9293). The
 * payload is not kept. A lost frame leaves a gap in the sequence, as a recorder
 * should see it. There is no clock and no socket: the caller gives the random
 * start and sends the frames.
 */
#ifndef CODEC_PACKET_H
#define CODEC_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "codec/frame.h"
#include "util/addr.h"

/* Shared by all flows that one worker sends to one mirror. */
struct packet_path {
	uint8_t		 source_mac[6];		/* of client's frames */
	uint8_t		 reply_mac[6];		/* of server's frames */
	uint8_t		 destination_mac[6];	/* of both */
	int		 vlan;			/* -1: none */
	int		 ports_map;		/* packet_shown_port() */
	unsigned	 mtu;			/* of IP packets; may change */
	/*
	 * Segments between two ACKs. One IP packet of PACKET_MTU_MAX bytes can
	 * hold them, which caps this value.
	 */
	unsigned	 burst;
	/* A burst is one frame, which the kernel cuts and checksums. */
	int		 super;
	struct framer	*framer;
};

#define PACKET_MTU_MIN	128
#define PACKET_MTU_MAX	65535
#define PACKET_BURST_MAX	1024	/* as many as fit */

struct packet_end {
	struct frame_head head;		/* template of its frames */
	uint32_t	 seq;		/* its next */
	uint16_t	 id;		/* its next IP id */
	uint16_t	 unacked;	/* segments the other has not ACKed */
	uint8_t		 fin;		/* it has ended its direction */
};

struct packet {
	const struct packet_path *path;
	struct packet_end end[2];	/* client, server */
	uint16_t	 mss;		/* as the SYNs said */
	uint8_t		 over;		/* reset: nothing follows */
};

/*
 * Prepare a conversation. path must outlive it; each event reads its mtu, burst
 * and super again. If only one address is IPv4, it is written as
 * ::ffff:a.b.c.d; an unknown address is written as 0.0.0.0 or ::. isn has the
 * first sequence numbers, which are random. Returns 0 or ERR_MEM.
 */
int	packet_init(struct packet *, const struct packet_path *,
	    const struct addr *client, const struct addr *server,
	    const uint32_t isn[2]);

/*
 * The events. dir 0 is client to server. They call emit for each frame, in
 * order. After a direction's end, or a reset, further events in that direction
 * are ignored. A conversation without packet_open() starts in mid-stream.
 */
void	packet_open(struct packet *, frame_emit, void *arg);
void	packet_data(struct packet *, int dir, const uint8_t *, size_t len,
	    frame_emit, void *arg);
void	packet_eof(struct packet *, int dir, frame_emit, void *arg);
void	packet_reset(struct packet *, int dir, frame_emit, void *arg);
/* Bytes passed unseen: a gap, or nobody read yet. */
void	packet_skip(struct packet *, int dir, size_t len);
/* Whether the recorder has seen the end: both FINs, or an RST. */
int	packet_ended(const struct packet *);

/* The server's port as a path with this ports_map shows it: with it, a TLS port
 * is its clear-text port, 443 -> 80. Others are unchanged. */
uint16_t packet_shown_port(uint16_t, int ports_map);

#endif
