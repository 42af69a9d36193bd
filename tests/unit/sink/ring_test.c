/*
 * sink/ring and sink/pick: what is kept, for how long, and who is found.
 */
#include "test.h"

#include <pthread.h>
#include <string.h>

#include "codec/packet.h"
#include "sink/pick.h"
#include "sink/ring.h"
#include "recorder.h"
#include "util/budget.h"
#include "util/mem.h"

#define MB	((uint64_t)1 << 20)

struct talk {			/* a conversation */
	struct ring	*ring;
	struct ring_flow *slot;
	struct ring_ends ends;
	struct packet_path path;
	struct packet	 packet;
	uint64_t	 ns, ms;	/* of the next packets */
};

static void
about(const void *source, struct text *t)
{
	text_printf(t, "open %llu", (unsigned long long)
	    ((const struct talk *)source)->ends.session);
}

static void
emit(void *arg, const struct frame *f)
{
	struct talk *t = arg;

	if (t->slot == NULL && ring_open(t->ring, &t->ends, t, &t->slot) ==
	    NULL)
		ring_lost(t->ring, f);
	else
		ring_put(t->ring, t->slot, f, t->ns, t->ms);
}

static void
talk_begin(struct talk *t, struct ring *r, uint64_t session,
    const char *client, const char *server)
{
	const uint32_t isn[2] = { 1000, 0xfffffff0 };

	memset(t, 0, sizeof(*t));
	t->ring = r;
	t->ends.session = session;
	addr_parse(&t->ends.client, client);
	addr_parse(&t->ends.server, server);
	t->path = (struct packet_path){ .vlan = -1, .mtu = 1500, .super = 1,
	    .burst = PACKET_BURST_MAX, .framer = framer_new(),
	    .source_mac = { 2, 0, 0, 0, 0, 1 },
	    .reply_mac = { 2, 0, 0, 0, 0, 2 } };
	t->ns = t->ms = 1;
	ck_assert_int_eq(packet_init(&t->packet, &t->path, &t->ends.client,
	    &t->ends.server, isn), 0);
	packet_open(&t->packet, emit, t);
}

static void
talk_say(struct talk *t, int dir, const void *data, size_t len)
{
	packet_data(&t->packet, dir, data, len, emit, t);
}

static void
talk_end(struct talk *t)
{
	packet_eof(&t->packet, 0, emit, t);
	packet_eof(&t->packet, 1, emit, t);
	if (t->slot != NULL)
		ring_close(t->ring, t->slot, xstrdup("closed"));
	framer_free(t->path.framer);
}

static struct ring *
ring_of(uint64_t bytes)
{
	struct ring *r = ring_new(1, 42, about);

	ring_limit(r, bytes, 1000);
	return r;
}

static struct endpoint
who(const char *s)
{
	struct endpoint e;

	ck_assert_int_eq(endpoint_parse(&e, s), 0);
	return e;
}

static struct ring_pick *
picked(struct ring *r, const char *s, uint64_t from)
{
	struct endpoint e = who(s);
	struct ring_pick *p = pick_new(r, &e, from, 1);

	if (p != NULL)
		pick_open(p);
	return p;
}

static void
feed(void *arg, const struct frame *f)
{
	uint8_t b[2000];

	ck_assert_uint_le(f->head_len + f->len, 1514);
	memcpy(b, f->head, f->head_len);
	memcpy(b + f->head_len, f->data, f->len);
	recorder_feed(arg, b, f->head_len + f->len);
}

static void
read_all(struct ring_pick *p, struct recorder *r)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		pick_frames(p, &p->packets[i], feed, r);
		pick_passed(p, i);
	}
}

static void
counts_agree(struct ring *r, uint64_t max)
{
	struct ring_stats st;

	ring_stats(r, &st);
	ck_assert_uint_le(st.bytes, max);
	ck_assert_uint_eq(st.bytes, budget_held(BUDGET_HISTORY));
	ck_assert_uint_eq(st.put, st.packets + st.gone[RING_AGED] +
	    st.gone[RING_ROOM]);
}

static uint8_t *
bytes(size_t n)
{
	uint8_t *p = xmalloc(n);
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
	return p;
}

