/*
 * The reader of an attempt: the ICAP head, the adapted HTTP head behind it, the
 * adapted body. Each is read as soon as it is there, whatever the writer does.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "icap/attempt.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define ROUNDS	16		/* reads in one turn */
#define STOP	1		/* of a step: over, blocked, or failed */

static int __attribute__((format(printf, 3, 4)))
read_fail(struct icap_attempt *a, enum icap_fault fault, const char *fmt, ...)
{
	va_list ap;

	a->fault = fault;
	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
	return STOP;
}

/* It is read to its end, and good. */
static int
read_end(struct icap_attempt *a, enum icap_result result, int64_t original)
{
	a->in = ICAP_IN_DONE;
	a->user->end(a->arg, result, original);
	return STOP;
}

/* 204: the message as it is. */
static int
read_unmodified(struct icap_attempt *a)
{
	int inside = a->preview >= 0 && !a->went_on;

	if (!inside && (a->allow & ICAP_ALLOW_204) == 0)
		return read_fail(a, ICAP_F_MALFORMED, "204 was not allowed");
	return read_end(a, inside ? ICAP_R_204P : ICAP_R_204, -1);
}

/* 100: what follows the preview is wanted. Elsewhere it means nothing. */
static int
read_continue(struct icap_attempt *a)
{
	if (a->out != ICAP_OUT_WAIT || a->input->body == NULL)
		return 0;
	icap_preview_learn(a->client->service, a->input->method, 1);
	a->out = ICAP_OUT_BODY;
	a->went_on = 1;
	a->wants = UINT64_MAX;
	icap_attempt_wants(a);
	icap_write_more(a);
	if (!icap_attempt_runs(a))
		return STOP;
	/* Nothing else came with it; if an RST did, the write has met it. */
	return a->conn->sock.thin && a->conn->in_len == 0 && !a->starved ?
	    STOP : 0;
}

static int
read_status(struct icap_attempt *a)
{
	if (a->seen->status >= 200 && a->seen->status < 300 &&
	    a->out == ICAP_OUT_WAIT && !a->ieof)
		icap_preview_learn(a->client->service, a->input->method, 0);
	switch (a->seen->status) {
	case 100:
		return read_continue(a);
	case 204:
		return read_unmodified(a);
	case 206:
		if ((a->allow & ICAP_ALLOW_206) == 0 ||
		    ((a->preview < 0 || a->went_on) &&
		    (a->allow & ICAP_ALLOW_204) == 0))
			return read_fail(a, ICAP_F_MALFORMED,
			    "206 was not allowed");
		/* FALLTHROUGH */
	case 200:
	case 201:
		a->in = ICAP_IN_HTTP;
		return 0;
	}
	if (a->seen->status < 200 && a->seen->status != 101)
		return 0;
	return read_fail(a, icap_fault_of(a->seen->status), "status %d",
	    a->seen->status);
}

/* Keep the fields that the RESPMOD of the same exchange repeats. */
static void
read_echo(struct icap_attempt *a, const struct icap_head *h)
{
	const struct conf_list *names = &a->client->service->conf->echo;
	struct slice value;
	size_t i;

	for (i = 0; i < names->n; i++)
		if ((value = icap_value(h, names->v[i])).len > 0)
			icap_field(&a->echo, names->v[i], value);
}

/* Take from the head what is needed after its bytes are gone. */
static void
read_keep(struct icap_attempt *a, const struct icap_head *h)
{
	a->seen->status = h->status;
	a->close = h->close;
	a->retry_after = h->retry_after;
	a->hdr = h->hdr;
	a->hdr_len = h->hdr_len;
	a->body = h->body;
	if (h->status >= 200) {
		icap_finding(h, &a->finding);
		read_echo(a, h);
		snprintf(a->seen->istag, sizeof(a->seen->istag), "%.*s",
		    SLICE(h->istag));
		icap_istag(a->conn->server, a->seen->istag);
	}
}

static int
read_icap(struct icap_attempt *a)
{
	struct icap_conn *c = a->conn;
	struct icap_head *h = &a->client->head;
	int rv;

	if (c->in_len == 0)
		return ERR_SHORT;
	h->scanned = a->scanned;
	rv = icap_response(h, a->input->method, c->in + c->in_off, c->in_len);
	a->scanned = h->scanned;
	if (rv == ERR_SHORT)
		return rv;
	if (rv != 0)
		return read_fail(a, ICAP_F_MALFORMED, "%s", h->why);
	a->scanned = 0;
	if (a->input->method == ICAP_OPTIONS) {
		a->user->options(a->arg, h, !h->close &&
		    h->body == ICAP_NONE && h->hdr_len == 0 &&
		    c->in_len == h->len);
		return STOP;
	}
	read_keep(a, h);
	icap_conn_used(c, h->len);
	return read_status(a);
}

