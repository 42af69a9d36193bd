/*
 * The reader of a transaction: the ICAP head, the adapted HTTP head in it,
 * the adapted body, each as soon as it is there, whatever the writer does.
 */
#include <stdio.h>
#include <string.h>

#include "icap/own.h"
#include "util/clock.h"
#include "util/err.h"

#define ROUNDS	16		/* reads in one turn */
#define STOP	1		/* of a step: over, blocked, or failed */

void
icap_read_start(struct icap_txn *t)
{
	t->in = ICAP_IN_ICAP;
	t->scanned = 0;
	t->heard = t->status = t->blocked = t->same = t->bad_status = 0;
	t->pending.len = 0;
	t->got = 0;
	t->length = t->retry_after = -1;
	t->istag[0] = '\0';
	text_clear(&t->finding);
	text_clear(&t->echo);
}

/* The answer is read to its end. True when the connection may be kept. */
static int
read_reusable(struct icap_txn *t)
{
	struct icap_conn *c = t->conn;

	t->in = ICAP_IN_DONE;
	return icap_write_rest(t) && !t->close && c->in_len == 0 && !c->eof;
}

/* Over, and well: count it, then tell. */
static void
read_over(struct icap_txn *t, enum icap_result result)
{
	icap_praised(t->server);
	icap_txn_over(t, result, ICAP_F_NONE, read_reusable(t));
}

/* 204: the message as it is. */
static int
read_unmodified(struct icap_txn *t)
{
	struct icap_answer a = { .outcome = ICAP_VIRGIN };
	int inside = t->preview >= 0 && !t->went_on;

	if (!inside && (t->allow & ICAP_ALLOW_204) == 0) {
		icap_txn_fail(t, ICAP_F_MALFORMED, "204 was not allowed");
		return STOP;
	}
	a.finding = t->finding.len > 0 ? t->finding.s : NULL;
	read_over(t, inside ? ICAP_R_204P : ICAP_R_204);
	icap_txn_answer(t, &a);
	return STOP;
}

/* 100: what the preview was followed by is wanted; elsewhere it is noise. */
static int
read_continue(struct icap_txn *t)
{
	if (t->out != ICAP_OUT_WAIT || t->job.body == NULL)
		return 0;
	icap_txn_learn(t, 1);
	t->out = ICAP_OUT_BODY;
	t->went_on = 1;
	t->wants = UINT64_MAX;
	if (!icap_txn_more(t))
		return STOP;
	icap_write_more(t);
	if (!icap_txn_runs(t))
		return STOP;
	/* Nothing else came with it; if an RST did, the write has met it. */
	return t->conn->sock.thin && t->conn->in_len == 0 && !t->starved ?
	    STOP : 0;
}

static enum icap_fault
read_fault(int status)
{
	switch (status) {
	case 401:
	case 407:
		return ICAP_F_AUTH;
	case 404:
	case 405:
	case 501:
	case 505:
		return ICAP_F_NO_SERVICE;
	case 408:
		return ICAP_F_REQUEST_TIME;
	case 503:
	case 506:
		return ICAP_F_OVERLOAD;
	}
	return status < 500 ? ICAP_F_REFUSED : ICAP_F_SERVER;
}

static int
read_status(struct icap_txn *t)
{
	if (t->status >= 200 && t->status < 300 &&
	    t->out == ICAP_OUT_WAIT && !t->ieof)
		icap_txn_learn(t, 0);
	switch (t->status) {
	case 100:
		return read_continue(t);
	case 204:
		return read_unmodified(t);
	case 206:
		if ((t->allow & ICAP_ALLOW_206) == 0 ||
		    ((t->preview < 0 || t->went_on) &&
		    (t->allow & ICAP_ALLOW_204) == 0)) {
			icap_txn_fail(t, ICAP_F_MALFORMED,
			    "206 was not allowed");
			return STOP;
		}
		/* FALLTHROUGH */
	case 200:
	case 201:
		t->in = ICAP_IN_HTTP;
		return 0;
	}
	if (t->status < 200 && t->status != 101)
		return 0;
	icap_txn_fail(t, read_fault(t->status), "status %d", t->status);
	return STOP;
}

