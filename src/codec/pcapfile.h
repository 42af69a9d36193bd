/*
 * The two capture formats, written by hand so that a packet goes straight
 * into its place: classic pcap with nanoseconds (pcap-savefile(5)) and pcapng
 * (draft-ietf-opsawg-pcapng). Both in the machine's byte order, Ethernet.
 * libpcap writes no comments, and its dumper copies through stdio.
 */
#ifndef CODEC_PCAPFILE_H
#define CODEC_PCAPFILE_H

#include <stddef.h>
#include <stdint.h>

#include "codec/frame.h"

#define PCAPFILE_HEAD_MAX	512
#define PCAPFILE_COMMENT_MAX	1024	/* longer is cut */
/* The most one packet takes beyond its own bytes. */
#define PCAPFILE_PACKET_MAX	(PCAPFILE_COMMENT_MAX + 64)

/*
 * What a file or a stream begins with, into out (PCAPFILE_HEAD_MAX). ifname
 * and app go into pcapng only. Returns the length.
 */
size_t	pcapfile_head(uint8_t *out, int ng, const char *ifname,
	    const char *app);

/* The bytes one packet will take. comment: NULL none. */
size_t	pcapfile_size(int ng, const struct frame *, const char *comment);

/*
 * Write one packet at out, which has room for pcapfile_size(). ns: since
 * 1970. Returns the length.
 */
size_t	pcapfile_put(uint8_t *out, int ng, uint64_t ns, const struct frame *,
	    const char *comment);

/* Times that are further back were set back, by who sets the clock. */
#define PCAPFILE_BACK_NS	1000000000

/*
 * The length of the packet that begins at p, written by pcapfile_put; its
 * time is moved up to *last if it is a little before it, else *last to it.
 */
size_t	pcapfile_next(uint8_t *p, int ng, uint64_t *last);

#endif
