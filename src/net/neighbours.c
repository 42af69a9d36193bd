/*
 * The table of neighbours, by rtnetlink(7). It is read whole at first and
 * whenever events were lost; what is not in the new reading goes.
 */
#include "net/neighbours.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

#define BUCKETS		4096
#define QUEUE		(4 << 20)	/* bytes of events that wait */
#define READ_MS		1000		/* for the table, at first */
#define WATCHERS	4
#define KNOWN		(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | \
			    NUD_PERMANENT)

struct neighbour {
	LIST_ENTRY(neighbour) link;
	struct addr	 ip;		/* no port */
	int		 interface;
	uint8_t		 mac[MAC_LEN];
	unsigned	 reading;	/* which has seen it last */
	uint64_t	 told;		/* which message, of all */
};
LIST_HEAD(bucket, neighbour);

struct neighbours {
	pthread_mutex_t	 mutex;
	int		 fd;
	struct event	*ev;
	struct bucket	 buckets[BUCKETS];
	unsigned	 reading;	/* its number */
	int		 busy;		/* it is under way */
	int		 again;		/* events were lost meanwhile */
	uint64_t	 told;
	struct watcher {
		neighbours_changed changed;
		void	*arg;
	} watchers[WATCHERS];
	unsigned	 nwatchers;
	_Alignas(8) char buf[32768];
};

static struct bucket *
bucket_of(struct neighbours *n, const struct addr *ip)
{
	size_t len;
	const uint8_t *p = addr_ip(ip, &len);

	return &n->buckets[hash_fold(hash_bytes(HASH_START, p, len)) %
	    BUCKETS];
}

/* Whether the address is that of the neighbour, on an interface of its own
 * where there are several. */
static int
neighbour_is(const struct neighbour *e, const struct addr *ip)
{
	size_t n, m;
	const uint8_t *a = addr_ip(&e->ip, &n), *b = addr_ip(ip, &m);

	if (n != m || memcmp(a, b, n) != 0)
		return 0;
	return ip->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_LINKLOCAL(&ip->in6.sin6_addr) ||
	    ip->in6.sin6_scope_id == (uint32_t)e->interface;
}

/* Of one address on several interfaces, what was told last. */
static struct neighbour *
neighbour_find(struct neighbours *n, const struct addr *ip)
{
	struct neighbour *e, *last = NULL;

	LIST_FOREACH(e, bucket_of(n, ip), link)
		if (neighbour_is(e, ip) &&
		    (last == NULL || e->told > last->told))
			last = e;
	return last;
}

static struct neighbour *
neighbour_on(struct neighbours *n, const struct addr *ip, int interface)
{
	struct neighbour *e;

	LIST_FOREACH(e, bucket_of(n, ip), link)
		if (e->interface == interface && neighbour_is(e, ip))
			return e;
	return NULL;
}

static void
tell(struct neighbours *n, const struct addr *ip, const uint8_t *mac)
{
	unsigned i;

	for (i = 0; i < n->nwatchers; i++)
		n->watchers[i].changed(n->watchers[i].arg, ip, mac);
}

static void
neighbour_drop(struct neighbours *n, struct neighbour *e)
{
	const struct neighbour *other;

	LIST_REMOVE(e, link);
	other = neighbour_find(n, &e->ip);
	tell(n, &e->ip, other != NULL ? other->mac : NULL);
	free(e);
}

static void
neighbour_set(struct neighbours *n, const struct addr *ip, int interface,
    const uint8_t *mac)
{
	struct neighbour *e = neighbour_on(n, ip, interface);
	int same = e != NULL && memcmp(e->mac, mac, MAC_LEN) == 0;

	if (e == NULL) {
		e = xcalloc(1, sizeof(*e));
		e->ip = *ip;
		e->interface = interface;
		LIST_INSERT_HEAD(bucket_of(n, ip), e, link);
	}
	memcpy(e->mac, mac, MAC_LEN);
	e->reading = n->reading;
	e->told = ++n->told;
	if (!same)
		tell(n, ip, mac);
}

