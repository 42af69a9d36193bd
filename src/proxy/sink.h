/*
 * A sink is where taps of one mirror (or service) lead: made once for the
 * process at boot, with privileges still there (open), then once in each
 * worker (attach), so that a tap works without locks. begin() makes the tap
 * of one session.
 */
#ifndef PROXY_SINK_H
#define PROXY_SINK_H

#include <stdint.h>

#include "conf/conf.h"
#include "proxy/record.h"
#include "stream/tap.h"
#include "util/text.h"

struct event_base;

/* What became of a stream of HTTP/2 that is shown as HTTP/1.1. */
enum sink_stream {
	SINK_WHOLE,		/* both messages */
	SINK_CUT,		/* until it was reset, or the session ended */
	SINK_REFUSED,		/* until what HTTP/1.1 cannot say */
	SINK_UNSHOWN,		/* nothing: too many are open */
	SINK_STREAMS
};

struct sink_stats {
	uint64_t packets, bytes;	/* sent, written */
	uint64_t lost_packets;		/* none of those; but of PCAP-over-IP
					 * by each of the readers */
	uint64_t lost_bytes;		/* payload bytes that did not get out */
	const char *lost_reason;	/* the most recent: "port down", ... */
	uint64_t queued;		/* bytes of packets held */
	unsigned readers;		/* PCAP-over-IP */
	uint64_t streams[SINK_STREAMS];
};

struct sink_ops {
	const struct tap_ops *tap;
	/*
	 * Open what needs privilege (a raw socket, a directory, a port to
	 * listen on). 0, or ERR_* with one sentence in why that says what is
	 * wrong and what to do. A mirror port that is missing or down is not
	 * an error: it is waited for, and its loss counted.
	 */
	int	 (*open)(const struct conf_mirror *, void **sink,
		    struct text *why);
	/*
	 * Privileges are dropped: whether what is yet to be opened can be, by
	 * whom we are now. As open; NULL: nothing is.
	 */
	int	 (*dropped)(void *sink, struct text *why);
	void	*(*attach)(void *sink, struct event_base *);	/* -> seat */
	/*
	 * A session begins: both ends are connected, no byte has passed.
	 * The record lives as long as the tap; it is not complete yet.
	 * Returns the tap's state; NULL: not interested. It may give the tap
	 * other ops.
	 */
	void	*(*begin)(void *seat, struct tap *, const struct record *);
	void	 (*detach)(void *seat);		/* in the worker, at its end */
	void	 (*close)(void *sink);		/* writes out what is queued */
	/* Any thread. */
	void	 (*stats)(void *sink, struct sink_stats *);
};

#endif
