/*
 * Makes a device's namespaces, brings ports into them and back, and opens
 * sockets in them.
 */
#include "chain/zone_ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/sock.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/run.h"

#define BACKLOG		4096

static const char *const side_key[] = { "inside", "outside" };

/* Everything later would happen in the wrong place. */
static void
enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) != 0)
		abort();
}

static int
failed(const struct zone_ns *z, enum zone_side side, struct text *why,
    const char *what)
{
	text_printf(why, "device %s: %s %s: %s: %s", z->plan.name,
	    side_key[side], z->plan.side[side].port, what, strerror(errno));
	return ERR_SYS;
}

/* The new namespace is this process's own for a moment. */
static int
side_make(struct zone_ns *z, enum zone_side side, struct text *why)
{
	int rv = 0;

	if (unshare(CLONE_NEWNET) != 0)
		return failed(z, side, why, "cannot make a network namespace "
		    "(it needs CAP_SYS_ADMIN)");
	z->side[side].fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (z->side[side].fd < 0)
		rv = failed(z, side, why, "/proc/self/ns/net");
	enter(z->home);
	return rv;
}

/* Of the namespace, or, behind conf/PORT/, of its port. */
struct sysctl {
	int		 family;	/* 4, 6 */
	const char	*key, *value;
	int		 optional;	/* not in every kernel */
};

static const struct sysctl zone_keys[] = {
	{ 4, "ip_forward", "0", 0 },
	{ 4, "conf/all/rp_filter", "0", 0 },
	{ 4, "conf/default/rp_filter", "0", 0 },
	{ 4, "conf/all/accept_redirects", "0", 0 },
	{ 4, "conf/all/send_redirects", "0", 0 },
	/* A client may use the same port to the same server soon again. The
	 * other end is ours, and counts its timestamps in milliseconds. */
	{ 4, "tcp_tw_reuse", "1", 0 },
	{ 4, "tcp_tw_reuse_delay", "5", 1 },
	{ 4, "ip_unprivileged_port_start", "0", 1 },
	/* The last packet of a handshake with cookies would find no listener:
	 * only the first is brought to it. */
	{ 4, "tcp_syncookies", "0", 1 },
	/* A device is near. With twice as much, what the pump writes in one
	 * go and then reads again is not in the CPU's cache any more. */
	{ 4, "tcp_wmem", "4096 262144 262144", 0 },
	/* Who asks whether an address is taken asks for no neighbour meanwhile,
	 * for up to a second, however few questions that are. */
	{ 6, "conf/all/accept_dad", "0", 0 },
	{ 6, "conf/default/accept_dad", "0", 0 },
	{ 6, "conf/all/disable_ipv6", "0", 0 },
	{ 6, "conf/default/disable_ipv6", "0", 0 },
	{ 6, "conf/all/forwarding", "0", 0 },
	{ 0, NULL, NULL, 0 }
};

static const struct sysctl port_keys[] = {
	{ 4, "rp_filter", "0", 0 },
	/* Everything is local here, but only one address is ours. */
	{ 4, "arp_ignore", "1", 0 },
	/* ... and that one asks, not the client whose packet it is for. */
	{ 4, "arp_announce", "2", 0 },
	{ 4, "accept_redirects", "0", 0 },
	{ 4, "send_redirects", "0", 0 },
	{ 6, "accept_dad", "0", 0 },
	{ 6, "disable_ipv6", "0", 0 },
	{ 6, "accept_ra", "0", 0 },
	{ 6, "autoconf", "0", 0 },
	{ 6, "accept_redirects", "0", 0 },
	{ 6, "router_solicitations", "0", 0 },
	{ 0, NULL, NULL, 0 }
};

/* Without a link-local address it finds no router; a bridge gets one from the
 * plan. */
static const struct sysctl link_local[][2] = {
	[DEVICE_L2] = { { 6, "addr_gen_mode", "1", 1 } },
	[DEVICE_L3] = { { 6, "addr_gen_mode", "0", 1 } }
};

static int
sysctl_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	err = errno;
	close(fd);
	errno = err;
	return n > 0 ? 0 : -1;
}

