/*
 * The devices of these tests, made in the test's own namespace behind the ports
 * "in" and "out": a bridge, or a router that knows its two networks.
 */
#ifndef TESTS_CHAIN_WIRING_H
#define TESTS_CHAIN_WIRING_H

#include "conf/conf.h"

#define PORTS								\
	"for i in in out; do ip link add $i type veth peer name d$i;"	\
	" ip link set d$i up; done;"
#define BRIDGE								\
	PORTS								\
	"ip link add sw type bridge; ip link set sw up;"		\
	"ip link set din master sw; ip link set dout master sw"
#define ROUTER								\
	PORTS								\
	"sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1;" \
	"sysctl -qw net.ipv4.conf.all.rp_filter=0;"			\
	"ip addr add 198.19.0.2/24 dev din;"				\
	"ip addr add 198.19.1.1/24 dev dout;"				\
	"ip -6 addr add fd00:1::2/64 dev din nodad;"			\
	"ip -6 addr add fd00:2::1/64 dev dout nodad"

static char	 name[] = "ips1", inside[] = "in", outside[] = "out";

static inline struct conf_device
bridge(void)
{
	return (struct conf_device){ .name = name, .kind = DEVICE_L2,
	    .inside = inside, .outside = outside };
}

static inline struct conf_device
router(void)
{
	struct conf_device d = bridge();

	d.kind = DEVICE_L3;
	d.inside_address[0] = (struct prefix){ { 198, 19, 0, 2 }, AF_INET,
	    24 };
	d.outside_address[0] = (struct prefix){ { 198, 19, 1, 1 }, AF_INET,
	    24 };
	d.inside_address[1] = (struct prefix){ { 0xfd, 0, 0, 1, [15] = 2 },
	    AF_INET6, 64 };
	d.outside_address[1] = (struct prefix){ { 0xfd, 0, 0, 2, [15] = 1 },
	    AF_INET6, 64 };
	return d;
}

#endif
