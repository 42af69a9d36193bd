/*
 * What failures of an ICAP server lead to: the rows of the table in icap(5),
 * F1 to F35, each with fail open and fail closed.
 */
#include <sys/socket.h>

#include "run.h"

static struct child	server;

/* Those that hang, or stop, for longer than they may. */
static int
hangs(const char *path)
{
	return strncmp(path, "f10", 3) == 0 || strncmp(path, "f11", 3) == 0 ||
	    strstr(path, "hang") != NULL;
}

static void
use(struct run *u, const char *path)
{
	if (server.pid == 0)
		server = child_start(NULL, NULL, NULL, NULL);
	run_init(u);
	if (hangs(path)) {
		u->conf.connect_timeout = 1000;
		u->conf.first_byte_timeout = u->conf.idle_timeout = 500;
	}
	run_url(u, "icap", "127.0.0.1", server.port, path);
}

enum { UNCOMMITTED, COMMITTED };

/* One server that fails in this way; what the user sees of it. */
static const struct row {
	const char	*path;
	int		 committed;	/* answer() was called before */
	int		 status;	/* fail closed */
	const char	*fault;
} rows[] = {
	{ "f6", UNCOMMITTED, 502, "closed" },
	{ "f6?cut=head&how=rst", UNCOMMITTED, 502, "closed" },
	{ "f6?how=garbage", UNCOMMITTED, 502, "malformed" },
	{ "f7", UNCOMMITTED, 502, "closed" },
	{ "f9", COMMITTED, 0, "closed" },
	{ "f9?how=fin", COMMITTED, 0, "closed" },
	{ "f9?cut=http&after=20", UNCOMMITTED, 502, "closed" },
	{ "f9?cut=last&after=2", COMMITTED, 0, "closed" },
	{ "f10", UNCOMMITTED, 504, "first-byte" },
	{ "f10?cut=http&after=20", UNCOMMITTED, 504, "stall" },
	{ "f11", COMMITTED, 0, "stall" },
	{ "f13", UNCOMMITTED, 502, "malformed" },
	{ "f13?encap=&badchunk=size", COMMITTED, 0, "malformed" },
	{ "f13?encap=&badchunk=crlf", COMMITTED, 0, "malformed" },
	{ "f13?encap=&badchunk=huge", COMMITTED, 0, "malformed" },
	{ "f14?badhead=status", UNCOMMITTED, 502, "adapted-head" },
	{ "f14?badhead=nul", UNCOMMITTED, 502, "adapted-head" },
	{ "f14?badhead=cr", UNCOMMITTED, 502, "adapted-head" },
	{ "f14?badhead=lengths", UNCOMMITTED, 502, "adapted-head" },
	{ "f14?badhead=te", UNCOMMITTED, 502, "adapted-head" },
	{ "f14?badhead=unended", UNCOMMITTED, 502, "malformed" },
	{ "f15", COMMITTED, 0, "short" },
	{ "f15?length=no", COMMITTED, 0, "short" },
	{ "long", COMMITTED, 0, "long" },
	{ "f16", UNCOMMITTED, 502, "refused" },
	{ "f16?status=400&end=close", UNCOMMITTED, 502, "refused" },
	{ "f17", UNCOMMITTED, 502, "auth" },
	{ "f17?status=401", UNCOMMITTED, 502, "auth" },
	{ "f18", UNCOMMITTED, 502, "no-service" },
	{ "f18?status=501", UNCOMMITTED, 502, "no-service" },
	{ "f20", UNCOMMITTED, 502, "server-error" },
	{ "f21?retry=60", UNCOMMITTED, 503, "overload" },
	{ "f21?retry=&status=506", UNCOMMITTED, 503, "overload" },
	{ "f23", UNCOMMITTED, 503, "down" },
	{ "f23?options=fin", UNCOMMITTED, 503, "down" },
	{ "f23?options=hang", UNCOMMITTED, 503, "down" },
	{ "f23?options=404", UNCOMMITTED, 503, "down" },
	{ "echo?methods=REQMOD", UNCOMMITTED, 503, "down" },
	{ "f28", UNCOMMITTED, 502, "refused" },
	{ "f33", UNCOMMITTED, 503, "down" },
};