TEST(frames_come_out_as_a_mirror_sends_them)
{
	static const char *const ends[][2] = {
	    { "192.0.2.1:4000", "198.51.100.2:443" },
	    { "[2001:db8::1]:4000", "[2001:db8::2]:443" } };
	uint8_t *data = bytes(300001);
	struct ring *r = ring_of(4 * MB);
	struct ring_pick *p;
	struct talk t;
	size_t i;

	for (i = 0; i < 2; i++) {
		struct recorder rec = { 0 };

		talk_begin(&t, r, 7, ends[i][0], ends[i][1]);
		talk_say(&t, 0, "GET", 3);
		talk_say(&t, 1, data, 300001);
		talk_end(&t);
		p = picked(r, i == 0 ? "192.0.2.1" : "2001:db8::1", 0);
		ck_assert_ptr_nonnull(p);
		read_all(p, &rec);
		ck_assert_str_eq(rec.wrong, "");
		ck_assert_uint_eq(rec.side[0].len, 3);
		ck_assert_uint_eq(rec.side[1].len, 300001);
		ck_assert_mem_eq(rec.side[1].data, data, 300001);
		ck_assert(rec.side[0].fin && rec.side[1].fin);
		ck_assert_uint_eq(pick_session(p, &p->packets[0]), 7);
		ck_assert_str_eq(pick_about(p, &p->packets[0]), "closed");
		ck_assert_ptr_null(pick_about(p, &p->packets[1]));
		pick_free(p);
	}
	counts_agree(r, 4 * MB);
	ring_free(r);
	ck_assert_uint_eq(budget_held(BUDGET_HISTORY), 0);
	free(data);
}
END

/* Sessions of all sizes, some ended, some open. */
static void
many(struct ring *r, struct talk *t, size_t n, size_t rounds, uint64_t max)
{
	uint8_t *data = bytes(70000);
	char client[64];
	size_t i, k;

	for (i = 0; i < n; i++) {
		snprintf(client, sizeof(client), "10.0.%zu.%zu:%zu", i / 200,
		    i % 200 + 1, 1000 + i);
		talk_begin(&t[i], r, i, client, "198.51.100.2:443");
	}
	for (k = 0; k < rounds; k++)
		for (i = 0; i < n; i++) {
			talk_say(&t[i], k & 1, data, 1 + (i * 911 + k * 77) %
			    (i % 7 == 0 ? 70000 : 300));
			counts_agree(r, max);
		}
	free(data);
}

TEST(budget_is_never_exceeded)
{
	static struct talk t[1000];
	struct ring *r = ring_of(MB);
	struct ring_stats st;
	size_t i;

	many(r, t, 1000, 20, MB);
	ring_stats(r, &st);
	ck_assert_uint_gt(st.gone[RING_ROOM], 10000);
	ck_assert_uint_gt(st.bytes, MB / 2);
	for (i = 0; i < 1000; i++)
		talk_end(&t[i]);
	counts_agree(r, MB);
	ring_free(r);
	ck_assert_uint_eq(budget_held(BUDGET_HISTORY), 0);
}
END

TEST(conversations_without_packets_are_not_kept)
{
	static struct talk t[3000];
	struct ring *r = ring_of(MB);
	struct ring_stats st;
	size_t i;

	/* More of them than the budget has room for. */
	many(r, t, 3000, 1, MB);
	ck_assert_uint_eq(ring_tick(r, 1001), 0);
	ring_stats(r, &st);
	ck_assert_uint_eq(st.packets, 0);
	ck_assert_uint_lt(st.bytes, 50000);
	for (i = 0; i < 3000; i++) {
		ck_assert_ptr_null(t[i].slot);
		talk_end(&t[i]);
	}
	ring_free(r);
	ck_assert_uint_eq(budget_held(BUDGET_HISTORY), 0);
}
END

