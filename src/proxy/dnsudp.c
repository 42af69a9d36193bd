/*
 * Queries and their answers, each in its datagram. A path is a flow of the
 * table (proxy/dnstable) with its socket, which takes datagrams from its server
 * alone.
 */
#include "proxy/dnsudp.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "codec/dnsmsg.h"
#include "net/dgram.h"
#include "proxy/dnstable.h"
#include "proxy/endpoint.h"
#include "proxy/inner.h"
#include "proxy/reach.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

enum {
	PORT_DNS	= 53,
	QUERIES_MAX	= 8192,	/* of a worker */
	FD_SHARE	= 4,	/* of all descriptors, for all workers' */
	READS		= 8,	/* of DGRAM_TURN queries, or of a path's
				 * answers, per event */
	EVERY		= 1,	/* s, between looks for what has expired */
	END_WAIT	= 10000	/* ms, if the gateway goes down: clients have
				 * asked again before */
};

struct path {
	struct dnsflow	 flow;
	struct dnsudp	*dns;
	struct event	 ev;
	int		 fd;
	enum conf_dns	 what;		/* of the latest query's rule */
};

struct dnsudp {
	struct worker	*worker;
	struct dnstable	*table;
	struct dgrams	*queries;
	struct event	 expire;
	int		 answerer[2];	/* for IPv4, IPv6; -1: not yet */
	uint8_t		 answer[DGRAM_MAX];
};

const char *
dns_query_str(enum dns_query what)
{
	static const char *const names[DNS_QUERY_MAX] = { "sent", "blocked",
	    "reset", "malformed", "denied", "limit", "failed", "unanswered" };

	return names[what];
}

const char *
dns_answer_str(enum dns_answer what)
{
	static const char *const names[DNS_ANSWER_MAX] = { "passed",
	    "stripped", "unasked", "failed" };

	return names[what];
}

int
dnsudp_listen(const struct conf_listen *l, struct text *why)
{
	char addr[ADDR_STRLEN];
	int fd = dgram_answerer(AF_INET);

	if (fd >= 0) {
		close(fd);
		fd = dgram_listen(&l->address, l->v6only);
	}
	if (fd < 0)
		text_printf(why, "cannot take DNS over UDP on %s (listener "
		    "%s): %s; it needs CAP_NET_ADMIN and CAP_NET_RAW",
		    addr_str(&l->address, addr), l->name, err_str(fd));
	return fd;
}

static void
path_gone(struct dnsflow *f)
{
	struct path *p = (struct path *)f;
	struct worker *w = p->dns->worker;

	event_del(&p->ev);
	close(p->fd);
	free(p);
	if (w->draining)	/* it may have been the last */
		event_active(&w->reap, EV_TIMEOUT, 0);
}

static void
dnsudp_tell(struct dnsudp *d)
{
	atomic_store_explicit(&d->worker->counts.dns_waiting,
	    dnstable_count(d->table), memory_order_relaxed);
}

static void
dnsudp_expire(evutil_socket_t fd, short what, void *arg)
{
	struct dnsudp *d = arg;
	uint64_t now = clock_coarse_ms();

	if (d->worker->draining)
		now += DNSTABLE_WAIT - END_WAIT;
	count(d->worker->counts.dns_queries[DNS_UNANSWERED],
	    dnstable_expire(d->table, now));
	dnsudp_tell(d);
}

static struct dnsudp *
dnsudp_new(struct worker *w)
{
	static const struct timeval every = { EVERY, 0 };
	struct dnsudp *d = xcalloc(1, sizeof(*d));
	struct rlimit fds = { 0 };
	uint64_t seed = 0, max;

	getrlimit(RLIMIT_NOFILE, &fds);
	max = fds.rlim_cur / FD_SHARE / policy_conf(w->policy)->workers;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = clock_us();
	d->worker = w;
	d->table = dnstable_new(max < QUERIES_MAX ? (size_t)max : QUERIES_MAX,
	    seed, path_gone);
	d->queries = dgrams_new();
	d->answerer[0] = d->answerer[1] = -1;
	event_assign(&d->expire, w->base, -1, EV_PERSIST, dnsudp_expire, d);
	event_add(&d->expire, &every);
	return d;
}