/* What the RESPMOD of the same exchange shall say. */
static void
read_echo(struct icap_txn *t, const struct icap_head *h)
{
	const struct conf_list *names = &t->seat->service->conf->echo;
	struct slice value;
	size_t i;

	for (i = 0; i < names->n; i++)
		if ((value = icap_value(h, names->v[i])).len > 0)
			icap_field(&t->echo, names->v[i], value);
}

/* Take from the head what is needed after its bytes are gone. */
static void
read_keep(struct icap_txn *t, const struct icap_head *h)
{
	t->status = h->status;
	t->close = h->close;
	t->retry_after = h->retry_after;
	t->hdr = h->hdr;
	t->hdr_len = h->hdr_len;
	t->body = h->body;
	if (h->status >= 200) {
		icap_finding(h, &t->finding);
		read_echo(t, h);
		snprintf(t->istag, sizeof(t->istag), "%.*s", SLICE(h->istag));
		icap_istag(t->server, t->istag);
	}
}

static int
read_icap(struct icap_txn *t)
{
	struct icap_conn *c = t->conn;
	struct icap_head *h = &t->seat->head;
	int rv;

	if (c->in_len == 0)
		return ERR_SHORT;
	h->scanned = t->scanned;
	h->why = NULL;
	rv = icap_response(h, t->job.method, c->in + c->in_off, c->in_len);
	t->scanned = h->scanned;
	if (rv == ERR_SHORT)
		return rv;
	if (rv != 0) {
		icap_txn_fail(t, ICAP_F_MALFORMED, "%s",
		    h->why != NULL ? h->why : err_str(rv));
		return STOP;
	}
	t->scanned = 0;
	read_keep(t, h);
	icap_conn_used(c, h->len);
	return read_status(t);
}

static int
read_hop_field(struct slice name)
{
	return slice_is(name, "via") || slice_is(name, "content-length") ||
	    slice_is(name, "connection") || slice_is(name, "date") ||
	    slice_is(name, "transfer-encoding");
}

/* The next field from i on that is the message's own. */
static size_t
read_own_field(const struct http_head *m, size_t i)
{
	while (i < m->n && read_hop_field(m->h[i].name))
		i++;
	return i;
}

/*
 * F15: is this the virgin head, but for what is added on the way? Then a body
 * without a length that is a mere beginning of the virgin one is a scanner's
 * way to say no.
 */
static int
read_same_head(const struct icap_txn *t, const struct http_head *m)
{
	const struct text *text = m->response ? t->job.res_head :
	    t->job.req_head;
	struct http1_head read;
	const struct http_head *v = &read.head;
	size_t i = 0, j = 0;

	read.scanned = 0;
	if (text == NULL || t->job.body == NULL || (m->response ?
	    http1_response(&read, text->s, text->len) :
	    http1_request(&read, text->s, text->len)) != 0 ||
	    v->status != m->status)
		return 0;
	for (;; i++, j++) {
		i = read_own_field(m, i);
		j = read_own_field(v, j);
		if (i == m->n || j == v->n)
			return i == m->n && j == v->n;
		if (m->h[i].name.len != v->h[j].name.len ||
		    m->h[i].value.len != v->h[j].value.len ||
		    strncasecmp(m->h[i].name.p, v->h[j].name.p,
		    v->h[j].name.len) != 0 || memcmp(m->h[i].value.p,
		    v->h[j].value.p, v->h[j].value.len) != 0)
			return 0;
	}
}

/* A response that had a body comes back as a head that says it has one, and
 * none: the least of what F15 is about. */
static int
read_emptied(const struct icap_txn *t, const struct http_head *m)
{
	return t->body == ICAP_NONE && m->length > 0 &&
	    t->job.body != NULL && t->job.method == ICAP_RESPMOD &&
	    m->status != 304;
}

/* A request that the server has answered itself. */
static int
read_satisfied(const struct icap_txn *t)
{
	return t->hdr == ICAP_RES_HDR && t->job.method == ICAP_REQMOD;
}

/* The adapted message says no: by an error; or, where something was found, by
 * sending the client elsewhere. */
