/*
 * sink/pcapip: several readers, one of them slow.
 */
#include "test.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>

#include "session.h"
#include "util/log.h"

struct client {
	pthread_t	 thread;
	int		 fd;
	struct recorder	 rec;
	_Atomic unsigned packets;	/* so far */
};

static struct conf_mirror
server_conf(void)
{
	static struct prefix loopback;
	struct conf_mirror c = mirror_conf();
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	log_level = -1;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	addr_set(&c.listen, (struct sockaddr *)&in);
	ck_assert_int_eq(prefix_parse(&loopback, "127.0.0.0/8"), 0);
	c.allow = (struct conf_prefixes){ &loopback, 1 };
	return c;
}

static int
reader_connect(const struct conf_mirror *c, int rcvbuf)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (rcvbuf != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	ck_assert_int_eq(connect(fd, &c->listen.sa, addr_len(&c->listen)), 0);
	return fd;
}

static void
readers_are(struct bench *b, unsigned n)
{
	struct sink_stats st;
	int i;

	for (i = 0; i < 4000; i++) {
		b->ops->stats(b->sink, &st);
		if (st.readers == n)
			return;
		bench_run(b, 10);
	}
	ck_abort_msg("%u readers, not %u", st.readers, n);
}

static void *
client_run(void *arg)
{
	struct client *c = arg;
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pc = pcap_fopen_offline(fdopen(c->fd, "r"), why);

	ck_assert_msg(pc != NULL, "%s", why);
	capture_follow(pc, &c->rec, &c->packets);
	pcap_close(pc);
	return NULL;
}

static void
client_start(struct client *c, const struct conf_mirror *conf, int rcvbuf)
{
	c->fd = reader_connect(conf, rcvbuf);
	pthread_create(&c->thread, NULL, client_run, c);
}

static void
three_readers(int ng)
{
	struct conf_mirror conf = server_conf();
	struct client c[3] = { 0 };
	struct tap_counts m;
	struct bench b = { 0 };
	uint8_t *data = noise(3000000);
	int i;

	conf.pcapng = ng;
	bench_open(&b, &sink_pcapip, &conf);
	for (i = 0; i < 3; i++)
		client_start(&c[i], &conf, 0);
	readers_are(&b, 3);
	session_end(&b, session_talk(&b, data, 3000000), &m);
	bench_close(&b);
	ck_assert_uint_eq(m.lost, 0);
	for (i = 0; i < 3; i++) {
		pthread_join(c[i].thread, NULL);
		ck_assert_uint_eq(c[i].packets, m.packets);
		streams_are(&c[i].rec, data, 3000000);
		recorder_free(&c[i].rec);
	}
	free(data);
}

TEST(three_readers_get_the_same)
{
	three_readers(0);
}
END

TEST(three_readers_get_the_same_as_pcapng)
{
	three_readers(1);
}
END

/* Until the reader is no more packets behind than that. */
static void
reader_keeps_up(struct bench *b, struct client *c, unsigned packets)
{
	int i;

	for (i = 0; i < 4000 && c->packets < packets; i++)
		bench_run(b, 10);
	ck_assert_uint_ge(c->packets, packets);
}

/* A packet of data in the least, with the ACKs of two. */
#define PACKETS(bytes)	((unsigned)((bytes) / 1460))

TEST(slow_reader_loses_packets_and_only_its_own)
{
	struct conf_mirror conf = server_conf();
	struct client fast = { 0 }, slow = { 0 };
	struct tap_counts m;
	struct sink_stats st;
	struct bench b = { 0 };
	uint8_t *data = noise(32000000);
	void *s;
	size_t at;

	slow.rec.loss_ok = 1;
	conf.queue = 2 << 20;	/* a half for each */
	bench_open(&b, &sink_pcapip, &conf);
	client_start(&fast, &conf, 0);
	slow.fd = reader_connect(&conf, 65536);
	readers_are(&b, 2);
	s = session_talk(&b, data, 1000);
	for (at = 1000; at < 32000000; at += 100000) {
		b.ops->tap->data(s, DIR_DOWN, data + at,
		    at + 100000 > 32000000 ? 32000000 - at : 100000);
		reader_keeps_up(&b, &fast, at < 400000 ? 0 :
		    PACKETS(at - 400000));
	}
	session_end(&b, s, &m);
	reader_keeps_up(&b, &fast, (unsigned)m.packets);
	sink_pcapip.stats(b.sink, &st);
	pthread_create(&slow.thread, NULL, client_run, &slow);
	bench_close(&b);
	pthread_join(fast.thread, NULL);
	pthread_join(slow.thread, NULL);
	ck_assert_uint_eq(m.lost, 0);
	ck_assert_uint_eq(fast.packets, m.packets);
	streams_are(&fast.rec, data, 32000000);
	ck_assert_str_eq(slow.rec.wrong, "");
	ck_assert_uint_gt(st.lost_bytes, 1000000);
	ck_assert_uint_eq(st.lost_bytes + slow.rec.side[0].len +
	    slow.rec.side[1].len - slow.rec.side[1].gap, 32000003);
	ck_assert_uint_eq(slow.packets + st.lost_packets, m.packets);
	ck_assert_str_eq(st.lost_reason, "reader too slow");
	recorder_free(&fast.rec);
	recorder_free(&slow.rec);
	free(data);
}
END

