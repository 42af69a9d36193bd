/*
 * ICAP transactions per second: icap URL [body [connections [seconds]]].
 * body: bytes, -1 for REQMOD without one. Says what a transaction costs this
 * process, which is what the gateway adds to its own work.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "net/names.h"
#include "icap/icap.h"
#include "util/mem.h"

struct one {
	struct icap_txn	*txn;
	struct icap_input	 job;
	struct event	*again;
};

static struct icap_client	*seat;
static struct event_base *base;
static struct text	 req, res;
static char	 path[] = "/x.html";
static uint8_t		*bytes;
static long		 size = -1;
static uint64_t		 done, failed, adapted;
static int		 stopped;

static void	one_over(struct one *);

static void
one_more(void *arg)
{
}

static void
one_answer(void *arg, const struct icap_answer *a)
{
	failed += a->outcome == ICAP_FAILED;
	if (a->outcome == ICAP_VIRGIN || a->outcome == ICAP_FAILED)
		one_over(arg);
}

static size_t
one_body(void *arg, const uint8_t *p, size_t n)
{
	adapted += n;
	return n;
}

static void
one_end(void *arg, int64_t original)
{
	one_over(arg);
}

static void
one_broken(void *arg, const char *why)
{
	failed++;
	one_over(arg);
}

static const struct icap_user user = {
	.more = one_more,
	.answer = one_answer,
	.body = one_body,
	.end = one_end,
	.broken = one_broken
};

static void
one_start(evutil_socket_t fd, short what, void *arg)
{
	struct one *o = arg;
	long n;

	if (o->txn != NULL) {
		icap_cancel(o->txn);
		spool_free(o->job.body);
		o->txn = NULL;
		o->job.body = NULL;
	}
	if (stopped)
		return;
	o->job.method = size < 0 ? ICAP_REQMOD : ICAP_RESPMOD;
	o->job.req_head = req;
	o->job.res_head = size < 0 ? (struct text){ 0 } : res;
	o->job.length = size;
	o->job.path = (struct text){ .s = path, .len = strlen(path) };
	addr_parse(&o->job.client, "192.0.2.1:1234");
	if (size >= 0) {
		o->job.body = spool_new(1 << 30);
		for (n = 0; n < size; n += 65536)
			spool_add(o->job.body, bytes, size - n < 65536 ?
			    (size_t)(size - n) : 65536);
		spool_end(o->job.body, 1);
	}
	o->txn = icap_start(seat, &o->job, &user, o);
}

static void
one_over(struct one *o)
{
	static const struct timeval soon = { 0, 0 };

	done++;
	event_add(o->again, &soon);
}

static void
bench_end(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(base);
}

static double
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
bench_conf(struct conf_icap *c, struct conf_icap_url *u, char *url)
{
	char host[256];
	int port = 1344;

	if (sscanf(url, "icap://%255[^:/]:%d", host, &port) < 1)
		exit(2);
	u->url = url;
	u->host = xstrdup(host);
	u->port = (uint16_t)port;
	c->name = url;
	c->reqmod = c->respmod = u;
	c->nreqmod = c->nrespmod = 1;
	c->preview = ICAP_PREVIEW_AUTO;
	c->connect_timeout = c->first_byte_timeout = c->idle_timeout = 5000;
	c->max_body = 1 << 30;
	c->options = c->allow_204 = c->allow_206 = 1;
	c->queue = 1000;
	c->queue_timeout = 5000;
	c->keep_idle = 4000;
}

int
main(int argc, char **argv)
{
	struct conf_icap_url u = { 0 };
	struct conf_icap conf = { 0 };
	struct icap_service *service;
	const struct icap_stats *s;
	struct text why = { NULL, 0, 0 };
	struct timeval second = { 0, 0 };
	struct one one[64] = { 0 };
	struct event *end;
	double before;
	int i, n = argc > 3 ? atoi(argv[3]) : 8;

	if (argc < 2 || n < 1 || n > 64)
		return 2;
	size = argc > 2 ? atol(argv[2]) : -1;
	second.tv_sec = argc > 4 ? atoi(argv[4]) : 3;
	bytes = xcalloc(1, 65536);
	bench_conf(&conf, &u, argv[1]);
	text_puts(&req, "GET http://www.origin.example/x.html HTTP/1.1\r\n"
	    "Host: www.origin.example\r\nAccept: */*\r\n\r\n");
	text_printf(&res, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
	    "Content-Length: %ld\r\n\r\n", size);
	base = event_base_new();
	if (icap_service_new(&conf, &service, &why) != 0)
		return 1;
	seat = icap_attach(service, base, NULL, NULL, NULL);
	end = event_new(base, -1, 0, bench_end, NULL);
	event_add(end, &second);
	before = cpu();
	for (i = 0; i < n; i++) {
		one[i].again = event_new(base, -1, 0, one_start, &one[i]);
		event_active(one[i].again, EV_TIMEOUT, 0);
	}
	event_base_dispatch(base);
	s = icap_service_stats(service);
	printf("body %ld, %d at once: %.0f/s, %.1f us of CPU each, mean "
	    "%.0f us, %llu failed, %llu MB adapted\n", size, n,
	    (double)done / (double)second.tv_sec,
	    (cpu() - before) * 1e6 / (double)(done + 1),
	    (double)s->micros / (double)(done + 1),
	    (unsigned long long)failed, (unsigned long long)adapted >> 20);
	return failed > 0;
}
