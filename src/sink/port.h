/*
 * A mirror port: the interface behind its name, and one raw socket on it. It
 * may be missing, go down, be removed, made anew with another index, change
 * its MTU: a netlink socket says so, and the socket is bound again. Sending is
 * any worker's; the rest belongs to the worker that watches.
 */
#ifndef SINK_PORT_H
#define SINK_PORT_H

#include <stdatomic.h>

#include "util/text.h"

struct event_base;

enum port_state {
	PORT_MISSING,		/* no interface of that name */
	PORT_DOWN,		/* there, but down */
	PORT_NO_CARRIER,	/* up, but nothing at the other end */
	PORT_UP
};

struct port {
	/* Any thread. */
	int		 fd;
	int		 vnet;		/* frames start with a virtio_net_hdr */
	_Atomic int	 state;		/* enum port_state */
	_Atomic unsigned mtu;
	/* superframes come out as they should */
	_Atomic int	 gso;
	/* The watcher's. */
	char		*name;
	const char	*mirror;	/* for the log */
	int		 offload;	/* leave the port's offloads on */
	int		 netlink;
	struct event	*event;
	_Atomic int	 watched;
};

/*
 * Needs CAP_NET_RAW, and CAP_NET_ADMIN to switch offloads. Warns, by the log,
 * of what an operator would not want. 0, or an ERR_* with why. mirror must
 * outlive the port.
 */
int	port_open(const char *interface, const char *mirror, int offload,
	    struct port **, struct text *why);
void	port_close(struct port *);

/* Watch in this thread's base unless another does: 1 if so. */
int	port_watch(struct port *, struct event_base *);
void	port_unwatch(struct port *);

/* The kernel refused a superframe: no more of them. */
void	port_no_gso(struct port *, int err);

const char *port_state_str(int state);	/* "port down" */

#endif
