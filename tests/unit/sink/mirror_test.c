/*
 * sink/mirror: on a veth pair in a network namespace of its own, captured by
 * libpcap at the other end, while the port goes down, away and changes.
 */
#include "test.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <net/if.h>
#include <stdint.h>

#include "../net/netns.h"
#include "session.h"
#include "sink/port.h"
#include "util/log.h"

static struct conf_mirror conf;
static struct bench b;
static pcap_t	*pc;
static struct recorder rec;
static FILE	*said;

void	__sanitizer_set_report_fd(void *) __attribute__((weak));

static void
listen_on_m1(void)
{
	char why[PCAP_ERRBUF_SIZE];

	pc = pcap_create("m1", why);
	ck_assert_ptr_nonnull(pc);
	pcap_set_snaplen(pc, 262144);
	pcap_set_buffer_size(pc, 64 << 20);
	pcap_set_timeout(pc, 10);
	pcap_set_promisc(pc, 1);
	ck_assert_msg(pcap_activate(pc) >= 0, "%s", pcap_geterr(pc));
	pcap_setnonblock(pc, 1, why);
}

/* The kernel's own (IPv6 housekeeping) is not what is looked at. */
static void
port_make(unsigned mtu)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "ip link add m0 mtu %u type veth peer name "
	    "m1 mtu %u && ip link set m0 up && ip link set m1 up", mtu, mtu);
	sh("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
	sh(cmd);
}

