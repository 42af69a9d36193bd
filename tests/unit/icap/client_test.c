/*
 * The ICAP client against the scripted server: messages that pass.
 */
#include <pthread.h>

#include "run.h"

static struct child	server;

/* A service of the scripted server. */
static void
use(struct run *u, const char *path)
{
	if (server.pid == 0)
		server = child_start(NULL, NULL, NULL, NULL);
	run_init(u);
	run_url(u, "icap", "127.0.0.1", server.port, path);
}

/* The whole virgin message came back. */
static void
whole(const struct deal *d)
{
	ck_assert_int_eq(d->outcome, ICAP_ADAPTED);
	ck_assert_str_eq(d->broken, "");
	ck_assert_int_eq(d->ended, 1);
	ck_assert_int_eq(d->differs, 0);
	ck_assert_int_eq((long long)d->got, d->size < 0 ? 0 : d->size);
}

static void
virgin(const struct deal *d)
{
	ck_assert_int_eq(d->outcome, ICAP_VIRGIN);
	ck_assert_int_eq(d->bypassed, 0);
}

TEST(no_body_is_echoed)
{
	struct run u;
	struct deal d = { .method = ICAP_REQMOD, .size = -1 };

	use(&u, "echo");
	run_one(&u, &d);
	whole(&d);
	ck_assert_int_eq(d.has_body, 0);
	ck_assert_str_eq(u.last.outcome, "mod");
	ck_assert_str_eq(u.istag, "server-1");
	ck_assert_int_eq(u.last.status, 200);
	ck_assert_int_eq((int)u.last.attempts, 1);
}
END

TEST(bodies_of_all_sizes_are_echoed)
{
	static const int64_t sizes[] = { 0, 1, 1023, 1024, 1025, 5000, 65536,
	    300000, 3000000 };
	struct run u;
	size_t i, j;

	use(&u, "echo");
	run_begin(&u);
	for (i = 0; i < NELEM(sizes); i++)
		for (j = 0; j < 8; j++) {
			struct deal d = { .size = sizes[i],
			    .no_length = j & 1, .method = j & 2 ?
			    ICAP_REQMOD : ICAP_RESPMOD,
			    .step = j & 4 ? (size_t)sizes[i] / 3 + 1 : 0 };

			deal_do(&d, &u);
			whole(&d);
			/* else it may go whole: see below */
			if (sizes[i] != 5000 && sizes[i] != 1025)
				ck_assert_int_eq(d.more, sizes[i] > 1024);
		}
	ck_assert_int_eq((int)u.last.reused, 1);
	run_end(&u);
}
END

/* How many of n messages of that size were asked for more than a preview. */
static int
asked_on(struct run *u, int n, int64_t size, int no_length)
{
	int i, more = 0;

	for (i = 0; i < n; i++) {
		struct deal d = { .size = size, .no_length = no_length };

		deal_do(&d, u);
		whole(&d);
		more += d.more;
	}
	return more;
}

TEST(where_previews_go_on_small_bodies_go_whole)
{
	struct run u;

	use(&u, "echo");
	run_begin(&u);
	run_told(&u);
	ck_assert_int_eq(asked_on(&u, 3, 5000, 0), 3);
	/* but for one in 16, by which it would hear of a change */
	ck_assert_int_eq(asked_on(&u, 32, 5000, 0), 2);
	ck_assert_int_eq(asked_on(&u, 16, 16384, 0), 1);
	/* not where its end is not known, or it is not small */
	ck_assert_int_eq(asked_on(&u, 8, 5000, 1), 8);
	ck_assert_int_eq(asked_on(&u, 8, 16385, 0), 8);
	ck_assert_int_eq(asked_on(&u, 8, 1024, 0), 0);
	run_end(&u);
}
END

TEST(a_size_of_preview_that_the_operator_gave_is_kept)
{
	struct run u;

	use(&u, "echo");
	u.conf.preview = 1000;
	run_begin(&u);
	run_told(&u);
	ck_assert_int_eq(asked_on(&u, 20, 5000, 0), 20);
	run_end(&u);
}
END

