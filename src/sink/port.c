/*
 * Follows the interface of a mirror as it comes, goes and changes.
 */
#include "sink/port.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

/* some milliseconds of a 10 Gb/s port */
#define PORT_SNDBUF	(16 << 20)

static void	port_event(evutil_socket_t, short, void *);

const char *
port_state_str(int state)
{
	static const char *const names[] = {
		[LINK_GONE] = "port missing", [LINK_DOWN] = "port down",
		[LINK_NO_CARRIER] = "port has no carrier",
		[LINK_UP] = "port up"
	};

	return names[state];
}

/*
 * Offloads are for hardware, or for the kernel in its place. A veth leaves
 * segmentation and checksums to its other end, where nobody does them, and a
 * recorder gets superframes with bad checksums.
 */
static void
port_offloads(struct port *p)
{
	unsigned left;

	if (!p->vnet || p->offload == OFFLOAD_ON ||
	    (p->offload == OFFLOAD_AUTO && link_is_hardware(p->fd, p->name))) {
		atomic_store(&p->gso, p->vnet);
		return;
	}
	left = link_offloads_set(p->fd, p->name, LINK_TSO | LINK_TX, 0);
	atomic_store(&p->gso, left == 0);
	if (left != 0)
		log_warn("mirror %s: cannot switch the offloads of %s off, "
		    "so clearspan segments frames, which is slower; "
		    "try: ethtool -K %s tso off tx off", p->mirror, p->name,
		    p->name);
}

void
port_no_gso(struct port *p, int err)
{
	if (atomic_exchange(&p->gso, 0))
		log_warn("mirror %s: %s takes no superframes (%s), so "
		    "clearspan segments frames, which is slower", p->mirror,
		    p->name, strerror(err));
}

/*
 * The index that fd is bound to. When the interface goes, the kernel sets it to
 * -1, so a new interface with the same index is not taken for the old one.
 */
static int
port_bound(const struct port *p)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };
	socklen_t len = sizeof(ll);

	if (getsockname(p->fd, (struct sockaddr *)&ll, &len) != 0)
		return 0;
	return ll.sll_ifindex;
}

static int
port_bind(struct port *p, int index)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };
	socklen_t len = sizeof(int);
	int err, bound;

	/* Protocol 0: the socket only sends, and receives nothing. */
	ll.sll_ifindex = index;
	bound = bind(p->fd, (struct sockaddr *)&ll, sizeof(ll)) == 0;
	getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (bound)
		port_offloads(p);
	return bound;
}

static int
port_look(struct port *p)
{
	int index = (int)if_nametoindex(p->name);
	unsigned mtu = 0;
	enum link state;

	if (index == 0 || (index != port_bound(p) && !port_bind(p, index)))
		return LINK_GONE;
	state = link_state(p->fd, p->name, &mtu);
	if (mtu > 0)
		atomic_store(&p->mtu, mtu);
	return state;
}

static void
port_refresh(struct port *p)
{
	unsigned mtu = atomic_load(&p->mtu);
	int was = atomic_load(&p->state), is = port_look(p);

	atomic_store(&p->state, is);
	if (is == was && (is != LINK_UP || mtu == atomic_load(&p->mtu)))
		return;
	if (is == LINK_UP)
		log_info("mirror %s: %s is up, MTU %u", p->mirror, p->name,
		    atomic_load(&p->mtu));
	else
		log_warn("mirror %s: %s: %s; packets are lost until it is up",
		    p->mirror, p->name, port_state_str(is));
}

static void
port_warn_address(struct port *p)
{
	const struct sockaddr_in6 *in6;
	struct ifaddrs *all, *i;

	if (getifaddrs(&all) != 0)
		return;
	for (i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || strcmp(i->ifa_name, p->name) != 0)
			continue;
		in6 = (const struct sockaddr_in6 *)(void *)i->ifa_addr;
		if (i->ifa_addr->sa_family == AF_INET ||
		    (i->ifa_addr->sa_family == AF_INET6 &&
		    !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))) {
			log_warn("mirror %s: %s has an address, so the machine "
			    "itself may send there too; a mirror port needs "
			    "none", p->mirror, p->name);
			break;
		}
	}
	freeifaddrs(all);
}

static int
port_netlink(void)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	nl.nl_groups = RTMGRP_LINK;
	if (fd >= 0 && bind(fd, (struct sockaddr *)&nl, sizeof(nl)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
port_socket_options(struct port *p)
{
	int on = 1, size = PORT_SNDBUF;

	p->vnet = setsockopt(p->fd, SOL_PACKET, PACKET_VNET_HDR, &on,
	    sizeof(on)) == 0;
	if (setsockopt(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size,
	    sizeof(size)) != 0)
		setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int
port_usable(const char *interface, struct text *why)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int kind = fd >= 0 ? link_kind(fd, interface) : ERR_SYS;

	if (fd >= 0)
		close(fd);
	if (kind < 0 || kind == ARPHRD_ETHER || kind == ARPHRD_LOOPBACK)
		return 0;
	text_printf(why, "%s is not an Ethernet port; name one that is (ip "
	    "-br link shows link/ether), a dummy or veth for a recorder on "
	    "this machine", interface);
	return ERR_USAGE;
}

int
port_open(const char *interface, const char *mirror,
    enum conf_offload offload, struct port **out, struct text *why)
{
	struct port *p = xcalloc(1, sizeof(*p));
	int rv = 0;

	p->name = xstrdup(interface);
	p->mirror = mirror;
	p->offload = offload;
	p->mtu = 1500;
	p->netlink = port_netlink();
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || p->netlink < 0) {
		rv = errno == EPERM ? ERR_DENIED : ERR_SYS;
		text_printf(why, "cannot open a raw socket for %s: %s; it "
		    "needs root or CAP_NET_RAW", interface, strerror(errno));
	} else {
		rv = port_usable(interface, why);
	}
	if (rv != 0) {
		port_close(p);
		return rv;
	}
	port_socket_options(p);
	p->state = -1;		/* so that the state gets logged */
	port_refresh(p);
	port_warn_address(p);
	*out = p;
	return 0;
}

void
port_close(struct port *p)
{
	if (p == NULL)
		return;
	if (p->fd >= 0)
		close(p->fd);
	if (p->netlink >= 0)
		close(p->netlink);
	free(p->name);
	free(p);
}

int
port_watch(struct port *p, struct event_base *base)
{
	if (atomic_exchange(&p->watched, 1))
		return 0;
	p->event = event_new(base, p->netlink, EV_READ | EV_PERSIST,
	    port_event, p);
	event_add(p->event, NULL);
	port_refresh(p);	/* catch up since port_open() */
	return 1;
}

void
port_unwatch(struct port *p)
{
	event_free(p->event);
	p->event = NULL;
	atomic_store(&p->watched, 0);
}

/*
 * The messages may be old or, after an overrun, missing. So they are only the
 * reason to look at the interface.
 */
static void
port_event(evutil_socket_t fd, short what, void *arg)
{
	char buf[16384];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		;
	port_refresh(arg);
}
