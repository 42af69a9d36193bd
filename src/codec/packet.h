/*
 * The TCP conversation a recorder sees: a session's events (begun, bytes, end
 * of stream, reset) become frames of a connection that never was on any wire:
 * SYN, SYN-ACK, ACK; segments of at most the MSS, an ACK by the other side
 * behind each burst of them; FIN or RST as it happened (RFC 9293). Nothing is
 * kept of the payload; a frame that gets lost on its way leaves a gap in the
 * sequence, which is what a recorder should see. No clock, no socket: the
 * random start and where frames go are the caller's.
 */
#ifndef CODEC_PACKET_H
#define CODEC_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "codec/frame.h"
#include "util/addr.h"

/* What all flows that one worker sends to one mirror have in common. */
struct packet_path {
	uint8_t		 source_mac[6];		/* of client's frames */
	uint8_t		 reply_mac[6];		/* of server's frames */
	uint8_t		 destination_mac[6];	/* of both */
	int		 vlan;			/* -1: none */
	int		 ports_map;		/* packet_map_port() */
	unsigned	 mtu;			/* of IP packets; may change */
	/*
	 * Segments between two ACKs, which one IP packet of PACKET_MTU_MAX
	 * bytes could hold: never more, however large this is.
	 */
	unsigned	 burst;
	/* A burst is one frame, for the kernel to cut and to sum. */
	int		 super;
	struct framer	*framer;
};

#define PACKET_MTU_MIN	128
#define PACKET_MTU_MAX	65535
#define PACKET_BURST_MAX	1024	/* as many as fit */

struct packet_end {
	struct frame_head head;		/* template of what it sends */
	uint32_t	 seq;		/* next it sends */
	uint16_t	 id;		/* next IP id */
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
 * Prepare. path must outlive the packet; its mtu, burst and super are looked
 * at anew at each event. When only one of the addresses is IPv4 it is written
 * as ::ffff:a.b.c.d; an unknown one as 0.0.0.0 or ::. isn: the first sequence
 * numbers, random. 0 or ERR_MEM.
 */
int	packet_init(struct packet *, const struct packet_path *,
	    const struct addr *client, const struct addr *server,
	    const uint32_t isn[2]);

/*
 * The events. dir 0 is client to server. Calls emit for each frame, in order.
 * Whatever comes after a direction's end or a reset, in that direction, is
 * left out. Beginning without packet_open() starts in mid-stream.
 */
void	packet_open(struct packet *, frame_emit, void *arg);
void	packet_data(struct packet *, int dir, const uint8_t *, size_t len,
	    frame_emit, void *arg);
void	packet_eof(struct packet *, int dir, frame_emit, void *arg);
void	packet_reset(struct packet *, int dir, frame_emit, void *arg);
/* The bytes passed unseen: a gap, or a reader that comes later. */
void	packet_skip(struct packet *, int dir, size_t len);
/* Whether it has ended for the recorder: both FINs, or an RST. */
int	packet_ended(const struct packet *);

/* The clear-text port of a TLS port: 443 -> 80; others as they are. */
uint16_t packet_map_port(uint16_t);
/* The server's port as a path with that ports_map shows it. */
uint16_t packet_shown_port(uint16_t, int ports_map);

#endif