TEST(no_content_is_the_virgin_message)
{
	static const char *const paths[] = { "204", "204?preview=none",
	    "204?preview=0", "204?tp=&tc=*", "204?preview=65536" };
	struct run u;
	size_t i, j;

	for (i = 0; i < NELEM(paths); i++) {
		use(&u, paths[i]);
		run_begin(&u);
		run_told(&u);
		for (j = 0; j < 6; j++) {
			struct deal d = { .size = j < 3 ? 100000 : 10,
			    .step = j == 1 ? 9999 : 0, .no_length = j == 2 };

			deal_do(&d, &u);
			virgin(&d);
			ck_assert_str_eq(u.last.outcome,
			    i == 1 || i == 3 ? "204" : "204p");
		}
		ck_assert_int_eq((int)u.last.reused, 1);
		run_end(&u);
	}
}
END

TEST(a_preview_of_any_size_is_kept_to)
{
	static const int64_t previews[] = { 0, 1, 7, 8, 9, ICAP_PREVIEW_OFF };
	char path[64];
	struct run u;
	size_t i;
	int64_t size;

	for (i = 0; i < NELEM(previews); i++) {
		snprintf(path, sizeof(path), "echo?n=%zu", i);
		use(&u, path);
		u.conf.preview = previews[i];
		run_begin(&u);
		for (size = 0; size < 12; size++) {
			struct deal d = { .size = size, .step = size & 1 };

			deal_do(&d, &u);
			whole(&d);
		}
		run_end(&u);
	}
}
END

TEST(what_transfer_ignore_names_is_not_sent)
{
	struct run u;
	struct deal d = { .size = 10, .path = "/a/b.BIN?x=y.html" },
	    e = { .size = 10, .path = "/a/b.html" };

	use(&u, "echo?ti=gif,bin,");
	run_begin(&u);
	run_told(&u);
	deal_do(&d, &u);
	virgin(&d);
	ck_assert_str_eq(u.last.outcome, "ignored");
	deal_do(&e, &u);
	whole(&e);
	run_end(&u);
}
END

TEST(part_of_the_virgin_body_follows)
{
	static const struct {
		const char	*path;
		int64_t		 size;
		int64_t		 original;	/* -2: malformed */
	} t[] = {
		{ "206?n=0", 100, 0 }, { "206?n=50", 100, 50 },
		{ "206?n=100", 100, 100 }, { "206?n=101", 100, -2 },
		{ "206?n=5", 5000, 5 }, { "206?n=9000", 100000, 9000 },
	};
	struct run u;
	size_t i;

	for (i = 0; i < NELEM(t); i++) {
		struct deal d = { .size = t[i].size };

		use(&u, t[i].path);
		run_begin(&u);
		run_told(&u);
		deal_do(&d, &u);
		ck_assert_int_eq(d.outcome, ICAP_ADAPTED);
		if (t[i].original == -2) {
			ck_assert_str_eq(d.broken, "malformed");
			ck_assert_str_eq(u.last.outcome, "abort");
		} else {
			ck_assert_str_eq(d.broken, "");
			ck_assert_int_eq(d.original, t[i].original);
			ck_assert_str_eq(u.last.outcome, "206");
			ck_assert_int_eq(strncmp(d.first, "PREFIX ", 7), 0);
		}
		run_end(&u);
	}
}
END

TEST(a_request_is_satisfied_and_a_response_blocked)
{
	struct run u;
	struct deal d = { .size = 5000, .method = ICAP_REQMOD },
	    e = { .size = 5000 };

	use(&u, "satisfy");
	run_one(&u, &d);
	ck_assert_int_eq(d.outcome, ICAP_SATISFIED);
	ck_assert_int_eq(d.http_status, 403);
	ck_assert_int_eq(d.ended, 1);
	ck_assert_str_eq(u.last.outcome, "sat");
	use(&u, "block");
	run_begin(&u);
	deal_do(&e, &u);
	ck_assert_int_eq(e.outcome, ICAP_ADAPTED);
	ck_assert_int_eq(e.http_status, 403);
	ck_assert_int_eq(e.ended, 1);
	ck_assert_str_eq(u.last.outcome, "block");
	ck_assert_str_eq(u.finding, "Test");
	run_end(&u);
}
END

/* Each answer in pieces of every size. */
TEST(answers_may_be_split_anywhere)
{
	static const char *const services[] = { "echo", "204", "206?n=3",
	    "satisfy", "stream", "echo?ext=a=b&trailer=X-T:1",
	    "f26", "echo?lf=yes", "modify" };
	struct run u;
	char path[64];
	size_t i, n;

	for (i = 0; i < NELEM(services); i++)
		for (n = 1; n < 24; n += n < 3 ? 1 : 5) {
			struct deal d = { .size = 20,
			    .method = ICAP_REQMOD },
			    e = { .size = 3000 };

			snprintf(path, sizeof(path), "%s%csplit=%zu",
			    services[i], strchr(services[i], '?') != NULL ?
			    '&' : '?', n);
			use(&u, path);
			u.conf.options = strstr(path, "lf=") == NULL;
			run_begin(&u);
			deal_do(&d, &u);
			deal_do(&e, &u);
			ck_assert_msg(d.outcome != ICAP_FAILED &&
			    e.outcome != ICAP_FAILED, "%s: %s", path,
			    u.why);
			ck_assert_str_eq(d.broken, "");
			ck_assert_str_eq(e.broken, "");
			run_end(&u);
		}
}
END

