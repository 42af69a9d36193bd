/*
 * Sockets: the calls to the kernel and what its answers mean. This file knows
 * TPROXY and REDIRECT, and nothing of events, names or sessions.
 */
#include "net/sock.h"

#include <errno.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/err.h"

#define BACKLOG		4096	/* the kernel caps it at somaxconn */
#define KEEP_IDLE_MAX	32767	/* seconds: the kernel's limit */
#define KEEP_EVERY	15	/* seconds between probes without answer */
#define KEEP_PROBES	8	/* unanswered: the peer is gone */
#define ACCEPT_SKIPS	64	/* dead connections skipped in one call */

static int
sock_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/*
 * Urgent bytes stay in the stream (RFC 6093, 5). The sockets that a listener
 * accepts inherit this.
 */
static int
sock_new(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		sock_set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	return fd;
}

/* Close fd and keep errno. */
static int
sock_fail(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return ERR_SYS;
}

/* A dual-stack socket carries IPv4 too, so IPv6 sets both options. */
static int
sock_transparent(int fd, int family)
{
	if (family == AF_INET6 &&
	    sock_set(fd, SOL_IPV6, IPV6_TRANSPARENT, 1) != 0)
		return -1;
	return sock_set(fd, SOL_IP, IP_TRANSPARENT, 1);
}

int
sock_listen(const struct addr *a, int v6only, int transparent, int *no_tproxy)
{
	int family = a->sa.sa_family, fd = sock_new(family);

	if (no_tproxy != NULL)
		*no_tproxy = 0;
	if (fd < 0)
		return ERR_SYS;
	if (sock_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 ||
	    sock_set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
		return sock_fail(fd);
	if (family == AF_INET6 &&
	    sock_set(fd, SOL_IPV6, IPV6_V6ONLY, v6only != 0) != 0)
		return sock_fail(fd);
	if (transparent && sock_transparent(fd, family) != 0 &&
	    no_tproxy != NULL)
		*no_tproxy = 1;
	if (bind(fd, &a->sa, addr_len(a)) != 0 || listen(fd, BACKLOG) != 0)
		return sock_fail(fd);
	return fd;
}

/*
 * accept(2) also returns errors of the new connection. The listener is fine
 * then, and so may be the next connection.
 */
static int
accept_skips(int e)
{
	switch (e) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case EPERM:		/* a firewall rule forbids it */
		return 1;
	}
	return 0;
}

int
sock_accept(int fd, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int i, new;

	for (i = 0; i < ACCEPT_SKIPS; i++) {
		len = sizeof(ss);
		new = accept4(fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (new >= 0) {
			addr_set(peer, (struct sockaddr *)&ss);
			return new;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			return ERR_LIMIT;
		if (errno == EAGAIN)
			return ERR_AGAIN;
		if (!accept_skips(errno))
			return ERR_SYS;
	}
	return ERR_AGAIN;
}

int
sock_own(int fd, struct addr *own)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return ERR_SYS;
	addr_set(own, (struct sockaddr *)&ss);
	return 0;
}

int
sock_original(int fd, struct addr *dst, int *is_redirect)
{
	struct sockaddr_storage ss;
	struct addr nat;
	socklen_t len;
	int rv;

	if (is_redirect != NULL)
		*is_redirect = 0;
	if (sock_own(fd, dst) != 0)
		return ERR_SYS;
	memset(&ss, 0, sizeof(ss));
	/* conntrack sees a mapped client of a dual-stack listener as IPv4. */
	if (dst->sa.sa_family == AF_INET) {
		len = sizeof(struct sockaddr_in);
		rv = getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &ss, &len);
	} else {
		len = sizeof(struct sockaddr_in6);
		rv = getsockopt(fd, SOL_IPV6, IP6T_SO_ORIGINAL_DST, &ss, &len);
	}
	if (rv != 0 || ss.ss_family != dst->sa.sa_family)
		return 0;	/* conntrack does not know it: TPROXY */
	addr_set(&nat, (struct sockaddr *)&ss);
	if (addr_eq(&nat, dst))
		return 0;
	*dst = nat;
	if (is_redirect != NULL)
		*is_redirect = 1;
	return 0;
}

/* Bind to from, a local address or not, so that connect() may share a port. */
static int
sock_bind(int fd, const struct addr *from)
{
	/* Without the privilege, bind() still takes our own addresses. */
	sock_transparent(fd, from->sa.sa_family);
	sock_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (addr_port(from) == 0)
		sock_set(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(fd, &from->sa, addr_len(from));
}

static int
sock_try(const struct addr *to, const struct addr *from)
{
	int fd = sock_new(to->sa.sa_family);

	if (fd < 0)
		return ERR_SYS;
	if (from != NULL && sock_bind(fd, from) != 0)
		return sock_fail(fd);
	if (connect(fd, &to->sa, addr_len(to)) != 0 && errno != EINPROGRESS)
		return sock_fail(fd);
	return fd;
}

int
sock_connect(const struct addr *to, const struct addr *from)
{
	struct addr any_port;
	int fd = sock_try(to, from);

	if (fd >= 0 || from == NULL || addr_port(from) == 0 ||
	    (errno != EADDRINUSE && errno != EADDRNOTAVAIL))
		return fd;
	any_port = *from;
	addr_set_port(&any_port, 0);
	return sock_try(to, &any_port);
}

int
sock_error(int fd)
{
	socklen_t len = sizeof(int);
	int e = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0)
		return errno;
	return e;
}

size_t
sock_unsent(int fd)
{
	int n = 0;

	return fd != -1 && ioctl(fd, SIOCOUTQNSD, &n) == 0 && n > 0 ?
	    (size_t)n : 0;
}

void
sock_nodelay(int fd)
{
	sock_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void
sock_session(int fd, uint64_t keepalive)
{
	uint64_t idle = (keepalive + 999) / 1000;

	sock_nodelay(fd);
	if (idle == 0)
		return;
	sock_set(fd, IPPROTO_TCP, TCP_KEEPIDLE,
	    (int)(idle < KEEP_IDLE_MAX ? idle : KEEP_IDLE_MAX));
	sock_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY);
	sock_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_PROBES);
	sock_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void
sock_lowat(int fd, size_t n)
{
	sock_set(fd, SOL_SOCKET, SO_RCVLOWAT, (int)n);
}

void
sock_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

unsigned long
sock_raise_nofile(unsigned long want)
{
	struct rlimit now, try;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return 0;
	try = now;
	try.rlim_cur = try.rlim_max;
	if (want > try.rlim_max) {
		try.rlim_cur = try.rlim_max = want;
		if (setrlimit(RLIMIT_NOFILE, &try) == 0)
			return want;
		try.rlim_cur = try.rlim_max = now.rlim_max;
	}
	if (setrlimit(RLIMIT_NOFILE, &try) == 0)
		return try.rlim_cur;
	return now.rlim_cur;
}