static void
row_check(const struct row *r, const struct deal *d, const struct run *u,
    int open)
{
	char outcome[64];

	if (r->committed) {
		ck_assert_msg(d->outcome == ICAP_ADAPTED, "%s: %d %s",
		    r->path, d->outcome, d->why);
		ck_assert_int_eq(d->ended, 0);
		ck_assert_msg(strcmp(d->broken, r->fault) == 0, "%s: %s",
		    r->path, d->broken);
		ck_assert_str_eq(u->last.outcome,
		    strcmp(r->fault, "short") == 0 ? "block" : "abort");
		return;
	}
	ck_assert_msg(d->outcome == (open ? ICAP_VIRGIN : ICAP_FAILED),
	    "%s: %d %s", r->path, d->outcome, d->why);
	ck_assert_msg(strcmp(d->why, r->fault) == 0, "%s: %s (%s)", r->path,
	    d->why, u->why);
	ck_assert_int_eq(d->bypassed, open);
	if (!open)
		ck_assert_msg(d->status == r->status, "%s: %d", r->path,
		    d->status);
	snprintf(outcome, sizeof(outcome), "%s-%s", open ? "bypass" : "err",
	    r->fault);
	ck_assert_str_eq(u->last.outcome, outcome);
}

static void
row_do(const struct row *r, int open, int no_length)
{
	struct icap_server_stats v;
	struct deal d = { .size = 40000, .no_length = no_length };
	struct run u;

	/* Only a length that is said can be wrong. */
	if (no_length && strcmp(r->fault, "long") == 0)
		return;
	use(&u, r->path);
	u.conf.fail.reqmod = u.conf.fail.respmod = open;
	/* Its OPTIONS would be as malformed. */
	u.conf.options = strcmp(r->path, "f13") != 0;
	run_begin(&u);
	deal_do(&d, &u);
	row_check(r, &d, &u, open);
	ck_assert_uint_eq(u.records, 1);
	icap_server_stats(u.service, 0, &v);
	ck_assert_uint_eq(v.busy, 0);
	run_end(&u);
}

TEST(failures_with_fail_closed)
{
	size_t i;

	for (i = 0; i < NELEM(rows); i++)
		row_do(&rows[i], 0, 0);
}
END

TEST(failures_with_fail_open)
{
	size_t i;

	for (i = 0; i < NELEM(rows); i++)
		row_do(&rows[i], 1, 0);
}
END

TEST(failures_of_a_body_without_length)
{
	size_t i;

	for (i = 0; i < NELEM(rows); i++)
		row_do(&rows[i], 1, 1);
}
END

TEST(oddities_that_are_no_failures)
{
	static const char *const paths[] = { "f24", "f26", "f27",
	    "f28?do=echo&send100=102", "f28?do=echo&status=201",
	    "echo?send100=twice", "noistag", "echo?end=close",
	    "echo?end=drop", "echo?allow=&preview=none" };
	struct run u;
	size_t i, j;

	for (i = 0; i < NELEM(paths); i++) {
		use(&u, paths[i]);
		run_begin(&u);
		for (j = 0; j < 6; j++) {
			struct deal d = { .size = j & 1 ? 10 : 40000 };

			deal_do(&d, &u);
			ck_assert_msg(d.outcome == ICAP_ADAPTED && d.ended,
			    "%s: %d %s %s", paths[i], d.outcome, d.why, u.why);
			ck_assert_int_eq(d.differs, 0);
			ck_assert_int_eq((long long)d.got, d.size);
		}
		run_end(&u);
	}
}
END

TEST(f1_a_name_without_address)
{
	struct deal d = { .size = 10 };
	struct run u;

	run_init(&u);
	run_url(&u, "icap", "no.such.host.invalid", 1344, "echo");
	u.conf.options = 0;
	u.conf.connect_timeout = 5000;
	run_begin(&u);
	names_set_servers(u.names, "127.0.0.1:9");
	deal_do(&d, &u);
	ck_assert_int_eq(d.outcome, ICAP_FAILED);
	ck_assert_int_ge(d.status, 503);
	run_end(&u);
}
END

