/*
 * A tap sees each byte of a session's flows in the clear and says how many it
 * lets go. An observer takes what it needs and returns all of it, counting
 * what it must lose; a holder returns less and calls tap_release() when more
 * may go; an editor replaces bytes not yet let go by flow_replace(). Taps see
 * the bytes in the order of their row; each is shown only what the one before
 * it has let go.
 *
 * A sink is where taps of one mirror (or service) lead: made once for the
 * process at boot, with privileges still there (sink_ops.open), then once in
 * each worker (attach), so that a tap works without locks.
 */
#ifndef PROXY_TAP_H
#define PROXY_TAP_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proxy/record.h"
#include "util/text.h"

struct event_base;
struct tap;

enum flow_dir {
	DIR_UP,			/* client to server */
	DIR_DOWN		/* server to client */
};

struct tap_ops {
	/*
	 * A session begins: both ends are connected, no byte has passed.
	 * seat is a worker's part of the sink (attach). The record lives as
	 * long as the tap; it is not complete yet. NULL: not interested.
	 */
	void	*(*open)(void *seat, struct tap *, const struct record *);
	/*
	 * len bytes at the tap's position in that direction. Returns how many
	 * of them it lets go. The bytes may be changed only by an editor.
	 */
	size_t	 (*data)(void *state, enum flow_dir, const uint8_t *,
		    size_t len);
	/*
	 * For editors, or NULL. room: once a turn of the flow, before data:
	 * put in what waits (flow_put). busy: more waits than there was room
	 * for, or an answer will bring it: the flow has not ended.
	 */
	void	 (*room)(void *state, enum flow_dir);
	int	 (*busy)(void *state, enum flow_dir);
	/* The handshakes are over or are none: the record now has TLS facts. */
	void	 (*facts)(void *state);
	/* That direction ended in order (FIN, close_notify), after its data. */
	void	 (*eof)(void *state, enum flow_dir);
	/* The sender of that direction reset the connection, or we did. */
	void	 (*reset)(void *state, enum flow_dir);
	/* The session is over; *m gets its counts. Frees the state. */
	void	 (*close)(void *state, struct record_mirror *m);
};

struct sink_stats {
	uint64_t packets, bytes;	/* sent, written */
	uint64_t lost_packets;		/* none of those; but of PCAP-over-IP
					 * by each of the readers */
	uint64_t lost_bytes;		/* payload bytes that did not get out */
	const char *lost_reason;	/* the most recent: "port down", ... */
	uint64_t queued;		/* bytes of packets held */
	unsigned readers;		/* PCAP-over-IP */
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
	void	 (*detach)(void *seat);		/* in the worker, at its end */
	void	 (*close)(void *sink);		/* writes out what is queued */
	/* Any thread. */
	void	 (*stats)(void *sink, struct sink_stats *);
};

/* A holder's answer has come: offer the flows again. Worker's thread only. */
void	 tap_release(struct tap *);
/* The session cannot go on: it is reset, soon. why is static. */
void	 tap_abort(struct tap *, const char *why);

#endif