static int
running(void)
{
	struct ifreq ifr = { .ifr_name = "m0" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ok;

	ok = ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 &&
	    (ifr.ifr_flags & IFF_RUNNING) != 0;
	close(fd);
	return ok;
}

/*
 * What the log says goes to a file, for the bench to know what the port knows;
 * what a sanitizer says does not.
 */
static void
listen_to_the_log(void)
{
	int was = dup(STDERR_FILENO);

	if (__sanitizer_set_report_fd != NULL)
		__sanitizer_set_report_fd((void *)(intptr_t)was);
	said = tmpfile();
	ck_assert_ptr_nonnull(said);
	dup2(fileno(said), STDERR_FILENO);
	log_level = LOG_LVL_INFO;
}

/* Whether that is the last that was said of the port. */
static int
last_said(const char *what)
{
	char line[500], last[500] = "";

	rewind(said);
	while (fgets(line, sizeof(line), said) != NULL)
		if (strstr(line, "mirror recorder: m0") != NULL)
			strcpy(last, line);
	return strstr(last, what) != NULL;
}

/* A busy kernel takes its time to find the carrier, and to say so. */
static void
port_is(const char *what)
{
	int i;

	for (i = 0; i < 4000 && !last_said(what); i++)
		bench_run(&b, 10);
	ck_assert_msg(last_said(what), "the port is not: %s", what);
}

static void
port_is_up(void)
{
	int i;

	for (i = 0; i < 4000 && !running(); i++)
		bench_run(&b, 10);
	port_is(": m0 is up, MTU");
}

/* As the kernel lists it: a socket for sending (protocol 0) on m0. */
static int
sender_is_bound(void)
{
	FILE *f = fopen("/proc/self/net/packet", "r");
	unsigned proto, index;
	char line[200];
	int there = 0;

	while (fgets(line, sizeof(line), f) != NULL)
		there |= sscanf(line, "%*s %*s %*s %x %u", &proto,
		    &index) == 2 && proto == 0 &&
		    index == if_nametoindex("m0");
	fclose(f);
	return there;
}

static void
begin(unsigned mtu)
{
	netns(0);
	listen_to_the_log();
	if (mtu != 0) {
		port_make(mtu);
		listen_on_m1();
	}
	if (conf.name == NULL)
		conf = mirror_conf();
	conf.interface = (char *)"m0";
	bench_open(&b, &sink_mirror, &conf);
	if (mtu != 0)
		port_is_up();
}

/* What comes, until nothing has for so many looks. */
static void
capture(int looks)
{
	struct pcap_pkthdr *h;
	const u_char *p;
	int idle;

	for (idle = 0; idle < looks; idle++) {
		while (pcap_next_ex(pc, &h, &p) == 1) {
			ck_assert_uint_eq(h->caplen, h->len);
			if (p[12] == 0x86 && p[13] == 0xdd && !rec.v6 &&
			    rec.frames > 0)
				continue;
			recorder_feed(&rec, p, h->caplen);
			idle = 0;
		}
		bench_run(&b, 10);
	}
}

static void
talk(size_t len)
{
	struct tap_counts m;
	uint8_t *data = noise(len);
	struct sink_stats st;
	size_t at;
	void *s;

	s = session_talk(&b, data, len < 16384 ? len : 16384);
	for (at = 16384; at < len; at += 16384) {
		b.ops->tap->data(s, DIR_DOWN, data + at,
		    len - at < 16384 ? len - at : 16384);
		capture(1);
	}
	session_end(&b, s, &m);
	capture(10);
	streams_are(&rec, data, len);
	sink_mirror.stats(b.sink, &st);
	ck_assert_uint_eq(m.lost, 0);
	if (conf.offload != OFFLOAD_ON)
		ck_assert_uint_eq(m.packets, rec.frames);
	ck_assert_uint_eq(m.bytes, len + 3);
	ck_assert_uint_eq(st.packets, m.packets);
	ck_assert_uint_eq(rec.dst_mac[0], 0xff);
	ck_assert_uint_eq(rec.side[0].mac[5], 1);
	ck_assert_uint_eq(rec.side[1].mac[5], 2);
	ck_assert(rec.side[0].syn && rec.side[0].fin && rec.side[1].fin);
	free(data);
}

static void
end(void)
{
	bench_close(&b);
	pcap_close(pc);
	recorder_free(&rec);
}

TEST(superframes_arrive_as_good_frames_of_the_mtu)
{
	begin(1500);
	talk(1000001);
	ck_assert_uint_eq(rec.frame_max, 1514);
	ck_assert_uint_gt(rec.side[1].unacked_max, 2);
	ck_assert_uint_le(rec.side[1].unacked_max, 65495 / 1460);
	ck_assert_uint_eq(rec.side[1].unacked, 0);
	end();
}
END

TEST(acks_within_two_segments_where_asked)
{
	conf = mirror_conf();
	conf.acks = 2;
	begin(1500);
	talk(1000001);
	ck_assert_uint_eq(rec.frame_max, 1514);
	ck_assert_uint_le(rec.side[1].unacked_max, 2);
	end();
}
END

TEST(bulk_arrives_too)
{
	begin(1500);
	talk(2500001);
	ck_assert_uint_eq(rec.frame_max, 1514);
	end();
}
END

TEST(jumbo_port)
{
	begin(9000);
	talk(200000);
	ck_assert_uint_eq(rec.frame_max, 9014);
	end();
}
END

TEST(configured_mtu_is_less_than_the_ports)
{
	conf = mirror_conf();
	conf.mtu = 1000;
	begin(1500);
	talk(100000);
	ck_assert_uint_eq(rec.frame_max, 1014);
	end();
}
END

TEST(ipv6_and_vlan)
{
	conf = mirror_conf();
	conf.vlan = 42;
	begin(1500);
	addr_parse(&b.facts.client, "[2001:db8::1]:40000");
	addr_parse(&b.facts.server, "[2001:db8::2]:443");
	talk(300000);
	ck_assert_uint_eq(rec.frame_max, 1518);
	ck_assert_int_eq(rec.vlan, 42);
	end();
}
END

TEST(offload_on_gives_superframes)
{
	conf = mirror_conf();
	conf.offload = OFFLOAD_ON;
	rec.partial_ok = 1;
	begin(1500);
	talk(1500000);
	ck_assert_uint_gt(rec.frame_max, 10000);
	end();
}
END

/* Without the port's consent: lo takes no other MTU, offloads are fixed. */
TEST(port_that_keeps_its_offloads_gets_whole_frames)
{
	char why[PCAP_ERRBUF_SIZE];

	conf = mirror_conf();
	log_level = -1;
	netns(0);
	sh("ip link set lo mtu 1500");
	conf.interface = (char *)"lo";
	pc = pcap_open_live("lo", 262144, 1, 10, why);
	ck_assert_ptr_nonnull(pc);
	pcap_setdirection(pc, PCAP_D_IN);
	pcap_setnonblock(pc, 1, why);
	bench_open(&b, &sink_mirror, &conf);
	talk(50000);
	ck_assert_uint_eq(rec.frame_max, 1514);
	end();
}
END

static uint64_t
lost(const char *reason)
{
	struct sink_stats st;

	sink_mirror.stats(b.sink, &st);
	if (reason != NULL)
		ck_assert_str_eq(st.lost_reason, reason);
	return st.lost_bytes;
}

/* After a loss: the rest arrives behind a gap of what was lost. */
static void
resumes(void *s, size_t gap)
{
	struct tap_counts m;
	uint8_t *data = noise(50000);

	rec.loss_ok = 1;
	b.ops->tap->data(s, DIR_DOWN, data, 50000);
	session_end(&b, s, &m);
	capture(10);
	ck_assert_str_eq(rec.wrong, "");
	ck_assert_uint_eq(rec.side[1].gap, gap);
	ck_assert_mem_eq(rec.side[1].data + rec.side[1].len - 50000, data,
	    50000);
	ck_assert_uint_eq(m.lost, gap);
	free(data);
}

TEST(port_down_and_up_again)
{
	static uint8_t data[50000];
	void *s;

	begin(1500);
	s = session_talk(&b, data, 1000);
	capture(10);
	sh("ip link set m0 down");
	b.ops->tap->data(s, DIR_DOWN, data, 10000);	/* before it is told */
	port_is("port down");
	b.ops->tap->data(s, DIR_DOWN, data, 40000);
	ck_assert_uint_eq(lost("port down"), 50000);
	sh("ip link set m0 up");
	port_is_up();
	resumes(s, 50000);
	end();
}
END

TEST(other_end_down_is_no_carrier)
{
	static uint8_t data[50000];
	void *s;

	begin(1500);
	s = session_talk(&b, data, 1000);
	capture(10);
	sh("ip link set m1 down");
	port_is("no carrier");
	b.ops->tap->data(s, DIR_DOWN, data, 50000);
	ck_assert_uint_eq(lost("port has no carrier"), 50000);
	sh("ip link set m1 up");
	port_is_up();
	pcap_close(pc);
	listen_on_m1();
	resumes(s, 50000);
	end();
}
END

TEST(port_removed_and_made_anew)
{
	static uint8_t data[50000];
	void *s;

	begin(1500);
	s = session_talk(&b, data, 1000);
	capture(10);
	sh("ip link del m0");
	b.ops->tap->data(s, DIR_DOWN, data, 10000);
	port_is("port missing");
	b.ops->tap->data(s, DIR_DOWN, data, 40000);
	ck_assert_uint_eq(lost("port missing"), 50000);
	port_make(1500);
	pcap_close(pc);
	listen_on_m1();
	port_is_up();
	resumes(s, 50000);
	ck_assert_uint_eq(rec.frame_max, 1514);
	end();
}
END

TEST(port_that_is_not_there_yet_is_waited_for)
{
	static uint8_t data[50000];
	void *s;

	begin(0);
	s = session_talk(&b, data, 1000);
	ck_assert_uint_eq(lost("port missing"), 1003);
	port_make(1500);
	listen_on_m1();
	port_is_up();
	b.ops->tap->data(s, DIR_DOWN, data, 50000);
	capture(10);
	ck_assert_str_eq(rec.wrong, "");
	ck_assert_uint_eq(rec.side[0].len, 50000);
	ck_assert_uint_eq(lost(NULL), 1003);
	b.ops->tap->close(s, &(struct tap_counts){ 0 });
	end();
}
END

TEST(mtu_change_is_followed)
{
	static uint8_t data[50000];
	struct tap_counts m;
	void *s;

	begin(1500);
	s = session_talk(&b, data, 20000);
	capture(10);
	ck_assert_uint_eq(rec.frame_max, 1514);
	sh("ip link set m0 mtu 800");
	port_is("MTU 800");
	rec.frame_max = 0;
	b.ops->tap->data(s, DIR_DOWN, data, 50000);
	capture(10);
	ck_assert_uint_eq(rec.frame_max, 814);
	sh("ip link set m0 mtu 1400");
	port_is("MTU 1400");
	rec.frame_max = 0;
	b.ops->tap->data(s, DIR_DOWN, data, 50000);
	session_end(&b, s, &m);
	capture(10);
	ck_assert_uint_eq(rec.frame_max, 1414);
	ck_assert_str_eq(rec.wrong, "");
	ck_assert_uint_eq(rec.side[1].len, 120000);
	ck_assert_uint_eq(rec.side[1].gap, 0);
	ck_assert_uint_eq(m.lost, 0);
	end();
}
END

TEST(port_made_anew_with_the_same_index)
{
	static uint8_t data[50000];
	void *s;
	int i;

	begin(1500);
	s = session_talk(&b, data, 1000);
	capture(10);
	/* Both before the bench looks, as when the process was stopped. */
	sh("i=$(ip -o link show m0 | cut -d: -f1) && ip link del m0 && "
	    "ip link add m0 index $i type veth peer name m1 && "
	    "ip link set m0 up && ip link set m1 up");
	pcap_close(pc);
	listen_on_m1();
	for (i = 0; i < 4000 && !sender_is_bound(); i++)
		bench_run(&b, 10);
	port_is_up();
	resumes(s, 0);
	end();
}
END

SUITE("mirror", superframes_arrive_as_good_frames_of_the_mtu, bulk_arrives_too,
    jumbo_port, configured_mtu_is_less_than_the_ports, ipv6_and_vlan,
    acks_within_two_segments_where_asked,
    offload_on_gives_superframes,
    port_that_keeps_its_offloads_gets_whole_frames, port_down_and_up_again,
    other_end_down_is_no_carrier, port_removed_and_made_anew,
    port_made_anew_with_the_same_index,
    port_that_is_not_there_yet_is_waited_for, mtu_change_is_followed)
