/*
 * A mirror port: an interface, by its name, and one raw socket on it. The
 * interface may be missing, go down, be removed, come back with another index,
 * or change its MTU; a netlink socket tells, and the raw socket is bound again.
 * Any worker may send; the rest belongs to the worker that watches the port.
 */
#ifndef SINK_PORT_H
#define SINK_PORT_H

#include <stdatomic.h>

#include "conf/conf.h"
#include "net/link.h"
#include "util/text.h"

struct event_base;

struct port {
	/* Any thread. */
	int		 fd;
	int		 vnet;		/* frames start with a virtio_net_hdr */
	_Atomic int	 state;		/* enum link */
	_Atomic unsigned mtu;
	/* superframes come out as they should */
	_Atomic int	 gso;
	/* Used by the watcher alone. */
	char		*name;
	const char	*mirror;	/* for the log */
	enum conf_offload offload;
	int		 netlink;
	struct event	*event;
	_Atomic int	 watched;
};

/*
 * Check whether an interface of this machine can be a mirror port. Returns 0,
 * even if it is missing, since it may come; or ERR_USAGE with why. Needs no
 * privilege.
 */
int	port_usable(const char *interface, struct text *why);

/*
 * Open a port. Needs CAP_NET_RAW, and CAP_NET_ADMIN to switch offloads. Logs a
 * warning of anything that an operator may not want. Returns 0, or an ERR_*
 * with why. mirror must outlive the port.
 */
int	port_open(const char *interface, const char *mirror,
	    enum conf_offload, struct port **, struct text *why);
void	port_close(struct port *);

/* Watch in this thread's base, unless another thread does. 1: we do. */
int	port_watch(struct port *, struct event_base *);
void	port_unwatch(struct port *);

/* The kernel refused a superframe: send no more of them. */
void	port_no_gso(struct port *, int err);

const char *port_state_str(int state);	/* "port down" */

#endif
