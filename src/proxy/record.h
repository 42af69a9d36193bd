/*
 * What is said of a session: by taps (comments), by the control socket and, at
 * its end, by the event log. It refers to the session's facts and verdict,
 * and has what came of them; nothing is decided by it. Owned by the session;
 * strings point into it, into the policy snapshot it holds, or are static.
 * Only the session's worker touches it.
 */
#ifndef PROXY_RECORD_H
#define PROXY_RECORD_H

#include <stdint.h>
#include <time.h>

#include "policy/facts.h"
#include "proxy/shown.h"
#include "stream/tap.h"

#define RECORD_MIRRORS	CONF_RULE_MIRRORS	/* taps of one session */

struct record_mirror {
	const char	*name;
	struct tap_counts counts;
};

/* A try to put a session through a device of its chain, in their order. */
struct record_hop {
	const char	*slot;
	const char	*device;	/* NULL: the slot went without one */
	/*
	 * What came of it; static. "passed", "reset_by_device",
	 * "dropped_by_device"; "failed" or "busy", then another was tried;
	 * without a device "skipped" or "refused"; "open" until it ends.
	 */
	const char	*event;
	uint64_t	 us;		/* until it was ready; 0: never */
};

enum unread {			/* what no service of the rule's saw */
	UNREAD_NONE,
	UNREAD_OTHER,		/* the client's first bytes are no HTTP */
	UNREAD_SERVER_FIRST,	/* the server spoke first */
	UNREAD_CONNECT,		/* a tunnel within HTTP */
	UNREAD_UPGRADE,		/* a switch of protocols */
	UNREAD_REASONS
};

enum unread_http2 {		/* what is not read of HTTP/2 that passes */
	UNREAD_HTTP2_BROKEN,	/* the connection, from where it is broken */
	UNREAD_HTTP2_LIMIT,	/* the connection: reading on takes too much */
	UNREAD_HTTP2_STREAM,	/* a stream: malformed, or one too many */
	UNREAD_HTTP2_MEMORY,	/* a stream, for want of memory */
	UNREAD_HTTP2_REASONS
};

struct record {
	/*
	 * Of no other session, also of one before a restart, as long as the
	 * clock is right. Below 2^53, which JavaScript can hold.
	 */
	uint64_t	 id;
	struct timespec	 start, end;	/* wall clock */
	const struct facts *facts;
	const struct verdict *verdict;	/* its rule is NULL until decided */
	const struct policy *policy;	/* its rules */
	/* The server's port as the first of its mirrors shows it; 0: none. */
	uint16_t	 shown_port;
	/* The ports of its streams, if a mirror shows these; or NULL. */
	struct shown	*shown;
	int		 forged;	/* a leaf was forged for it */
	int		 forged_cached;
	int		 own;		/* ... no: it is an own server's */
	const char	*ca;		/* of `cas:`, which signed; or NULL */
	const char	*proxy;		/* upstream, that it went through */
	const char	*unread_why;	/* why nobody read it, or NULL */

	uint64_t	 bytes[2];	/* payload, by enum flow_dir */
	struct {
		enum unread	 what;
		int		 blocked;	/* it was not let through */
		char		 protocol[32];	/* of Upgrade; or "" */
		uint64_t	 bytes[2];	/* of it that went on */
	} unread;
	/* EVE: "new", "established", "closed" */
	const char	*state;
	char		 reason[160];	/* why it ended: "client closed" ... */
	/* What we answered ourselves in a peer's place: "page", "alert",
	 * "socks", "reset"; NULL: nothing. And a page's HTTP status. */
	const char	*answer;
	int		 status;

	struct record_mirror mirrors[RECORD_MIRRORS];
	size_t		 nmirrors;
	/* Valid while the record is shown. */
	const struct record_hop *hops;
	size_t		 nhops;
};

#endif