/* An address of either family; 0, or ERR_FORMAT. */
static int
message_addr(struct addr *ip, const struct ndmsg *m, const struct rtattr *dst)
{
	memset(ip, 0, sizeof(*ip));
	ip->sa.sa_family = m->ndm_family;
	if (dst != NULL && m->ndm_family == AF_INET && RTA_PAYLOAD(dst) == 4)
		memcpy(&ip->in.sin_addr, RTA_DATA(dst), 4);
	else if (dst != NULL && m->ndm_family == AF_INET6 &&
	    RTA_PAYLOAD(dst) == 16)
		memcpy(&ip->in6.sin6_addr, RTA_DATA(dst), 16);
	else
		return ERR_FORMAT;
	if (m->ndm_family == AF_INET6 &&
	    IN6_IS_ADDR_LINKLOCAL(&ip->in6.sin6_addr))
		ip->in6.sin6_scope_id = (uint32_t)m->ndm_ifindex;
	return 0;
}

/* A neighbour is there, or no longer. */
static void
message_take(struct neighbours *n, struct nlmsghdr *h)
{
	struct ndmsg *m = NLMSG_DATA(h);
	int len = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));
	struct rtattr *a = (void *)((char *)m + NLMSG_ALIGN(sizeof(*m))),
	    *dst = NULL, *mac = NULL;
	struct neighbour *e;
	struct addr ip;

	for (; len > 0 && RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == NDA_DST)
			dst = a;
		else if (a->rta_type == NDA_LLADDR)
			mac = a;
	}
	if (len < 0 || (m->ndm_flags & NTF_PROXY) ||
	    message_addr(&ip, m, dst) != 0)
		return;
	if (h->nlmsg_type == RTM_NEWNEIGH && (m->ndm_state & KNOWN) &&
	    mac != NULL && RTA_PAYLOAD(mac) == MAC_LEN)
		neighbour_set(n, &ip, m->ndm_ifindex, RTA_DATA(mac));
	else if ((e = neighbour_on(n, &ip, m->ndm_ifindex)) != NULL)
		neighbour_drop(n, e);
}

/* Ask for the whole table. */
static void
table_ask(struct neighbours *n)
{
	struct {
		struct nlmsghdr	 h;
		struct ndmsg	 m;
	} ask = {
		.h = { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETNEIGH,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.m = { .ndm_family = AF_UNSPEC }
	};

	n->again = n->busy;
	if (n->busy)
		return;
	n->reading++;
	n->busy = send(n->fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask);
}

/* It is read; what was not in it is gone. */
static void
table_end(struct neighbours *n)
{
	struct neighbour *e, *next;
	size_t i;

	n->busy = 0;
	if (n->again) {
		table_ask(n);
		return;
	}
	for (i = 0; i < BUCKETS; i++)
		for (e = LIST_FIRST(&n->buckets[i]); e != NULL; e = next) {
			next = LIST_NEXT(e, link);
			if (e->reading != n->reading)
				neighbour_drop(n, e);
		}
}

static void
messages_take(struct neighbours *n, unsigned len)
{
	struct nlmsghdr *h = (void *)n->buf;

	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_ERROR)
			n->busy = 0;
		else if (h->nlmsg_type == NLMSG_DONE)
			table_end(n);
		else if (h->nlmsg_type == RTM_NEWNEIGH ||
		    h->nlmsg_type == RTM_DELNEIGH)
			message_take(n, h);
	}
}

/* Read all that the kernel has told. */
static void
neighbours_read(struct neighbours *n)
{
	struct sockaddr_nl from;
	socklen_t size = sizeof(from);
	ssize_t len;

	for (;;) {
		size = sizeof(from);
		len = recvfrom(n->fd, n->buf, sizeof(n->buf), MSG_DONTWAIT,
		    (void *)&from, &size);
		if (len == -1 && errno == ENOBUFS)
			table_ask(n);	/* some of it was lost */
		else if (len == -1 && errno != EINTR)
			return;
		else if (len > 0 && from.nl_pid == 0)
			messages_take(n, (unsigned)len);
	}
}

static void
neighbours_event(evutil_socket_t fd, short what, void *arg)
{
	struct neighbours *n = arg;

	pthread_mutex_lock(&n->mutex);
	neighbours_read(n);
	pthread_mutex_unlock(&n->mutex);
}

