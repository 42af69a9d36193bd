/*
 * What is learned of sites, and when it is forgotten: with a clock that goes
 * when the test says so.
 */
#include "proxy/bypasses.h"

#include "clock.h"
#include "test.h"
#include "util/err.h"

#define PINNED	"t13d1516h2_8daaf6152771_b186095e22b6"
#define BROWSER	"t13d1517h2_8daaf6152771_b0da82dd1658"

static const struct conf_learn learn = { 3, 2, 12 * 3600 * 1000, 3600 * 1000 };

static struct facts
session(const char *client, const char *name, const char *ja4)
{
	struct facts f = { .sni = name };

	ck_assert_int_eq(addr_parse(&f.client, client), 0);
	ck_assert_int_eq(addr_parse(&f.server, "192.0.2.1:443"), 0);
	strcpy(f.ja4, ja4);
	return f;
}

static enum bypass
ask(struct bypasses *b, const struct facts *f)
{
	enum undecrypted what;

	return bypasses_ask(b, f, &learn, &what);
}

static enum bypass_learned
refuses(struct bypasses *b, const struct facts *f)
{
	return bypasses_failed(b, f, &learn, UNDECRYPTED_REFUSED);
}

/* An application that pins a.test, in use by two clients. */
static struct bypasses *
pinned(void)
{
	struct bypasses *b = bypasses_new(10, 1);
	struct facts one = session("10.0.0.1:1", "a.test", PINNED);
	struct facts two = session("10.0.0.2:1", "a.test", PINNED);

	ck_assert_int_eq(refuses(b, &one), BYPASS_COUNTED);
	ck_assert_int_eq(refuses(b, &one), BYPASS_COUNTED);
	ck_assert_int_eq(refuses(b, &two), BYPASS_LEARNED);
	ck_assert_int_eq(refuses(b, &two), BYPASS_KNOWN);
	return b;
}

TEST(one_client_alone_teaches_nothing)
{
	struct bypasses *b = bypasses_new(10, 1);
	struct facts f = session("10.0.0.1:1", "a.test", PINNED);
	int i;

	for (i = 0; i < 100; i++)
		ck_assert_int_eq(refuses(b, &f), BYPASS_COUNTED);
	ck_assert_int_eq(ask(b, &f), BYPASS_NO);
	bypasses_free(b);
}
END

TEST(the_pinned_application_is_bypassed_and_the_browser_is_not)
{
	struct bypasses *b = pinned();
	struct facts app = session("10.0.0.3:1", "a.test", PINNED);
	struct facts browser = session("10.0.0.1:1", "a.test", BROWSER);
	struct facts other = session("10.0.0.1:1", "b.a.test", PINNED);

	ck_assert_int_eq(ask(b, &app), BYPASS_YES);
	ck_assert_int_eq(ask(b, &browser), BYPASS_NO);
	ck_assert_int_eq(ask(b, &other), BYPASS_NO);
	bypasses_free(b);
}
END

TEST(after_the_probes_time_one_session_is_tried)
{
	struct bypasses *b = pinned();
	struct facts f = session("10.0.0.3:1", "a.test", PINNED);

	clock_ahead += 3601;
	ck_assert_int_eq(ask(b, &f), BYPASS_TRY);
	ck_assert_int_eq(ask(b, &f), BYPASS_YES);
	ck_assert_int_eq(refuses(b, &f), BYPASS_KNOWN);
	ck_assert_int_eq(ask(b, &f), BYPASS_YES);
	clock_ahead += 3601;
	ck_assert_int_eq(ask(b, &f), BYPASS_TRY);
	bypasses_worked(b, &f);
	ck_assert_int_eq(ask(b, &f), BYPASS_NO);
	clock_ahead = 0;	/* check measures tests by it */
	bypasses_free(b);
}
END

TEST(what_was_learned_expires)
{
	struct bypasses *b = pinned();
	struct facts f = session("10.0.0.3:1", "a.test", PINNED);

	clock_ahead += 12 * 3600 + 1;
	ck_assert_int_eq(ask(b, &f), BYPASS_NO);
	ck_assert_int_eq(refuses(b, &f), BYPASS_COUNTED);
	clock_ahead = 0;	/* check measures tests by it */
	bypasses_free(b);
}
END

