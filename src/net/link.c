/*
 * Interfaces by ioctl and netlink.
 */
#include "net/link.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

static const struct {
	const char	*name;
	uint32_t	 get, set;
} offloads[LINK_OFFLOADS] = {
	{ "tso", ETHTOOL_GTSO, ETHTOOL_STSO },
	{ "gso", ETHTOOL_GGSO, ETHTOOL_SGSO },
	{ "gro", ETHTOOL_GGRO, ETHTOOL_SGRO },
	{ "tx", ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM },
};

static int
link_ioctl(int fd, const char *name, unsigned long what, struct ifreq *ifr)
{
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	return ioctl(fd, what, ifr) == 0 ? 0 : ERR_SYS;
}

enum link
link_state(int fd, const char *name, unsigned *mtu)
{
	struct ifreq ifr = { .ifr_flags = 0 };

	if (mtu != NULL && link_ioctl(fd, name, SIOCGIFMTU, &ifr) == 0)
		*mtu = (unsigned)ifr.ifr_mtu;
	if (link_ioctl(fd, name, SIOCGIFFLAGS, &ifr) != 0)
		return LINK_GONE;
	if (!(ifr.ifr_flags & IFF_UP))
		return LINK_DOWN;
	return ifr.ifr_flags & IFF_RUNNING ? LINK_UP :
	    LINK_NO_CARRIER;
}

int
link_up(int fd, const char *name, int up)
{
	struct ifreq ifr = { .ifr_flags = 0 };

	if (link_ioctl(fd, name, SIOCGIFFLAGS, &ifr) != 0)
		return ERR_SYS;
	if (up)
		ifr.ifr_flags |= IFF_UP;
	else
		ifr.ifr_flags &= ~IFF_UP;
	return link_ioctl(fd, name, SIOCSIFFLAGS, &ifr);
}

int
link_mac(int fd, const char *name, uint8_t mac[6])
{
	struct ifreq ifr = { .ifr_flags = 0 };

	if (link_ioctl(fd, name, SIOCGIFHWADDR, &ifr) != 0)
		return ERR_SYS;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

int
link_set_mac(int fd, const char *name, const uint8_t mac[6])
{
	struct ifreq ifr = { .ifr_flags = 0 };

	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	return link_ioctl(fd, name, SIOCSIFHWADDR, &ifr);
}

int
link_kind(int fd, const char *name)
{
	struct ifreq ifr = { .ifr_flags = 0 };

	if (link_ioctl(fd, name, SIOCGIFHWADDR, &ifr) != 0)
		return ERR_SYS;
	return ifr.ifr_hwaddr.sa_family;
}

/* value: an ethtool_value, or another struct that begins with its command. */
static int
link_ethtool(int fd, const char *name, void *value)
{
	struct ifreq ifr = { .ifr_data = value };

	return link_ioctl(fd, name, SIOCETHTOOL, &ifr);
}

int
link_driver_is_hardware(const char *driver, const char *bus)
{
	/* A hypervisor may hand superframes on to another guest. */
	static const char *const virtual[] = { "virtio_net", "vmxnet3",
	    "hv_netvsc", "vif", "xen_netfront", "netdevsim" };
	/* Drivers without a bus that fill in the field. */
	static const char *const nowhere[] = { "", "N/A", "tun", "tap" };
	size_t i;

	for (i = 0; i < NELEM(virtual); i++)
		if (strcmp(driver, virtual[i]) == 0)
			return 0;
	for (i = 0; i < NELEM(nowhere); i++)
		if (strcmp(bus, nowhere[i]) == 0)
			return 0;
	return 1;
}

int
link_is_hardware(int fd, const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return link_ethtool(fd, name, &info) == 0 &&
	    link_driver_is_hardware(info.driver, info.bus_info);
}

/* What a driver does not know is as good as off. */
unsigned
link_offloads(int fd, const char *name)
{
	struct ethtool_value v;
	unsigned on = 0, i;

	for (i = 0; i < LINK_OFFLOADS; i++) {
		v = (struct ethtool_value){ .cmd = offloads[i].get };
		if (link_ethtool(fd, name, &v) == 0 && v.data != 0)
			on |= 1u << i;
	}
	return on;
}

static void
link_switch(int fd, const char *name, unsigned i, uint32_t value)
{
	struct ethtool_value v = { offloads[i].set, value };

	link_ethtool(fd, name, &v);
}

/* Checksums go on first and off last, as the others want them. */
unsigned
link_offloads_set(int fd, const char *name, unsigned which, unsigned on)
{
	unsigned change = (link_offloads(fd, name) ^ on) & which, i;

	for (i = LINK_OFFLOADS; i-- > 0; )
		if (change & on & 1u << i)
			link_switch(fd, name, i, 1);
	for (i = 0; i < LINK_OFFLOADS; i++)
		if (change & ~on & 1u << i)
			link_switch(fd, name, i, 0);
	return (link_offloads(fd, name) ^ on) & which;
}

void
link_offloads_str(unsigned which, struct text *out)
{
	const char *space = "";
	unsigned i;

	for (i = 0; i < LINK_OFFLOADS; i++)
		if (which & 1u << i) {
			text_printf(out, "%s%s", space, offloads[i].name);
			space = " ";
		}
}

/* Wait for the acknowledgement of a request (netlink(7)). */
static int
netlink_ack(int fd)
{
	struct {
		struct nlmsghdr	h;
		struct nlmsgerr	e;
		char		more[1024];
	} m;
	ssize_t n;

	while ((n = recv(fd, &m, sizeof(m), 0)) < 0 && errno == EINTR)
		;
	if (n < 0)
		return ERR_SYS;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(m.e)) ||
	    m.h.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return ERR_SYS;
	}
	errno = -m.e.error;
	return m.e.error == 0 ? 0 : ERR_SYS;
}

int
link_move(const char *name, int ns)
{
	struct {
		struct nlmsghdr	 h;
		struct ifinfomsg i;
		struct rtattr	 a;
		int		 ns;
	} m = {
		.h = { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_SETLINK,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.i = { .ifi_family = AF_UNSPEC },
		.a = { RTA_LENGTH(sizeof(int)), IFLA_NET_NS_FD },
		.ns = ns
	};
	int fd, rv = ERR_SYS, err;

	m.i.ifi_index = (int)if_nametoindex(name);
	if (m.i.ifi_index == 0)
		return ERR_SYS;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return ERR_SYS;
	if (send(fd, &m, sizeof(m), 0) == sizeof(m))
		rv = netlink_ack(fd);
	err = errno;
	close(fd);
	errno = err;
	return rv;
}

int
link_ipv6(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s", name);
	return access(path, F_OK) == 0;
}
