/*
 * All packet sinks. main hands them to the workers (proxy/sink.h).
 */
#ifndef SINK_SINKS_H
#define SINK_SINKS_H

#include "proxy/sink.h"

extern const struct sink_ops sink_mirror;	/* MIRROR_PORT */
extern const struct sink_ops sink_pcap;		/* MIRROR_PCAP */
extern const struct sink_ops sink_pcapip;	/* MIRROR_PCAPIP */

/*
 * Check that the directory of capture files exists, and that our current user
 * may write in it. Returns 0, or ERR_USAGE or ERR_DENIED with why.
 */
int	sink_pcap_usable(const char *pattern, struct text *why);

#endif
