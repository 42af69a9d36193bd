/*
 * Who has which MAC address, by the kernel's table of neighbours (ARP and
 * neighbour discovery), which is followed by its events. Only hosts on a
 * network of ours are in it: of one behind another router there is nothing.
 *
 * Any thread may look up. What the kernel has told until then counts, so that a
 * client which has just connected, or has just taken another's address, is
 * known.
 */
#ifndef NET_NEIGHBOURS_H
#define NET_NEIGHBOURS_H

#include "util/addr.h"
#include "util/mac.h"

struct event_base;
struct neighbours;

/*
 * Read the table of the namespace that this thread is in. ERR_SYS: there is no
 * netlink here. Without a base, events are read at each look-up alone.
 */
int	neighbours_new(struct event_base *, struct neighbours **);
void	neighbours_free(struct neighbours *);

/*
 * The MAC address of an address, whatever its port. 0, or ERR_NOTFOUND. n may
 * be NULL: nobody is known.
 */
int	neighbours_mac(struct neighbours *, const struct addr *,
	    uint8_t mac[MAC_LEN]);

/* The same, but only on one of these interfaces, by their names: 0;
 * ERR_NOTFOUND, or ERR_DENIED: it is a neighbour on others only. */
int	neighbours_on(struct neighbours *, const struct addr *,
	    char *const *interfaces, size_t n, uint8_t mac[MAC_LEN]);

/*
 * Each address that is known, with its MAC address; with the table locked: it
 * must not look up. n may be NULL.
 */
void	neighbours_each(struct neighbours *, void (*)(void *arg,
	    const struct addr *, const uint8_t *mac), void *arg);

/*
 * An address has this MAC address from now on, or (NULL) none any more. It is
 * called in whichever thread has read it, with the table locked: it must not
 * look up. Before neighbours are asked by others; it is told of all that are
 * there. A few watchers; n may be NULL.
 */
typedef void (*neighbours_changed)(void *arg, const struct addr *,
	    const uint8_t *mac);
void	neighbours_watch(struct neighbours *, neighbours_changed, void *arg);

#endif
