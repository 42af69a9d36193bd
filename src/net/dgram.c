/*
 * Sockets of UDP. Answers leave through a raw socket: one that is bound to the
 * server's address and port would have to be opened for each server, would
 * meet the resolver of this host if that has the port, and would take in what
 * others send to that server.
 */
#include "net/dgram.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/inetsum.h"
#include "util/cursor.h"
#include "util/err.h"
#include "util/mem.h"

#define RECEIVE		(4 << 20)	/* bytes of the kernel's for a burst */
#define CONTROL		128		/* for an address of either family */
#define UDP_CHECK	6		/* where its checksum is (RFC 768) */

struct dgrams {
	struct mmsghdr		 msg[DGRAM_TURN];
	struct iovec		 iov[DGRAM_TURN];
	struct sockaddr_in6	 from[DGRAM_TURN];
	_Alignas(struct cmsghdr) uint8_t control[DGRAM_TURN][CONTROL];
	uint8_t			*data;
};

static int
dgram_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* Close fd and keep errno. */
static int
dgram_fail(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return ERR_SYS;
}

static int
dgram_new(int family)
{
	return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Addresses that are not ours; where it is dual-stack, of IPv4 as well. */
static int
dgram_transparent(int fd, int family)
{
	if (family == AF_INET6 &&
	    dgram_set(fd, SOL_IPV6, IPV6_TRANSPARENT, 1) != 0)
		return -1;
	return dgram_set(fd, SOL_IP, IP_TRANSPARENT, 1);
}

/* Routers on the way may divide what is too long for them, as they may what
 * servers of DNS send. */
static void
dgram_divisible(int fd, int family)
{
	if (family == AF_INET6)
		dgram_set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
	else
		dgram_set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
}

int
dgram_listen(const struct addr *a, int v6only)
{
	int family = a->sa.sa_family, fd = dgram_new(family);

	if (fd < 0)
		return ERR_SYS;
	if (dgram_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 ||
	    dgram_set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0 ||
	    dgram_transparent(fd, family) != 0 ||
	    dgram_set(fd, SOL_IP, IP_RECVORIGDSTADDR, 1) != 0)
		return dgram_fail(fd);
	if (family == AF_INET6 &&
	    (dgram_set(fd, SOL_IPV6, IPV6_V6ONLY, v6only != 0) != 0 ||
	    dgram_set(fd, SOL_IPV6, IPV6_RECVORIGDSTADDR, 1) != 0))
		return dgram_fail(fd);
	dgram_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE);
	if (bind(fd, &a->sa, addr_len(a)) != 0)
		return dgram_fail(fd);
	return fd;
}

struct dgrams *
dgrams_new(void)
{
	struct dgrams *d = xcalloc(1, sizeof(*d));
	size_t i;

	/* Only pages that are written to exist. */
	d->data = xcalloc(DGRAM_TURN, DGRAM_MAX);
	for (i = 0; i < DGRAM_TURN; i++) {
		d->iov[i].iov_base = d->data + i * DGRAM_MAX;
		d->iov[i].iov_len = DGRAM_MAX;
	}
	return d;
}

void
dgrams_free(struct dgrams *d)
{
	if (d == NULL)
		return;
	free(d->data);
	free(d);
}

static void
dgram_original(struct msghdr *h, struct addr *to)
{
	struct cmsghdr *c;

	memset(to, 0, sizeof(*to));
	for (c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c))
		if ((c->cmsg_level == SOL_IP &&
		    c->cmsg_type == IP_ORIGDSTADDR) ||
		    (c->cmsg_level == SOL_IPV6 &&
		    c->cmsg_type == IPV6_ORIGDSTADDR))
			addr_set(to, (struct sockaddr *)(void *)CMSG_DATA(c));
}

