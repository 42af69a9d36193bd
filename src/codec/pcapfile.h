/*
 * The two capture formats: classic pcap with nanoseconds (pcap-savefile(5))
 * and pcapng (draft-ietf-opsawg-pcapng), both in the machine's byte order, for
 * Ethernet. This code writes a packet straight into its place; libpcap copies
 * through stdio, and writes no comments.
 */
#ifndef CODEC_PCAPFILE_H
#define CODEC_PCAPFILE_H

#include <stddef.h>
#include <stdint.h>

#include "codec/frame.h"

#define PCAPFILE_HEAD_MAX	1536
#define PCAPFILE_COMMENT_MAX	1024	/* longer is cut */

/*
 * Write the start of a file or stream to out (PCAPFILE_HEAD_MAX). Only pcapng
 * uses ifname and app. Returns the length.
 */
size_t	pcapfile_head(uint8_t *out, int ng, const char *ifname,
	    const char *app);
/* The same of pcapng, with a comment on the whole. */
size_t	pcapfile_section(uint8_t *out, const char *ifname, const char *app,
	    const char *comment);

/* The bytes that one packet will take. comment may be NULL. */
size_t	pcapfile_size(int ng, const struct frame *, const char *comment);

/*
 * Write one packet at out, which has room for pcapfile_size(). ns: since
 * 1970. Returns the length.
 */
size_t	pcapfile_put(uint8_t *out, int ng, uint64_t ns, const struct frame *,
	    const char *comment);

/* A time that is further back than this means that the clock was set. */
#define PCAPFILE_BACK_NS	1000000000

/*
 * The length of the packet at p, which pcapfile_put wrote. If its time is a
 * little before *last, it becomes *last; otherwise *last becomes its time.
 */
size_t	pcapfile_next(uint8_t *p, int ng, uint64_t *last);

#endif