/* port NULL: the namespace's. */
static int
sysctls(struct zone_ns *z, enum zone_side side, const struct sysctl *s,
    const char *port, struct text *why)
{
	int v6 = z->plan.ipv6 && (port == NULL || link_ipv6(port));
	char path[128];

	for (; s->key != NULL; s++) {
		if (s->family == 6 && !v6)
			continue;
		snprintf(path, sizeof(path), "/proc/sys/net/ipv%d/%s%s%s%s",
		    s->family, port != NULL ? "conf/" : "", port != NULL ?
		    port : "", port != NULL ? "/" : "", s->key);
		if (sysctl_set(path, s->value) != 0 && !s->optional)
			return failed(z, side, why, path);
	}
	return 0;
}

/* On one line. */
static void
say(struct text *why, struct text *said)
{
	size_t i;

	for (i = 0; i < said->len; i++)
		if ((unsigned char)said->s[i] < ' ')
			said->s[i] = ' ';
	while (said->len > 0 && said->s[said->len - 1] == ' ')
		said->s[--said->len] = '\0';
	text_add(why, said->s, said->len);
}

/* Run ip or nft; the remedy goes with what it said. */
static int
side_run(struct zone_ns *z, enum zone_side side, const char *const argv[],
    const struct text *input, struct text *why)
{
	struct text said = { 0 };
	int rv = 0;

	if (input->len > 0 &&
	    (rv = run_program(argv, input, &said, &said)) != 0) {
		text_printf(why, "device %s: %s %s: %s: ", z->plan.name,
		    side_key[side], z->plan.side[side].port, argv[0]);
		say(why, &said);
		text_puts(why, "; ");
		if (rv == ERR_NOTFOUND)
			text_printf(why, "apt-get install %s",
			    strcmp(argv[0], "nft") == 0 ? "nftables" :
			    "iproute2");
		else if (strcmp(argv[0], "nft") == 0)
			text_puts(why, "the kernel may lack TPROXY: modprobe "
			    "nft_tproxy");
		else
			text_puts(why, "clearspan doctor may know why");
	}
	text_free(&said);
	return rv;
}

static int
side_ip(struct zone_ns *z, enum zone_side side, int family,
    const struct text *input, struct text *why)
{
	const char *const argv[] = { "ip", family == AF_INET6 ? "-6" : "-4",
	    "-batch", "-", NULL };

	return side_run(z, side, argv, input, why);
}

/*
 * A piece of hardware finishes frames before the device gets them. GRO changes
 * nothing for the device: what comes from it ends here, in the kernel's TCP.
 */
static void
side_offloads(struct zone_ns *z, enum zone_side side, int fd)
{
	const char *port = z->plan.side[side].port;
	unsigned on = z->side[side].offloads;

	if (!z->plan.offload)
		on = (link_is_hardware(fd, port) ? on : 0) | LINK_GRO;
	link_offloads_set(fd, port, ~0u, on);
}

/* The port is here: its own settings. */
static int
side_dress(struct zone_ns *z, enum zone_side side, int fd, struct text *why)
{
	const char *port = z->plan.side[side].port;

	if (sysctls(z, side, port_keys, port, why) != 0 ||
	    sysctls(z, side, link_local[z->plan.kind], port, why) != 0)
		return ERR_SYS;
	side_offloads(z, side, fd);
	if (link_set_mac(fd, port, z->plan.side[side].mac) != 0)
		return failed(z, side, why, "cannot set its MAC address");
	if (link_up(fd, port, 1) != 0)
		return failed(z, side, why, "cannot switch it on");
	return 0;
}

/* The port's addresses and next hop, the namespace's rules, or both. */
static int
side_ips(struct zone_ns *z, enum zone_side side, int port, int rules,
    struct text *why)
{
	static const int families[ZONE_FAMILIES] = { AF_INET, AF_INET6 };
	struct text t = { 0 };
	int rv = 0;
	size_t i;

	for (i = 0; i < ZONE_FAMILIES && rv == 0; i++) {
		if (families[i] == AF_INET6 && !z->plan.ipv6)
			continue;
		text_clear(&t);
		if (port && (families[i] != AF_INET6 ||
		    link_ipv6(z->plan.side[side].port)))
			zone_plan_ip(&z->plan, side, families[i], &t);
		if (rules)
			zone_plan_rules(&z->plan, side, &t);
		rv = side_ip(z, side, families[i], &t, why);
	}
	text_free(&t);
	return rv;
}

static int
side_port(struct zone_ns *z, enum zone_side side, int fd, struct text *why)
{
	int rv = side_dress(z, side, fd, why);

	return rv != 0 ? rv : side_ips(z, side, 1, 0, why);
}

