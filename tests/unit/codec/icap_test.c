/*
 * ICAP from the server's side of the wire: heads, whole and in every split,
 * and bodies.
 */
#include "codec/icap.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#include "test.h"
#include "icap_cases.h"

static struct icap_head m;
static char buf[2 * ICAP_HEAD_MAX];

static enum icap_method
method_of(char c)
{
	return c == 'O' ? ICAP_OPTIONS : c == 'Q' ? ICAP_REQMOD :
	    ICAP_RESPMOD;
}

static int
read_text(const char *text)
{
	memset(&m, 0, sizeof(m));
	memcpy(buf, text, strlen(text));
	return icap_response(&m, ICAP_RESPMOD, buf, strlen(text));
}

static void
check_case(const struct icap_case *c, int e)
{
	ck_assert_msg(e == c->e, "%s: %d (%s)", c->name, e,
	    m.why != NULL ? m.why : "-");
	if (c->why != NULL) {
		ck_assert_msg(strstr(m.why, c->why) != NULL, "%s: \"%s\"",
		    c->name, m.why);
		return;
	}
	ck_assert_msg(m.len == strlen(c->text), "%s", c->name);
	ck_assert_msg(m.status == c->status && m.hdr == c->hdr &&
	    m.hdr_len == c->hdr_len && m.body == c->body,
	    "%s: %d, head %d of %zu, body %d", c->name, m.status, m.hdr,
	    m.hdr_len, m.body);
}

TEST(every_head_is_read_or_refused_as_the_table_says)
{
	const struct icap_case *c;
	size_t len;

	for (c = cases; c < cases + NELEM(cases); c++) {
		len = strlen(c->text);
		memset(&m, 0, sizeof(m));
		memcpy(buf, c->text, len);
		memcpy(buf + len, "0\r\n\r\n", 5);
		check_case(c, icap_response(&m, method_of(c->method), buf,
		    len + 5));
	}
}
END

TEST(every_head_is_the_same_when_it_comes_byte_by_byte)
{
	const struct icap_case *c;
	size_t n, len;
	char *copy;
	int e;

	for (c = cases; c < cases + NELEM(cases); c++) {
		len = strlen(c->text);
		memset(&m, 0, sizeof(m));
		for (n = 0, e = ERR_SHORT; n <= len && e == ERR_SHORT; n++) {
			/* Its very size and another place each time. */
			copy = xmemdup(c->text, n);
			e = icap_response(&m, method_of(c->method), copy, n);
			if (e != ERR_SHORT || n == len)
				check_case(c, e);
			free(copy);
		}
	}
}
END

TEST(a_nul_in_a_head_is_refused)
{
	static const char head[] = "ICAP/1.0 204 x\r\nA: \0\r\n\r\n";

	memset(&m, 0, sizeof(m));
	memcpy(buf, head, sizeof(head) - 1);
	ck_assert_int_eq(icap_response(&m, ICAP_REQMOD, buf,
	    sizeof(head) - 1), ERR_FORMAT);
	ck_assert_str_eq(m.why, "a NUL in the head");
}
END

TEST(a_head_over_64_kib_or_with_too_many_fields_is_refused)
{
	struct text t = { NULL, 0, 0 };
	int i;

	memset(&m, 0, sizeof(m));
	memset(buf, 'a', sizeof(buf));
	memcpy(buf, "ICAP/1.0 204 ", 13);
	ck_assert_int_eq(icap_response(&m, ICAP_REQMOD, buf, ICAP_HEAD_MAX),
	    ERR_SHORT);
	ck_assert_int_eq(icap_response(&m, ICAP_REQMOD, buf,
	    ICAP_HEAD_MAX + 1), ERR_LIMIT);
	text_puts(&t, "ICAP/1.0 204 x\r\n");
	for (i = 0; i < ICAP_HEADERS + 1; i++)
		text_puts(&t, "A: b\r\n");
	text_puts(&t, "\r\n");
	ck_assert_int_eq(read_text(t.s), ERR_LIMIT);
	text_free(&t);
}
END

TEST(fields_of_use_are_read_as_servers_write_them)
{
	ck_assert_int_eq(read_text("ICAP/1.0 503 Service overloaded\r\n"
	    "ISTag: \"a b\"\r\nConnection: x, Close\r\nRetry-After: 30\r\n"
	    "\r\n"), 0);
	ck_assert(slice_eq(m.istag, "a b"));
	ck_assert(slice_eq(m.reason, "Service overloaded"));
	ck_assert_int_eq(m.close, 1);
	ck_assert_int_eq(m.retry_after, 30);
	ck_assert_int_eq(read_text("ICAP/1.0 503 x\r\nISTag:17\r\n"
	    "Retry-After: Mon, 23 Nov 2026 05:36:55 GMT\r\n\r\n"), 0);
	ck_assert(slice_eq(m.istag, "17"));
	ck_assert_int_eq(m.close, 0);
	ck_assert_int_eq(m.retry_after, -1);
	ck_assert_int_eq(read_text("ICAP/1.0 404 x\r\n\r\n"), 0);
	ck_assert_uint_eq(m.istag.len, 0);
}
END

