/*
 * Pages of our own: the status line, the language, the form, and nothing of a
 * peer's that is markup.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "codec/template.h"
#include "http/page.h"
#include "test.h"
#include "util/mem.h"

#define BROWSER	"User-Agent: Mozilla/5.0\r\n"

/* The page for a request with these header lines. */
static char *
page_for(const char *line, const char *fields, struct page *p, size_t *len)
{
	struct http_text *h = xcalloc(1, sizeof(*h));
	char *text = xasprintf("%s HTTP/1.1\r\n%s\r\n", line, fields), *page;

	ck_assert_int_eq(http_request(h, text, strlen(text)), 0);
	p->request = &h->head;
	if (p->status == 0)
		p->status = 403;
	page = page_make(p, len);
	free(text);
	free(h);
	return page;
}

static void
has(const char *page, const char *what)
{
	ck_assert_msg(strstr(page, what) != NULL, "no \"%s\" in: %s", what,
	    page);
}

static void
has_not(const char *page, const char *what)
{
	ck_assert_msg(strstr(page, what) == NULL, "\"%s\" is in: %s", what,
	    page);
}

TEST(each_status_has_its_own_phrase)
{
	static const char *const lines[] = { "400 Bad Request",
	    "403 Forbidden", "431 Request Header Fields Too Large",
	    "502 Bad Gateway", "503 Service Unavailable",
	    "504 Gateway Timeout" };
	struct page p = { .reason = "why", .reference = "session 7" };
	char want[64], *page;
	size_t i, len;

	for (i = 0; i < NELEM(lines); i++) {
		p.status = atoi(lines[i]);
		page = page_make(&p, &len);
		snprintf(want, sizeof(want), "HTTP/1.1 %s\r\n", lines[i]);
		ck_assert_msg(strncmp(page, want, strlen(want)) == 0,
		    "%s: %.50s", want, page);
		free(page);
	}
}
END

TEST(what_a_peer_said_is_no_markup)
{
	struct page p = { .status = 502, .reason = "<script>&\"'",
	    .reference = "session 7", .host = "x\xff\xe2\x80\xae<b>" };
	size_t len;
	char *page = page_make(&p, &len);

	has(page, "&lt;script&gt;&amp;&quot;&#39;");
	has_not(page, "<b>");
	has_not(page, "\xff");
	has_not(page, "\xe2\x80\xae");
	ck_assert_uint_eq(strlen(page), len);
	free(page);
}
END

TEST(a_hostile_address_is_no_markup)
{
	struct page p = { .host = "h", .tls = 1 };
	size_t len;
	char *page = page_for("GET /<script>alert(1)</script>\"onload='x",
	    "Host: h\r\n" BROWSER, &p, &len);

	has_not(page, "<script");
	has_not(page, "\"onload");
	has(page, "https://h/&lt;script&gt;");
	free(page);
}
END

/* What a reader finds: reason, rule, time, reference, contact. */
TEST(it_says_what_why_and_whom_to_ask)
{
	char contact[] = "helpdesk <help@example.com>";
	struct conf_pages pages = { .contact = contact };
	struct page p = { .reason = "blocked by rule r1", .rule = "r1",
	    .reference = "session 7", .pages = &pages };
	size_t len;
	char *page = page_for("GET /a?b", "Host: h\r\n" BROWSER, &p, &len);

	has(page, "<html lang=\"en\">");
	has(page, "http://h/a?b</dd>");
	has(page, "blocked by rule r1</dd>");
	has(page, ">r1</dd>");
	has(page, ">session 7</dd>");
	has(page, "<dt>Time</dt><dd>20");
	has(page, "helpdesk &lt;help@example.com&gt;");
	has(page, "Content-Security-Policy: default-src 'none';");
	has(page, "Cache-Control: no-store\r\n");
	has_not(page, "<form");
	has_not(page, "src=");
	free(page);
}
END

TEST(the_language_is_the_one_wanted_most)
{
	static const struct {
		const char	*accept, *lang;
	} cases[] = {
		{ "", "en" },
		{ "Accept-Language: ja\r\n", "ja" },
		{ "Accept-Language: ja-JP,en;q=0.5\r\n", "ja" },
		{ "Accept-Language: JA\r\n", "ja" },
		{ "Accept-Language: en;q=0.4, ja;q=0.45\r\n", "ja" },
		{ "Accept-Language: en-GB, ja\r\n", "en" },
		{ "Accept-Language: ja, en\r\n", "ja" },
		{ "Accept-Language: ja;q=0\r\n", "en" },
		{ "Accept-Language: en;q=0, *\r\n", "ja" },
		{ "Accept-Language: fr, de\r\n", "en" },
		{ "Accept-Language: *\r\n", "en" },
		{ "Accept-Language: ja;q=x, en;q=0.1\r\n", "en" },
		{ "Accept-Language: jav\r\n", "en" },
		{ "Accept-Language: ,,;;q=,\r\n", "en" },
	};
	char fields[200], want[40], *page;
	size_t i, len;

	for (i = 0; i < NELEM(cases); i++) {
		struct page p = { .reason = "r" };

		snprintf(fields, sizeof(fields), "Host: h\r\n" BROWSER "%s",
		    cases[i].accept);
		page = page_for("GET /", fields, &p, &len);
		snprintf(want, sizeof(want), "<html lang=\"%s\">",
		    cases[i].lang);
		has(page, want);
		snprintf(want, sizeof(want), "Content-Language: %s\r\n",
		    cases[i].lang);
		has(page, want);
		free(page);
	}
}
END