static int
read_says_no(const struct icap_txn *t, const struct http_head *m)
{
	return m->response && (m->status >= 400 || (m->status >= 300 &&
	    m->status != 304 && t->finding.len > 0));
}

static enum icap_result
read_result(const struct icap_txn *t)
{
	if (t->status == 206)
		return ICAP_R_206;
	if (t->finding.len > 0 && (t->bad_status || read_satisfied(t)))
		return ICAP_R_BLOCK;
	return read_satisfied(t) ? ICAP_R_SAT : ICAP_R_MOD;
}

/* F13 rather than F14: the section is not a head, its offsets are wrong. */
static int
read_section_ends(const char *p, size_t len)
{
	return (len >= 4 && memcmp(p + len - 4, "\r\n\r\n", 4) == 0) ||
	    (len >= 2 && memcmp(p + len - 2, "\n\n", 2) == 0);
}

static int
read_http(struct icap_txn *t)
{
	struct icap_conn *c = t->conn;
	struct http1_head *read = &t->seat->http;
	struct http_head *m = &read->head;
	struct icap_head *h = &t->seat->head;
	struct icap_answer a = { .outcome = ICAP_ADAPTED, .http = m };
	int rv;

	if (c->in_len < t->hdr_len)
		return ERR_SHORT;
	h->status = t->status;
	h->hdr = t->hdr;
	h->hdr_len = t->hdr_len;
	h->body = t->body;
	read->why = NULL;
	rv = icap_http_head(read, h, c->in + c->in_off);
	if (rv != 0) {
		icap_txn_fail(t, read_section_ends(c->in + c->in_off,
		    t->hdr_len) ? ICAP_F_HEAD : ICAP_F_MALFORMED,
		    "adapted head: %s", read->why != NULL ? read->why :
		    err_str(rv));
		return STOP;
	}
	if (read_emptied(t, m)) {
		icap_txn_fail(t, ICAP_F_SHORT, "an adapted body of 0 bytes is "
		    "less than it was to be");
		return STOP;
	}
	if (t->job.method == ICAP_REQMOD && t->hdr == ICAP_RES_HDR)
		a.outcome = ICAP_SATISFIED;
	a.body = t->body != ICAP_NONE;
	a.finding = t->finding.len > 0 ? t->finding.s : NULL;
	if (t->status == 206)	/* says nothing of what it will be */
		m->length = -1;
	t->length = m->length;
	t->bad_status = read_says_no(t, m);
	t->same = a.outcome == ICAP_ADAPTED && m->length < 0 && a.body &&
	    t->status != 206 && read_same_head(t, m);
	icap_body_init(&t->chunks);
	icap_conn_used(c, t->hdr_len);
	t->in = ICAP_IN_BODY;
	icap_txn_answer(t, &a);
	return t->user == NULL || !icap_txn_runs(t) ? STOP : 0;
}

static void
read_end(struct icap_txn *t, int64_t original)
{
	read_over(t, read_result(t));
	if (t->user != NULL)
		t->user->end(t->arg, original);
}

/* F15, by the adapted message's own word, or by the virgin body. */
static int
read_too_short(const struct icap_txn *t)
{
	const struct spool *body = t->job.body;

	if (t->length >= 0)
		return t->got < (uint64_t)t->length;
	if (!t->same)
		return 0;
	return t->got < spool_size(body) || spool_ended(body) == 0 ||
	    (t->job.length >= 0 && t->got < (uint64_t)t->job.length);
}

/* Whether the original has, or can still have, that byte (206). */
static int
read_original(const struct icap_txn *t, uint64_t from)
{
	const struct spool *body = t->job.body;

	return t->status == 206 && body != NULL && from >= spool_first(body) &&
	    from <= t->seat->service->conf->max_body &&
	    (spool_ended(body) == 0 || from <= spool_size(body));
}