static const struct {
	const char	*field, *finding;
} findings[] = {
	{ "X-Infection-Found: Type=0; Resolution=2; "
	    "Threat=Test.Eicar-NDB.UNOFFICIAL;", "Test.Eicar-NDB.UNOFFICIAL" },
	{ "X-Infection-Found: odd", "odd" },
	{ "X-Infection-Found: Type=0; Threat=", "Type=0; Threat=" },
	{ "X-Infection-Found: Type=0; Threat = A B", "A B" },
	{ "X-Response-Info: BLOCKED\r\nX-Response-Desc: Bad score=100>50",
	    "Bad score=100>50" },
	{ "X-Violations-Found: 1\r\n\t-\r\n\tEicar\r\n\t0\r\n\t0",
	    "1 - Eicar 0 0" },
	{ "x-virus-id: EICAR Test", "EICAR Test" },
	{ "X-Response-Info: BLOCKED", "BLOCKED" },
	{ "X-Blocked: 1\r\nX-Virus-ID: first", "first" },
	{ "X-Else: 1", NULL },
};

TEST(what_was_found_is_told_in_one_line)
{
	struct text t = { NULL, 0, 0 };
	char head[512];
	size_t i;

	for (i = 0; i < NELEM(findings); i++) {
		snprintf(head, sizeof(head), "ICAP/1.0 204 x\r\n%s\r\n\r\n",
		    findings[i].field);
		ck_assert_int_eq(read_text(head), 0);
		text_clear(&t);
		ck_assert_int_eq(icap_finding(&m, &t),
		    findings[i].finding != NULL);
		if (findings[i].finding != NULL)
			ck_assert_str_eq(t.s, findings[i].finding);
	}
	text_free(&t);
}
END

static int
http_head(enum icap_section s, const char *text)
{
	static struct http_text h;

	return icap_http_head(&h, s, text, strlen(text));
}

