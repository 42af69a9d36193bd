/*
 * c-ares on an event base, for the servers. net/hosts.c reads /etc/hosts,
 * because a name that is there in one family must not be asked for in the
 * other.
 */
#include "net/resolver.h"

#include <ares.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>

#include "net/hosts.h"
#include "net/mailbox.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define RESOLV_EVERY	5	/* seconds between looks at resolv.conf */
#define ASK_TIMEOUT	1500	/* ms for the first try; c-ares doubles it */
#define ASK_TRIES	3	/* 1.5 + 3 + 6 s: more than a dial's 10 s */
#define HOSTS_TTL	5	/* the file may change */

struct resolver_sock {
	LIST_ENTRY(resolver_sock) next;
	struct event		 ev;
	struct resolver		*resolver;
	int			 fd;
};

struct query {
	LIST_ENTRY(query) next;		/* queries to /etc/hosts */
	struct resolver	*resolver;
	struct hosts_ask *ask;
	int		 family;
	resolver_done	 done;
	void		*arg;
};

struct resolver {
	struct event_base	*base;
	struct mailbox		*box;		/* NULL: could not be made */
	LIST_HEAD(, query)	 hosts;
	ares_channel		 servers;	/* NULL: likewise */
	LIST_HEAD(, resolver_sock) socks;
	struct event		 timer;
	struct stat		 conf;		/* resolv.conf when read */
	uint64_t		 looked;	/* monotonic seconds */
	size_t			 out;		/* queries under way */
	int			 fixed;		/* servers were set by hand */
};

static void	resolver_timer(struct resolver *);
static void	query_end(struct query *, const struct resolver_answer *);

static void
sock_event(int fd, short what, void *arg)
{
	struct resolver_sock *s = arg;
	struct resolver *r = s->resolver;

	ares_process_fd(r->servers, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	resolver_timer(r);
}

static void
timer_event(int fd, short what, void *arg)
{
	struct resolver *r = arg;

	ares_process_fd(r->servers, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	resolver_timer(r);
}

static void
resolver_timer(struct resolver *r)
{
	struct timeval tv, *at;

	if ((at = ares_timeout(r->servers, NULL, &tv)) == NULL)
		event_del(&r->timer);
	else
		event_add(&r->timer, at);
}

/* c-ares says what it waits for on a socket, or that it closes it. */
static void
sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct resolver_sock *s;

	LIST_FOREACH(s, &r->socks, next)
		if (s->fd == fd)
			break;
	if (s != NULL)
		event_del(&s->ev);
	if (!readable && !writable) {
		if (s != NULL) {
			LIST_REMOVE(s, next);
			free(s);
		}
		return;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->resolver = r;
		s->fd = fd;
		LIST_INSERT_HEAD(&r->socks, s, next);
	}
	event_assign(&s->ev, r->base, fd, (short)(EV_PERSIST |
	    (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)),
	    sock_event, s);
	event_add(&s->ev, NULL);
}

static ares_channel
channel_new(struct resolver *r, char *lookups)
{
	struct ares_options o = {
		.timeout = ASK_TIMEOUT,
		.tries = ASK_TRIES,
		.lookups = lookups,
		.sock_state_cb = sock_state,
		.sock_state_cb_data = r,
	};
	int more = 0;
	ares_channel c = NULL;
	int rv;

#ifdef ARES_OPT_QUERY_CACHE		/* since 1.31; net/names.c has ours */
	o.qcache_max_ttl = 0;
	more = ARES_OPT_QUERY_CACHE;
#endif
	rv = ares_init_options(&c, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | more);

	if (rv == ARES_SUCCESS)
		return c;
	log_error("resolver: cannot start: %s", ares_strerror(rv));
	return NULL;
}

static void
library_init(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

struct resolver *
resolver_new(struct event_base *base)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct resolver *r = xcalloc(1, sizeof(*r));

	pthread_once(&once, library_init);
	r->base = base;
	evtimer_assign(&r->timer, base, timer_event, r);
	r->box = mailbox_new(base);
	resolver_ready(r);
	return r;
}

void
resolver_free(struct resolver *r)
{
	struct resolver_answer a = { .family = AF_UNSPEC, .err = ERR_SYS };
	struct query *q;

	if (r == NULL)
		return;
	if (r->servers != NULL)
		ares_destroy(r->servers);
	while ((q = LIST_FIRST(&r->hosts)) != NULL) {
		hosts_cancel(q->ask);
		query_end(q, &a);
	}
	mailbox_free(r->box);
	event_del(&r->timer);
	free(r);
}

/* Whether resolv.conf is another file, or has changed, since it was read. */
static int
conf_changed(struct resolver *r)
{
	uint64_t now = clock_s();
	struct stat st = { 0 };
	int same;

	if (r->servers != NULL && now - r->looked < RESOLV_EVERY)
		return 0;
	r->looked = now;
	if (stat(RESOLV_CONF, &st) != 0)
		memset(&st, 0, sizeof(st));
	same = st.st_ino == r->conf.st_ino && st.st_dev == r->conf.st_dev &&
	    st.st_size == r->conf.st_size &&
	    memcmp(&st.st_mtim, &r->conf.st_mtim, sizeof(st.st_mtim)) == 0;
	/* A new channel would cut off the queries under way: keep the old. */
	if (same || r->out > 0)
		return 0;
	r->conf = st;
	return 1;
}

int
resolver_ready(struct resolver *r)
{
	ares_channel c;

	if (r->servers == NULL || (!r->fixed && conf_changed(r))) {
		if (r->servers == NULL)
			conf_changed(r);
		if ((c = channel_new(r, (char []){ "b" })) != NULL) {
			if (r->servers != NULL)
				ares_destroy(r->servers);
			r->servers = c;
		}
	}
	return r->servers != NULL && r->box != NULL;
}

int
resolver_set_servers(struct resolver *r, const char *csv)
{
	if (r->servers == NULL ||
	    ares_set_servers_ports_csv(r->servers, csv) != ARES_SUCCESS)
		return ERR_FORMAT;
	r->fixed = 1;
	return 0;
}

static int
err_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return ERR_NOTFOUND;
	case ARES_ETIMEOUT:
	case ARES_ECONNREFUSED:
		return ERR_TIMEOUT;
	}
	return ERR_SYS;
}

