/*
 * The filter of a mirror: a libpcap expression (pcap-filter(7)) over the frames
 * it would send, without our VLAN tag. Immutable, so any thread may use it.
 */
#ifndef SINK_FILTER_H
#define SINK_FILTER_H

#include "codec/frame.h"
#include "util/text.h"

struct filter;

/* 0, or ERR_USAGE with libpcap's words in why. */
int	filter_new(const char *expression, struct filter **, struct text *why);
void	filter_free(struct filter *);

/*
 * Whether the frame passes; a NULL filter passes all. The filter sees the first
 * 256 bytes of the payload. A superframe passes if its first segment does.
 */
int	filter_pass(const struct filter *, const struct frame *);

#endif
