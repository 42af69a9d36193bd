/*
 * Who is down, and whose doing it was: a message that a server fails on says
 * nothing of the server, or one page would switch the scanner off for all.
 */
#include "run.h"

static struct child	server;

static void
use(struct run *u, const char *path)
{
	if (server.pid == 0)
		server = child_start(NULL, NULL, NULL, NULL);
	run_init(u);
	/* Those hang for longer than they may. */
	if (strcmp(path, "f10") == 0 || strcmp(path, "f11") == 0)
		u->conf.first_byte_timeout = u->conf.idle_timeout = 500;
	run_url(u, "icap", "127.0.0.1", server.port, path);
}

/* What a message can make of a server that answers OPTIONS. */
static const char *const contents[] = { "f6", "f7", "f9", "f10", "f11",
    "f13?encap=&badchunk=size", "f14?badhead=nul", "f15", "long", "f16",
    "f17", "f18", "f20" };

static void
deal_failed(const struct deal *d, const char *path, const char *want)
{
	ck_assert_msg(d->over, "%s stalled", path);
	ck_assert_msg(want == NULL || strcmp(d->why, want) == 0, "%s: %s",
	    path, d->why);
	ck_assert_str_ne(d->why, "down");
	if (d->broken[0] == '\0')
		ck_assert_int_eq(d->outcome, ICAP_FAILED);
}

/*
 * n failures of one client, or of more, at once, so that no answer to OPTIONS
 * comes between them; whether it is down then.
 */
static int
fails(const char *path, int n, int clients, const char *want)
{
	struct icap_server_stats v;
	struct deal d[12];
	struct run u;
	int i;

	ck_assert_int_le(n, (int)NELEM(d));
	use(&u, path);
	run_begin(&u);
	run_told(&u);
	memset(d, 0, sizeof(d));
	for (i = 0; i < n; i++) {
		d[i].size = 40000;
		d[i].client = 1 + i % clients;
		deal_start(&d[i], &u);
	}
	run_turn(&u, 30000);
	for (i = 0; i < n; i++) {
		deal_failed(&d[i], path, want);
		deal_end_of(&d[i]);
	}
	icap_server_stats(u.service, 0, &v);
	run_end(&u);
	return v.state == ICAP_DOWN;
}

TEST(one_client_cannot_take_a_server_down)
{
	size_t i;

	for (i = 0; i < NELEM(contents); i++)
		ck_assert_msg(!fails(contents[i], 12, 1, NULL), "%s",
		    contents[i]);
}
END

TEST(an_answer_that_we_refuse_takes_nobody_down)
{
	ck_assert(!fails("f14?badhead=nul", 12, 2, "adapted-head"));
	ck_assert(!fails("f14?badhead=lengths", 12, 3, "adapted-head"));
	ck_assert(!fails("long", 12, 2, NULL));
	ck_assert(!fails("f15", 12, 2, NULL));
}
END

TEST(what_fails_for_two_clients_is_down)
{
	ck_assert(fails("f20", 3, 2, "server-error"));
	ck_assert(fails("f10", 3, 3, "first-byte"));
	ck_assert(fails("f6", 3, 2, "closed"));
}
END

SUITE("icap_health", one_client_cannot_take_a_server_down,
    an_answer_that_we_refuse_takes_nobody_down,
    what_fails_for_two_clients_is_down)