static void
answer_fill(struct resolver_answer *a, const struct ares_addrinfo *ai)
{
	const struct ares_addrinfo_node *node;

	a->ttl = HOSTS_TTL;
	for (node = ai->nodes; node != NULL && a->n < RESOLVER_MAX;
	    node = node->ai_next) {
		if (a->n == 0 || (unsigned)node->ai_ttl < a->ttl)
			a->ttl = (unsigned)node->ai_ttl;
		addr_set(&a->addrs[a->n], node->ai_addr);
		addr_set_port(&a->addrs[a->n++], 0);
	}
	if (a->n == 0)
		a->err = ERR_NOTFOUND;
}

static void
query_done(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct query *q = arg;
	struct resolver_answer a = { .family = q->family };

	a.err = err_of(status);
	if (a.err == 0 && ai != NULL)
		answer_fill(&a, ai);
	if (ai != NULL)
		ares_freeaddrinfo(ai);
	q->resolver->out--;
	q->done(q->arg, &a);
	free(q);
}

void
resolver_ask(struct resolver *r, const char *name, int family,
    resolver_done done, void *arg)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = ARES_AI_NOSORT,
	};
	struct query *q = xcalloc(1, sizeof(*q));
	char full[260];

	q->resolver = r;
	q->family = family;
	q->done = done;
	q->arg = arg;
	r->out++;
	snprintf(full, sizeof(full), "%.255s%s", name,
	    strchr(name, '.') != NULL ? "." : "");
	ares_getaddrinfo(r->servers, full, NULL, &hints, query_done, q);
	resolver_timer(r);
}

static void
query_end(struct query *q, const struct resolver_answer *a)
{
	LIST_REMOVE(q, next);
	q->resolver->out--;
	q->done(q->arg, a);
	free(q);
}

static void
hosts_told(void *arg, const struct addr *addrs, size_t n)
{
	struct resolver_answer a = { .family = AF_UNSPEC, .ttl = HOSTS_TTL };

	a.err = n == 0 ? ERR_NOTFOUND : 0;
	for (; a.n < n && a.n < RESOLVER_MAX; a.n++)
		a.addrs[a.n] = addrs[a.n];
	query_end(arg, &a);
}

void
resolver_hosts(struct resolver *r, const char *name, resolver_done done,
    void *arg)
{
	struct query *q = xcalloc(1, sizeof(*q));

	q->resolver = r;
	q->family = AF_UNSPEC;
	q->done = done;
	q->arg = arg;
	r->out++;
	LIST_INSERT_HEAD(&r->hosts, q, next);
	q->ask = hosts_ask(name, r->box, hosts_told, q);
}