size_t
dgrams_read(struct dgrams *d, int fd, struct dgram *out)
{
	int i, n;

	for (i = 0; i < DGRAM_TURN; i++)
		d->msg[i].msg_hdr = (struct msghdr){
			.msg_name = &d->from[i],
			.msg_namelen = sizeof(d->from[i]),
			.msg_iov = &d->iov[i],
			.msg_iovlen = 1,
			.msg_control = d->control[i],
			.msg_controllen = CONTROL
		};
	n = recvmmsg(fd, d->msg, DGRAM_TURN, 0, NULL);
	for (i = 0; i < n; i++) {
		addr_set(&out[i].from, (struct sockaddr *)&d->from[i]);
		dgram_original(&d->msg[i].msg_hdr, &out[i].to);
		out[i].data = d->iov[i].iov_base;
		out[i].len = d->msg[i].msg_len;
	}
	return n > 0 ? (size_t)n : 0;
}

/* Several may have the client's port, each to another server. */
static int
dgram_bind(int fd, const struct addr *from)
{
	struct addr any_port = *from;

	if (dgram_transparent(fd, from->sa.sa_family) != 0 ||
	    dgram_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0)
		return -1;
	if (bind(fd, &from->sa, addr_len(from)) == 0)
		return 0;
	addr_set_port(&any_port, 0);
	return bind(fd, &any_port.sa, addr_len(&any_port));
}

int
dgram_connect(const struct addr *to, const struct addr *from)
{
	int family = to->sa.sa_family, fd = dgram_new(family);

	if (fd < 0)
		return ERR_SYS;
	if ((from != NULL && dgram_bind(fd, from) != 0) ||
	    connect(fd, &to->sa, addr_len(to)) != 0)
		return dgram_fail(fd);
	return fd;
}

/* To loopback: it is not even asked about what comes from elsewhere. */
static int
dgram_aside(int fd, int family)
{
	struct addr a;

	addr_parse(&a, family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0");
	return bind(fd, &a.sa, addr_len(&a));
}

int
dgram_answerer(int family)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog nothing = { 1, &none };
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    IPPROTO_UDP);

	if (fd < 0)
		return ERR_SYS;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &nothing,
	    sizeof(nothing)) != 0)
		return dgram_fail(fd);
	if (family == AF_INET6 ?
	    dgram_set(fd, SOL_IPV6, IPV6_TRANSPARENT, 1) != 0 ||
	    dgram_set(fd, SOL_IPV6, IPV6_CHECKSUM, UDP_CHECK) != 0 :
	    dgram_set(fd, SOL_IP, IP_TRANSPARENT, 1) != 0)
		return dgram_fail(fd);
	if (dgram_aside(fd, family) != 0)
		return dgram_fail(fd);
	dgram_divisible(fd, family);
	return fd;
}

/* Of IPv4; the kernel makes that of IPv6. */
static void
dgram_checksum(uint8_t *udp, const struct addr *from, const struct addr *to,
    const uint8_t *data, size_t len)
{
	uint8_t pseudo[4] = { 0, IPPROTO_UDP, udp[4], udp[5] };
	uint64_t sum = inet_sum(0, pseudo, sizeof(pseudo));
	uint16_t folded;

	sum = inet_sum(sum, &from->in.sin_addr, 4);
	sum = inet_sum(sum, &to->in.sin_addr, 4);
	sum = inet_sum(sum, udp, sizeof(struct udphdr));
	folded = (uint16_t)~inet_fold(inet_sum(sum, data, len));
	inet_put(udp + UDP_CHECK, folded != 0 ? folded : 0xffff);
}

static void
dgram_source(struct msghdr *h, const struct addr *from)
{
	struct cmsghdr *c = h->msg_control;
	struct in_pktinfo four = { .ipi_spec_dst = from->in.sin_addr };
	struct in6_pktinfo six = { .ipi6_addr = from->in6.sin6_addr };
	int v6 = from->sa.sa_family == AF_INET6;
	size_t n = v6 ? sizeof(six) : sizeof(four);

	c->cmsg_level = v6 ? SOL_IPV6 : SOL_IP;
	c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), v6 ? (void *)&six : &four, n);
	h->msg_controllen = CMSG_SPACE(n);
}

