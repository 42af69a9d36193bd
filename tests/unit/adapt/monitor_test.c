/*
 * Copies of messages for a monitor, against the scripted server.
 */
#include "icap/run.h"

#include "adapt/adapt.h"

static struct conf_inspect	inspect;
static struct conf_rule		rule = { .inspect = &inspect };
static const struct verdict	verdict = { .rule = &rule };
static const struct facts	facts;
static struct plan		plan;
static const struct record	rec = { .id = 7, .facts = &facts,
				    .verdict = &verdict };

/* A message with these heads, of a session whose rule has the one monitor. */
static void
copy_message(struct adaptation *a, struct run *u, struct engine_env *env)
{
	static const size_t row[1];
	static const char req[] = "GET /x.bin HTTP/1.1\r\nHost: a\r\n\r\n";
	static const char res[] = "HTTP/1.1 200 OK\r\nServer: b\r\n\r\n";
	static struct http_text h;

	env->services = &u->service;
	plan = (struct plan){ .env = env, .rec = &rec, .row = row,
	    .clients = &u->client, .nrow = 1, .nmonitors = 1 };
	adapt_init(a, &plan);
	memset(&h, 0, sizeof(h));
	ck_assert_int_eq(http_request(&h, req, strlen(req)), 0);
	message_head(&a->x.msg[DIR_UP], &h.head, req, strlen(req));
	memset(&h, 0, sizeof(h));
	ck_assert_int_eq(http_response(&h, res, strlen(res)), 0);
	message_head(&a->x.msg[DIR_DOWN], &h.head, res, strlen(res));
}

/* A message of so many bytes (-1: no body) that come in pieces, with the loop
 * running or not; then wait for its record, if its end is awaited. */
static void
copy_do(struct run *u, int64_t size, int turn, int whole, int wait)
{
	static char piece[100000];
	struct adaptation a = { 0 };
	struct engine_env env = { 0 };
	struct http_message *m = &a.x.msg[DIR_DOWN];
	unsigned i, before = u->records;
	int64_t at, n = (int64_t)sizeof(piece);

	copy_message(&a, u, &env);
	m->ended = size < 0;
	monitor_begin(&a.msg[DIR_DOWN]);
	for (at = 0; at < size; at += n) {
		message_data(m, slice_of(piece, (size_t)(size - at < n ?
		    size - at : n)));
		if (turn)
			event_base_loop(u->base, EVLOOP_NONBLOCK);
	}
	m->ended = (unsigned)whole & 1;
	adapt_free(&a);		/* the copy outlives it */
	for (i = 0; wait && u->records == before; i++) {
		ck_assert_uint_lt(i, 3000);
		run_turn(u, 10);
	}
}

TEST(a_monitor_gets_a_copy_that_nobody_waits_for)
{
	struct child server = child_start(NULL, NULL, NULL, NULL);
	struct icap_server_stats v;
	const struct icap_stats *s;
	struct run u;

	run_init(&u);
	run_url(&u, "icap", "127.0.0.1", server.port, "echo");
	u.conf.monitor = 1;
	run_begin(&u);
	run_told(&u);
	s = icap_service_stats(u.service);
	copy_do(&u, -1, 0, 1, 1);
	copy_do(&u, 10, 0, 1, 1);
	copy_do(&u, 1000000, 1, 1, 1);
	ck_assert_uint_eq(s->results[ICAP_RESPMOD][ICAP_R_MOD], 3);
	copy_do(&u, 1000000, 1, 0, 1);
	ck_assert_uint_eq(s->faults[ICAP_F_CUT], 1);
	copy_do(&u, 20 << 20, 0, 1, 1);
	ck_assert_uint_eq(s->faults[ICAP_F_LOST], 1);
	ck_assert_uint_eq(u.records, 5);
	icap_server_stats(u.service, 0, &v);
	ck_assert_uint_eq(v.busy, 0);
	/* One under way when the worker ends. */
	copy_do(&u, 10, 0, 1, 0);
	run_end(&u);
	ck_assert_uint_eq(u.records, 6);
	child_stop(&server);
}
END

SUITE("monitor", a_monitor_gets_a_copy_that_nobody_waits_for)