/* So much on its way through the server, at its pace. */
static void
pour(struct bench *b, void *s, const uint8_t *data, size_t len)
{
	size_t at;

	for (at = 0; at < len; at += 100000) {
		b->ops->tap->data(s, DIR_DOWN, data + at, 100000);
		bench_run(b, 5);
	}
}

/* All is given out: they share one queue, and it is filled that far. */
static void
queue_is_over(struct bench *b, uint64_t n)
{
	struct sink_stats st;
	int i;

	for (i = 0; i < 4000; i++) {
		b->ops->stats(b->sink, &st);
		if (st.queued > n && st.queued <= 4 << 20)
			return;
		bench_run(b, 5);
	}
	ck_abort_msg("%" PRIu64 " bytes are queued", st.queued);
}

TEST(readers_that_are_stuck_share_one_queue)
{
	struct conf_mirror conf = server_conf();
	struct tap_counts m;
	struct bench b = { 0 };
	uint8_t *data = noise(12000000);
	int i, fd[4];
	void *s;

	conf.queue = 4 << 20;
	bench_open(&b, &sink_pcapip, &conf);
	fd[0] = reader_connect(&conf, 4096);
	readers_are(&b, 1);
	s = session_talk(&b, data, 1);
	pour(&b, s, data, 12000000);
	queue_is_over(&b, 3 << 20);
	for (i = 1; i < 4; i++) {
		fd[i] = reader_connect(&conf, 4096);
		readers_are(&b, (unsigned)i + 1);
		pour(&b, s, data, 12000000);
		queue_is_over(&b, 1 << 20);
	}
	for (i = 0; i < 4; i++)
		close(fd[i]);
	readers_are(&b, 0);
	bench_settle(&b);
	session_end(&b, s, &m);
	bench_close(&b);
	free(data);
}
END

TEST(without_readers_nothing_is_built_and_late_ones_get_the_rest)
{
	struct conf_mirror conf = server_conf();
	struct client late = { 0 };
	struct tap_counts m;
	struct sink_stats st;
	struct bench b = { 0 };
	uint8_t *data = noise(100000);
	void *s;

	bench_open(&b, &sink_pcapip, &conf);
	s = session_talk(&b, data, 50000);
	sink_pcapip.stats(b.sink, &st);
	ck_assert_uint_eq(st.packets + st.lost_packets, 0);
	client_start(&late, &conf, 0);
	readers_are(&b, 1);
	b.ops->tap->data(s, DIR_DOWN, data + 50000, 50000);
	session_end(&b, s, &m);
	bench_close(&b);
	pthread_join(late.thread, NULL);
	ck_assert_str_eq(late.rec.wrong, "");
	ck_assert_uint_eq(late.rec.side[0].syn, 0);
	ck_assert_uint_eq(late.rec.side[0].len, 50000);
	ck_assert_mem_eq(late.rec.side[0].data, data + 50000, 50000);
	ck_assert_uint_eq(m.lost, 0);
	recorder_free(&late.rec);
	free(data);
}
END

TEST(readers_come_and_go)
{
	struct conf_mirror conf = server_conf();
	struct linger rst = { 1, 0 };
	struct tap_counts m;
	struct bench b = { 0 };
	int i, fd[8];
	void *s;

	bench_open(&b, &sink_pcapip, &conf);
	s = session_talk(&b, (const uint8_t *)"x", 1);
	for (i = 0; i < 8; i++)
		fd[i] = reader_connect(&conf, 0);
	readers_are(&b, 8);
	for (i = 0; i < 8; i++) {
		if (i & 1)
			setsockopt(fd[i], SOL_SOCKET, SO_LINGER, &rst,
			    sizeof(rst));
		close(fd[i]);
	}
	for (i = 0; i < 20; i++) {
		b.ops->tap->data(s, DIR_DOWN, (const uint8_t *)"abc", 3);
		bench_run(&b, 30);
	}
	readers_are(&b, 0);
	session_end(&b, s, &m);
	bench_close(&b);
}
END

TEST(who_is_not_in_the_allow_list_reads_nothing)
{
	struct conf_mirror conf = server_conf();
	struct sink_stats st;
	struct bench b = { 0 };
	struct prefix other;
	char byte;
	int fd;

	ck_assert_int_eq(prefix_parse(&other, "10.0.0.0/8"), 0);
	conf.allow.v = &other;
	bench_open(&b, &sink_pcapip, &conf);
	fd = reader_connect(&conf, 0);
	ck_assert_int_le(read(fd, &byte, 1), 0);	/* it is closed */
	close(fd);
	sink_pcapip.stats(b.sink, &st);
	ck_assert_uint_eq(st.readers, 0);
	bench_close(&b);
}
END

TEST(port_in_use_is_told)
{
	struct conf_mirror conf = server_conf();
	struct bench b = { 0 };
	struct text why = { 0 };
	void *sink;

	bench_open(&b, &sink_pcapip, &conf);
	ck_assert_int_lt(sink_pcapip.open(&conf, &sink, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.s, "in use"));
	text_free(&why);
	bench_close(&b);
}
END

SUITE("pcapip", three_readers_get_the_same,
    three_readers_get_the_same_as_pcapng,
    slow_reader_loses_packets_and_only_its_own,
    readers_that_are_stuck_share_one_queue,
    without_readers_nothing_is_built_and_late_ones_get_the_rest,
    readers_come_and_go, who_is_not_in_the_allow_list_reads_nothing,
    port_in_use_is_told)