/*
 * F15: is this the virgin head, apart from fields that are added on the way? If
 * it is, a body without a length that is only the beginning of the virgin one
 * is a scanner's way to say no.
 */
static int
read_same_head(const struct icap_attempt *a, const struct http_head *m)
{
	const struct text *text = m->response ? &a->input->res_head :
	    &a->input->req_head;
	struct http_text read;

	return text->len > 0 && a->input->body != NULL &&
	    icap_http_head(&read, a->hdr, text->s, text->len) == 0 &&
	    http_same(&read.head, m);
}

/* The extreme case of F15: a response that had a body comes back without one,
 * although its head announces it. */
static int
read_emptied(const struct icap_attempt *a, const struct http_head *m)
{
	return a->body == ICAP_NONE && m->length > 0 &&
	    a->input->body != NULL && a->input->method == ICAP_RESPMOD &&
	    m->status != 304;
}

/* A request that the server has answered itself. */
static int
read_satisfied(const struct icap_attempt *a)
{
	return a->hdr == ICAP_RES_HDR && a->input->method == ICAP_REQMOD;
}

/* The adapted message says no: by an error; or, where something was found, by
 * sending the client elsewhere. */
static int
read_says_no(const struct icap_attempt *a, const struct http_head *m)
{
	return m->response && (m->status >= 400 || (m->status >= 300 &&
	    m->status != 304 && a->finding.len > 0));
}

static enum icap_result
read_result(const struct icap_attempt *a)
{
	if (a->seen->status == 206)
		return ICAP_R_206;
	if (a->finding.len > 0 && (a->bad_status || read_satisfied(a)))
		return ICAP_R_BLOCK;
	return read_satisfied(a) ? ICAP_R_SAT : ICAP_R_MOD;
}

/* F13 rather than F14: the section is not a head, its offsets are wrong. */
static int
read_section_ends(const char *p, size_t len)
{
	return (len >= 4 && memcmp(p + len - 4, "\r\n\r\n", 4) == 0) ||
	    (len >= 2 && memcmp(p + len - 2, "\n\n", 2) == 0);
}

/* Hand the adapted head over. */
static int
read_answer(struct icap_attempt *a, struct http_head *m)
{
	struct icap_answer told = {
		.outcome = read_satisfied(a) ? ICAP_SATISFIED : ICAP_ADAPTED,
		.http = m,
		.body = a->body != ICAP_NONE,
		.echo = a->echo.s,
	};

	if (a->seen->status == 206)	/* says nothing of what it will be */
		m->length = -1;
	a->length = m->length;
	a->bad_status = read_says_no(a, m);
	a->same = told.outcome == ICAP_ADAPTED && m->length < 0 &&
	    told.body && a->seen->status != 206 && read_same_head(a, m);
	icap_body_init(&a->chunks);
	icap_conn_used(a->conn, a->hdr_len);
	a->in = ICAP_IN_BODY;
	a->answered = 1;
	a->to->answer(a->to_arg, &told);
	return icap_attempt_runs(a) ? 0 : STOP;
}

static int
read_http(struct icap_attempt *a)
{
	struct icap_conn *c = a->conn;
	struct http_text *m = &a->client->http;
	const char *p = c->in + c->in_off;

	if (c->in_len < a->hdr_len)
		return ERR_SHORT;
	if (icap_http_head(m, a->hdr, p, a->hdr_len) != 0)
		return read_fail(a, read_section_ends(p, a->hdr_len) ?
		    ICAP_F_HEAD : ICAP_F_MALFORMED, "adapted head: %s",
		    m->why);
	if (read_emptied(a, &m->head))
		return read_fail(a, ICAP_F_SHORT, "an adapted body of 0 bytes "
		    "is less than it was to be");
	return read_answer(a, &m->head);
}

/* F15, by the adapted message's own word, or by the virgin body. */
static int
read_too_short(const struct icap_attempt *a)
{
	const struct spool *body = a->input->body;

	if (a->length >= 0)
		return a->got < (uint64_t)a->length;
	if (!a->same)
		return 0;
	return a->got < spool_size(body) || spool_ended(body) == 0 ||
	    (a->input->length >= 0 && a->got < (uint64_t)a->input->length);
}

