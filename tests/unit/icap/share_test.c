/*
 * Who holds a service's connections: not who has nothing to send, and not one
 * client all of them.
 */
#include <sys/stat.h>

#include "run.h"

static struct child	server;

static void
use(struct run *u, const char *path, unsigned connections)
{
	if (server.pid == 0)
		server = child_start(NULL, NULL, NULL, NULL);
	run_init(u);
	u->conf.first_byte_timeout = u->conf.idle_timeout = 20000;
	u->conf.queue_timeout = 10000;
	u->conf.connections = connections;
	run_url(u, "icap", "127.0.0.1", server.port, path);
	run_begin(u);
}

static struct icap_server_stats
stats(struct run *u)
{
	struct icap_server_stats v;

	icap_server_stats(u->service, 0, &v);
	return v;
}

/* Turn until the loop has seen this, within 10 s. */
static void
run_until(struct run *u, int (*is)(struct run *, void *), void *arg)
{
	int i;

	for (i = 0; i < 1000 && !is(u, arg); i++)
		run_turn(u, 10);
	ck_assert(is(u, arg));
}

static int
is_busy(struct run *u, void *arg)
{
	return stats(u).busy == *(unsigned *)arg;
}

static int
is_over(struct run *u, void *arg)
{
	return ((struct deal *)arg)->over;
}

static uint64_t
starved(struct run *u)
{
	const struct icap_stats *s;

	s = icap_service_stats(u->service);
	return s->faults[ICAP_F_STARVED];
}

/* The only connection is held by a body that pauses, or drips; another
 * message goes through at once, and then the first as well, whole. */
static void
pause_and_go_on(const char *path, enum icap_outcome outcome, uint64_t drip)
{
	struct deal slow = { .size = 200000, .step = 5000, .hold = 30000,
	    .drip = drip }, quick = { .size = 50000, .client = 2 };
	unsigned one = 1;
	struct run u;

	use(&u, path, 1);
	deal_start(&slow, &u);
	run_until(&u, is_busy, &one);
	deal_start(&quick, &u);
	run_until(&u, is_over, &quick);
	ck_assert(!slow.over);
	ck_assert_uint_eq(starved(&u), 1);
	ck_assert_int_eq(quick.outcome, outcome);
	ck_assert_uint_eq(stats(&u).busy, 0);
	slow.hold = 0;
	run_until(&u, is_over, &slow);
	ck_assert_int_eq(slow.outcome, outcome);
	ck_assert_int_eq(slow.bypassed + slow.differs, 0);
	ck_assert_uint_eq(slow.got, outcome == ICAP_ADAPTED ? 200000 : 0);
	ck_assert_uint_eq(u.last.attempts, 2);
	ck_assert_uint_ge(u.last.bytes_out, 200000);
	ck_assert_uint_eq(stats(&u).failures, 0);
	deal_end_of(&slow);
	deal_end_of(&quick);
	run_end(&u);
}

TEST(a_body_that_pauses_gives_its_connection_back)
{
	pause_and_go_on("204?preview=none", ICAP_VIRGIN, 0);
	pause_and_go_on("modify?append=&preview=1024", ICAP_ADAPTED, 0);
}
END

TEST(a_body_that_drips_gives_its_connection_back)
{
	pause_and_go_on("204?preview=none", ICAP_VIRGIN, 10);
}
END

TEST(a_body_that_pauses_keeps_a_connection_that_nobody_wants)
{
	struct deal slow = { .size = 200000, .step = 5000, .hold = 30000 };
	unsigned one = 1;
	struct run u;

	use(&u, "204?preview=none", 4);
	deal_start(&slow, &u);
	run_until(&u, is_busy, &one);
	run_turn(&u, 2500);
	ck_assert_uint_eq(stats(&u).busy, 1);
	slow.hold = 0;
	run_until(&u, is_over, &slow);
	ck_assert_uint_eq(u.last.attempts, 1);
	deal_end_of(&slow);
	run_end(&u);
}
END