TEST(oldest_packets_go_first)
{
	struct ring *r = ring_of(MB);
	struct ring_pick *p;
	struct talk t, u;
	uint32_t i;
	size_t k;

	talk_begin(&t, r, 1, "192.0.2.1:1", "198.51.100.2:443");
	talk_begin(&u, r, 2, "192.0.2.2:1", "198.51.100.2:443");
	for (i = 0; i < 50000; i++) {
		t.ns = u.ns = 1000 + i;
		talk_say(i % 3 ? &t : &u, 0, &i, sizeof(i));
	}
	p = picked(r, "192.0.2.1", 0);
	ck_assert_uint_gt(p->n, 2000);
	ck_assert_uint_lt(p->n, 60000);
	/* The last is the newest, and between there is no gap. */
	ck_assert_uint_eq(p->packets[p->n - 1].ns, 1000 + 49999);
	for (k = 1; k < p->n; k++) {
		ck_assert_uint_gt(p->packets[k].seq, p->packets[k - 1].seq);
		ck_assert_uint_le(p->packets[k].ns - p->packets[k - 1].ns, 2);
	}
	pick_free(p);
	talk_end(&t);
	talk_end(&u);
	ring_free(r);
}
END

TEST(packets_age)
{
	struct ring *r = ring_of(MB);
	struct ring_pick *p;
	struct talk t;

	talk_begin(&t, r, 1, "192.0.2.1:1", "198.51.100.2:443");
	t.ms = 500;
	talk_say(&t, 0, "young", 5);
	ck_assert_int_eq(ring_tick(r, 1000), 1);
	p = picked(r, "192.0.2.1", 0);
	ck_assert_uint_eq(p->n, 5);
	pick_free(p);
	ck_assert_int_eq(ring_tick(r, 1001), 1);
	p = picked(r, "192.0.2.1", 0);
	ck_assert_uint_eq(p->n, 2);		/* it and its ACK */
	pick_free(p);
	ck_assert_int_eq(ring_tick(r, 1500), 0);
	ck_assert_ptr_null(picked(r, "192.0.2.1", 0));
	/* It goes on as one in mid-stream. */
	talk_say(&t, 1, "again", 5);
	ck_assert_ptr_nonnull(t.slot);
	p = picked(r, "192.0.2.1", 0);
	ck_assert_uint_eq(p->n, 2);
	ck_assert_str_eq(pick_about(p, &p->packets[0]), "open 1");
	pick_free(p);
	talk_end(&t);
	counts_agree(r, MB);
	ring_free(r);
}
END

static size_t
found(struct ring *r, const struct endpoint *e)
{
	struct ring_pick *p = pick_new(r, e, 0, 1);
	size_t n = p != NULL ? p->nseen : 0;

	pick_free(p);
	return n;
}

TEST(endpoints_are_found_by_what_is_known_of_them)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	struct ring *r = ring_of(MB);
	struct endpoint e;
	struct talk t[5];
	int i;

	talk_begin(&t[0], r, 1, "192.0.2.1:1", "198.51.100.2:443");
	talk_begin(&t[1], r, 2, "192.0.2.2:1", "198.51.100.2:443");
	talk_begin(&t[2], r, 3, "198.51.100.2:9", "192.0.2.1:80");
	talk_end(&t[0]);
	/* One with two addresses; of the first, also before it was known. */
	talk_begin(&t[3], r, 4, "192.0.2.3:1", "198.51.100.2:443");
	for (i = 0; i < 2; i++) {
		ring_close(r, t[3].slot, NULL);
		t[3].ends.mac_known = 1;
		memcpy(t[3].ends.mac, mac, 6);
		addr_parse(&t[3].ends.client, i == 0 ? "192.0.2.3:2" :
		    "[2001:db8::3]:1");
		t[3].slot = NULL;
		talk_say(&t[3], 0, "x", 1);
	}
	/* Another, which has its address now. */
	talk_begin(&t[4], r, 5, "192.0.2.3:7", "198.51.100.2:443");
	ring_close(r, t[4].slot, NULL);
	t[4].ends.mac_known = 1;
	t[4].slot = NULL;
	talk_say(&t[4], 0, "y", 1);

	e = who("192.0.2.1");
	ck_assert_uint_eq(found(r, &e), 2);	/* client, server */
	e = who("192.0.2.2");
	ck_assert_uint_eq(found(r, &e), 1);
	e = who("192.0.2.9");
	ck_assert_uint_eq(found(r, &e), 0);
	e = who("2001:db8::3");
	ck_assert_uint_eq(found(r, &e), 1);
	e = who("02:00:00:00:00:07");
	ck_assert_uint_eq(found(r, &e), 2);
	addr_parse_ip(&e.addr, "192.0.2.3");
	ck_assert_uint_eq(found(r, &e), 4);	/* two of them unknown */
	for (i = 0; i < 5; i++)
		if (i != 0)
			talk_end(&t[i]);
	ring_free(r);
}
END