static int
read_body_end(struct icap_txn *t)
{
	int64_t from = t->chunks.original;

	if (from >= 0 && !read_original(t, (uint64_t)from))
		icap_txn_fail(t, ICAP_F_MALFORMED, "use-original-body=%lld: "
		    "there is no such byte", (long long)from);
	else if (from < 0 && read_too_short(t))
		icap_txn_fail(t, ICAP_F_SHORT, "an adapted body of %llu bytes "
		    "is less than it was to be", (unsigned long long)t->got);
	else
		read_end(t, from);
	return STOP;
}

/* Does the adapted body still go as the virgin one? */
static void
read_compare(struct icap_txn *t, struct slice p, uint64_t at)
{
	const uint8_t *v;
	size_t n;

	while (t->same && p.len > 0) {
		if (spool_at(t->job.body, at, &v, &n) != 0) {
			t->same = 0;
			return;
		}
		n = n < p.len ? n : p.len;
		t->same = memcmp(p.p, v, n) == 0;
		p.p += n;
		p.len -= n;
		at += n;
	}
}

/* Hand over what is pending. True when all of it went. */
static int
read_deliver(struct icap_txn *t)
{
	size_t n = t->pending.len;

	if (n > 0 && !t->job.copy)
		n = t->user->body(t->arg, (const uint8_t *)t->pending.p, n);
	if (t->user == NULL || !icap_txn_runs(t))
		return 0;
	t->pending.p += n;
	t->pending.len -= n;
	t->blocked = t->pending.len > 0;
	return !t->blocked;
}

static int
read_body(struct icap_txn *t)
{
	struct icap_conn *c = t->conn;
	struct slice in;
	int rv;

	if (t->body == ICAP_NONE) {
		read_end(t, -1);
		return STOP;
	}
	if (!read_deliver(t))
		return STOP;
	if (c->in_len == 0)
		return ERR_SHORT;
	in = slice_of(c->in + c->in_off, c->in_len);
	rv = icap_body_next(&t->chunks, &in, &t->pending);
	icap_conn_used(c, c->in_len - in.len);
	if (rv == 0)
		return read_body_end(t);
	if (rv != 1) {
		t->pending.len = 0;
		if (rv == ERR_SHORT)
			return rv;
		icap_txn_fail(t, ICAP_F_MALFORMED, "adapted body: %s",
		    t->chunks.why != NULL ? t->chunks.why : err_str(rv));
		return STOP;
	}
	read_compare(t, t->pending, t->got);
	t->got += t->pending.len;
	if (t->length >= 0 && t->status != 206 &&
	    t->got > (uint64_t)t->length) {
		icap_txn_fail(t, ICAP_F_LONG, "an adapted body is longer than "
		    "the %lld bytes it was to be", (long long)t->length);
		return STOP;
	}
	return 0;
}

static int
read_step(struct icap_txn *t)
{
	switch (t->in) {
	case ICAP_IN_ICAP:
		return read_icap(t);
	case ICAP_IN_HTTP:
		return read_http(t);
	case ICAP_IN_BODY:
		return read_body(t);
	case ICAP_IN_DONE:
		break;
	}
	return STOP;
}

/* More bytes. 0, or STOP when there are none now, or never. */
static int
read_fill(struct icap_txn *t)
{
	ssize_t n = icap_conn_fill(t->conn, SIZE_MAX);

	if (n > 0) {
		t->t_last = clock_us();
		if (!t->heard)
			t->first_ms = (double)(t->t_last - t->t_sent) / 1e3;
		t->heard = 1;
		t->bytes_in += (uint64_t)n;
		return 0;
	}
	if (n == ERR_LIMIT)
		icap_txn_fail(t, ICAP_F_MALFORMED, "a head without end");
	else if (n != ERR_AGAIN)
		icap_txn_fail(t, ICAP_F_CLOSED, "the server closed the "
		    "connection%s", t->heard ? " in its answer" : "");
	return STOP;
}

void
icap_read_more(struct icap_txn *t)
{
	int i = 0, rv;

	while (icap_txn_runs(t) && t->user != NULL) {
		rv = read_step(t);
		if (rv == STOP)
			return;
		if (rv != ERR_SHORT)
			continue;
		if (++i > ROUNDS) {
			icap_txn_kick(t);
			return;
		}
		if (read_fill(t) == STOP)
			return;
	}
}
