/*
 * Sessions for the tests of packet sinks, and captures read back by libpcap.
 */
#ifndef SESSION_H
#define SESSION_H

#include <event2/event.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proxy/sink.h"
#include "recorder.h"
#include "sink/sinks.h"

struct bench {
	const struct sink_ops *ops;
	struct event_base *base;
	void		*sink, *seat;
	struct facts	 facts;
	struct verdict	 verdict;
	struct record	 record;
	struct text	 why;
};

static inline struct conf_mirror
mirror_conf(void)
{
	struct conf_mirror c = { .name = (char *)"recorder", .vlan = -1,
	    .queue = 16 << 20, .source_mac = { 2, 0, 0x5e, 0x10, 0, 1 },
	    .reply_mac = { 2, 0, 0x5e, 0x10, 0, 2 } };

	memset(c.destination_mac, 0xff, 6);
	return c;
}

static inline void
bench_open(struct bench *b, const struct sink_ops *ops,
    const struct conf_mirror *c)
{
	static struct conf_rule rule = { .name = (char *)"the-rule" };

	b->ops = ops;
	b->base = event_base_new();
	ck_assert_msg(ops->open(c, &b->sink, &b->why) == 0, "%s", b->why.s);
	b->seat = ops->attach(b->sink, b->base);
	b->record.id = 17;
	b->record.facts = &b->facts;
	b->record.verdict = &b->verdict;
	b->facts.listener = "gateway";
	b->verdict.rule = &rule;
	b->facts.sni = "example.com";
	addr_parse(&b->facts.client, "192.0.2.1:40000");
	addr_parse(&b->facts.server, "198.51.100.2:443");
}

static inline void
bench_close(struct bench *b)
{
	b->ops->detach(b->seat);
	b->ops->close(b->sink);
	event_base_free(b->base);
	text_free(&b->why);
}

/* Turns for so long. Nothing may depend on how many these are. */
static inline void
bench_run(struct bench *b, int ms)
{
	for (; ms > 0; ms -= 5) {
		event_base_loop(b->base, EVLOOP_NONBLOCK);
		usleep(5000);
	}
}

/* Until all that was given to the sink has been written, or is lost. */
static inline void
bench_settle(struct bench *b)
{
	struct sink_stats st;
	int i;

	for (i = 0; i < 6000; i++) {
		bench_run(b, 5);
		b->ops->stats(b->sink, &st);
		/* A block that is being filled is on the account as well. */
		if (st.queued == 0)
			return;
	}
	ck_abort_msg("%" PRIu64 " bytes stay queued", st.queued);
}

static inline uint8_t *
noise(size_t n)
{
	uint8_t *p = malloc(n + 1);
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
	return p;
}

/* Data in pieces of 16 KB down, after a small request up. */
static inline void *
session_talk(struct bench *b, const uint8_t *data, size_t len)
{
	void *s = b->ops->begin(b->seat, NULL, &b->record);
	size_t at, n;

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(b->ops->tap->data(s, DIR_UP,
	    (const uint8_t *)"GET", 3), 3);
	b->ops->tap->facts(s);
	for (at = 0; at < len; at += n) {
		n = len - at < 16384 ? len - at : 16384;
		ck_assert_uint_eq(b->ops->tap->data(s, DIR_DOWN, data + at, n),
		    n);
	}
	return s;
}

static inline void
session_end(struct bench *b, void *s, struct tap_counts *m)
{
	b->ops->tap->eof(s, DIR_UP);
	b->ops->tap->eof(s, DIR_DOWN);
	b->ops->tap->close(s, m);
}

/*
 * Reads all there is; returns the number of packets. r may be NULL, and so
 * may so_far: how many, for another thread to see meanwhile.
 */
static inline unsigned
capture_follow(pcap_t *pc, struct recorder *r, _Atomic unsigned *so_far)
{
	struct pcap_pkthdr *h;
	const u_char *p;
	struct timeval last = { 0 };
	unsigned n = 0;

	while (pcap_next_ex(pc, &h, &p) == 1) {
		ck_assert_uint_eq(h->caplen, h->len);
		ck_assert(!timercmp(&h->ts, &last, <));
		last = h->ts;
		if (r != NULL)
			recorder_feed(r, p, h->caplen);
		n++;
		if (so_far != NULL)
			*so_far = n;
	}
	return n;
}

static inline unsigned
capture_read(pcap_t *pc, struct recorder *r)
{
	return capture_follow(pc, r, NULL);
}

static inline unsigned
capture_file(const char *path, struct recorder *r)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pc = pcap_open_offline(path, why);
	unsigned n;

	ck_assert_msg(pc != NULL, "%s", why);
	n = capture_read(pc, r);
	pcap_close(pc);
	return n;
}

static inline void
streams_are(struct recorder *r, const uint8_t *down, size_t len)
{
	ck_assert_str_eq(r->wrong, "");
	ck_assert_uint_eq(r->side[0].len, 3);
	ck_assert_uint_eq(r->side[1].len, len);
	ck_assert_uint_eq(r->side[0].gap + r->side[1].gap, 0);
	ck_assert_mem_eq(r->side[0].data, "GET", 3);
	ck_assert_mem_eq(r->side[1].data, down, len);
}

#endif
