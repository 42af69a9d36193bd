/*
 * The zones themselves, in a namespace of the test's own, which is the device
 * at the same time: a bridge, or a router.
 */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "../net/netns.h"
#include "chain/zone.h"
#include "net/link.h"
#include "net/sock.h"
#include "chain/zone_plan.h"
#include "util/err.h"
#include "wiring.h"

/* A bridge that would route if it had to, and a router that knows more. */
#define ROUTING_BRIDGE	BRIDGE "; sysctl -qw net.ipv4.ip_forward=1"
#define WIDE_ROUTER	ROUTER ";"					\
	"ip route add 10.1.0.0/16 via 198.19.0.1;"			\
	"ip route add default via 198.19.1.2;"				\
	"ip -6 route add 2001:db8:1::/48 via fd00:1::1;"		\
	"ip -6 route add default via fd00:2::2"

static struct zones *zones;
static struct zone *zone;
static const struct timespec little = { 0, 1000000 };
static enum zone_side side;		/* where connections go in */

static void
up(const struct conf_device *d)
{
	struct text why = { 0 };

	ck_assert_msg(zones_start(&zones, NULL, &why) == 0, "%s", why.s);
	ck_assert_msg(zone_open(zones, d, 2, &zone, &why) == 0, "%s", why.s);
	ck_assert_msg(why.len == 0, "%s", why.s);
	text_free(&why);
}

/* A bridge, and its zones. */
static void
bridged(void)
{
	struct conf_device d = bridge();

	netns(0);
	sh(ROUTING_BRIDGE);
	up(&d);
}

static void
down(void)
{
	zone_close(zone);
	zones_stop(zones);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

static int
wait_for(int fd, short what)
{
	struct pollfd p = { fd, what, 0 };

	return poll(&p, 1, 5000) == 1;
}

static int
begin(const char *from, const char *to)
{
	struct addr a, b;
	int fd;

	ck_assert_int_eq(addr_parse(&a, from), 0);
	ck_assert_int_eq(addr_parse(&b, to), 0);
	while ((fd = zone_socket(zone, side, a.sa.sa_family)) == ERR_AGAIN)
		nanosleep(&little, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, &a.sa, addr_len(&a)), 0);
	if (connect(fd, &b.sa, addr_len(&b)) != 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
arrived(int family)
{
	struct pollfd p[2];
	unsigned i;

	for (i = 0; i < 2; i++)
		p[i] = (struct pollfd){ zone_listener(zone, !side, i, family),
		    POLLIN, 0 };
	ck_assert_int_ge(p[0].fd, 0);
	ck_assert_int_gt(poll(p, 2, 5000), 0);
	return accept(p[p[1].revents != 0].fd, NULL, NULL);
}

static void
name_is(int fd, int (*get)(int, struct sockaddr *, socklen_t *),
    const char *want)
{
	char buf[ADDR_STRLEN];
	struct addr a = { 0 };
	socklen_t len = sizeof(a);

	ck_assert_int_eq(get(fd, &a.sa, &len), 0);
	ck_assert_str_eq(addr_str(&a, buf), want);
}

/* A connection in by one port and out by the other, and a byte each way. */
static void
goes_through(const char *from, const char *to)
{
	int p = begin(from, to), q, family = from[0] == '[' ? AF_INET6 :
	    AF_INET;
	char c = 0;

	ck_assert_int_ge(p, 0);
	q = arrived(family);
	ck_assert_int_ge(q, 0);
	name_is(q, getpeername, from);
	name_is(q, getsockname, to);
	ck_assert_int_eq(wait_for(p, POLLOUT), 1);
	name_is(p, getsockname, from);
	ck_assert_int_eq(send(p, "a", 1, 0), 1);
	ck_assert_int_eq(wait_for(q, POLLIN), 1);
	ck_assert_int_eq(recv(q, &c, 1, 0), 1);
	ck_assert_int_eq(c, 'a');
	ck_assert_int_eq(send(q, "b", 1, 0), 1);
	ck_assert_int_eq(wait_for(p, POLLIN), 1);
	ck_assert_int_eq(recv(p, &c, 1, 0), 1);
	ck_assert_int_eq(c, 'b');
	close(p);
	ck_assert_int_eq(wait_for(q, POLLIN), 1);
	ck_assert_int_eq(recv(q, &c, 1, 0), 0);
	close(q);
}

static int
link_here(const char *port)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), state;

	state = (int)link_state(fd, port, NULL);

	close(fd);
	return state;
}