TEST(an_http_head_fills_its_section_and_is_strict)
{
	ck_assert_int_eq(http_head(ICAP_RES_HDR, "HTTP/1.0 403 Forbidden\r\n"
	    "Connection: close\r\n\r\n"), 0);
	ck_assert_int_eq(http_head(ICAP_REQ_HDR, "GET https://a/ HTTP/1.1\r\n"
	    "Host: a\r\n\r\n"), 0);
	ck_assert_int_eq(http_head(ICAP_RES_HDR, "HTTP/1.0 403 x\r\n\r\nx"),
	    ERR_FORMAT);
	ck_assert_int_eq(http_head(ICAP_RES_HDR, "HTTP/1.0 403 x\r\n"),
	    ERR_FORMAT);
	ck_assert_int_eq(http_head(ICAP_REQ_HDR, "\r\nGET / HTTP/1.1\r\n"
	    "Host: a\r\n\r\n"), ERR_FORMAT);
	ck_assert_int_eq(http_head(ICAP_RES_HDR, "HTTP/1.1 200 OK\r\n"
	    "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), ERR_FORMAT);
	ck_assert_int_eq(http_head(ICAP_RES_HDR, "HTTP/1.1 200 OK\n\n"),
	    ERR_FORMAT);
}
END

static const struct {
	const char	*text;
	int		 e;
	const char	*content;	/* or the reason */
	int64_t		 original;
	size_t		 rest;
} bodies[] = {
	{ "b\r\nhello=world\r\n0\r\n\r\n", 0, "hello=world", -1, 0 },
	{ "3\r\nabc\r\n0; ieof\r\n\r\nNEXT", 0, "abc", -1, 4 },
	{ "3\r\nabc\r\n0; use-original-body=6\r\n\r\n", 0, "abc", 6, 0 },
	{ "0;use-original-body = 0 \r\n\r\n", 0, "", 0, 0 },
	{ "0 \t; a=\"x;ieof\"; USE-ORIGINAL-BODY=7\r\n\r\n", 0, "", 7, 0 },
	{ "0; a=\"\\\";ieof\";b\r\n\r\n", 0, "", -1, 0 },
	{ "3;use-original-body=6\r\nabc\r\n0\r\n\r\n", 0, "abc", -1, 0 },
	{ "3;ieof\r\nabc\r\n0\r\n\r\n", 0, "abc", -1, 0 },
	{ "0003;\r\nabc\r\n000\r\n\r\n", 0, "abc", -1, 0 },
	{ "3  \r\nabc\r\n0\r\n\r\n", 0, "abc", -1, 0 },
	{ "A\r\n0123456789\r\n0\r\nX-Scan: ok\r\nY: z\r\n\r\n!", 0,
	    "0123456789", -1, 1 },
	{ "3\r\nabc", ERR_SHORT, "abc", -1, 0 },
	{ "3\r\nabc\r\n0\r\n", ERR_SHORT, "abc", -1, 0 },
	{ "0; use-original-body=x\r\n\r\n", ERR_FORMAT, "not one number", -1,
	    0 },
	{ "0; use-original-body=-1\r\n\r\n", ERR_FORMAT, "not one number", -1,
	    0 },
	{ "0; use-original-body=1;use-original-body=1\r\n\r\n", ERR_FORMAT,
	    "not one number", -1, 0 },
	{ "0; use-original-body=99999999999999999999\r\n\r\n", ERR_FORMAT,
	    "not one number", -1, 0 },
	{ "0;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    ";ieof\r\n\r\n", ERR_FORMAT, "too long", -1, 0 },
	{ "3\r\nabcd\r\n", ERR_FORMAT, "longer", -1, 0 },
	{ "3 3\r\nabc\r\n", ERR_FORMAT, "not a number", -1, 0 },
	{ "\r\n0\r\n\r\n", ERR_FORMAT, "not a number", -1, 0 },
	{ "-1\r\n", ERR_FORMAT, "not a number", -1, 0 },
	{ "0x3\r\n", ERR_FORMAT, "not a number", -1, 0 },
	{ "3\nabc\r\n", ERR_FORMAT, "control", -1, 0 },
	{ "3\r\nabc\n0\r\n", ERR_FORMAT, "longer", -1, 0 },
	{ "10000000000000000\r\n", ERR_FORMAT, "too big", -1, 0 },
};

static void
check_body(size_t k, size_t step)
{
	const char *text = bodies[k].text;
	struct text t = { NULL, 0, 0 };
	struct icap_body b;
	struct slice in, p;
	size_t n = 0, len = strlen(text);
	int e = ERR_SHORT;

	text_puts(&t, "");
	icap_body_init(&b);
	while (e == ERR_SHORT && n < len) {
		in = slice_of(text + n, step < len - n ? step : len - n);
		n += in.len;
		while ((e = icap_body_next(&b, &in, &p)) == 1)
			text_add(&t, p.p, p.len);
		n -= in.len;
	}
	ck_assert_msg(e == bodies[k].e, "\"%s\": %d", text, e);
	if (e == ERR_FORMAT) {
		ck_assert_msg(strstr(b.why, bodies[k].content) != NULL,
		    "\"%s\": %s", text, b.why);
		ck_assert_int_eq(icap_body_next(&b, &in, &p), ERR_FORMAT);
	} else {
		ck_assert_str_eq(t.s, bodies[k].content);
		ck_assert_msg(b.original == bodies[k].original, "\"%s\"",
		    text);
		ck_assert_uint_eq(len - n, bodies[k].rest);
	}
	text_free(&t);
}

TEST(every_body_is_followed_or_refused_as_the_table_says)
{
	size_t i, step;

	for (i = 0; i < NELEM(bodies); i++)
		for (step = 1; step <= strlen(bodies[i].text); step++)
			check_body(i, step);
}
END

TEST(a_chunk_line_may_be_4_kib)
{
	struct text t = { NULL, 0, 0 };
	struct icap_body b;
	struct slice in, p;
	int i;

	text_puts(&t, "1;");
	for (i = 0; i < 4000; i++)
		text_puts(&t, "x");
	text_puts(&t, "\r\n");
	icap_body_init(&b);
	in = slice_of(t.s, t.len);
	ck_assert_int_eq(icap_body_next(&b, &in, &p), ERR_SHORT);
	icap_body_init(&b);
	memset(t.s + 2, 'x', t.len - 2);
	for (i = 0; i < 200; i++)
		text_puts(&t, "x");
	in = slice_of(t.s, t.len);
	ck_assert_int_eq(icap_body_next(&b, &in, &p), ERR_FORMAT);
	text_free(&t);
}
END

SUITE("icap", every_head_is_read_or_refused_as_the_table_says,
    every_head_is_the_same_when_it_comes_byte_by_byte,
    a_nul_in_a_head_is_refused,
    a_head_over_64_kib_or_with_too_many_fields_is_refused,
    fields_of_use_are_read_as_servers_write_them,
    what_was_found_is_told_in_one_line,
    an_http_head_fills_its_section_and_is_strict,
    every_body_is_followed_or_refused_as_the_table_says,
    a_chunk_line_may_be_4_kib)
