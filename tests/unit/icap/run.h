/*
 * What the tests of the ICAP client share: the scripted server as a child, a
 * service that points at it, transactions with bodies that grow and receivers
 * that are slow, and a watchdog.
 */
#ifndef ICAP_RUN_H
#define ICAP_RUN_H

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/names.h"
#include "icap/icap.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "test.h"

struct child {
	pid_t	pid;
	int	port;
};

/* A server that says its port in its first line. */
static inline struct child
child_start(const char *a, const char *b, const char *c, const char *d)
{
	struct child s = { -1, 0 };
	char line[64] = "";
	int p[2];
	FILE *f;

	ck_assert_int_eq(pipe(p), 0);
	if ((s.pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(p[1], 1);
		close(p[0]);
		close(p[1]);
		execlp("python3", "python3", "tests/icap/server.py", a, b, c,
		    d, NULL);
		_exit(127);
	}
	close(p[1]);
	f = fdopen(p[0], "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	s.port = atoi(line);
	ck_assert_int_gt(s.port, 0);
	return s;		/* the pipe stays open: it may say more */
}

static inline void
child_stop(struct child *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

/* A service and a client of it on a base of its own. */
struct run {
	struct event_base *base;
	struct names	*names;
	struct conf_icap conf;
	struct conf_icap_url urls[4];
	struct icap_service *service;
	struct icap_client *client;
	struct icap_record last;	/* strings as below */
	char		 server[256], finding[128], why[160], istag[64];
	unsigned	 records;
	unsigned	 open;		/* transactions not over */
};

static inline void
run_log(void *arg, void *user, const struct icap_record *r)
{
	struct run *u = arg;

	u->last = *r;
	u->records++;
	snprintf(u->server, sizeof(u->server), "%s",
	    r->server != NULL ? r->server : "");
	snprintf(u->finding, sizeof(u->finding), "%s",
	    r->finding != NULL ? r->finding : "");
	snprintf(u->why, sizeof(u->why), "%s", r->why != NULL ? r->why : "");
	snprintf(u->istag, sizeof(u->istag), "%s", r->istag);
}

static inline void
run_init(struct run *u)
{
	memset(u, 0, sizeof(*u));
	signal(SIGPIPE, SIG_IGN);
	log_level = getenv("ICAP_TEST_LOG") != NULL ? LOG_LVL_DEBUG :
	    LOG_LVL_ERROR;
	u->conf.name = (char *)(uintptr_t)"test";
	u->conf.preview = ICAP_PREVIEW_AUTO;
	/* Met by who hangs only; what tests them has shorter ones. */
	u->conf.connect_timeout = 20000;
	u->conf.first_byte_timeout = u->conf.idle_timeout = 20000;
	u->conf.max_body = 256 << 20;
	u->conf.options = 1;
	u->conf.allow_204 = u->conf.allow_206 = 1;
	u->conf.queue = 256;
	u->conf.queue_timeout = 20000;
	u->conf.keep_idle = 4000;
}

/* One more server in both groups. */
static inline void
run_url(struct run *u, const char *scheme, const char *host, int port,
    const char *path)
{
	struct conf_icap_url *v = &u->urls[u->conf.nrespmod++];

	v->url = xasprintf("%s://%s:%d/%s", scheme, host, port, path);
	v->host = xstrdup(host);
	v->port = (uint16_t)port;
	v->tls = strcmp(scheme, "icaps") == 0;
	v->weight = 1;
	u->conf.reqmod = u->conf.respmod = u->urls;
	u->conf.nreqmod = u->conf.nrespmod;
}

static inline void
run_begin(struct run *u)
{
	struct text why = { NULL, 0, 0 };

	u->base = event_base_new();
	u->names = names_new(u->base);
	ck_assert_msg(icap_service_new(&u->conf, &u->service, &why) == 0,
	    "%s", why.s);
	u->client = icap_attach(u->service, u->base, u->names, run_log, u);
	text_free(&why);
}

static inline void
run_end(struct run *u)
{
	size_t i;

	icap_detach(u->client);
	icap_service_free(u->service);
	names_free(u->names);
	event_base_free(u->base);
	for (i = 0; i < u->conf.nrespmod; i++) {
		free(u->urls[i].url);
		free(u->urls[i].host);
	}
}

static inline void
run_late(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(arg);
}

/* Turn until nothing is open, or so long. */
static inline void
run_turn(struct run *u, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct event *late = event_new(u->base, -1, 0, run_late, u->base);

	event_add(late, &tv);
	event_base_dispatch(u->base);
	event_free(late);
}

/* Turn until each server has said what it can do, or is down. */
static inline void
run_told(struct run *u)
{
	struct icap_server_stats v;
	size_t i = 0;
	int turns;

	for (turns = 0; i < u->conf.nrespmod; turns++) {
		ck_assert_int_lt(turns, 4000);
		if (icap_server_stats(u->service, i, &v) == 0 &&
		    v.state == ICAP_NEW)
			run_turn(u, 5);
		else
			i++;
	}
}

/* One transaction. */
struct deal {
	struct run	*run;
	enum icap_method method;
	int64_t		 size;		/* of the body; -1: none */
	int		 no_length;	/* in the head */
	size_t		 step;		/* grows by so much a turn; 0: at once */
	int64_t		 cut_at;	/* F30; 0: never */
	size_t		 take;		/* the receiver's room a turn; 0: all */
	uint64_t	 drop;		/* from the spool, once more is wanted */
	int		 pause;		/* ms before the receiver takes any */
	const char	*path;
	void		(*on_body)(struct deal *); /* its first byte is here */
	uint64_t	 hold;		/* does not grow further for now, but by
					   drip */
	uint64_t	 drip;		/* bytes each 100 ms */
	int		 client;	/* 192.0.2.1 and so on; 0 is 1 */
	/* what is there */
	struct icap_input	 job;
	struct icap_txn	*txn;
	uint64_t	 grown;
	size_t		 room;
	struct event	*grow, *drain;
	/* what came of it */
	int		 started, more, answers, over;
	enum icap_outcome outcome;
	int		 bypassed, status, http_status, has_body;
	char		 why[64];
	uint64_t	 got;
	int		 differs;	/* not the virgin bytes */
	int		 ended;		/* end() */
	int64_t		 original;
	char		 broken[64];
	char		 first[64];	/* bytes of the adapted body */
};

static inline uint8_t
deal_byte(uint64_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) + (i >> 16));
}

static inline void
deal_over(struct deal *d)
{
	ck_assert_int_eq(d->over, 0);
	d->over = 1;
	if (--d->run->open == 0)
		event_base_loopbreak(d->run->base);
}

static inline void
deal_more(void *arg)
{
	struct deal *d = arg;

	ck_assert_int_eq(d->started, 1);
	ck_assert_int_eq(d->more++, 0);
	if (d->drop != 0)
		spool_drop(d->job.body, d->drop);
}

static inline void
deal_answer(void *arg, const struct icap_answer *a)
{
	struct deal *d = arg;

	ck_assert_int_eq(d->started, 1);
	ck_assert_int_eq(d->answers++, 0);
	d->outcome = a->outcome;
	d->bypassed = a->bypassed;
	d->status = a->status;
	d->has_body = a->body;
	if (a->http != NULL && a->http->response)
		d->http_status = a->http->status;
	snprintf(d->why, sizeof(d->why), "%s", a->why != NULL ? a->why : "");
	if (a->outcome == ICAP_VIRGIN || a->outcome == ICAP_FAILED)
		deal_over(d);
}

static inline size_t
deal_body(void *arg, const uint8_t *p, size_t len)
{
	struct deal *d = arg;
	size_t i, n = len;

	ck_assert_int_eq(d->answers, 1);
	if (d->on_body != NULL && d->got == 0)
		d->on_body(d);
	if (d->take != 0) {
		n = n < d->room ? n : d->room;
		d->room -= n;
	}
	for (i = 0; i < n; i++, d->got++) {
		if (p[i] != deal_byte(d->got))
			d->differs = 1;
		if (d->got < sizeof(d->first) - 1)
			d->first[d->got] = (char)p[i];
	}
	return n;
}

static inline void
deal_end(void *arg, int64_t original)
{
	struct deal *d = arg;

	ck_assert_int_eq(d->answers, 1);
	d->ended = 1;
	d->original = original;
	deal_over(d);
}

static inline void
deal_broken(void *arg, const char *why)
{
	struct deal *d = arg;

	ck_assert_int_eq(d->answers, 1);
	snprintf(d->broken, sizeof(d->broken), "%s", why);
	deal_over(d);
}

static const struct icap_user deal_user = {
	.more = deal_more,
	.answer = deal_answer,
	.body = deal_body,
	.end = deal_end,
	.broken = deal_broken
};

static inline void
deal_add(struct deal *d, uint64_t n)
{
	uint8_t buf[65536];
	size_t i, k;

	while (n > 0) {
		k = n < sizeof(buf) ? (size_t)n : sizeof(buf);
		for (i = 0; i < k; i++)
			buf[i] = deal_byte(d->grown + i);
		ck_assert_int_eq(spool_add(d->job.body, buf, k), 0);
		d->grown += k;
		n -= k;
	}
	if (d->cut_at != 0 && d->grown >= (uint64_t)d->cut_at)
		spool_end(d->job.body, 0);
	else if (d->grown == (uint64_t)d->size)
		spool_end(d->job.body, 1);
}

/* Each turn: some more of the body. */
static inline void
deal_grow(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = { 0, 100 }, later = { 0, 100000 };
	struct deal *d = arg;
	uint64_t n = (uint64_t)d->size - d->grown, step = d->step;
	int held = d->hold != 0 && d->grown >= d->hold;

	if (d->over || spool_ended(d->job.body) != 0)
		return;
	if (held)
		step = d->drip;
	deal_add(d, n < step ? n : step);
	icap_more(d->txn, 0);
	event_add(d->grow, held ? &later : &soon);
}

static inline void
deal_drain(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = { 0, 200 };
	struct deal *d = arg;

	if (d->over)
		return;
	d->room = d->take;
	icap_more(d->txn, 1);
	event_add(d->drain, &soon);
}

static inline void
deal_heads(struct deal *d)
{
	const char *path = d->path != NULL ? d->path : "/x.bin";
	int post = d->method == ICAP_REQMOD && d->size >= 0;

	text_printf(&d->job.req_head, "%s http://a.example%s HTTP/1.1\r\n"
	    "Host: a.example\r\n", post ? "POST" : "GET", path);
	if (post && !d->no_length)
		text_printf(&d->job.req_head, "Content-Length: %lld\r\n",
		    (long long)d->size);
	text_puts(&d->job.req_head, "\r\n");
	text_puts(&d->job.path, path);
	if (d->method == ICAP_REQMOD)
		return;
	text_puts(&d->job.res_head, "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/html\r\n");
	if (d->size >= 0 && !d->no_length)
		text_printf(&d->job.res_head, "Content-Length: %lld\r\n",
		    (long long)d->size);
	text_puts(&d->job.res_head, "\r\n");
}

static inline void
deal_start(struct deal *d, struct run *u)
{
	struct timeval tv = { 0, 0 };
	char client[32];

	d->run = u;
	if (d->method == ICAP_OPTIONS)
		d->method = ICAP_RESPMOD;
	deal_heads(d);
	d->job.method = d->method;
	d->job.length = d->no_length ? -1 : d->size;
	snprintf(client, sizeof(client), "192.0.2.%d:1234",
	    d->client != 0 ? d->client : 1);
	addr_parse(&d->job.client, client);
	addr_parse(&d->job.server, "192.0.2.2:80");
	if (d->size >= 0) {
		d->job.body = spool_new(256 << 20);
		if (d->step == 0)
			deal_add(d, (uint64_t)(d->cut_at != 0 ? d->cut_at :
			    d->size));
	}
	d->grow = event_new(u->base, -1, 0, deal_grow, d);
	d->drain = event_new(u->base, -1, 0, deal_drain, d);
	u->open++;
	d->txn = icap_start(u->client, &d->job, &deal_user, d);
	d->started = 1;
	if (d->step != 0)
		event_active(d->grow, EV_TIMEOUT, 0);
	if (d->take != 0) {
		tv.tv_usec = d->pause * 1000;
		event_add(d->drain, &tv);
	}
}

static inline void
deal_end_of(struct deal *d)
{
	icap_cancel(d->txn);
	event_free(d->grow);
	event_free(d->drain);
	spool_free(d->job.body);
	icap_input_free(&d->job);
}

/* From beginning to end; only one that stalls takes so long. */
static inline void
deal_do(struct deal *d, struct run *u)
{
	deal_start(d, u);
	run_turn(u, 30000);
	ck_assert_msg(d->over, "stalled: %s %llu of %lld bytes in, got %llu",
	    u->urls[0].url, (unsigned long long)d->grown, (long long)d->size,
	    (unsigned long long)d->got);
	deal_end_of(d);
}

/* The only one of its run. */
static inline void
run_one(struct run *u, struct deal *d)
{
	run_begin(u);
	deal_do(d, u);
	run_end(u);
}

#endif