void
dnsudp_free(struct dnsudp *d)
{
	int i;

	if (d == NULL)
		return;
	event_del(&d->expire);
	d->worker->counts.dns_waiting = 0;
	dnstable_free(d->table);
	dgrams_free(d->queries);
	for (i = 0; i < 2; i++)
		if (d->answerer[i] != -1)
			close(d->answerer[i]);
	free(d);
}

int
dnsudp_waits(const struct worker *w)
{
	return w->dns != NULL && dnstable_count(w->dns->table) > 0;
}

/* 0, or ERR_SYS. */
static int
dnsudp_answer(struct dnsudp *d, const struct addr *server,
    const struct addr *client, const uint8_t *msg, size_t len)
{
	int *fd = &d->answerer[server->sa.sa_family == AF_INET6];

	if (*fd == -1 && (*fd = dgram_answerer(server->sa.sa_family)) < 0) {
		*fd = -1;
		return ERR_SYS;
	}
	return dgram_answer(*fd, server, client, msg, len);
}

/* An answer from the path's server. Returns whether the path is still there. */
static int
path_answer(struct path *p, uint8_t *msg, size_t len)
{
	struct dnsudp *d = p->dns;
	enum dns_answer result = DNS_PASSED;
	uint16_t id;

	if (dnsmsg_kind(msg, len, &id) != DNSMSG_ANSWER ||
	    !dnstable_waits(d->table, &p->flow, id)) {
		count(d->worker->counts.dns_answers[DNS_UNASKED], 1);
		return 1;
	}
	if (p->what != DNS_PASS &&
	    dnsmsg_blunt(msg, len, p->what == DNS_STRIP_SIGNED) > 0)
		result = DNS_STRIPPED;
	if (dnsudp_answer(d, &p->flow.server, &p->flow.client, msg, len) != 0)
		result = DNS_ANSWER_FAILED;
	count(d->worker->counts.dns_answers[result], 1);
	return dnstable_done(d->table, &p->flow, id);
}

/* That nothing takes its queries there (ICMP) is what the client is told, too,
 * so that it asks another at once. */
static void
path_event(evutil_socket_t fd, short what, void *arg)
{
	struct path *p = arg;
	struct dnsudp *d = p->dns;
	ssize_t n;
	int i;

	worker_is_at(d->worker, 0, "answering DNS");
	for (i = 0; i < READS; i++) {
		n = recv(fd, d->answer, sizeof(d->answer), 0);
		if (n < 0 && errno == ECONNREFUSED)
			dgram_refuse(&p->flow.client, &p->flow.server);
		if (n < 0 || !path_answer(p, d->answer, (size_t)n))
			break;
	}
	dnsudp_tell(d);
}

static struct path *
path_new(struct dnsudp *d, const struct dgram *q)
{
	struct worker *w = d->worker;
	struct path *p;
	int fd = dgram_connect(&q->to,
	    policy_conf(w->policy)->keep_client_address ? &q->from : NULL);

	if (fd < 0)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->flow.client = q->from;
	p->flow.server = q->to;
	p->dns = d;
	p->fd = fd;
	event_assign(&p->ev, w->base, fd, EV_READ | EV_PERSIST, path_event, p);
	event_add(&p->ev, NULL);
	return p;
}

/* The first call may return what became of an earlier datagram. */
static int
path_send(struct path *p, const struct dgram *q)
{
	return send(p->fd, q->data, q->len, 0) >= 0 ||
	    send(p->fd, q->data, q->len, 0) >= 0 ? 0 : ERR_SYS;
}

static enum dns_query
query_send(struct dnsudp *d, const struct dgram *q, uint16_t id,
    enum conf_dns what)
{
	struct dnsflow *f = dnstable_find(d->table, &q->from, &q->to);
	struct path *p = f != NULL ? (struct path *)f : path_new(d, q);
	int rv;

