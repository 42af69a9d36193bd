/*
 * What a sink costs: CPU microseconds of this process for each MB of payload,
 * in pieces of 16 KB as TLS gives them, and how many frames that made. A veth
 * pair in a network namespace of its own; its other end has no listener, so
 * what veth does in the sender's name is in the figure. Needs root.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <linux/capability.h>

#include "proxy/sink.h"
#include "sink/sinks.h"
#include "util/log.h"

#define PIECE	16384

static double
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
measure(const char *what, const struct sink_ops *ops, struct conf_mirror *c,
    size_t total, size_t piece)
{
	static uint8_t bytes[1 << 20];
	struct event_base *base = event_base_new();
	struct facts f = { 0 };
	struct verdict v = { 0 };
	struct record r = { .facts = &f, .verdict = &v };
	struct tap_counts m;
	struct text why = { 0 };
	void *sink, *seat, *s;
	size_t done;
	double us;

	memset(bytes, 'x', sizeof(bytes));
	addr_parse(&f.client, "192.0.2.1:40000");
	addr_parse(&f.server, "198.51.100.1:443");
	if (ops->open(c, &sink, &why) != 0) {
		printf("%s\n", why.s);
		exit(1);
	}
	seat = ops->attach(sink, base);
	usleep(300000);
	event_base_loop(base, EVLOOP_NONBLOCK);
	us = cpu_us();
	s = ops->begin(seat, NULL, &r);
	for (done = 0; done < total; done += piece) {
		ops->tap->data(s, DIR_DOWN, bytes, piece);
		if ((done / piece) % 8 == 0)
			event_base_loop(base, EVLOOP_NONBLOCK);
	}
	ops->tap->close(s, &m);
	ops->detach(seat);
	ops->close(sink);
	us = cpu_us() - us;
	printf("%-44s %7.0f us/MB %9llu frames, lost %llu bytes\n", what,
	    us / ((double)total / 1e6), (unsigned long long)m.packets,
	    (unsigned long long)m.lost);
	fflush(stdout);
	event_base_free(base);
}

static void
namespace(unsigned mtu)
{
	char cmd[300];

	if (unshare(CLONE_NEWNET) != 0) {
		printf("needs root\n");
		exit(77);
	}
	snprintf(cmd, sizeof(cmd), "ip link add m0 mtu %u type veth peer name "
	    "m1 mtu %u && sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && "
	    "ip link set m0 up && ip link set m1 up", mtu, mtu);
	if (system(cmd) != 0)
		exit(1);
}

static void
port(const char *what, unsigned mtu, enum conf_offload offload, int admin,
    size_t piece)
{
	struct conf_mirror c = { .name = (char *)"bench",
	    .interface = (char *)"m0", .vlan = -1, .offload = offload };
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		namespace(mtu);
		if (!admin) {
			log_level = -1;
			prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN);
			execl("/proc/self/exe", "mirror", "plain", what,
			    (char *)NULL);
		}
		measure(what, &sink_mirror, &c, 512 << 20, piece);
		exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Reads all there is, once the server is there. */
static void
reader(const struct addr *a)
{
	static char buf[1 << 20];
	int fd;

	fflush(stdout);
	if (fork() != 0)
		return;
	for (;;) {
		fd = socket(a->sa.sa_family, SOCK_STREAM, 0);
		if (connect(fd, &a->sa, addr_len(a)) == 0)
			break;
		close(fd);
		usleep(10000);
	}
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct conf_mirror c = { .name = (char *)"bench", .vlan = -1, .queue = 64 << 20,
	    .path = (char *)"/dev/null" };

	log_level = LOG_LVL_ERROR;
	if (argc > 2) {		/* without CAP_NET_ADMIN */
		measure(argv[2], &sink_mirror, &c, 256 << 20, PIECE);
		return 0;
	}
	port("port, MTU 1500, good checksums", 1500, OFFLOAD_AUTO, 1, PIECE);
	port("port, MTU 1500, pieces of 64 KB", 1500, OFFLOAD_AUTO, 1, 65536);
	port("port, MTU 9000, good checksums", 9000, OFFLOAD_AUTO, 1, PIECE);
	port("port, offload on (superframes)", 1500, OFFLOAD_ON, 1, PIECE);
	port("port, MTU 1500, segmented by us", 1500, OFFLOAD_AUTO, 0, PIECE);
	measure("pcap to /dev/null", &sink_pcap, &c, 1024 << 20, PIECE);
	c.pcapng = 1;
	measure("pcapng to /dev/null", &sink_pcap, &c, 1024 << 20, PIECE);
	addr_parse(&c.listen, "127.0.0.1:57099");
	measure("PCAP-over-IP, no reader", &sink_pcapip, &c, 1024 << 20, PIECE);
	reader(&c.listen);
	measure("PCAP-over-IP, one reader", &sink_pcapip, &c, 512 << 20, PIECE);
	return 0;
}