TEST(f2_a_connection_is_refused)
{
	struct icap_server_stats v;
	struct run u;
	int i;

	run_init(&u);
	run_url(&u, "icap", "127.0.0.1", 1, "echo");
	u.conf.options = 0;
	run_begin(&u);
	for (i = 0; i < 4; i++) {
		struct deal d = { .size = 10 };

		deal_do(&d, &u);
		ck_assert_int_eq(d.outcome, ICAP_FAILED);
		ck_assert_int_eq(d.status, 503);
		/* Three in a row: down, and told at once (F33). */
		ck_assert_str_eq(d.why, i < 3 ? "connect" : "down");
	}
	icap_server_stats(u.service, 0, &v);
	ck_assert_int_eq(v.state, ICAP_DOWN);
	ck_assert_uint_eq(v.connections, 0);
	run_end(&u);
}
END

TEST(f3_a_connection_takes_too_long)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	struct deal d = { .size = 10 };
	struct run u;
	int fd, i, full[4];

	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	for (i = 0; i < 4; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(full[i], (struct sockaddr *)&in, len);
	}
	run_init(&u);
	run_url(&u, "icap", "127.0.0.1", ntohs(in.sin_port), "echo");
	u.conf.options = 0;
	u.conf.connect_timeout = 200;
	run_one(&u, &d);
	ck_assert_int_eq(d.outcome, ICAP_FAILED);
	ck_assert_int_eq(d.status, 504);
	ck_assert_str_eq(d.why, "connect-timeout");
	for (i = 0; i < 4; i++)
		close(full[i]);
	close(fd);
}
END

TEST(f5_pooled_connections_die_unnoticed)
{
	static const char *const paths[] = { "f5", "f5?how=rst", "f19" };
	const struct icap_stats *s;
	struct run u;
	size_t i, j;

	for (i = 0; i < NELEM(paths); i++) {
		use(&u, paths[i]);
		run_begin(&u);
		for (j = 0; j < 6; j++) {
			struct deal d = { .size = 40000 };

			deal_do(&d, &u);
			ck_assert_msg(d.outcome == ICAP_ADAPTED, "%s: %s",
			    paths[i], u.why);
			ck_assert_int_eq((int)d.got, 40000);
		}
		s = icap_service_stats(u.service);
		ck_assert_uint_ge(s->faults[ICAP_F_RACE], 2);
		run_end(&u);
	}
}
END

/* Once the spool has let go of the beginning there is nothing to bypass to. */
TEST(f8_the_virgin_message_is_gone)
{
	struct deal d = { .size = 500000, .drop = 100 };
	struct run u;

	use(&u, "f8");
	u.conf.fail.reqmod = u.conf.fail.respmod = 1;
	run_one(&u, &d);
	ck_assert_int_eq(d.outcome, ICAP_FAILED);
	ck_assert_int_eq(d.status, 502);
}
END

TEST(f13_no_content_that_was_not_allowed)
{
	struct deal d = { .size = 5000 };
	struct run u;

	use(&u, "204?preview=none");
	u.conf.allow_204 = 0;
	run_one(&u, &d);
	ck_assert_int_eq(d.outcome, ICAP_FAILED);
	ck_assert_str_eq(d.why, "malformed");
}
END

/* A shorter body without length that is another one is an adapted one. */
TEST(f15_a_body_made_shorter_is_no_verdict)
{
	struct deal d = { .size = 5000, .no_length = 1 };
	struct run u;

	use(&u, "f15?length=no&short=100&do=modify&prefix=%21&append=");
	run_one(&u, &d);
	ck_assert_int_eq(d.outcome, ICAP_ADAPTED);
	ck_assert_str_eq(d.broken, "");
	ck_assert_int_eq(d.ended, 1);
}
END

