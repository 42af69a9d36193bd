/*
 * A hop: one session's connection through one device. Its near end (P) is made
 * here, from the client's address and port to the server's, in the zone of the
 * side at which the session goes in. Its far end (Q) is what a listener of the
 * other zone accepts with the same addresses. Any worker's listener may get it,
 * so hops that wait for their far end are in a table of the process, and the
 * end is sent to its worker by mail. What comes out of a device and is awaited
 * by nobody is reset.
 */
#ifndef CHAIN_HOP_H
#define CHAIN_HOP_H

#include <stdint.h>

#include "chain/zone.h"
#include "util/addr.h"

struct event_base;
struct hop;
struct hop_seat;		/* a worker's part */
struct joins;			/* the table */
struct mailbox;

struct joins	*joins_new(void);
void		 joins_free(struct joins *);	/* NULL is fine */

struct hop_seat	*hop_attach(struct joins *, struct event_base *,
		    struct mailbox *);
/* After its last hop. */
void		 hop_detach(struct hop_seat *);

enum hop_state {
	HOP_WAIT,
	HOP_READY,		/* both ends are here, and connected */
	/* It failed: */
	HOP_BUSY,		/* there was no socket for it, for too long */
	HOP_FOREIGN,		/* the device has no such family */
	HOP_UNREACHED,		/* we cannot send it to the device */
	HOP_REJECTED,		/* it was reset while it connected */
	HOP_SILENT		/* nothing came out in time */
};

struct hop_want {
	uint64_t	 exit;		/* device_exit() of the far end */
	/* An unbound socket of the near end's side: see zone_socket(). */
	int		(*socket)(struct zone *, enum zone_side, int family);
	struct zone	*zone;
	enum zone_side	 side;
	struct addr	 client, server;	/* as the device sees them: of
						 * one family */
	void		(*changed)(void *owner);	/* never in begin */
	void		(*slow)(void *owner);	/* it waits for the device */
	void		*owner;
};

struct hop	*hop_begin(struct hop_seat *, const struct hop_want *);
enum hop_state	 hop_state(const struct hop *);
/* Microseconds until it was ready or failed. */
uint64_t	 hop_us(const struct hop *);
/* When it began, by clock_ms(). */
uint64_t	 hop_began(const struct hop *);
/* READY: the socket, which is the caller's from now on; once for each end. */
int		 hop_take(struct hop *, int far);
/* Whatever its state; sockets that were not taken are reset. */
void		 hop_free(struct hop *);	/* NULL is fine */

/*
 * A connection came out of a device, at this seat's listener; takes fd over.
 * 1: a hop waited for it; 0: nobody did, and it was reset.
 */
int		 hop_arrived(struct hop_seat *, uint64_t exit, int fd,
		    const struct addr *peer);

#endif