static int
side_present(struct zone_ns *z, enum zone_side side, int fd,
    struct text *why)
{
	return link_state(fd, z->plan.side[side].port, NULL) ==
	    LINK_GONE ? ERR_NOTFOUND : 0;
}

/* A new namespace, with its port or without. */
static int
side_setup(struct zone_ns *z, enum zone_side side, int fd, struct text *why)
{
	static const char *const nft[] = { "nft", "-f", "-", NULL };
	int port = side_present(z, side, fd, why) == 0, rv;
	struct text t = { 0 };

	if (link_up(fd, "lo", 1) != 0)
		return failed(z, side, why, "lo");
	rv = sysctls(z, side, zone_keys, NULL, why);
	zone_plan_nft(&z->plan, side, &t);
	if (rv == 0)
		rv = side_run(z, side, nft, &t, why);
	text_free(&t);
	if (rv == 0 && port)
		rv = side_dress(z, side, fd, why);
	return rv != 0 ? rv : side_ips(z, side, port, 1, why);
}

/* From the home namespace, in which we are. */
static int
side_fetch(struct zone_ns *z, enum zone_side side, struct text *why)
{
	const char *port = z->plan.side[side].port;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rv = 0;
	uint8_t mac[6] = { 0 };
	unsigned offloads;

	if (fd < 0)
		return failed(z, side, why, "socket");
	offloads = link_offloads(fd, port);
	if (link_state(fd, port, NULL) == LINK_GONE) {
		text_printf(why, "device %s: %s: there is no interface %s",
		    z->plan.name, side_key[side], port);
		rv = ERR_NOTFOUND;
	} else if (link_kind(fd, port) != ARPHRD_ETHER) {
		text_printf(why, "device %s: %s: %s is not an Ethernet port",
		    z->plan.name, side_key[side], port);
		rv = ERR_USAGE;
	} else if (link_mac(fd, port, mac) != 0 || link_up(fd, port, 0) != 0 ||
	    link_move(port, z->side[side].fd) != 0) {
		rv = failed(z, side, why, "cannot move it into a namespace");
	}
	close(fd);
	if (rv == 0) {
		memcpy(z->side[side].mac, mac, sizeof(mac));
		z->side[side].offloads = offloads;
	}
	return rv;
}

/* Do it in a side's namespace. */
static int
side_inside(struct zone_ns *z, enum zone_side side,
    int (*run)(struct zone_ns *, enum zone_side, int, struct text *),
    struct text *why)
{
	int fd, rv;

	enter(z->side[side].fd);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rv = fd < 0 ? failed(z, side, why, "socket") : run(z, side, fd, why);
	if (fd >= 0)
		close(fd);
	enter(z->home);
	return rv;
}

/*
 * Fetch the ports that are not here yet; fetched tells which. ERR_NOTFOUND: at
 * least one is nowhere.
 */
static int
fetch(struct zone_ns *z, int fetched[ZONE_SIDES], struct text *why)
{
	enum zone_side side;
	int rv = 0, one;

	fetched[ZONE_INSIDE] = fetched[ZONE_OUTSIDE] = 0;
	for (side = ZONE_INSIDE; side < ZONE_SIDES; side++) {
		if (side_inside(z, side, side_present, why) == 0)
			continue;
		if (why->len > 0)
			text_puts(why, "; ");
		one = side_fetch(z, side, why);
		if (one != 0 && one != ERR_NOTFOUND)
			return one;
		if (one != 0)
			rv = one;
		else if (rv != 0)	/* take the "; " back */
			why->s[why->len -= 2] = '\0';
		fetched[side] = one == 0;
	}
	return rv;
}

int
zone_ns_repair(struct zone_ns *z, struct text *why)
{
	int fetched[ZONE_SIDES], rv = fetch(z, fetched, why), one = 0;
	enum zone_side side;

	for (side = ZONE_INSIDE; side < ZONE_SIDES && one == 0; side++)
		if (fetched[side])
			one = side_inside(z, side, side_port, why);
	return one != 0 ? one : rv;
}

int
zone_ns_open(struct zone_ns *z, const struct zone_plan *plan, int home,
    struct text *why)
{
	int fetched[ZONE_SIDES], rv, err;
	enum zone_side side;