TEST(f16_ten_refusals_are_a_wrong_configuration)
{
	struct icap_server_stats v;
	struct run u;
	int i;

	use(&u, "f16");
	run_begin(&u);
	for (i = 0; i < 10; i++) {
		struct deal d = { .size = 10, .client = 1 + i % 2 };

		icap_server_stats(u.service, 0, &v);
		ck_assert_int_ne(v.state, ICAP_DOWN);
		deal_do(&d, &u);
		ck_assert_str_eq(d.why, "refused");
	}
	icap_server_stats(u.service, 0, &v);
	ck_assert_int_eq(v.state, ICAP_DOWN);
	run_end(&u);
}
END

TEST(f21_a_short_overload_is_waited_for)
{
	struct deal d = { .size = 10 };
	struct run u;

	use(&u, "f21?retry=1");
	u.conf.queue_timeout = 5000;
	run_one(&u, &d);
	ck_assert_str_eq(d.why, "overload");
	ck_assert_uint_eq(u.last.attempts, 2);
	ck_assert(u.last.total > 900);
}
END

TEST(f22_the_queue_has_a_deadline_and_a_depth)
{
	struct deal d[4];
	struct run u;
	size_t i, late = 0, full = 0, done = 0;

	use(&u, "f22?slow=1500");
	u.conf.queue = 2;
	u.conf.queue_timeout = 200;
	run_begin(&u);
	run_told(&u);
	memset(d, 0, sizeof(d));
	for (i = 0; i < 4; i++) {
		d[i].size = 10;
		deal_start(&d[i], &u);
	}
	run_turn(&u, 30000);
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(d[i].over, 1);
		done += d[i].outcome == ICAP_ADAPTED;
		late += strcmp(d[i].why, "queue") == 0;
		full += d[i].status == 503;
		deal_end_of(&d[i]);
	}
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_eq(late, 3);
	ck_assert_uint_eq(full, 3);
	run_end(&u);
}
END

static void
grow_on(struct deal *d)
{
	d->hold = 0;
}

TEST(f30_a_body_cut_off_is_never_ended)
{
	struct deal d = { .size = 100000, .cut_at = 50000, .step = 5000 },
	    e = { .size = 10000, .cut_at = 500 },
	    f = { .size = 100000, .cut_at = 50000, .step = 5000,
	    .no_length = 1, .hold = 25000, .on_body = grow_on };
	struct run u;

	use(&u, "echo");
	run_begin(&u);
	deal_do(&d, &u);
	ck_assert_int_eq(d.outcome, ICAP_FAILED);
	ck_assert_str_eq(d.why, "cut");
	deal_do(&e, &u);
	ck_assert_str_eq(e.why, "cut");
	run_end(&u);
	use(&u, "stream");
	u.conf.fail.reqmod = u.conf.fail.respmod = 1;
	run_begin(&u);
	deal_do(&f, &u);
	ck_assert_int_eq(f.outcome, ICAP_ADAPTED);
	ck_assert_str_eq(f.broken, "cut");
	run_end(&u);
}
END

TEST(f33_a_service_that_is_down_costs_no_time)
{
	struct deal d = { .size = 10 }, e = { .size = 10 };
	struct run u;

	use(&u, "f33");
	run_begin(&u);
	deal_do(&d, &u);
	deal_do(&e, &u);
	ck_assert_str_eq(e.why, "down");
	ck_assert(u.last.total < 50);
	run_end(&u);
}
END

/* Of two servers one fails, in each way that another may be asked. */
TEST(another_server_is_asked)
{
	static const char *const paths[] = { "f6", "f7", "f13", "f18", "f20",
	    "f21", "f21?retry=", "f33" };
	struct run u;
	size_t i, j;

	for (i = 0; i < NELEM(paths); i++) {
		use(&u, paths[i]);
		run_url(&u, "icap", "127.0.0.1", server.port, "echo");
		run_begin(&u);
		run_told(&u);
		for (j = 0; j < 4; j++) {
			struct deal d = { .size = j & 1 ? 40000 : 10,
			    .step = 7777 };

			deal_do(&d, &u);
			ck_assert_msg(d.outcome == ICAP_ADAPTED, "%s: %s",
			    paths[i], d.why);
			ck_assert_int_eq((int)d.got, (int)d.size);
		}
		run_end(&u);
	}
}
END

