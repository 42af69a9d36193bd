/*
 * hop: what the kernel takes for one inline device, without Clearspan: the
 * least that a hop can cost. One process connects P in one network namespace to
 * Q in another, over a cable (a veth pair of MTU 1500), writes into P and reads
 * from Q. The ports are set up as those of a device are (src/chain/zone_ns.c).
 *
 * usage: hop [-o] [-m MiB] [-n connections]
 *
 * -o leaves the offloads of the ports on. Prints CPU s per GB in chunks of 256
 * KiB, and CPU us for a connection that carries a request and a reply. Needs
 * root; the namespaces end with it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK	(256 * 1024)
#define PORT	443

static int	ns[2];		/* P's and Q's */
static int	listener;
static char	buf[CHUNK];

static void
sh(const char *command)
{
	if (system(command) != 0)
		errx(1, "failed: %s", command);
}

static void
enter(int side)
{
	if (setns(ns[side], CLONE_NEWNET) != 0)
		err(1, "setns");
}

static void
make_namespace(int side)
{
	if (unshare(CLONE_NEWNET) != 0 ||
	    (ns[side] = open("/proc/self/ns/net", O_RDONLY)) < 0)
		err(1, "a network namespace");
	sh("ip link set lo up");
}

static void
make_port(int side, int offload)
{
	char text[512];

	enter(side);
	snprintf(text, sizeof(text), "ip addr add 10.0.0.%d/24 dev p%d; "
	    "%s ethtool -K p%d gro on tso off gso off tx off >/dev/null; "
	    "sysctl -qw net.ipv4.tcp_tw_reuse=1 "
	    "net.ipv4.tcp_wmem='4096 262144 262144'; ip link set p%d up",
	    side + 1, side, offload ? "true" : "", side, side);
	sh(text);
}

static void
make_cable(int offload)
{
	char text[128];

	make_namespace(0);
	make_namespace(1);
	snprintf(text, sizeof(text), "ip link add p1 type veth peer name p0 "
	    "netns /proc/%d/fd/%d", (int)getpid(), ns[0]);
	sh(text);
	make_port(0, offload);
	make_port(1, offload);
}

static double
cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
make_listener(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons(PORT) };

	enter(1);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a,
	    sizeof(a)) != 0 || listen(listener, 16) != 0)
		err(1, "listen");
	enter(0);
}

static void
make_pair(int *p, int *q)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons(PORT) };
	int on = 1;

	a.sin_addr.s_addr = inet_addr("10.0.0.2");
	*p = socket(AF_INET, SOCK_STREAM, 0);
	if (*p < 0 || connect(*p, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    (*q = accept(listener, NULL, NULL)) < 0)
		err(1, "connect");
	setsockopt(*p, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Read what there is. */
static size_t
drain(int q)
{
	size_t got = 0;
	ssize_t n;

	while ((n = recv(q, buf, CHUNK, MSG_DONTWAIT)) > 0)
		got += (size_t)n;
	return got;
}

static void
bulk(size_t total)
{
	size_t sent = 0, got = 0;
	double start = cpu();
	ssize_t n;
	int p, q;

	make_pair(&p, &q);
	while (got < total) {
		n = sent < total ? send(p, buf, CHUNK, MSG_DONTWAIT) : 0;
		if (n < 0 && errno != EAGAIN)
			err(1, "send");
		sent += n > 0 ? (size_t)n : 0;
		got += drain(q);
	}
	printf("%.3f s a GB\n", (cpu() - start) / ((double)total / 1e9));
	close(p);
	close(q);
}

static void
exchange(void)
{
	int p, q;

	make_pair(&p, &q);
	if (send(p, buf, 100, 0) != 100 || recv(q, buf, CHUNK, 0) != 100 ||
	    send(q, buf, 100, 0) != 100 || recv(p, buf, CHUNK, 0) != 100 ||
	    shutdown(p, SHUT_WR) != 0 || recv(q, buf, 1, 0) != 0 ||
	    shutdown(q, SHUT_WR) != 0 || recv(p, buf, 1, 0) != 0)
		err(1, "exchange");
	close(p);
	close(q);
}

static void
connections(int n)
{
	double start = cpu();
	int i;

	for (i = 0; i < n; i++)
		exchange();
	printf("%.1f us a connection\n", (cpu() - start) / n * 1e6);
}

int
main(int argc, char *argv[])
{
	int c, offload = 0, mib = 1024, n = 10000;

	while ((c = getopt(argc, argv, "om:n:")) != -1) {
		switch (c) {
		case 'o': offload = 1; break;
		case 'm': mib = atoi(optarg); break;
		case 'n': n = atoi(optarg); break;
		default: errx(1, "usage: hop [-o] [-m MiB] [-n connections]");
		}
	}
	make_cable(offload);
	make_listener();
	bulk((size_t)mib << 20);
	connections(n);
	return 0;
}