int
neighbours_new(struct event_base *base, struct neighbours **out)
{
	struct sockaddr_nl us = { .nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_NEIGH };
	struct neighbours *n = xcalloc(1, sizeof(*n));
	struct pollfd p = { .events = POLLIN };
	int queue = QUEUE;

	*out = NULL;
	pthread_mutex_init(&n->mutex, NULL);
	n->fd = p.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
	    NETLINK_ROUTE);
	if (n->fd == -1 || bind(n->fd, (void *)&us, sizeof(us)) != 0) {
		neighbours_free(n);
		return ERR_SYS;
	}
	if (setsockopt(n->fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue,
	    sizeof(queue)) != 0)
		setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &queue,
		    sizeof(queue));
	table_ask(n);
	while (n->busy && poll(&p, 1, READ_MS) > 0)
		neighbours_read(n);
	if (base != NULL) {
		n->ev = event_new(base, n->fd, EV_READ | EV_PERSIST,
		    neighbours_event, n);
		event_add(n->ev, NULL);
	}
	*out = n;
	return 0;
}

void
neighbours_free(struct neighbours *n)
{
	struct neighbour *e;
	size_t i;

	if (n == NULL)
		return;
	if (n->ev != NULL)
		event_free(n->ev);
	for (i = 0; i < BUCKETS; i++)
		while ((e = LIST_FIRST(&n->buckets[i])) != NULL) {
			LIST_REMOVE(e, link);
			free(e);
		}
	if (n->fd != -1)
		close(n->fd);
	pthread_mutex_destroy(&n->mutex);
	free(n);
}

int
neighbours_mac(struct neighbours *n, const struct addr *ip,
    uint8_t mac[MAC_LEN])
{
	const struct neighbour *e;

	if (n == NULL)
		return ERR_NOTFOUND;
	pthread_mutex_lock(&n->mutex);
	neighbours_read(n);
	if ((e = neighbour_find(n, ip)) != NULL)
		memcpy(mac, e->mac, MAC_LEN);
	pthread_mutex_unlock(&n->mutex);
	return e != NULL ? 0 : ERR_NOTFOUND;
}

static int
interface_among(int interface, char *const *names, size_t n)
{
	char name[IF_NAMESIZE];
	size_t i;

	if (if_indextoname((unsigned)interface, name) != NULL)
		for (i = 0; i < n; i++)
			if (strcmp(names[i], name) == 0)
				return 1;
	return 0;
}

int
neighbours_on(struct neighbours *n, const struct addr *ip,
    char *const *interfaces, size_t ninterfaces, uint8_t mac[MAC_LEN])
{
	const struct neighbour *e, *last = NULL;
	int rv = ERR_NOTFOUND;

	if (n == NULL)
		return rv;
	pthread_mutex_lock(&n->mutex);
	neighbours_read(n);
	LIST_FOREACH(e, bucket_of(n, ip), link) {
		if (!neighbour_is(e, ip))
			continue;
		if (!interface_among(e->interface, interfaces, ninterfaces))
			rv = ERR_DENIED;
		else if (last == NULL || e->told > last->told)
			last = e;
	}
	if (last != NULL) {
		memcpy(mac, last->mac, MAC_LEN);
		rv = 0;
	}
	pthread_mutex_unlock(&n->mutex);
	return rv;
}

void
neighbours_watch(struct neighbours *n, neighbours_changed changed, void *arg)
{
	struct neighbour *e;
	size_t i;

	if (n == NULL)
		return;
	pthread_mutex_lock(&n->mutex);
	assert(n->nwatchers < WATCHERS);
	n->watchers[n->nwatchers].changed = changed;
	n->watchers[n->nwatchers++].arg = arg;
	for (i = 0; i < BUCKETS; i++)
		LIST_FOREACH(e, &n->buckets[i], link)
			changed(arg, &e->ip, e->mac);
	pthread_mutex_unlock(&n->mutex);
}

void
neighbours_each(struct neighbours *n, void (*each)(void *, const struct addr *,
    const uint8_t *), void *arg)
{
	struct neighbour *e;
	size_t i;

	if (n == NULL)
		return;
	pthread_mutex_lock(&n->mutex);
	neighbours_read(n);
	for (i = 0; i < BUCKETS; i++)
		LIST_FOREACH(e, &n->buckets[i], link)
			each(arg, &e->ip, e->mac);
	pthread_mutex_unlock(&n->mutex);
}