TEST(a_connection_crosses_a_bridge_with_its_addresses)
{
	bridged();
	ck_assert_int_eq(link_here("in"), LINK_GONE);
	ck_assert_uint_eq(zone_mtu(zone), 1500);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	goes_through("[2001:db8:1::5]:17236", "[2001:db8:2::5]:443");
	side = ZONE_OUTSIDE;
	goes_through("93.184.216.34:17235", "10.1.0.2:443");
	goes_through("[2001:db8:2::5]:40001", "[2001:db8:1::5]:443");
	side = ZONE_INSIDE;
	/* Server's and client's swapped, and the ports of our listeners. */
	goes_through("10.1.0.2:17236", "93.184.216.34:443");
	goes_through("93.184.216.34:443", "10.1.0.2:17236");
	goes_through("169.254.9.9:1", "169.254.9.10:22");
	down();
}
END

TEST(a_connection_crosses_a_router_with_its_addresses)
{
	struct conf_device d = router();

	netns(0);
	sh(WIDE_ROUTER);
	up(&d);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	goes_through("[2001:db8:1::5]:40001", "[2001:db8:2::5]:443");
	side = ZONE_OUTSIDE;
	goes_through("93.184.216.34:40001", "10.1.0.2:443");
	goes_through("[2001:db8:2::5]:40001", "[2001:db8:1::5]:443");
	down();
}
END

TEST(a_router_without_ipv6_says_so)
{
	struct conf_device d = router();

	d.inside_address[1].family = d.outside_address[1].family = AF_UNSPEC;
	netns(0);
	sh(WIDE_ROUTER);
	up(&d);
	ck_assert_int_eq(zone_socket(zone, ZONE_INSIDE, AF_INET6), ERR_UNSUPPORTED);
	ck_assert_int_eq(zone_listener(zone, ZONE_OUTSIDE, 0, AF_INET6), -1);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	down();
}
END

/* Whoever closed first: begin() fails for some milliseconds. */
TEST(a_client_may_use_its_port_again_at_once)
{
	int i, p, q, n;
	char c;

	bridged();
	for (i = 0; i < 40; i++) {
		for (n = 0; (p = begin("10.1.0.2:40001",
		    "93.184.216.34:443")) < 0 && n < 40; n++)
			nanosleep(&little, NULL);
		ck_assert_int_ge(p, 0);
		q = arrived(AF_INET);
		ck_assert_int_ge(q, 0);
		close(i % 2 ? p : q);
		wait_for(i % 2 ? q : p, POLLIN);
		recv(i % 2 ? q : p, &c, 1, 0);
		close(i % 2 ? q : p);
	}
	down();
}
END

static int
refused(const char *from, const char *to)
{
	int fd = begin(from, to), err = 0;
	socklen_t len = sizeof(err);

	ck_assert_int_ge(fd, 0);
	wait_for(fd, POLLIN | POLLOUT);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	close(fd);
	return err;
}