/* Whether the original has, or can still have, that byte (206). */
static int
read_original(const struct icap_attempt *a, uint64_t from)
{
	const struct spool *body = a->input->body;

	return a->seen->status == 206 && body != NULL &&
	    from >= spool_first(body) &&
	    from <= a->client->service->conf->max_body &&
	    (spool_ended(body) == 0 || from <= spool_size(body));
}

static int
read_body_end(struct icap_attempt *a)
{
	int64_t from = a->chunks.original;

	if (from >= 0 && !read_original(a, (uint64_t)from))
		return read_fail(a, ICAP_F_MALFORMED, "use-original-body=%lld: "
		    "there is no such byte", (long long)from);
	if (from < 0 && read_too_short(a))
		return read_fail(a, ICAP_F_SHORT, "an adapted body of %llu "
		    "bytes is less than it was to be",
		    (unsigned long long)a->got);
	return read_end(a, read_result(a), from);
}

/* Does the adapted body still go as the virgin one? */
static void
read_compare(struct icap_attempt *a, struct slice p, uint64_t at)
{
	const uint8_t *v;
	size_t n;

	while (a->same && p.len > 0) {
		if (spool_at(a->input->body, at, &v, &n) != 0) {
			a->same = 0;
			return;
		}
		n = n < p.len ? n : p.len;
		a->same = memcmp(p.p, v, n) == 0;
		p.p += n;
		p.len -= n;
		at += n;
	}
}

/* Hand over what is pending. True when all of it went. */
static int
read_deliver(struct icap_attempt *a)
{
	size_t n = a->pending.len;

	if (n > 0 && a->to->body != NULL)
		n = a->to->body(a->to_arg, (const uint8_t *)a->pending.p, n);
	if (!icap_attempt_runs(a))
		return 0;
	a->pending.p += n;
	a->pending.len -= n;
	a->blocked = a->pending.len > 0;
	return !a->blocked;
}

static int
read_body(struct icap_attempt *a)
{
	struct icap_conn *c = a->conn;
	struct slice in;
	int rv;

	if (a->body == ICAP_NONE)
		return read_end(a, read_result(a), -1);
	if (!read_deliver(a))
		return STOP;
	if (c->in_len == 0)
		return ERR_SHORT;
	in = slice_of(c->in + c->in_off, c->in_len);
	rv = icap_body_next(&a->chunks, &in, &a->pending);
	icap_conn_used(c, c->in_len - in.len);
	if (rv == 0)
		return read_body_end(a);
	if (rv != 1) {
		a->pending.len = 0;
		return rv == ERR_SHORT ? rv : read_fail(a, ICAP_F_MALFORMED,
		    "adapted body: %s", a->chunks.why);
	}
	read_compare(a, a->pending, a->got);
	a->got += a->pending.len;
	if (a->length >= 0 && a->seen->status != 206 &&
	    a->got > (uint64_t)a->length)
		return read_fail(a, ICAP_F_LONG, "an adapted body is longer "
		    "than the %lld bytes it was to be", (long long)a->length);
	return 0;
}

static int
read_step(struct icap_attempt *a)
{
	switch (a->in) {
	case ICAP_IN_ICAP:
		return read_icap(a);
	case ICAP_IN_HTTP:
		return read_http(a);
	case ICAP_IN_BODY:
		return read_body(a);
	case ICAP_IN_DONE:
		break;
	}
	return STOP;
}

/* More bytes. 0, or STOP when there are none now, or never. */
static int
read_fill(struct icap_attempt *a)
{
	ssize_t n = icap_conn_fill(a->conn);

	if (n > 0) {
		a->t_last = clock_us();
		if (a->seen->first_byte < 0)
			a->seen->first_byte =
			    (double)(a->t_last - a->t_sent) / 1e3;
		a->seen->bytes_in += (uint64_t)n;
		return 0;
	}
	if (n == ERR_AGAIN)
		return STOP;
	if (n == ERR_LIMIT)
		return read_fail(a, ICAP_F_MALFORMED, "a head without end");
	return read_fail(a, ICAP_F_CLOSED, "the server closed the "
	    "connection%s", a->seen->first_byte >= 0 ? " in its answer" : "");
}

void
icap_read_more(struct icap_attempt *a)
{
	int i = 0, rv;

	while (icap_attempt_runs(a)) {
		rv = read_step(a);
		if (rv == STOP)
			return;
		if (rv != ERR_SHORT)
			continue;
		if (++i > ROUNDS) {
			a->again = 1;
			return;
		}
		if (read_fill(a) == STOP)
			return;
	}
}
