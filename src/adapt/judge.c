/*
 * A request before anybody is shown it: it has one name, and may go on under
 * that one, or it is answered here. What is decided is proxy/judge.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/judge.h"
#include "proxy/session.h"
#include "adapt/side.h"
#include "util/mem.h"

/*
 * An origin is to take the authority of an absolute-form for the host, and
 * one that takes Host must not be told another (RFC 9112, 3.2.2).
 */
int
judge_one_host(struct side *s)
{
	const struct http_field *host = http_find(s->m.http, "host");
	struct message_edit edit = { "host", NULL };
	const struct http_head *h = s->m.http;
	char *value;
	int rv;

	if (host == NULL || h->scheme.len == 0)
		return 0;
	value = xstrndup(h->authority.p, h->authority.len);
	edit.value = value;
	rv = message_edit(&s->m, &edit, 1);
	free(value);
	return rv;
}

static int
judge_pass(struct exchange *x)
{
	x->raw = 1;
	session_unjudged(tap_session(x->tap));
	return 1;
}

int
judge_agreed_http2(struct exchange *x)
{
	return x->judged && x->nrow == x->nmonitors &&
	    strcmp(x->rec->facts->tls_client.alpn, "h2") == 0 && judge_pass(x);
}

/* The preface comes without being asked for, too (RFC 9113, 3.4). */
int
judge_begins_http2(struct exchange *x, const uint8_t *p, size_t len)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n";
	const size_t n = sizeof(preface) - 1;

	return x->nrow == x->nmonitors && x->http.number == 0 && len >= n &&
	    memcmp(p, preface, n) == 0 && judge_pass(x);
}

int
judge_request(struct exchange *x, int large)
{
	struct judgement j = { 431, "the request is too large" };

	if (!large)
		session_judge(tap_session(x->tap), x->side[DIR_UP].m.http, &j);
	if (j.status == 0)
		return 1;
	x->http.why = j.why;
	if (j.status > 0)
		side_refuse(x, j.status, j.why);
	else
		exchange_broken(x, j.why);
	return 0;
}
