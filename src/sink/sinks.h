/*
 * All packet sinks. main hands them to the workers (proxy/sink.h).
 */
#ifndef SINK_SINKS_H
#define SINK_SINKS_H

#include "proxy/sink.h"

extern const struct sink_ops sink_mirror;	/* MIRROR_PORT */
extern const struct sink_ops sink_pcap;		/* MIRROR_PCAP */
extern const struct sink_ops sink_pcapip;	/* MIRROR_PCAPIP */

#endif