TEST(a_pick_has_only_what_is_behind_another)
{
	struct ring *r = ring_of(MB);
	struct ring_pick *p;
	struct talk t, u;
	uint64_t seq;

	talk_begin(&t, r, 1, "192.0.2.1:1", "198.51.100.2:443");
	p = picked(r, "192.0.2.1", 0);
	ck_assert_uint_eq(p->n, 3);
	ck_assert_str_eq(pick_about(p, &p->packets[0]), "open 1");
	seq = p->packets[2].seq;
	pick_free(p);
	ck_assert_ptr_null(picked(r, "192.0.2.1", seq));
	talk_say(&t, 0, "more", 4);
	talk_begin(&u, r, 2, "192.0.2.1:2", "198.51.100.2:443");
	p = picked(r, "192.0.2.1", seq);
	ck_assert_uint_eq(p->n, 5);
	ck_assert_ptr_null(pick_about(p, &p->packets[0]));
	ck_assert_str_eq(pick_about(p, &p->packets[2]), "open 2");
	pick_free(p);
	talk_end(&t);
	talk_end(&u);
	ring_free(r);
}
END

TEST(a_pick_outlives_its_packets_and_its_ring)
{
	uint8_t *data = bytes(200000), *noise = bytes(60000);
	struct recorder rec = { 0 };
	struct ring *r = ring_of(MB);
	struct ring_stats st;
	struct ring_pick *p;
	struct talk t, u;
	int i;

	talk_begin(&t, r, 1, "192.0.2.1:1", "198.51.100.2:443");
	talk_say(&t, 1, data, 200000);
	talk_end(&t);
	p = picked(r, "192.0.2.1", 0);
	talk_begin(&u, r, 2, "192.0.2.2:1", "198.51.100.2:443");
	for (i = 0; i < 40; i++) {
		talk_say(&u, 1, noise, 60000);
		counts_agree(r, MB);
	}
	/* The oldest chunks are held: what is new goes. */
	ring_stats(r, &st);
	ck_assert_uint_gt(st.gone[RING_HELD], 500);
	read_all(p, &rec);
	pick_passed(p, p->n);
	for (i = 0; i < 40; i++)
		talk_say(&u, 1, noise, 60000);
	ring_stats(r, &st);
	ck_assert_uint_gt(st.gone[RING_ROOM], 500);
	ck_assert_uint_eq(rec.side[1].len, 200000);
	ck_assert_mem_eq(rec.side[1].data, data, 200000);
	pick_free(p);
	p = picked(r, "192.0.2.2", 0);
	talk_end(&u);
	ring_free(r);
	memset(&rec, 0, sizeof(rec));
	for (i = 0; (size_t)i < p->n; i++)
		pick_frames(p, &p->packets[i], feed, &rec);
	pick_free(p);
	ck_assert_uint_eq(budget_held(BUDGET_HISTORY), 0);
	free(data);
	free(noise);
}
END

TEST(a_smaller_budget_takes_hold_at_once)
{
	static struct talk t[50];
	struct ring *r = ring_of(4 * MB);
	struct ring_stats st;
	struct ring_pick *p;
	size_t i;

	many(r, t, 50, 20, 4 * MB);
	p = picked(r, "10.0.0.50", 0);
	ck_assert_ptr_nonnull(p);
	pick_free(p);
	ring_limit(r, MB, 1000);
	counts_agree(r, MB);
	ring_limit(r, 0, 1000);
	ring_stats(r, &st);
	ck_assert_uint_eq(st.packets, 0);
	for (i = 0; i < 50; i++) {
		talk_say(&t[i], 0, "x", 1);
		ck_assert_ptr_null(t[i].slot);
	}
	/* And a larger one, too. */
	ring_limit(r, 2 * MB, 1000);
	talk_say(&t[0], 0, "x", 1);
	ck_assert_ptr_nonnull(t[0].slot);
	for (i = 0; i < 50; i++)
		talk_end(&t[i]);
	ring_free(r);
	ck_assert_uint_eq(budget_held(BUDGET_HISTORY), 0);
}
END