int
dgram_answer(int fd, const struct addr *from, const struct addr *to,
    const uint8_t *data, size_t len)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL] = { 0 };
	uint8_t udp[sizeof(struct udphdr)] = { 0 };
	struct addr dst = *to;		/* raw sockets have no port */
	struct iovec iov[2] = { { udp, sizeof(udp) },
	    { (void *)(uintptr_t)data, len } };
	struct msghdr h = { .msg_name = &dst, .msg_namelen = addr_len(&dst),
	    .msg_iov = iov, .msg_iovlen = 2, .msg_control = control };

	addr_set_port(&dst, 0);
	put_u16(udp, addr_port(from));
	put_u16(udp + 2, addr_port(to));
	put_u16(udp + 4, (uint16_t)(sizeof(udp) + len));
	if (from->sa.sa_family == AF_INET)
		dgram_checksum(udp, from, to, data, len);
	dgram_source(&h, from);
	return sendmsg(fd, &h, 0) < 0 ? ERR_SYS : 0;
}

#define ICMP_HEADER	8	/* type, code, checksum, unused */
#define ICMP_CHECK	2	/* where its checksum is */
#define HOPS		64	/* those that the datagram may have had */

/* The head of the IPv4 datagram that is refused. */
static size_t
refused_four(uint8_t *p, const struct addr *from, const struct addr *to)
{
	struct iphdr ip = { .version = 4, .ihl = sizeof(ip) / 4, .ttl = HOPS,
	    .tot_len = htons(sizeof(ip) + sizeof(struct udphdr)),
	    .protocol = IPPROTO_UDP, .saddr = from->in.sin_addr.s_addr,
	    .daddr = to->in.sin_addr.s_addr };

	ip.check = (uint16_t)~inet_fold(inet_sum(0, &ip, sizeof(ip)));
	memcpy(p, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t
refused_six(uint8_t *p, const struct addr *from, const struct addr *to)
{
	struct ip6_hdr ip = { .ip6_src = from->in6.sin6_addr,
	    .ip6_dst = to->in6.sin6_addr };

	ip.ip6_vfc = 6 << 4;
	ip.ip6_plen = htons(sizeof(struct udphdr));
	ip.ip6_nxt = IPPROTO_UDP;
	ip.ip6_hlim = HOPS;
	memcpy(p, &ip, sizeof(ip));
	return sizeof(ip);
}

int
dgram_refuse(const struct addr *client, const struct addr *server)
{
	uint8_t icmp[ICMP_HEADER + sizeof(struct ip6_hdr) +
	    sizeof(struct udphdr)] = { 0 }, *p = icmp + ICMP_HEADER;
	int rv, v6 = client->sa.sa_family == AF_INET6;
	int fd = socket(client->sa.sa_family, SOCK_RAW | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	struct addr to = *client;	/* raw sockets have no port */

	if (fd < 0)
		return ERR_SYS;
	icmp[0] = v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
	icmp[1] = v6 ? ICMP6_DST_UNREACH_NOPORT : ICMP_PORT_UNREACH;
	p += v6 ? refused_six(p, client, server) :
	    refused_four(p, client, server);
	put_u16(p, addr_port(client));
	put_u16(p + 2, addr_port(server));
	put_u16(p + 4, sizeof(struct udphdr));
	p += sizeof(struct udphdr);
	if (!v6)		/* the kernel makes that of ICMPv6 */
		inet_put(icmp + ICMP_CHECK, (uint16_t)~inet_fold(inet_sum(0,
		    icmp, (size_t)(p - icmp))));
	addr_set_port(&to, 0);
	rv = sendto(fd, icmp, (size_t)(p - icmp), 0, &to.sa, addr_len(&to)) < 0
	    ? ERR_SYS : 0;
	close(fd);
	return rv;
}
