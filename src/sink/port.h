/*
 * A mirror port: the interface behind its name, and one raw socket on it. It
 * may be missing, go down, be removed, made anew with another index, change
 * its MTU: a netlink socket says so, and the socket is bound again. Sending is
 * any worker's; the rest belongs to the worker that watches.
 */
#ifndef SINK_PORT_H
#define SINK_PORT_H

#include <stdatomic.h>

#include "conf/conf.h"
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
	enum conf_offload offload;
	int		 netlink;
	struct event	*event;
	_Atomic int	 watched;
};

/*
 * Whether an interface of this machine can be a mirror port: 0, also where it
 * is not there, for it may come; or ERR_USAGE with why. Needs no privilege.
 */
int	port_usable(const char *interface, struct text *why);

/*
 * Needs CAP_NET_RAW, and CAP_NET_ADMIN to switch offloads. Warns, by the log,
 * of what an operator would not want. 0, or an ERR_* with why. mirror must
 * outlive the port.
 */
int	port_open(const char *interface, const char *mirror,
	    enum conf_offload, struct port **, struct text *why);
void	port_close(struct port *);

/* Watch in this thread's base unless another does: 1 if so. */
int	port_watch(struct port *, struct event_base *);
void	port_unwatch(struct port *);

/* The kernel refused a superframe: no more of them. */
void	port_no_gso(struct port *, int err);

const char *port_state_str(int state);	/* "port down" */

/*
 * Whether the interface is a piece of hardware of its own, by what its driver
 * says of itself: what such a one is left to cut and to sum leaves it as
 * frames on a cable. fd: any socket of its network namespace.
 */
int	port_is_hardware(int fd, const char *interface);
/* That, of a driver and the place on a bus that it names. */
int	port_driver_is_hardware(const char *driver, const char *bus);

#endif