TEST(only_the_languages_of_the_operator)
{
	int only[] = { PAGE_JA };
	struct conf_pages pages = { .languages = only, .nlanguages = 1 };
	struct page p = { .pages = &pages };
	size_t len;
	char *page = page_for("GET /", "Host: h\r\n" BROWSER
	    "Accept-Language: en\r\n", &p, &len);

	has(page, "<html lang=\"ja\">");
	free(page);
}
END

TEST(a_program_gets_json)
{
	static const struct {
		const char	*fields;
		int		 json;
	} cases[] = {
		{ "", 1 },
		{ "User-Agent: curl/8\r\nAccept: */*\r\n", 1 },
		{ "Accept: application/json\r\n" BROWSER, 1 },
		{ "Accept: text/html;q=0.9, application/json\r\n", 1 },
		{ BROWSER, 0 },
		{ BROWSER "Accept: text/html,*/*;q=0.8\r\n", 0 },
		{ BROWSER "Accept: */*\r\nSec-Fetch-Dest: empty\r\n", 1 },
		{ BROWSER "Accept: */*\r\nSec-Fetch-Dest: document\r\n", 0 },
		/* Scripts in the clear, where browsers send no Sec-Fetch. */
		{ BROWSER "Accept: application/json, text/plain, */*\r\n",
		    1 },
		{ BROWSER "Accept: application/problem+json\r\n", 1 },
		{ BROWSER "Accept: application/vnd.api+json, */*;q=0.1\r\n",
		    1 },
		{ BROWSER "Accept: */*\r\nX-Requested-With: XMLHttpRequest\r\n",
		    1 },
		{ BROWSER "Accept: text/html, application/json\r\n", 0 },
		{ BROWSER "Accept: text/html, application/*+json;q=0.9\r\n",
		    0 },
		{ "User-Agent: w3m\r\nAccept: text/html, */*;q=0.5\r\n", 0 },
	};
	char fields[200], *page;
	size_t i, len;

	for (i = 0; i < NELEM(cases); i++) {
		struct page p = { .reason = "r\"\n\xff", .rule = "r1" };

		snprintf(fields, sizeof(fields), "Host: h\r\n%s",
		    cases[i].fields);
		page = page_for("GET /", fields, &p, &len);
		has(page, cases[i].json ? "Content-Type: application/json" :
		    "Content-Type: text/html; charset=utf-8");
		ck_assert_int_eq(strstr(page, "<html") == NULL, cases[i].json);
		free(page);
	}
}
END

TEST(the_json_says_the_same)
{
	struct page p = { .reason = "r\"\n\xff", .rule = "r1",
	    .reference = "session 7", .status = 502, .kind = PAGE_FAILURE };
	const char *error, *reason, *rule, *reference, *time, *url;
	size_t len;
	char *page = page_for("GET /x", "Host: h\r\n", &p, &len);
	json_t *j = json_loads(strstr(page, "\r\n\r\n") + 4, 0, NULL);
	int status;

	ck_assert_int_eq(json_unpack(j, "{s:s, s:i, s:s, s:s, s:s, s:s, s:s}",
	    "error", &error, "status", &status, "reason", &reason, "rule",
	    &rule, "reference", &reference, "time", &time, "url", &url), 0);
	ck_assert_str_eq(error, "failed");
	ck_assert_int_eq(status, 502);
	ck_assert_str_eq(reason, "r\"\xef\xbf\xbd\xef\xbf\xbd");
	ck_assert_str_eq(rule, "r1");
	ck_assert_str_eq(reference, "session 7");
	ck_assert_str_eq(url, "http://h/x");
	json_decref(j);
	free(page);
}
END

TEST(head_has_no_body_but_its_length)
{
	struct page p = { .reason = "r" };
	size_t len;
	char *page = page_for("HEAD /", "Host: h\r\n" BROWSER, &p, &len);

	ck_assert_int_eq(memcmp(page + len - 4, "\r\n\r\n", 4), 0);
	has_not(page, "Content-Length: 0\r\n");
	free(page);
}
END

TEST(a_long_address_is_cut)
{
	char line[2100] = "GET /", *page;
	struct page p = { .reason = "r" };
	size_t len, i;

	for (i = 5; i < 2000; i += 2)
		memcpy(line + i, "\xc3\xa4", 3);
	page = page_for(line, "Host: h\r\n" BROWSER, &p, &len);
	has(page, "\xc3\xa4...</dd>");
	has_not(page, "\xef\xbf\xbd");
	ck_assert_uint_lt(len, 6000);
	free(page);
}
END

TEST(the_operators_template_is_used)
{
	static const char text[] = "<p lang={{lang}}>{{reason}} {{host}}";
	struct conf_pages pages = { 0 };
	struct page p = { .reason = "a<b", .host = "h", .pages = &pages };
	struct template_error e;
	size_t len;
	char *page;

	ck_assert_int_eq(template_read(&pages.own[PAGE_BLOCK][PAGE_JA], text,
	    strlen(text), page_names, PAGE_NAMES, &e), 0);
	page = page_for("GET /", "Host: h\r\n" BROWSER
	    "Accept-Language: ja\r\n", &p, &len);
	ck_assert_str_eq(strstr(page, "\r\n\r\n") + 4, "<p lang=ja>a&lt;b h");
	free(page);
	page = page_for("GET /", "Host: h\r\n" BROWSER, &p, &len);
	has(page, "<!DOCTYPE html>");
	free(page);
	conf_pages_drop(&pages);
}
END

SUITE("page", each_status_has_its_own_phrase, what_a_peer_said_is_no_markup,
    a_hostile_address_is_no_markup, it_says_what_why_and_whom_to_ask,
    the_language_is_the_one_wanted_most, only_the_languages_of_the_operator,
    a_program_gets_json, the_json_says_the_same,
    head_has_no_body_but_its_length, a_long_address_is_cut,
    the_operators_template_is_used)