/* Cut off while it waits: that is what becomes of it, and nothing is sent. */
TEST(a_body_that_is_cut_off_while_it_waits_is_not_shown)
{
	struct deal slow = { .size = 200000, .step = 5000, .hold = 30000,
	    .cut_at = 150000 }, quick = { .size = 50000, .client = 2 };
	unsigned one = 1;
	struct run u;

	use(&u, "204?preview=none", 1);
	deal_start(&slow, &u);
	run_until(&u, is_busy, &one);
	deal_start(&quick, &u);
	run_until(&u, is_over, &quick);
	slow.hold = 0;
	run_until(&u, is_over, &slow);
	ck_assert_int_eq(slow.outcome, ICAP_FAILED);
	ck_assert_str_eq(slow.why, "cut");
	ck_assert_uint_eq(u.last.attempts, 1);
	deal_end_of(&slow);
	deal_end_of(&quick);
	run_end(&u);
}
END

/* Larger than max-body while it waits: `oversize` decides. */
TEST(a_body_that_waits_can_be_too_large)
{
	struct deal slow = { .size = 200000, .step = 5000, .hold = 30000 },
	    quick = { .size = 50000, .client = 2 };
	unsigned one = 1;
	struct run u;

	use(&u, "204?preview=none", 1);
	u.conf.oversize = OVERSIZE_BLOCK;
	deal_start(&slow, &u);
	run_until(&u, is_busy, &one);
	deal_start(&quick, &u);
	run_until(&u, is_over, &quick);
	icap_fail(slow.txn, ICAP_F_OVERSIZE, "too large");
	run_until(&u, is_over, &slow);
	ck_assert_str_eq(slow.why, "oversize");
	ck_assert_int_eq(slow.status, 403);
	deal_end_of(&slow);
	deal_end_of(&quick);
	run_end(&u);
}
END

/* What lies in a file of this process that has no name is gone. */
static void
disk_fails(void)
{
	char path[64], to[256];
	struct stat st;
	ssize_t n;
	int fd;

	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = '\0';
		/* The spool's, not that of the test's own messages. */
		if (strstr(to, "(deleted)") != NULL && to[0] == '/' &&
		    fstat(fd, &st) == 0 && st.st_size > 65536)
			ck_assert_int_eq(ftruncate(fd, 0), 0);
	}
}

static int
is_held(struct run *u, void *arg)
{
	const struct deal *d = arg;

	return d->grown >= d->hold;
}

/* The rest of the body comes, and cannot be read back. */
static void
rest_fails(struct deal *d)
{
	deal_add(d, 40000);
	disk_fails();
}

/*
 * The answer is here, the rest of the request cannot be read from the disk any
 * more: it is over once, with that answer; or broken, where the end of that
 * answer was not in the same read.
 */
TEST(a_spool_that_fails_behind_an_answer_ends_it_once)
{
	struct deal d = { .size = 340000, .step = 20000, .hold = 300000,
	    .on_body = rest_fails };
	struct run u;

	use(&u, "satisfy?preview=none&early=300000&slow=200&bytes=500", 1);
	deal_start(&d, &u);
	run_until(&u, is_over, &d);
	ck_assert_int_eq(d.outcome, ICAP_ADAPTED);
	ck_assert_int_eq(d.http_status, 403);
	ck_assert_str_eq(d.broken, d.ended ? "" : "spool");
	ck_assert_uint_eq(u.records, 1);
	ck_assert_str_eq(u.last.outcome, d.ended ? "mod" : "abort");
	deal_end_of(&d);
	run_end(&u);
}
END

/* And before an answer it is the failure, once. */
TEST(a_spool_that_fails_before_an_answer_ends_it_once)
{
	struct deal d = { .size = 340000, .step = 20000, .hold = 300000 };
	struct run u;

	use(&u, "204?preview=none&early=320000&slow=3000", 1);
	deal_start(&d, &u);
	run_until(&u, is_held, &d);
	run_turn(&u, 100);
	deal_add(&d, 40000);
	disk_fails();
	icap_more(d.txn, 0);
	run_until(&u, is_over, &d);
	ck_assert_int_eq(d.outcome, ICAP_FAILED);
	ck_assert_str_eq(d.why, "spool");
	ck_assert_int_eq(d.answers, 1);
	ck_assert_uint_eq(u.records, 1);
	deal_end_of(&d);
	run_end(&u);
}
END