TEST(a_server_that_insists_is_known_at_once_by_its_address)
{
	struct bypasses *b = bypasses_new(10, 1);
	struct facts f = session("10.0.0.1:1", "a.test", PINNED);
	struct facts elsewhere = f;

	ck_assert_int_eq(addr_parse(&elsewhere.server, "192.0.2.2:443"), 0);
	ck_assert_int_eq(bypasses_failed(b, &f, &learn, UNDECRYPTED_CERT),
	    BYPASS_LEARNED);
	strcpy(f.ja4, BROWSER);
	ck_assert_int_eq(ask(b, &f), BYPASS_YES);
	ck_assert_int_eq(ask(b, &elsewhere), BYPASS_NO);
	bypasses_free(b);
}
END

TEST(an_exemption_is_of_a_name_and_those_below_it)
{
	struct bypasses *b = bypasses_new(10, 1);
	struct facts f = session("10.0.0.1:1", "www.a.test", BROWSER);
	struct facts other = session("10.0.0.1:1", "wwwa.test", BROWSER);
	struct facts address = session("10.0.0.1:1", NULL, BROWSER);

	ck_assert_int_eq(bypasses_exempt(b, "a.test", 60000), 0);
	ck_assert_int_eq(bypasses_exempt(b, "192.0.2.1", 60000), 0);
	ck_assert_int_eq(ask(b, &f), BYPASS_YES);
	ck_assert_int_eq(ask(b, &other), BYPASS_NO);
	ck_assert_int_eq(ask(b, &address), BYPASS_YES);
	clock_ahead += 61;
	ck_assert_int_eq(ask(b, &f), BYPASS_NO);
	clock_ahead = 0;	/* check measures tests by it */
	bypasses_free(b);
}
END

TEST(what_is_cleared_is_decrypted_again)
{
	struct bypasses *b = pinned();
	struct facts f = session("10.0.0.3:1", "a.test", PINNED);

	bypasses_exempt(b, "www.a.test", 60000);
	ck_assert_uint_eq(bypasses_clear(b, "b.test", 0), 0);
	ck_assert_uint_eq(bypasses_clear(b, "a.test", 1), 1);
	ck_assert_int_eq(ask(b, &f), BYPASS_YES);
	ck_assert_uint_eq(bypasses_clear(b, "a.test", 0), 1);
	ck_assert_int_eq(ask(b, &f), BYPASS_NO);
	bypasses_free(b);
}
END

static void
count_row(void *arg, const struct bypass_row *r)
{
	ck_assert_uint_ge(r->left, 1);
	++*(unsigned *)arg;
}

TEST(names_without_end_do_not_displace_what_was_learned)
{
	struct bypasses *b = pinned();
	struct facts f = session("10.0.0.3:1", "a.test", PINNED);
	char name[32];
	unsigned n = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		f.sni = name;
		refuses(b, &f);
	}
	f.sni = "a.test";
	ck_assert_int_eq(ask(b, &f), BYPASS_YES);
	bypasses_each(b, count_row, &n);
	ck_assert_uint_eq(n, 10);
	bypasses_free(b);
}
END

TEST(exemptions_are_never_displaced)
{
	struct bypasses *b = bypasses_new(2, 1);
	struct facts f = session("10.0.0.3:1", "a.test", PINNED);

	ck_assert_int_eq(bypasses_exempt(b, "b.test", 60000), 0);
	ck_assert_int_eq(bypasses_exempt(b, "c.test", 60000), 0);
	ck_assert_int_eq(bypasses_exempt(b, "d.test", 60000), ERR_LIMIT);
	ck_assert_int_eq(bypasses_exempt(b, "c.test", 90000), 0);
	ck_assert_int_eq(refuses(b, &f), BYPASS_COUNTED);
	bypasses_free(b);
}
END

SUITE("bypasses", one_client_alone_teaches_nothing,
    the_pinned_application_is_bypassed_and_the_browser_is_not,
    after_the_probes_time_one_session_is_tried, what_was_learned_expires,
    a_server_that_insists_is_known_at_once_by_its_address,
    an_exemption_is_of_a_name_and_those_below_it,
    what_is_cleared_is_decrypted_again,
    names_without_end_do_not_displace_what_was_learned,
    exemptions_are_never_displaced)
