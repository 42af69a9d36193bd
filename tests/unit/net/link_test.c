/*
 * net/link: what drivers say, and the offloads of a veth.
 */
#include "test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/link.h"
#include "netns.h"

/* What drivers say of themselves, as `ethtool -i` prints it. */
TEST(ports_of_hardware_are_told_from_virtual_ones)
{
	ck_assert(link_driver_is_hardware("ixgbe", "0000:03:00.0"));
	ck_assert(link_driver_is_hardware("iavf", "0000:06:02.1"));
	ck_assert(link_driver_is_hardware("r8152", "usb-0000:00:14.0-2"));
	ck_assert(link_driver_is_hardware("st_gmac", "fe1c0000.ethernet"));
	ck_assert(!link_driver_is_hardware("veth", ""));
	ck_assert(!link_driver_is_hardware("dummy", ""));
	ck_assert(!link_driver_is_hardware("bridge", "N/A"));
	ck_assert(!link_driver_is_hardware("tun", "tap"));
	ck_assert(!link_driver_is_hardware("virtio_net", "0000:00:03.0"));
	ck_assert(!link_driver_is_hardware("vmxnet3", "0000:0b:00.0"));
}
END

TEST(a_veth_is_no_hardware)
{
	int fd;

	netns(0);
	sh("ip link add m0 type veth peer name m1");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert(!link_is_hardware(fd, "m0"));
	ck_assert(!link_is_hardware(fd, "lo"));
	ck_assert(!link_is_hardware(fd, "nosuch"));
	close(fd);
}
END

TEST(offloads_are_switched_on_and_off_at_once)
{
	unsigned were;
	int fd;

	netns(0);
	sh("ip link add m0 type veth peer name m1");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	were = link_offloads(fd, "m0");
	ck_assert_uint_eq(were & (LINK_TSO | LINK_GRO | LINK_TX),
	    LINK_TSO | LINK_TX);
	ck_assert_uint_eq(link_offloads_set(fd, "m0", ~0u, LINK_GRO), 0);
	ck_assert_uint_eq(link_offloads(fd, "m0"), LINK_GRO);
	ck_assert_uint_eq(link_offloads_set(fd, "m0", LINK_TX, LINK_TX), 0);
	ck_assert_uint_eq(link_offloads(fd, "m0"), LINK_GRO | LINK_TX);
	ck_assert_uint_eq(link_offloads_set(fd, "m0", ~0u, were), 0);
	ck_assert_uint_eq(link_offloads(fd, "m0"), were);
	close(fd);
}
END

SUITE("link", ports_of_hardware_are_told_from_virtual_ones,
    a_veth_is_no_hardware, offloads_are_switched_on_and_off_at_once)
