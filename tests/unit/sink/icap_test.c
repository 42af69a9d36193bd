/*
 * The ICAP client against the scripted server.
 */
#include "icap_run.h"

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

TEST(no_body_is_echoed)
{
	struct child s = child_start(NULL, NULL, NULL, NULL);
	struct run u;
	struct deal d = { .method = ICAP_REQMOD, .size = -1 };

	run_init(&u);
	run_url(&u, "icap", "127.0.0.1", s.port, "echo");
	run_begin(&u);
	deal_do(&d, &u, 3000);
	ck_assert_int_eq(d.outcome, ICAP_ADAPTED);
	ck_assert_int_eq(d.has_body, 0);
	ck_assert_str_eq(u.last.outcome, "mod");
	ck_assert_str_eq(u.istag, "server-1");
	run_end(&u);
	child_stop(&s);
}
END

TEST(bodies_of_all_sizes_are_echoed)
{
	static const int64_t sizes[] = { 0, 1, 1023, 1024, 1025, 5000, 65536,
	    300000, 3000000 };
	struct child s = child_start(NULL, NULL, NULL, NULL);
	struct run u;
	size_t i, j;

	run_init(&u);
	run_url(&u, "icap", "127.0.0.1", s.port, "echo");
	run_begin(&u);
	for (i = 0; i < NELEM(sizes); i++)
		for (j = 0; j < 4; j++) {
			struct deal d = { .size = sizes[i],
			    .no_length = j & 1, .method = j & 2 ?
			    ICAP_REQMOD : ICAP_RESPMOD };

			deal_do(&d, &u, 5000);
			whole(&d);
			ck_assert_int_eq(d.more, sizes[i] > 1024);
		}
	ck_assert_int_eq((int)u.last.reused, 1);
	run_end(&u);
	child_stop(&s);
}
END

TEST(no_content_is_the_virgin_message)
{
	struct child s = child_start(NULL, NULL, NULL, NULL);
	struct run u;
	struct deal d = { .size = 500000 };

	run_init(&u);
	run_url(&u, "icap", "127.0.0.1", s.port, "204");
	run_begin(&u);
	deal_do(&d, &u, 3000);
	ck_assert_int_eq(d.outcome, ICAP_VIRGIN);
	ck_assert_int_eq(d.bypassed, 0);
	ck_assert_str_eq(u.last.outcome, "204p");
	run_end(&u);
	child_stop(&s);
}
END

SUITE("icap", no_body_is_echoed, bodies_of_all_sizes_are_echoed,
    no_content_is_the_virgin_message)