static int
is_seen(struct run *u, void *arg)
{
	return stats(u).transactions >= *(unsigned *)arg;
}

/* One client asks for all of eight, but another is about: it gets six. */
TEST(one_client_cannot_have_all_connections)
{
	struct deal first = { .size = 10, .client = 2 }, many[12], quick =
	    { .size = 10, .client = 2 };
	unsigned six = 6, more = 1 + 6 + 1;
	struct run u;
	size_t i;

	use(&u, "204?slow=1500", 8);
	deal_do(&first, &u);
	memset(many, 0, sizeof(many));
	for (i = 0; i < NELEM(many); i++) {
		many[i].size = 10;
		deal_start(&many[i], &u);
	}
	run_until(&u, is_busy, &six);
	ck_assert_uint_eq(stats(&u).transactions, 1 + 6);
	deal_start(&quick, &u);		/* at once */
	run_until(&u, is_seen, &more);
	ck_assert_uint_eq(stats(&u).busy, 7);
	for (i = 0; i < NELEM(many); i++) {
		run_until(&u, is_over, &many[i]);
		ck_assert_int_eq(many[i].outcome, ICAP_VIRGIN);
	}
	run_until(&u, is_over, &quick);
	for (i = 0; i < NELEM(many); i++)
		deal_end_of(&many[i]);
	deal_end_of(&quick);
	run_end(&u);
}
END

TEST(one_client_alone_has_all_connections)
{
	struct deal many[12];
	unsigned eight = 8;
	struct run u;
	size_t i;

	use(&u, "204?slow=500", 8);
	memset(many, 0, sizeof(many));
	for (i = 0; i < NELEM(many); i++) {
		many[i].size = 10;
		deal_start(&many[i], &u);
	}
	run_until(&u, is_busy, &eight);
	for (i = 0; i < NELEM(many); i++) {
		run_until(&u, is_over, &many[i]);
		deal_end_of(&many[i]);
	}
	run_end(&u);
}
END

/* The queue is shared, too: one's many do not fill it for the others. */
TEST(one_client_cannot_have_all_of_the_queue)
{
	struct deal first = { .size = 10, .client = 2 }, many[20], quick =
	    { .size = 10, .client = 2 };
	unsigned full = 0;
	struct run u;
	size_t i;

	use(&u, "204?slow=300", 1);
	u.conf.queue = 8;
	deal_do(&first, &u);
	memset(many, 0, sizeof(many));
	for (i = 0; i < NELEM(many); i++) {
		many[i].size = 10;
		deal_start(&many[i], &u);
	}
	run_turn(&u, 50);
	for (i = 0; i < NELEM(many); i++)
		full += strcmp(many[i].why, "queue") == 0;
	ck_assert_uint_eq(full, 20 - 1 - 6);
	deal_start(&quick, &u);
	for (i = 0; i < NELEM(many); i++) {
		run_until(&u, is_over, &many[i]);
		deal_end_of(&many[i]);
	}
	run_until(&u, is_over, &quick);
	ck_assert_int_eq(quick.outcome, ICAP_VIRGIN);
	deal_end_of(&quick);
	run_end(&u);
}
END

SUITE("icap_share", a_body_that_pauses_gives_its_connection_back,
    a_body_that_drips_gives_its_connection_back,
    a_body_that_pauses_keeps_a_connection_that_nobody_wants,
    a_body_that_is_cut_off_while_it_waits_is_not_shown,
    a_body_that_waits_can_be_too_large,
    a_spool_that_fails_behind_an_answer_ends_it_once,
    a_spool_that_fails_before_an_answer_ends_it_once,
    one_client_cannot_have_all_connections,
    one_client_alone_has_all_connections,
    one_client_cannot_have_all_of_the_queue)
