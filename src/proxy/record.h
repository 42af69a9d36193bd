/*
 * What is known of a session: filled as it lives, read by taps (comments),
 * by the control socket and, at its end, by the event log. Owned by the
 * session; strings point into it, into the policy snapshot it holds, or are
 * static. Only the session's worker touches it.
 */
#ifndef PROXY_RECORD_H
#define PROXY_RECORD_H

#include <stdint.h>
#include <time.h>

#include "conf/conf.h"
#include "policy/policy.h"
#include "stream/tap.h"
#include "tls/certinfo.h"
#include "tls/tls.h"
#include "util/addr.h"

#define RECORD_MIRRORS	CONF_RULE_MIRRORS	/* taps of one session */

struct record_mirror {
	const char	*name;
	struct tap_counts counts;
};

enum unread {			/* what no service of the rule's saw */
	UNREAD_NONE,
	UNREAD_OTHER,		/* the client's first bytes are no HTTP */
	UNREAD_SERVER_FIRST,	/* the server spoke first */
	UNREAD_CONNECT,		/* a tunnel within HTTP */
	UNREAD_UPGRADE,		/* a switch of protocols */
	UNREAD_REASONS
};

struct record {
	/*
	 * Of no other session, also of one before a restart, as long as the
	 * clock is right. Below 2^53, which JavaScript can hold.
	 */
	uint64_t	 id;
	struct timespec	 start, end;	/* wall clock */
	const char	*listener;
	enum conf_mode	 mode;
	struct addr	 client;
	struct addr	 server;	/* AF_UNSPEC until known */
	/* The server's port as the first of its mirrors shows it; 0: none. */
	uint16_t	 shown_port;
	char		 sni[256];	/* lower case; "" none */
	char		 host[256];	/* CONNECT, SOCKS or Host; "" none */
	char		 ja3[33], ja4[40];	/* "" none */
	enum policy_protocol protocol;
	int		 perhaps;	/* HTTP: its first line was not whole */

	struct verdict	 verdict;	/* rule is NULL until decided */
	/* What changed the rule's action ("no SNI", ...), or NULL. */
	const char	*why;
	enum conf_action action;	/* what was done in the end */

	struct tls_used	 tls_client, tls_server;  /* version NULL: none */
	enum tls_verify	 verify;
	const char	*verify_text;	/* "ok" or OpenSSL's; NULL: none */
	struct certinfo	*cert;		/* the server's own; or NULL */
	int		 forged;	/* a leaf was forged for it */
	int		 forged_untrusted, forged_cached;

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
};

#endif
