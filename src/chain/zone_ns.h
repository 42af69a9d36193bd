/*
 * The namespaces of one device, as the helper holds them: two descriptors, no
 * names in the file system, so that nothing of them is left when it ends. For a
 * process of one thread, which is in its home namespace between any two calls.
 */
#ifndef CHAIN_ZONE_NS_H
#define CHAIN_ZONE_NS_H

#include "chain/zone_plan.h"
#include "net/link.h"
#include "util/text.h"

struct zone_ns {
	int		 used;
	int		 home;		/* where ports come from; not ours */
	struct zone_plan plan;
	struct {
		int		 fd;		/* the namespace, or -1 */
		uint8_t		 mac[6];	/* the port's, at home */
		unsigned	 offloads;	/* that were on there */
	} side[ZONE_SIDES];
};

/*
 * Make both, fetch the ports and configure them. A port that is not there may
 * come later, and is then fetched by zone_ns_repair(). Returns 0, perhaps with
 * a sentence in why on a port that is missing; or ERR_*, with everything as it
 * was before.
 */
int	zone_ns_open(struct zone_ns *, const struct zone_plan *, int home,
	    struct text *why);

/* Fetch what ports have come back to the home namespace. Returns 0: both are
 * there; ERR_NOTFOUND: not yet; or another ERR_*. */
int	zone_ns_repair(struct zone_ns *, struct text *why);

/* Give a port back, if it is one of these: another device wants it. */
void	zone_ns_yield(struct zone_ns *, const char *port);

/* Both ports down: from here on nothing goes. */
void	zone_ns_down(struct zone_ns *);
/* Give the ports back, down and with their own MACs and offloads; let the rest
 * go. */
void	zone_ns_close(struct zone_ns *);

/*
 * Fill fds with n sockets; return 0, or ERR_SYS with none. Those with a port
 * listen; links are a netlink socket of each side, that tells of changes of
 * links.
 */
int	zone_ns_sockets(struct zone_ns *, enum zone_side, int family,
	    unsigned port, int *fds, size_t n);
int	zone_ns_links(struct zone_ns *, int fds[ZONE_SIDES]);

#endif
