/*
 * Which destinations are refused before we try to connect to them. Every
 * listener refuses those that lead back to a listener of ours. A transparent
 * one refuses what a router must not forward (RFC 3927, 7; RFC 6890), and the
 * metadata of its own cloud if it connects from its own address. The clients
 * of an explicit listener name their destination themselves, and could reach
 * what they cannot reach without us: this host, the link it is on, the
 * metadata of its cloud. Those are refused unless the listener's
 * allow-destinations has them. So are addresses that the rules refuse: the
 * answer must not tell whether a port is open there.
 */
#ifndef PROXY_REACH_H
#define PROXY_REACH_H

#include "net/special.h"

struct session;
struct step;
struct worker;

enum reach {			/* why a destination is refused */
	REACH_LISTENER,		/* it would come back to us */
	REACH_SERVICE,		/* metrics, PCAP-over-IP: for this host only */
	REACH_LOOPBACK,
	REACH_LINK_LOCAL,
	REACH_METADATA,
	REACH_MULTICAST,
	REACH_HOST,		/* another address of this host */
	REACH_RULE,		/* a rule blocks or resets */
	REACH_MAX
};

/* The end of such a session's reason. */
#define REACH_DENIED	"destination not allowed"

/* "loopback", ...: of logs and metrics; static. */
const char	*reach_str(enum reach);

/* For a client of a transparent listener: why it is refused, or NULL. */
const char	*reach_unroutable(struct worker *, const struct addr *client,
		    const struct addr *dst);

/* Whether a destination is a listener of ours: connecting would loop. */
int		 reach_is_own(const struct worker *, const struct addr *);
/* Whether it is an address of this host's. */
int		 reach_is_host(const struct addr *);

/*
 * For dials of a session (struct dial_want): 0, or ERR_DENIED with the
 * address and the reason kept in the session.
 */
int		 reach_veto(void *session, const struct addr *);
/* The same for an upstream proxy, which is the operator's choice: none of our
 * own listeners, which would come back for ever. */
int		 reach_veto_proxy(void *session, const struct addr *);
/* The dial failed because every address was refused: count, log, and tell the
 * client. */
struct step	 reach_refuse(struct session *);

/*
 * Servers that have not answered within connect-timeout. Their next clients
 * are told at once, for some seconds. The table is the worker's.
 */
#define REACH_DEAD	256	/* slots; a newer one takes an older one's */
struct reach_dead {
	uint64_t	 key;	/* of address and SNI; 0: empty */
	uint64_t	 until;	/* ms */
};
void		 reach_died(struct session *);
int		 reach_is_dead(const struct session *);

#endif