	memset(z, 0, sizeof(*z));
	z->used = 1;
	z->home = home;
	z->plan = *plan;
	z->plan.ipv6 = plan->ipv6 && link_ipv6("all");
	z->side[ZONE_INSIDE].fd = z->side[ZONE_OUTSIDE].fd = -1;
	if ((rv = side_make(z, ZONE_INSIDE, why)) == 0 &&
	    (rv = side_make(z, ZONE_OUTSIDE, why)) == 0 &&
	    (rv = fetch(z, fetched, why)) == ERR_NOTFOUND)
		rv = 0;
	for (side = ZONE_INSIDE; side < ZONE_SIDES && rv == 0; side++)
		rv = side_inside(z, side, side_setup, why);
	if (rv != 0) {
		err = errno;
		zone_ns_close(z);
		errno = err;
	}
	return rv;
}

static int
side_down(struct zone_ns *z, enum zone_side side, int fd, struct text *why)
{
	return link_up(fd, z->plan.side[side].port, 0);
}

void
zone_ns_down(struct zone_ns *z)
{
	enum zone_side side;

	for (side = ZONE_INSIDE; side < ZONE_SIDES; side++)
		if (z->side[side].fd >= 0)
			side_inside(z, side, side_down, NULL);
}

/* If it cannot be moved, it goes with the namespace: a veth is destroyed, a
 * hardware port returns to the first namespace by itself. */
static int
side_return(struct zone_ns *z, enum zone_side side, int fd,
    struct text *why)
{
	const char *port = z->plan.side[side].port;

	if (link_up(fd, port, 0) != 0)
		return 0;
	link_offloads_set(fd, port, ~0u, z->side[side].offloads);
	link_set_mac(fd, port, z->side[side].mac);
	return link_move(port, z->home);
}

void
zone_ns_yield(struct zone_ns *z, const char *port)
{
	enum zone_side side;

	for (side = ZONE_INSIDE; side < ZONE_SIDES; side++)
		if (strcmp(z->plan.side[side].port, port) == 0)
			side_inside(z, side, side_return, NULL);
}

void
zone_ns_close(struct zone_ns *z)
{
	enum zone_side side;

	zone_ns_down(z);
	for (side = ZONE_INSIDE; side < ZONE_SIDES; side++) {
		if (z->side[side].fd < 0)
			continue;
		side_inside(z, side, side_return, NULL);
		close(z->side[side].fd);
		z->side[side].fd = -1;
	}
	z->used = 0;
}

/* Transparent: any address is its own, and needs no interface that has it. A
 * port is shared, also with a listener: clients may come from there. */
static int
zone_tcp(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, bad;

	if (fd < 0)
		return -1;
	bad = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (family == AF_INET6)
		bad |= setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on)) |
		    setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on,
		    sizeof(on));
	else
		bad |= setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on,
		    sizeof(on));
	if (bad) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
zone_listening(int family, unsigned port)
{
	struct prefix any = { .family = (uint8_t)family };
	struct addr a = prefix_addr(&any, (uint16_t)port);
	int fd = zone_tcp(family);

	if (fd < 0)
		return -1;
	sock_nodelay(fd);	/* what it accepts inherits that */
	if (bind(fd, &a.sa, addr_len(&a)) != 0 || listen(fd, BACKLOG) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* port 0: sockets that do not listen. */
static int
zone_fill(int family, unsigned port, int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		fds[i] = port != 0 ? zone_listening(family, port) :
		    zone_tcp(family);
		if (fds[i] >= 0)
			continue;
		while (i > 0)
			close(fds[--i]);
		return ERR_SYS;
	}
	return 0;
}

int
zone_ns_sockets(struct zone_ns *z, enum zone_side side, int family,
    unsigned port, int *fds, size_t n)
{
	int rv, err;

	enter(z->side[side].fd);
	rv = zone_fill(family, port, fds, n);
	err = errno;
	enter(z->home);
	errno = err;
	return rv;
}

static int
link_events(void)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&nl, sizeof(nl)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int
zone_ns_links(struct zone_ns *z, int fds[ZONE_SIDES])
{
	int err;

	enter(z->side[ZONE_INSIDE].fd);
	fds[ZONE_INSIDE] = link_events();
	enter(z->side[ZONE_OUTSIDE].fd);
	fds[ZONE_OUTSIDE] = link_events();
	err = errno;
	enter(z->home);
	if (fds[ZONE_INSIDE] >= 0 && fds[ZONE_OUTSIDE] >= 0)
		return 0;
	if (fds[ZONE_INSIDE] >= 0)
		close(fds[ZONE_INSIDE]);
	if (fds[ZONE_OUTSIDE] >= 0)
		close(fds[ZONE_OUTSIDE]);
	errno = err;
	return ERR_SYS;
}