/* The inside zone's port plays a device that sends by itself. */
TEST(what_has_no_socket_of_ours_is_reset)
{
	int p, q;
	char c;

	bridged();
	p = begin("10.1.0.2:40001", "93.184.216.34:443");
	q = arrived(AF_INET);
	/* The inside end goes, and its reset is lost on the way. */
	sh("ip link set dout down");
	sock_reset(p);
	sh("sleep 0.1; ip link set dout up");
	ck_assert_int_eq(send(q, "x", 1, 0), 1);
	ck_assert_int_eq(wait_for(q, POLLIN), 1);
	ck_assert_int_eq(recv(q, &c, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	/* Nobody listens outside any more. */
	close(zone_listener(zone, ZONE_OUTSIDE, 0, AF_INET));
	close(zone_listener(zone, ZONE_OUTSIDE, 1, AF_INET));
	ck_assert_int_eq(refused("10.1.0.2:40002", "93.184.216.34:443"),
	    ECONNREFUSED);
	zones_stop(zones);
}
END

TEST(a_pool_never_waits_and_never_stays_empty)
{
	int got = 0, i, fd, fds[2000];

	bridged();
	for (i = 0; i < 20000 && got < 2000; i++) {
		fd = zone_socket(zone, ZONE_INSIDE, AF_INET);
		if (fd >= 0) {
			fds[got++] = fd;
			continue;
		}
		ck_assert_int_eq(fd, ERR_AGAIN);
		nanosleep(&little, NULL);
	}
	ck_assert_int_eq(got, 2000);
	ck_assert_int_lt(i, 3000);
	while (got > 0)
		close(fds[--got]);
	down();
}
END

TEST(a_lack_of_descriptors_passes)
{
	struct rlimit r, less;
	int i, fd = 0, fds[200];

	bridged();
	getrlimit(RLIMIT_NOFILE, &r);
	less = r;
	less.rlim_cur = (rlim_t)dup(0) + 10;
	setrlimit(RLIMIT_NOFILE, &less);
	for (i = 0; i < 200; i++)
		if ((fds[i] = zone_socket(zone, ZONE_INSIDE, AF_INET)) < 0)
			nanosleep(&little, NULL);
	ck_assert_int_lt(fds[199], 0);
	ck_assert_int_eq(zone_helpless(zone), 0);
	for (i = 0; i < 200; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	setrlimit(RLIMIT_NOFILE, &r);
	for (i = 0; i < 1000 && fd <= 0; i++) {
		nanosleep(&little, NULL);
		fd = zone_socket(zone, ZONE_INSIDE, AF_INET);
	}
	ck_assert_int_ge(fd, 0);
	close(fd);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	down();
}
END

static void
mac_of(const char *port, uint8_t mac[6])
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(link_mac(fd, port, mac), 0);
	close(fd);
}

static unsigned
offloads_of(const char *port)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned on = link_offloads(fd, port);

	close(fd);
	return on;
}

TEST(ports_come_back_down_and_as_they_were)
{
	struct conf_device d = bridge();
	uint8_t before[6], after[6];
	unsigned on;

	netns(0);
	sh(ROUTING_BRIDGE);
	mac_of("in", before);
	on = offloads_of("in");
	up(&d);
	down();
	ck_assert_int_eq(link_here("in"), LINK_DOWN);
	ck_assert_int_eq(link_here("out"), LINK_DOWN);
	mac_of("in", after);
	ck_assert_mem_eq(before, after, 6);
	ck_assert_uint_eq(offloads_of("in"), on);
}
END

/* Until it is so, or a few seconds have passed. */
static int
comes(int (*ask)(const char *), const char *arg, int want)
{
	int i;

	for (i = 0; i < 10000 && ask(arg) != want; i++)
		nanosleep(&little, NULL);
	return ask(arg) == want;
}

static void
killed(const struct conf_device *d, int how)
{
	int ready[2], status = -1, helpers = 0;
	pid_t pid, ended;
	char c;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	ck_assert_int_eq(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		close(ready[0]);
		up(d);
		goes_through("10.1.0.2:40001", "93.184.216.34:443");
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(link_here("in"), LINK_GONE);
	kill(pid, how);
	ck_assert_int_eq(comes(link_here, "in", LINK_DOWN), 1);
	ck_assert_int_eq(comes(link_here, "out", LINK_DOWN), 1);
	/* The daemon, and then the helper, orderly. */
	while ((ended = waitpid(-1, &status, 0)) > 0)
		if (ended != pid) {
			helpers++;
			ck_assert_int_eq(status, 0);
		}
	ck_assert_int_eq(helpers, 1);
}

TEST(a_killed_daemon_leaves_the_ports_down_and_nothing_else)
{
	struct conf_device d = bridge();

	netns(0);
	sh(ROUTING_BRIDGE);
	killed(&d, SIGKILL);
	up(&d);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	down();
}
END

/* The kernel takes the namespaces away, and virtual ports with them. */
TEST(nothing_is_left_when_daemon_and_helper_are_killed_together)
{
	struct conf_device d = bridge();
	int ready[2];
	pid_t pid, helper = 0;

	netns(0);
	sh(ROUTING_BRIDGE);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	ck_assert_int_eq(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		up(&d);
		helper = zones_pid(zones);
		if (write(ready[1], &helper, sizeof(helper)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &helper, sizeof(helper)),
	    sizeof(helper));
	kill(helper, SIGKILL);
	kill(pid, SIGKILL);
	ck_assert_int_eq(comes(link_here, "din", LINK_GONE), 1);
	ck_assert_int_eq(comes(link_here, "dout", LINK_GONE), 1);
	while (waitpid(-1, NULL, 0) > 0)
		;
}
END

TEST(a_killed_helper_is_noticed)
{
	struct text why = { 0 };
	siginfo_t si;

	bridged();
	ck_assert_int_eq(zone_helpless(zone), 0);
	kill(zones_pid(zones), SIGKILL);
	waitid(P_PID, (id_t)zones_pid(zones), &si, WEXITED | WNOWAIT);
	ck_assert_int_eq(zone_helpless(zone), 1);
	ck_assert_int_eq(zone_socket(zone, ZONE_INSIDE, AF_INET), ERR_EOF);
	ck_assert_int_eq(zone_repair(zone, &why), ERR_EOF);
	text_free(&why);
	down();
}
END

TEST(the_signals_that_stop_a_daemon_do_not_stop_the_helper)
{
	bridged();
	kill(zones_pid(zones), SIGTERM);
	kill(zones_pid(zones), SIGINT);
	kill(zones_pid(zones), SIGHUP);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	ck_assert_int_eq(zone_helpless(zone), 0);
	down();
}
END

TEST(a_port_that_is_missing_is_fetched_when_it_comes)
{
	struct conf_device d = bridge();
	struct text why = { 0 };

	netns(0);
	sh(ROUTING_BRIDGE);
	sh("ip link del in");
	ck_assert_int_eq(zones_start(&zones, NULL, &why), 0);
	ck_assert_msg(zone_open(zones, &d, 2, &zone, &why) == 0, "%s", why.s);
	ck_assert_str_eq(why.s, "device ips1: inside: there is no interface "
	    "in");
	ck_assert_int_eq(zone_link(zone, ZONE_INSIDE), LINK_GONE);
	text_clear(&why);
	ck_assert_int_eq(zone_repair(zone, &why), ERR_NOTFOUND);
	sh("ip link add in type veth peer name din; ip link set din up;"
	    "ip link set din master sw");
	text_clear(&why);
	ck_assert_int_eq(zone_repair(zone, &why), 0);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	/* The same with the cable of the other side, after it was in use. */
	sh("ip link del dout");
	ck_assert_int_eq(zone_link(zone, ZONE_OUTSIDE), LINK_GONE);
	sh("ip link add out type veth peer name dout; ip link set dout up;"
	    "ip link set dout master sw");
	text_clear(&why);
	ck_assert_msg(zone_repair(zone, &why) == 0, "%s", why.s);
	goes_through("[2001:db8:1::5]:40001", "[2001:db8:2::5]:443");
	text_free(&why);
	down();
}
END

TEST(a_changed_device_takes_the_ports_over_and_the_old_one_may_have_them_back)
{
	struct conf_device d = bridge();
	struct text why = { 0 };
	struct zone *old;
	uint8_t before[6], after[6];

	netns(0);
	sh(ROUTING_BRIDGE);
	mac_of("in", before);
	up(&d);
	old = zone;
	d.inside = outside;
	d.outside = inside;
	ck_assert_int_eq(zone_open(zones, &d, 2, &zone, &why), 0);
	ck_assert_uint_eq(why.len, 0);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	ck_assert_int_eq(zone_link(old, ZONE_INSIDE), LINK_GONE);
	ck_assert_int_eq(zone_repair(old, &why), ERR_NOTFOUND);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	zone_close(zone);
	zone = old;
	text_clear(&why);
	ck_assert_msg(zone_repair(old, &why) == 0, "%s", why.s);
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	text_free(&why);
	down();
	mac_of("in", after);
	ck_assert_mem_eq(before, after, 6);
}
END

TEST(what_is_no_ethernet_port_is_refused_with_its_name)
{
	struct conf_device d = bridge();
	struct text why = { 0 };
	static char tun[] = "tun9";

	netns(0);
	sh(ROUTING_BRIDGE);
	if (system("ip tuntap add tun9 mode tun 2>/dev/null") != 0)
		return;
	d.outside = tun;
	ck_assert_int_eq(zones_start(&zones, NULL, &why), 0);
	ck_assert_int_eq(zone_open(zones, &d, 2, &zone, &why), ERR_USAGE);
	ck_assert_str_eq(why.s, "device ips1: outside: tun9 is not an "
	    "Ethernet port");
	/* The other one is back. */
	ck_assert_int_eq(link_here("in"), LINK_DOWN);
	text_free(&why);
	zones_stop(zones);
}
END

TEST(links_are_seen)
{
	int fd;

	bridged();
	fd = zone_link_events(zone, ZONE_OUTSIDE);
	ck_assert_int_eq(zone_link(zone, ZONE_OUTSIDE), LINK_UP);
	sh("ip link set dout down");
	ck_assert_int_eq(wait_for(fd, POLLIN), 1);
	ck_assert_int_eq(zone_link(zone, ZONE_OUTSIDE), LINK_NO_CARRIER);
	sh("ip link set dout up");
	goes_through("10.1.0.2:40001", "93.184.216.34:443");
	goes_through("[2001:db8:1::5]:40001", "[2001:db8:2::5]:443");
	down();
}
END

SUITE("zone", a_connection_crosses_a_bridge_with_its_addresses,
    a_connection_crosses_a_router_with_its_addresses,
    a_router_without_ipv6_says_so,
    a_client_may_use_its_port_again_at_once,
    what_has_no_socket_of_ours_is_reset,
    a_pool_never_waits_and_never_stays_empty,
    a_lack_of_descriptors_passes,
    ports_come_back_down_and_as_they_were,
    a_killed_daemon_leaves_the_ports_down_and_nothing_else,
    nothing_is_left_when_daemon_and_helper_are_killed_together,
    a_killed_helper_is_noticed,
    the_signals_that_stop_a_daemon_do_not_stop_the_helper,
    a_port_that_is_missing_is_fetched_when_it_comes,
    a_changed_device_takes_the_ports_over_and_the_old_one_may_have_them_back,
    what_is_no_ethernet_port_is_refused_with_its_name,
    links_are_seen)
