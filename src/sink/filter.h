/*
 * A mirror's filter: a libpcap expression (pcap-filter(7)) over the frames it
 * would send, as they are without our VLAN tag. Immutable; any thread.
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
 * Whether the frame passes; NULL passes all. Of the payload the first 256
 * bytes are looked at; a superframe passes or fails as its first segment.
 */
int	filter_pass(const struct filter *, const struct frame *);

#endif