/* Bodies that grow while they are sent, and a receiver that is slow. */
TEST(nothing_ever_stalls)
{
	static const int64_t sizes[] = { 1, 70000, 1 << 20, 16 << 20,
	    64 << 20 };
	static const char *const paths[] = { "stream", "echo?preview=none",
	    "stream?early=0" };
	struct run u;
	size_t i, j;

	for (j = 0; j < NELEM(paths); j++) {
		use(&u, paths[j]);
		run_begin(&u);
		for (i = 0; i < NELEM(sizes) - (j == 1); i++) {
			struct deal d = { .size = sizes[i], .no_length = i & 1,
			    .step = 1 + (size_t)sizes[i] / 100,
			    .take = 1 + (size_t)sizes[i] / 150 };

			deal_do(&d, &u);
			whole(&d);
		}
		run_end(&u);
	}
}
END

TEST(a_slow_receiver_is_no_failure)
{
	struct run u;
	struct deal d = { .size = 5 << 20, .take = 1 << 20, .pause = 700 };

	use(&u, "f12");
	u.conf.idle_timeout = u.conf.first_byte_timeout = 200;
	run_one(&u, &d);
	whole(&d);
}
END

TEST(early_answers_are_taken)
{
	static const char *const paths[] = { "f25", "f25?drain=yes",
	    "f25?early=5000", "f25?early=99999&drain=yes" };
	struct run u;
	size_t i, j;

	for (i = 0; i < NELEM(paths); i++) {
		use(&u, paths[i]);
		run_begin(&u);
		for (j = 0; j < 4; j++) {
			struct deal d = { .size = 100000 << 2 * j,
			    .step = j == 3 ? 500000 : 0,
			    .method = ICAP_REQMOD };

			deal_do(&d, &u);
			ck_assert_int_eq(d.outcome, ICAP_SATISFIED);
			ck_assert_int_eq(d.ended, 1);
			ck_assert_str_eq(d.broken, "");
		}
		run_end(&u);
	}
}
END

TEST(a_slow_body_s_preview_goes_short)
{
	struct run u;
	struct deal d = { .size = 10, .step = 1 };

	use(&u, "204");
	run_begin(&u);
	run_told(&u);
	deal_start(&d, &u);
	event_del(d.grow);		/* it never comes */
	run_turn(&u, 30000);
	ck_assert_int_eq(d.over, 1);
	virgin(&d);
	deal_end_of(&d);
	run_end(&u);
}
END

TEST(one_connection_serves_many_in_turn)
{
	struct icap_server_stats v;
	const struct icap_stats *s;
	struct deal d[100];
	struct run u;
	size_t i;

	use(&u, "echo?max=1");
	u.conf.queue_timeout = 60000;
	run_begin(&u);
	memset(d, 0, sizeof(d));
	for (i = 0; i < NELEM(d); i++) {
		d[i].size = (int64_t)i * 100;
		deal_start(&d[i], &u);
	}
	run_turn(&u, 60000);
	for (i = 0; i < NELEM(d); i++) {
		ck_assert_int_eq(d[i].over, 1);
		whole(&d[i]);
		deal_end_of(&d[i]);
	}
	ck_assert_int_eq(icap_server_stats(u.service, 0, &v), 0);
	ck_assert_uint_eq(v.limit, 1);
	ck_assert_uint_eq(v.connections, 1);
	ck_assert_uint_eq(v.idle, 1);
	ck_assert_uint_eq(v.busy, 0);
	ck_assert_uint_eq(v.opened, 1);
	s = icap_service_stats(u.service);
	ck_assert_uint_eq(s->results[ICAP_RESPMOD][ICAP_R_MOD], 100);
	ck_assert_uint_eq(s->waiting, 0);
	run_end(&u);
}
END

