/*
 * Warnings: who may go on, and whose button it is.
 */
#include <stdio.h>
#include <string.h>

#include "proxy/coach.h"
#include "test.h"
#include "util/mem.h"

#define MIN	((uint64_t)60 * 1000)

static struct addr a, b;

static void
clients(void)
{
	ck_assert_int_eq(addr_parse(&a, "10.1.0.2:1"), 0);
	ck_assert_int_eq(addr_parse(&b, "10.1.0.3:1"), 0);
}

TEST(an_answer_is_of_a_client_and_a_site_for_a_time)
{
	clients();
	ck_assert(!coach_remembers(&a, "x.test", 0));
	coach_remember(&a, "x.test", 1000);
	ck_assert(coach_remembers(&a, "x.test", 999));
	ck_assert(!coach_remembers(&b, "x.test", 999));
	ck_assert(!coach_remembers(&a, "y.test", 999));
	ck_assert(!coach_remembers(&a, "x.test", 1000));
	coach_remember(&a, "x.test", 3000);
	coach_remember(&a, "x.test", 4000);
	ck_assert(coach_remembers(&a, "x.test", 3500));
}
END

TEST(answers_are_bounded)
{
	char site[32];
	int i, n = 0;

	clients();
	for (i = 0; i < 100000; i++) {
		snprintf(site, sizeof(site), "%d.test", i);
		coach_remember(&a, site, 1000);
	}
	for (i = 0; i < 100000; i++) {
		snprintf(site, sizeof(site), "%d.test", i);
		n += coach_remembers(&a, site, 1);
	}
	ck_assert_int_gt(n, 1000);
	ck_assert_int_lt(n, 50000);
}
END

static int
accepts(const char *token, const struct addr *client, const char *site,
    uint64_t now)
{
	return coach_accepts(slice_of(token, strlen(token)), client, site,
	    now);
}

TEST(a_token_is_of_a_client_and_a_site_for_ten_minutes)
{
	char t[COACH_TOKEN], u[COACH_TOKEN];
	size_t i;

	clients();
	coach_token(t, &a, "x.test", 5 * MIN);
	ck_assert(accepts(t, &a, "x.test", 5 * MIN));
	ck_assert(accepts(t, &a, "x.test", 15 * MIN));
	ck_assert(!accepts(t, &a, "x.test", 15 * MIN + 1));
	ck_assert(!accepts(t, &b, "x.test", 5 * MIN));
	ck_assert(!accepts(t, &a, "y.test", 5 * MIN));
	ck_assert(!accepts("", &a, "x.test", 5 * MIN));
	for (i = 0; i < strlen(t); i++) {
		memcpy(u, t, sizeof(u));
		u[i] ^= 1;
		ck_assert_msg(!accepts(u, &a, "x.test", 5 * MIN), "%s", u);
	}
	t[strlen(t) - 1] = '\0';
	ck_assert(!accepts(t, &a, "x.test", 5 * MIN));
}
END

TEST(the_button_posts_to_where_the_request_went)
{
	static const struct {
		const char	*path, *want;
	} cases[] = {
		{ "/a", "/a?clearspan-continue=T" },
		{ "/a?b=c", "/a?b=c&clearspan-continue=T" },
		{ "", "/?clearspan-continue=T" },
		{ "?b", "/?b&clearspan-continue=T" },
		{ "*", "/*?clearspan-continue=T" },
		/* These would be other hosts. */
		{ "//evil.test/", "/.//evil.test/?clearspan-continue=T" },
		{ "/\\evil.test/", "/./\\evil.test/?clearspan-continue=T" },
	};
	char *s;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		s = coach_action(slice_of(cases[i].path,
		    strlen(cases[i].path)), "T");
		ck_assert_str_eq(s, cases[i].want);
		free(s);
	}
}
END

/* Where the request leads, or NULL; its token. */
static char *
pressed(const char *line, const char *fields, char token[64])
{
	struct http_text *h = xcalloc(1, sizeof(*h));
	char *text = xasprintf("%s HTTP/1.1\r\nHost: x\r\n%s\r\n", line,
	    fields), *to;
	struct slice t = { 0 };

	ck_assert_int_eq(http_request(h, text, strlen(text)), 0);
	to = coach_pressed(&h->head, &t);
	snprintf(token, 64, "%.*s", SLICE(t));
	free(text);
	free(h);
	return to;
}

TEST(only_the_button_is_the_button)
{
	static const char good[] = "Sec-Fetch-Mode: navigate\r\n"
	    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-User: ?1\r\n";
	static const struct {
		const char	*line, *fields, *to;
	} cases[] = {
		{ "POST /a?b&clearspan-continue=T", "", "/a?b" },
		{ "POST /a?clearspan-continue=T", good, "/a" },
		{ "POST http://x/a?clearspan-continue=T", "", "/a" },
		{ "POST /?clearspan-continue=S&clearspan-continue=T", "",
		    "/?clearspan-continue=S" },
		{ "POST //evil/?clearspan-continue=T", "", "/.//evil/" },
		{ "GET /a?clearspan-continue=T", good, NULL },
		{ "POST /aclearspan-continue=T", "", NULL },
		{ "POST /a?b", good, NULL },
		{ "POST /a?clearspan-continue=T", "Sec-Fetch-Mode: cors\r\n"
		    "Sec-Fetch-Site: same-origin\r\n", NULL },
		{ "POST /a?clearspan-continue=T", "Sec-Fetch-Mode: navigate"
		    "\r\nSec-Fetch-Site: same-origin\r\n", NULL },
		{ "POST /a?clearspan-continue=T", "Sec-Fetch-Mode: navigate"
		    "\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-User: ?1\r\n",
		    NULL },
	};
	char token[64], *to;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		to = pressed(cases[i].line, cases[i].fields, token);
		if (cases[i].to == NULL) {
			ck_assert_msg(to == NULL, "%s", cases[i].line);
			continue;
		}
		ck_assert_str_eq(to, cases[i].to);
		ck_assert_str_eq(token, "T");
		free(to);
	}
}
END

SUITE("coach", an_answer_is_of_a_client_and_a_site_for_a_time,
    answers_are_bounded, a_token_is_of_a_client_and_a_site_for_ten_minutes,
    the_button_posts_to_where_the_request_went, only_the_button_is_the_button)
