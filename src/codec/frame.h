/*
 * Frames: Ethernet, an 802.1Q tag if asked for, IPv4 or IPv6, TCP. libnet
 * builds the header of each direction of a flow once, as a template. Each frame
 * gets a copy with its own length, IP id, sequence, flags and checksums.
 */
#ifndef CODEC_FRAME_H
#define CODEC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD	78	/* 14 + 4 + 40 + 20 */
#define FRAME_OPTIONS	12	/* what a SYN adds */

/* The builder: a libnet context without device or privilege. For one thread. */
struct framer;

struct framer	*framer_new(void);	/* NULL: no memory */
void		 framer_free(struct framer *);

struct frame_ends {
	uint8_t		 src_mac[6], dst_mac[6];
	int		 vlan;		/* -1: none */
	int		 family;	/* AF_INET, AF_INET6 */
	uint8_t		 src[16], dst[16];	/* 4 or 16 used */
	uint16_t	 sport, dport;
};

struct frame_head {
	uint8_t		 bytes[FRAME_HEAD];
	uint8_t		 len;
	uint8_t		 ip;	/* where the IP header begins */
	uint8_t		 tcp;	/* where the TCP header begins */
	uint8_t		 v6;
};

/* Build the template of one direction. Returns 0 or ERR_MEM. */
int		 framer_build(struct framer *, const struct frame_ends *,
		    struct frame_head *);

/*
 * One frame on its way out: the header, and a pointer to the payload. It is
 * good until the call that it was passed to returns.
 */
struct frame {
	uint8_t		 head[FRAME_HEAD + FRAME_OPTIONS];
	uint8_t		 head_len;
	uint8_t		 ip, tcp, v6;
	uint8_t		 dir;		/* 0 client to server, 1 back */
	uint8_t		 partial;	/* the TCP checksum covers the pseudo-
					   header; the kernel does the rest */
	uint16_t	 mss;		/* not 0: a superframe, to be cut into
					   segments of this many bytes */
	const uint8_t	*data;		/* never NULL */
	size_t		 len;
};

typedef void (*frame_emit)(void *arg, const struct frame *);

/* The fields that frame_make patches in. */
struct frame_tcp {
	uint32_t	 seq, ack;
	uint16_t	 id;
	uint8_t		 flags;
};

#define FRAME_FIN	0x01
#define FRAME_SYN	0x02
#define FRAME_RST	0x04
#define FRAME_PSH	0x08
#define FRAME_ACK	0x10

/*
 * Fill in head from the template. The caller has set data, len, dir, mss and
 * partial. options (FRAME_OPTIONS bytes) may be NULL.
 */
void		 frame_make(struct frame *, const struct frame_head *,
		    const struct frame_tcp *, const uint8_t *options);

/*
 * Do the kernel's work: cut a superframe into segments of at most mss bytes,
 * with whole checksums (RFC 9293; only the last has PSH and FIN). An ordinary
 * frame that is partial gets its checksum. max is an upper bound for mss, for
 * a port whose MTU has shrunk.
 */
void		 frame_segment(const struct frame *, unsigned max, frame_emit,
		    void *arg);

#endif