/* Two workers, one connection between them: neither starves. */
TEST(workers_share_what_a_server_allows)
{
	struct deal d[60];
	struct run u, w;
	size_t i;

	use(&u, "echo?max=1");
	run_begin(&u);
	w = u;
	w.client = icap_attach(u.service, u.base, NULL, NULL, NULL);
	memset(d, 0, sizeof(d));
	for (i = 0; i < NELEM(d); i++)
		d[i].size = 2000;
	for (i = 0; i < NELEM(d); i++) {
		struct icap_client *other = u.client;

		if (i & 1)
			u.client = w.client;
		deal_start(&d[i], &u);
		u.client = other;
	}
	run_turn(&u, 30000);
	for (i = 0; i < NELEM(d); i++) {
		ck_assert_int_eq(d[i].over, 1);
		whole(&d[i]);
		deal_end_of(&d[i]);
	}
	icap_detach(w.client);
	run_end(&u);
}
END

static void *
worker(void *arg)
{
	struct run *u = arg;
	int i;

	for (i = 0; i < 100; i++) {
		struct deal d[5];
		size_t k;

		memset(d, 0, sizeof(d));
		for (k = 0; k < NELEM(d); k++) {
			d[k].size = (int64_t)k * 700;
			deal_start(&d[k], u);
		}
		run_turn(u, 30000);
		for (k = 0; k < NELEM(d); k++) {
			u->records += d[k].outcome == ICAP_ADAPTED &&
			    (int64_t)d[k].got == d[k].size;
			deal_end_of(&d[k]);
		}
	}
	icap_detach(u->client);
	return NULL;
}

/* For the thread sanitizer, and for the limit across threads. */
TEST(workers_are_threads)
{
	struct run u, w[3];
	pthread_t t[3];
	size_t i;

	use(&u, "echo?max=2");
	run_begin(&u);
	for (i = 0; i < 3; i++) {
		w[i] = u;
		w[i].base = event_base_new();
		w[i].client = icap_attach(u.service, w[i].base, NULL, NULL,
		    NULL);
		pthread_create(&t[i], NULL, worker, &w[i]);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(t[i], NULL);
		event_base_free(w[i].base);
		ck_assert_uint_eq(w[i].records, 500);
	}
	run_end(&u);
}
END

/* The user may leave at any moment. */
TEST(a_cancelled_transaction_is_gone)
{
	struct icap_server_stats v;
	struct run u;
	int ms;

	use(&u, "echo?slow=5");
	run_begin(&u);
	for (ms = 0; ms < 40; ms++) {
		struct deal d = { .size = 200000, .step = 5000 };

		deal_start(&d, &u);
		if (ms > 0)
			run_turn(&u, ms / 2);
		if (!d.over)
			u.open--;
		deal_end_of(&d);
	}
	icap_server_stats(u.service, 0, &v);
	for (ms = 0; ms < 1000 && v.connections != v.idle; ms++) {
		run_turn(&u, 20);
		icap_server_stats(u.service, 0, &v);
	}
	ck_assert_uint_eq(v.busy, 0);
	ck_assert_uint_eq(v.connections, v.idle);
	run_end(&u);
}
END

TEST(idle_connections_are_closed_in_time)
{
	struct icap_server_stats v;
	struct run u;
	struct deal d = { .size = 10 };
	int i;

	use(&u, "echo");
	u.conf.keep_idle = 500;
	run_begin(&u);
	deal_do(&d, &u);
	icap_server_stats(u.service, 0, &v);
	ck_assert_uint_ge(v.idle, 1);
	for (i = 0; i < 3000 && v.connections != 0; i++) {
		run_turn(&u, 10);
		icap_server_stats(u.service, 0, &v);
	}
	ck_assert_uint_eq(v.connections, 0);
	run_end(&u);
}
END

SUITE("icap", no_body_is_echoed, bodies_of_all_sizes_are_echoed,
    where_previews_go_on_small_bodies_go_whole,
    a_size_of_preview_that_the_operator_gave_is_kept,
    no_content_is_the_virgin_message, a_preview_of_any_size_is_kept_to,
    what_transfer_ignore_names_is_not_sent, part_of_the_virgin_body_follows,
    a_request_is_satisfied_and_a_response_blocked,
    answers_may_be_split_anywhere, nothing_ever_stalls,
    a_slow_receiver_is_no_failure, early_answers_are_taken,
    a_slow_body_s_preview_goes_short, one_connection_serves_many_in_turn,
    workers_share_what_a_server_allows, workers_are_threads,
    a_cancelled_transaction_is_gone,
    idle_connections_are_closed_in_time)
