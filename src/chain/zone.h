/*
 * The zones of the inline devices. Each device has two network namespaces of
 * its own, one around the port to its inside and one around that to its
 * outside, and nothing else is in them: so a client's connection can enter the
 * device with its own addresses and come out of it with the same, and clear
 * text has no other way to go.
 *
 * Namespaces need privileges that the daemon drops. A small process keeps them,
 * the zone helper, which does nothing but what this header asks of it, over a
 * socketpair. It ends when the daemon ends, however that ends, and first takes
 * the ports down and gives them back. A socket stays in the namespace in which
 * it was made (network_namespaces(7)), so whatever the helper hands over is
 * bound, connected and polled here like any other.
 *
 * In a zone every address is local to what comes in by the port, every other
 * one is reached through it, and every TCP connection that comes in is brought
 * to the zone's listeners (TPROXY). What belongs to no socket of ours is reset.
 * So a session can go in at either side, and comes out at the other.
 */
#ifndef CHAIN_ZONE_H
#define CHAIN_ZONE_H

#include <sys/types.h>

#include "conf/conf.h"
#include "util/addr.h"
#include "util/text.h"

enum zone_side {
	ZONE_INSIDE,
	ZONE_OUTSIDE,
	ZONE_SIDES
};

struct zones;			/* the helper, and all of them */
struct zone;			/* of one device */

/*
 * Start the helper: as root, before privileges are dropped. If exec is not
 * NULL, the helper is this program run again with those arguments, so that
 * nothing of the daemon's memory is in it; they make it call zone_helper() (in
 * chain/zone_helper.h). NULL: a plain fork, in which no other thread may be.
 * Returns 0; or ERR_DENIED or ERR_SYS with a line in why.
 */
int	zones_start(struct zones **, char *const exec[], struct text *why);

/*
 * Make the zones of a device, with a listener for each side, worker and family.
 * After privileges were dropped: it may start a thread.
 * Waits for the helper, some 100 ms. Returns 0; or
 * ERR_USAGE, ERR_SYS or ERR_EOF (there is no helper any more) with a line in
 * why that names the device and what to do. The device is referred to until
 * this returns, and no longer. A port that another zone has is taken from it: a
 * reload changed the device.
 */
int	zone_open(struct zones *, const struct conf_device *,
	    unsigned workers, struct zone **, struct text *why);

/*
 * A worker's listener for what comes out at a side: non-blocking,
 * close-on-exec, the zone's to close. Its connections have the client's address
 * as the peer's and the server's as their own. -1: no such family in this
 * device (a DEVICE_L3 without addresses of it).
 */
int	zone_listener(const struct zone *, enum zone_side, unsigned worker,
	    int family);

/*
 * Any thread; never waits. A new TCP socket of a side: unbound,
 * non-blocking, close-on-exec, with IP(V6)_TRANSPARENT and SO_REUSEADDR; the
 * caller closes it. bind() it to the client's address and port and connect() it
 * to the server's. Returns the descriptor; ERR_AGAIN: none at the moment, more
 * are on their way, try again in some milliseconds; ERR_UNSUPPORTED: no such
 * family in this device; ERR_EOF: the helper is gone.
 *
 * connect() fails with EADDRNOTAVAIL while the same addresses and ports are in
 * use or, if our side closed first, for a second after it (tcp_tw_reuse): try
 * again with another socket, as after ERR_AGAIN.
 */
int	zone_socket(struct zone *, enum zone_side, int family);

/* The smaller of the MTUs of the two ports, now; 0: one of them is gone. */
unsigned zone_mtu(const struct zone *);

/*
 * For chain/health, in any thread. The plan has the ends of a probe; a
 * listener of theirs is the zone's to close. A port's state is asked of the
 * kernel, whose messages on the netlink socket say when to ask. Repair fetches
 * a port that has come back; it waits for the helper, and returns 0,
 * ERR_NOTFOUND (one is still missing) or another ERR_*, with a line in why.
 */
struct zone_plan;
const struct zone_plan *zone_its_plan(const struct zone *);
int	zone_probe_listener(const struct zone *);
int	zone_link_events(const struct zone *, enum zone_side);
int	zone_link(const struct zone *, enum zone_side);	/* enum link */
int	zone_repair(struct zone *, struct text *why);
/* Whether the helper has ended, and with it all that could be asked of it. */
int	zone_helpless(const struct zone *);

/*
 * Any thread; waits for the helper, some 20 ms. The zones go, and the ports
 * return to where they came from, down. The caller has stopped using the
 * listeners. Sockets that it still holds keep their namespace, but nothing
 * leaves it any more. NULL is fine.
 */
void	zone_close(struct zone *);

/* For whoever opened it, to find what belongs to the same device. */
void	zone_set_data(struct zone *, void *);
void	*zone_data(const struct zone *);

/* The helper's process. */
pid_t	zones_pid(const struct zones *);

/* After the last zone_close(): the helper ends. NULL is fine. */
void	zones_stop(struct zones *);

#endif
