/*
 * Probes through a bridge in a namespace of the test's own.
 */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../net/netns.h"
#include "chain/device.h"
#include "chain/health.h"
#include "chain/zone.h"
#include "wiring.h"

/* What comes out of the device from port 80 is dropped: it blocks. */
#define BLOCK								\
	"nft 'table bridge t { chain f { type filter hook forward "	\
	"priority 0; tcp sport 80 drop; }; }'"
#define UNBLOCK	"nft delete table bridge t"

static struct conf_device device = { .name = name, .kind = DEVICE_L2,
	    .inside = inside, .outside = outside,
	    .health = { .every = 100, .down = 3, .up = 2, .hold = 300 } };
static struct conf conf = { .devices = &device, .ndevices = 1 };
static struct zones *zones;
static struct zone *zone;
static struct health *health;
static struct health_watch *watch;

static const struct device_zone_ops zone_ops = { .close = zone_close };

static void
up(void)
{
	struct text why = { 0 };

	ck_assert_msg(zones_start(&zones, NULL, &why) == 0, "%s", why.s);
	device_attach(&conf, NULL);
	ck_assert_msg(zone_open(zones, &device, 1, &zone, &why) == 0, "%s",
	    why.s);
	device_set_zone(device.running, zone, &zone_ops);
	ck_assert_msg(health_start(&health, &why) == 0, "%s", why.s);
	watch = health_watch(health, zone, &device);
	text_free(&why);
}

static void
down(void)
{
	health_forget(watch);
	health_stop(health);
	health_free(watch);
	conf.release(&conf);
	zones_stop(zones);
}

/* Until it is so, or ten seconds have passed. */
static int
becomes(enum device_health want)
{
	static const struct timespec little = { 0, 10 * 1000000 };
	int i;

	for (i = 0; i < 1000 && device_health(device.running) != want; i++)
		nanosleep(&little, NULL);
	return device_health(device.running) == want;
}

static struct device_stats
stats(void)
{
	struct device_stats s;

	device_stats(&device, &s);
	return s;
}

TEST(a_device_is_up_when_probes_come_through_and_down_when_not)
{
	netns(0);
	sh(BRIDGE);
	up();
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	ck_assert_uint_gt(stats().p50_us, 0);
	ck_assert_uint_ge(stats().probes, 2);
	sh("ip link set dout nomaster");	/* silence: the link is up */
	ck_assert_int_eq(becomes(DEVICE_DOWN), 1);
	ck_assert_str_eq(stats().why, "its probes are not answered");
	sh("ip link set dout master sw");
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	down();
}
END

TEST(a_device_without_a_link_is_down_at_once)
{
	device.health.every = 60000;	/* so no probe tells of it */
	device.health.hold = 0;
	device.health.up = 1;
	netns(0);
	sh(BRIDGE);
	up();
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	sh("ip link set din down");
	ck_assert_int_eq(becomes(DEVICE_DOWN), 1);
	ck_assert_str_eq(stats().why, "its inside port has no link");
	sh("ip link set din up");
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	down();
}
END

TEST(a_port_that_goes_and_comes_is_fetched)
{
	netns(0);
	sh(BRIDGE);
	up();
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	sh("ip link del dout");
	ck_assert_int_eq(becomes(DEVICE_DOWN), 1);
	ck_assert_str_eq(stats().why, "its outside port is missing");
	sh("ip link add out type veth peer name dout; ip link set dout up;"
	    "ip link set dout master sw");
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	down();
}
END

TEST(sessions_that_fail_make_a_device_suspect_until_a_probe_says)
{
	int i;

	netns(0);
	sh(BRIDGE);
	device.health.every = 1000;
	up();
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	health_failed(watch);
	health_failed(watch);
	health_connected(watch);
	health_failed(watch);
	health_failed(watch);
	sh("sleep 0.1");
	ck_assert_int_eq(device_health(device.running), DEVICE_UP);
	sh("ip link set dout nomaster");
	for (i = 0; i < 5; i++)
		health_failed(watch);
	ck_assert_int_eq(becomes(DEVICE_SUSPECT), 1);
	ck_assert_int_eq(becomes(DEVICE_DOWN), 1);
	sh("ip link set dout master sw");
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	for (i = 0; i < 5; i++)
		health_failed(watch);
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	down();
}
END

TEST(a_device_that_blocks_nothing_is_open_and_down)
{
	static char file[] = "/tmp/must-blockXXXXXX";
	int fd = mkstemp(file);

	close(fd);
	put_file(file, "what must not come through");
	device.health.must_block = file;
	netns(0);
	sh(BRIDGE);
	if (system(BLOCK) != 0) {
		fprintf(stderr, "no nft in bridges here: passed over\n");
		return;
	}
	up();
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	ck_assert_int_eq(stats().open, 0);
	sh(UNBLOCK);
	ck_assert_int_eq(becomes(DEVICE_DOWN), 1);
	ck_assert_int_eq(stats().open, 1);
	ck_assert_str_eq(stats().why, "what it must block came through");
	sh(BLOCK);
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	ck_assert_int_eq(stats().open, 0);
	/* A reload that no longer asks for it. */
	sh(UNBLOCK);
	device.health.must_block = NULL;
	health_change(watch, &device);
	sh("sleep 1");
	ck_assert_int_eq(device_health(device.running), DEVICE_UP);
	unlink(file);
	down();
}
END

TEST(a_device_that_is_open_from_the_start_is_never_up)
{
	static char file[] = "/tmp/must-blockXXXXXX";
	int fd = mkstemp(file), i;

	close(fd);
	put_file(file, "what must not come through");
	device.health.must_block = file;
	netns(0);
	sh(BRIDGE);
	up();
	for (i = 0; i < 200 && !stats().open; i++) {
		sh("sleep 0.02");
		ck_assert_int_eq(device_health(device.running), DEVICE_DOWN);
	}
	ck_assert_int_eq(stats().open, 1);
	unlink(file);
	down();
}
END

static void
router_is_up(void)
{
	device.kind = DEVICE_L3;
	device.health.every = 500;
	netns(0);
	sh(ROUTER);
	up();
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	down();
}

TEST(probes_go_through_a_router_between_our_own_addresses)
{
	device.inside_address[0] = router().inside_address[0];
	device.outside_address[0] = router().outside_address[0];
	router_is_up();
}
END

TEST(probes_go_through_a_router_without_ipv4)
{
	device.inside_address[1] = router().inside_address[1];
	device.outside_address[1] = router().outside_address[1];
	router_is_up();
}
END

TEST(without_a_helper_all_devices_are_down)
{
	netns(0);
	sh(BRIDGE);
	up();
	ck_assert_int_eq(becomes(DEVICE_UP), 1);
	kill(zones_pid(zones), SIGKILL);
	ck_assert_int_eq(becomes(DEVICE_DOWN), 1);
	ck_assert_str_eq(stats().why, "the zone helper has ended");
	down();
}
END

SUITE("health", a_device_is_up_when_probes_come_through_and_down_when_not,
    a_device_without_a_link_is_down_at_once,
    a_port_that_goes_and_comes_is_fetched,
    sessions_that_fail_make_a_device_suspect_until_a_probe_says,
    a_device_that_blocks_nothing_is_open_and_down,
    a_device_that_is_open_from_the_start_is_never_up,
    probes_go_through_a_router_between_our_own_addresses,
    probes_go_through_a_router_without_ipv4,
    without_a_helper_all_devices_are_down)