	if (p == NULL)
		return DNS_QUERY_FAILED;
	p->what = what;
	rv = dnstable_ask(d->table, &p->flow, id, clock_coarse_ms());
	if (rv < 0) {
		if (f == NULL)
			path_gone(&p->flow);
		return DNS_LIMIT;
	}
	count(d->worker->counts.dns_queries[DNS_UNANSWERED], rv);
	dnsudp_tell(d);
	return path_send(p, q) == 0 ? DNS_SENT : DNS_QUERY_FAILED;
}

static void
query_decide(struct worker *w, const struct conf_listen *l,
    const struct dgram *q, struct verdict *v)
{
	struct facts f = {
		.now = clock_wall().tv_sec,
		.listener = l->name,
		.mode = l->mode,
		.client = q->from,
		.server = q->to,
		.port = addr_port(&q->to),
		.protocol = PROTO_OTHER,
		.cert_none = 1
	};

	endpoint_facts(w, &f);
	policy_decide(w->policy, &f, v);
	if (policy_conf(w->policy)->monitor)
		v->action = ACTION_BYPASS;
}

/* It is answered as it stands in its buffer; an answer is never longer. */
static enum dns_query
query_refuse(struct dnsudp *d, struct dgram *q)
{
	q->len = dnsmsg_refuse(q->data, q->len);
	dnsudp_answer(d, &q->to, &q->from, q->data, q->len);
	return DNS_BLOCKED;
}

static enum dns_query
query_take(struct dnsudp *d, const struct conf_listen *l, struct dgram *q)
{
	struct worker *w = d->worker;
	struct verdict v;
	uint16_t id;

	if (q->to.sa.sa_family == AF_UNSPEC ||
	    addr_port(&q->to) != PORT_DNS || addr_port(&q->from) == 0 ||
	    reach_is_own(w, &q->to) ||
	    reach_unroutable(w, &q->from, &q->to) != NULL)
		return DNS_DENIED;
	if (dnsmsg_kind(q->data, q->len, &id) != DNSMSG_QUERY)
		return DNS_MALFORMED;
	query_decide(w, l, q, &v);
	switch (v.action) {
	case ACTION_BLOCK:
	case ACTION_WARN:
		return query_refuse(d, q);
	case ACTION_RESET:
		dgram_refuse(&q->from, &q->to);
		return DNS_RESET;
	case ACTION_BYPASS:
		return query_send(d, q, id, DNS_PASS);
	default:
		return query_send(d, q, id, v.rule->inspect->dns);
	}
}

static void
query_say(const struct conf_listen *l, const struct dgram *q,
    enum dns_query what)
{
	static struct log_gate gate;
	char from[ADDR_STRLEN], to[ADDR_STRLEN];
	int held;

	if (what != DNS_DENIED && what != DNS_LIMIT && what != DNS_QUERY_FAILED)
		return;
	if (log_gate(&gate, &held))
		log_warn("listener %s: DNS query of %s to %s dropped: %s "
		    "(%d more not shown)", l->name, addr_str(&q->from, from),
		    q->to.sa.sa_family != AF_UNSPEC ? addr_str(&q->to, to) :
		    "an unknown server", dns_query_str(what), held);
}

void
dnsudp_event(evutil_socket_t fd, short ev, void *arg)
{
	struct listener *l = arg;
	struct worker *w = l->worker;
	struct dgram q[DGRAM_TURN];
	enum dns_query what;
	size_t i, n = DGRAM_TURN;
	int turn;

	worker_is_at(w, 0, "reading DNS");
	if (w->dns == NULL)
		w->dns = dnsudp_new(w);
	for (turn = 0; turn < READS && n == DGRAM_TURN; turn++) {
		n = dgrams_read(w->dns->queries, fd, q);
		for (i = 0; i < n; i++) {
			what = query_take(w->dns, l->conf, &q[i]);
			count(w->counts.dns_queries[what], 1);
			query_say(l->conf, &q[i], what);
		}
	}
}