TEST(memory_that_all_share_is_not_taken_beyond_its_limit)
{
	static struct talk t[20];
	struct ring *r = ring_of(4 * MB);
	size_t i;

	budget_limit(2 * MB);
	many(r, t, 20, 60, 2 * MB);
	for (i = 0; i < 20; i++)
		talk_end(&t[i]);
	ring_free(r);
	budget_limit(UINT64_MAX);
}
END

/* A thread that reads picks as they come. */
struct reading {
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	struct ring_pick *pick;
	int		 stop;
	uint64_t	 read;
};

static void
count_bytes(void *arg, const struct frame *f)
{
	size_t i;

	for (i = 0; i < f->len; i++)
		ck_assert_uint_eq(f->data[i], 0x5a);
	*(uint64_t *)arg += f->len;
}

static void *
reader(void *arg)
{
	struct reading *r = arg;
	struct ring_pick *p;
	size_t i;

	pthread_mutex_lock(&r->lock);
	while (!r->stop || r->pick != NULL) {
		if ((p = r->pick) == NULL) {
			pthread_cond_wait(&r->cond, &r->lock);
			continue;
		}
		r->pick = NULL;
		pthread_mutex_unlock(&r->lock);
		pick_open(p);
		for (i = 0; i < p->n; i++) {
			pick_frames(p, &p->packets[i], count_bytes, &r->read);
			pick_passed(p, i);
		}
		pick_free(p);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

TEST(a_ring_goes_on_while_another_thread_reads)
{
	static uint8_t data[5000];
	struct reading rd = { PTHREAD_MUTEX_INITIALIZER,
	    PTHREAD_COND_INITIALIZER, NULL, 0, 0 };
	struct ring *r = ring_of(2 * MB);
	struct endpoint e = who("192.0.2.1");
	struct talk t, u;
	pthread_t thread;
	int i;

	memset(data, 0x5a, sizeof(data));
	pthread_create(&thread, NULL, reader, &rd);
	talk_begin(&u, r, 2, "192.0.2.2:1", "198.51.100.2:443");
	for (i = 0; i < 20000; i++) {
		if (i % 50 == 0)
			talk_begin(&t, r, 1, "192.0.2.1:1",
			    "198.51.100.2:443");
		talk_say(&t, i & 1, data, sizeof(data));
		talk_say(&u, i & 1, data, 100);
		pthread_mutex_lock(&rd.lock);
		if (rd.pick == NULL) {
			rd.pick = pick_new(r, &e, 0, 1);
			pthread_cond_signal(&rd.cond);
		}
		pthread_mutex_unlock(&rd.lock);
		if (i % 50 == 49)
			talk_end(&t);
	}
	pthread_mutex_lock(&rd.lock);
	rd.stop = 1;
	pthread_cond_signal(&rd.cond);
	pthread_mutex_unlock(&rd.lock);
	pthread_join(thread, NULL);
	ck_assert_uint_gt(rd.read, 0);
	talk_end(&u);
	counts_agree(r, 2 * MB);
	ring_free(r);
	ck_assert_uint_eq(budget_held(BUDGET_HISTORY), 0);
}
END

SUITE("ring", frames_come_out_as_a_mirror_sends_them,
    budget_is_never_exceeded, conversations_without_packets_are_not_kept,
    oldest_packets_go_first, packets_age,
    endpoints_are_found_by_what_is_known_of_them,
    a_pick_has_only_what_is_behind_another,
    a_pick_outlives_its_packets_and_its_ring,
    a_smaller_budget_takes_hold_at_once,
    memory_that_all_share_is_not_taken_beyond_its_limit,
    a_ring_goes_on_while_another_thread_reads)
