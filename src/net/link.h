/*
 * A network interface, by its name, in the namespace that this thread is in:
 * its state, its MAC address, its offloads, and its way into another namespace.
 * By ioctl (netdevice(7)) and netlink, so that taking a port down needs no
 * program to run.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

enum link {
	LINK_GONE,		/* no such interface here */
	LINK_DOWN,		/* switched off */
	LINK_NO_CARRIER,	/* no cable, or nobody at its other end */
	LINK_UP
};

#define LINK_TSO	1u
#define LINK_GSO	2u
#define LINK_GRO	4u
#define LINK_TX		8u	/* checksums */
#define LINK_OFFLOADS	4	/* all of them */

/*
 * fd is any socket: it says in which namespace to look (netdevice(7)). All
 * return 0 or ERR_SYS with errno.
 */
enum link link_state(int fd, const char *name, unsigned *mtu);
int	link_up(int fd, const char *name, int up);
int	link_mac(int fd, const char *name, uint8_t mac[6]);
int	link_set_mac(int fd, const char *name, const uint8_t mac[6]);

/* ARPHRD_*, or ERR_SYS. */
int	link_kind(int fd, const char *name);

/*
 * Whether it is a piece of hardware, according to its driver. Hardware segments
 * and checksums a superframe before it goes to the cable.
 */
int	link_is_hardware(int fd, const char *name);
/* The same, for a driver and the bus address that it reports. */
int	link_driver_is_hardware(const char *driver, const char *bus);

/* A bit for each that is on. */
unsigned link_offloads(int fd, const char *name);
/*
 * Of those in which, switch on what is in on, and the others off. Returns a bit
 * for each that the driver leaves as it was.
 */
unsigned link_offloads_set(int fd, const char *name, unsigned which,
	    unsigned on);
/* Append their names: "tso gso". */
void	link_offloads_str(unsigned which, struct text *);

/* Whether it has IPv6; one with an MTU below 1280 has none (RFC 8200, 5). For
 * "all": whether there is IPv6 here. */
int	link_ipv6(const char *name);

/* Move an interface of this thread's namespace into the one that ns is open on.
 * It must be down, and loses its addresses. */
int	link_move(const char *name, int ns);

#endif