TEST(a_lower_tier_is_for_bad_days)
{
	struct run u;
	int i;

	use(&u, "echo?n=1");
	run_url(&u, "icap", "127.0.0.1", server.port, "echo?n=2");
	u.urls[0].tier = 1;
	run_begin(&u);
	run_told(&u);
	for (i = 0; i < 5; i++) {
		struct deal d = { .size = 10 };

		deal_do(&d, &u);
		ck_assert_ptr_nonnull(strstr(u.server, "n=2"));
	}
	run_end(&u);
	use(&u, "echo?n=1");
	run_url(&u, "icap", "127.0.0.1", server.port, "f33");
	u.urls[0].tier = 1;
	run_begin(&u);
	run_told(&u);
	for (i = 0; i < 3; i++) {
		struct deal d = { .size = 10 };

		deal_do(&d, &u);
		ck_assert_int_eq(d.outcome, ICAP_ADAPTED);
		ck_assert_ptr_nonnull(strstr(u.server, "n=1"));
	}
	run_end(&u);
}
END

TEST(a_client_stays_with_its_server)
{
	char first[256] = "";
	struct run u;
	int i;

	use(&u, "echo?n=1");
	run_url(&u, "icap", "127.0.0.1", server.port, "echo?n=2");
	run_url(&u, "icap", "127.0.0.1", server.port, "echo?n=3");
	u.conf.persist = 1;
	run_begin(&u);
	run_told(&u);
	for (i = 0; i < 6; i++) {
		struct deal d = { .size = 10 };

		deal_do(&d, &u);
		if (i > 0)
			ck_assert_str_eq(first, u.server);
		strcpy(first, u.server);
	}
	run_end(&u);
}
END

/* It goes, it comes back: down for its failures, up after two good probes. */
TEST(a_server_comes_back)
{
	struct icap_server_stats v;
	struct child s = child_start(NULL, NULL, NULL, NULL);
	struct run u;
	char port[8];
	int i;

	snprintf(port, sizeof(port), "%d", s.port);
	run_init(&u);
	run_url(&u, "icap", "127.0.0.1", s.port, "echo");
	run_begin(&u);
	for (i = 0; i < 4; i++) {
		struct deal d = { .size = 10 };

		if (i == 1)
			child_stop(&s);
		deal_do(&d, &u);
		ck_assert_int_eq(d.outcome, i == 0 ? ICAP_ADAPTED :
		    ICAP_FAILED);
	}
	icap_server_stats(u.service, 0, &v);
	ck_assert_int_eq(v.state, ICAP_DOWN);
	s = child_start("--port", port, NULL, NULL);
	for (i = 0; i < 500 && v.state != ICAP_UP; i++) {
		run_turn(&u, 100);
		icap_server_stats(u.service, 0, &v);
	}
	ck_assert_int_eq(v.state, ICAP_UP);
	run_end(&u);
	child_stop(&s);
}
END

SUITE("icap_fail", failures_with_fail_closed, failures_with_fail_open,
    failures_of_a_body_without_length, oddities_that_are_no_failures,
    f1_a_name_without_address, f2_a_connection_is_refused,
    f3_a_connection_takes_too_long, f5_pooled_connections_die_unnoticed,
    f8_the_virgin_message_is_gone, f13_no_content_that_was_not_allowed,
    f15_a_body_made_shorter_is_no_verdict,
    f16_ten_refusals_are_a_wrong_configuration,
    f21_a_short_overload_is_waited_for,
    f22_the_queue_has_a_deadline_and_a_depth,
    f30_a_body_cut_off_is_never_ended,
    f33_a_service_that_is_down_costs_no_time, another_server_is_asked,
    a_lower_tier_is_for_bad_days, a_client_stays_with_its_server,
    a_server_comes_back)
