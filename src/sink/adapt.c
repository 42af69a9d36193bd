/*
 * A message's way through the services of its session's rule. As long as
 * every service so far has said "unmodified" while the body still lay in the
 * flow, nothing is copied: the message passes from where it lies. Once more
 * than the preview is wanted it is taken out into a spool, and goes on from
 * there, or what a service made of it does.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/inner.h"
#include "sink/side.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

/* How far reading runs ahead of what goes on out of a spool. */
#define SPOOL_AHEAD	(256 * 1024)
#define SPOOL_ROOM	1024	/* in a flow, to get on at all */

static void	side_ask(struct side *);

/* The next service in the row that does this method, or NULL. */
static struct icap_service *
side_service(const struct side *s, size_t *k)
{
	const struct exchange *x = s->x;
	struct icap_service *svc;

	for (; *k < x->nrow; ++*k) {
		svc = x->env->services[x->row[*k]];
		if (icap_does(svc, side_method(s)) &&
		    !icap_service_conf(svc)->monitor)
			return svc;
	}
	return NULL;
}

/* Whatever its fields say, there is no body behind it (RFC 9112, 6.3). */
static int
side_never_body(const struct side *s, const struct http1_head *h)
{
	const struct text *method = &s->x->method;

	return h->response && (h->status < 200 || h->status == 204 ||
	    h->status == 304 ||
	    slice_eq(slice_of(method->s, method->len), "HEAD"));
}

static unsigned
side_flags(const struct side *s, const struct http1_head *h, int body)
{
	const struct message *m = &s->m;
	unsigned flags = s->http != NULL ? DELIVER_CHANGED : 0;

	if (side_never_body(s, h) ||
	    (!body && !h->response && h->length < 0))
		flags |= DELIVER_NO_BODY;
	if (s->dir == DIR_DOWN && s->x->old_client)
		flags |= DELIVER_OLD;
	if ((s->dir == DIR_DOWN && s->x->closing) ||
	    (m->http != NULL && !http1_keeps_alive(m->http)))
		flags |= DELIVER_LAST;
	return flags;
}

/* The head of what goes on; 0, or it cannot be said and all is refused. */
static int
side_head(struct side *s, const struct http1_head *h, int body,
    int64_t length, unsigned flags)
{
	if (s->dir == DIR_UP)
		s->out.upgrade = http1_value(s->m.http, "upgrade");
	if (deliver_head(&s->out, h, body ? length : 0,
	    flags | side_flags(s, h, body)) != 0) {
		side_refuse(s->x, 502, "what a service made of the message "
		    "cannot be sent");
		return -1;
	}
	if (s->out.framing == HTTP1_CLOSE)
		s->x->closing = 1;
	return 0;
}

/* Nothing, or nothing more, is asked: let what is be delivered. */
static void
side_deliver(struct side *s)
{
	const struct http1_head *h = side_http(s);
	int64_t length = h->length;

	if (s->http == NULL && s->m.mode == MESSAGE_HOLD) {
		s->state = SIDE_PASS;
		message_pass(&s->m);
		return;
	}
	s->state = SIDE_SPOOL;
	s->from = s->http == NULL ? s->m.spool : s->body;
	s->sent = 0;
	if (s->http != NULL && s->body != NULL &&
	    spool_ended(s->body) == 1)
		length = (int64_t)spool_size(s->body);
	if (side_head(s, h, s->from != NULL, length, 0) == 0)
		side_more(s);
}

/* Nobody is asked any more, nor is listened to. */
static void
side_silence(struct side *s)
{
	icap_cancel(s->txn);
	s->txn = NULL;
	deliver_withdraw(&s->out);
}

void
side_refuse(struct exchange *x, int status, const char *why)
{
	struct side *up = &x->side[DIR_UP], *down = &x->side[DIR_DOWN];
	size_t len;
	char *page, *text;

	if (down->out.began) {
		exchange_broken(x, why);
		return;
	}
	side_silence(up);
	side_silence(down);
	/* By it the operator finds flow_id and tx_id in the event log. */
	text = xasprintf("%s (transaction %llu.%u)", why,
	    (unsigned long long)x->rec->id, x->http.number);
	page = page_http(status, text, &len);
	deliver_text(&down->out, page, len);
	free(text);
	free(page);
	down->state = SIDE_TEXT;
	down->out.ended = 1;
	if (down->m.http != NULL)
		message_drop(&down->m);
	up->state = SIDE_GONE;
	message_drop(&up->m);
	x->closing = 1;
	tap_release(x->tap);
}

static void
side_over(struct side *s, const char *why)
{
	const struct conf_icap *conf;
	size_t k = s->k;

	conf = icap_service_conf(side_service(s, &k));
	if (conf->oversize == OVERSIZE_BLOCK) {
		side_refuse(s->x, 403, why);
		return;
	}
	icap_cancel(s->txn);
	s->txn = NULL;
	s->m.max = UINT64_MAX;
	s->k++;
	side_ask(s);
}

/* The virgin body's end, or more of it, for whoever waits for it. */
static void
side_feed(struct side *s)
{
	if (s->state != SIDE_ASK && s->state != SIDE_ADAPTED)
		return;
	if (s->m.lost && s->state == SIDE_ASK) {
		side_refuse(s->x, 503, "the message could not be kept");
		return;
	}
	if (s->state == SIDE_ASK && message_over(&s->m)) {
		side_over(s, "larger than what is scanned");
		return;
	}
	icap_more(s->txn);
}

static void
side_want_more(void *arg)
{
	struct side *s = arg;

	message_take(&s->m);
	tap_release(s->x->tap);
}

/* Keep an adapted head beyond the call that brought it. */
static void
side_keep_head(struct side *s, const struct http1_head *h)
{
	struct text t = { 0 };
	size_t i;

	if (h->response)
		text_printf(&t, "HTTP/1.1 %d %.*s\r\n", h->status,
		    SLICE(h->reason));
	else
		text_printf(&t, "%.*s %.*s HTTP/1.1\r\n", SLICE(h->method),
		    SLICE(h->target));
	for (i = 0; i < h->n; i++)
		if (!slice_is(h->h[i].name, "transfer-encoding"))
			text_printf(&t, "%.*s: %.*s\r\n", SLICE(h->h[i].name),
			    SLICE(h->h[i].value));
	text_puts(&t, "\r\n");
	text_free(&s->head);
	s->head = t;
	if (s->http == NULL)
		s->http = xcalloc(1, sizeof(*s->http));
	memset(s->http, 0, sizeof(*s->http));
	if (h->response)
		http1_response(s->http, s->head.s, s->head.len);
	else
		http1_request(s->http, s->head.s, s->head.len);
}

/* A service's own message goes to `to`; the virgin one is not delivered. */
static void
side_adapted(struct side *s, struct side *to, const struct icap_answer *a)
{
	struct exchange *x = s->x;
	size_t k = s->k + 1;
	struct timespec now;

	message_take(&s->m);
	s->m.max = UINT64_MAX;
	s->to = to;
	s->state = SIDE_ADAPTED;
	if (to == s && side_service(s, &k) != NULL) {
		side_keep_head(s, a->http);
		spool_free(s->body);
		s->body = a->body ? spool_new(UINT64_MAX) : NULL;
		s->collecting = 1;
		return;
	}
	if (to != s) {
		to->state = SIDE_TEXT;
		s->state = SIDE_GONE;
		clock_gettime(CLOCK_REALTIME, &now);
		http_record_response(&x->http, a->http, &now);
	}
	side_head(to, a->http, a->body, a->http->length, DELIVER_CHANGED |
	    (a->body ? DELIVER_HELD : 0));
}

static void
side_answer(void *arg, const struct icap_answer *a)
{
	struct side *s = arg;

	if (s->dir == DIR_UP && a->echo != NULL)
		text_puts(&s->x->echo[s->k], a->echo);
	switch (a->outcome) {
	case ICAP_VIRGIN:
		if (a->bypassed)
			log_warn("session %llu: not scanned: %s",
			    (unsigned long long)s->x->rec->id,
			    a->why != NULL ? a->why : "fail open");
		icap_cancel(s->txn);
		s->txn = NULL;
		s->k++;
		side_ask(s);
		break;
	case ICAP_ADAPTED:
		side_adapted(s, s, a);
		break;
	case ICAP_SATISFIED:
		side_adapted(s, &s->x->side[DIR_DOWN], a);
		break;
	case ICAP_FAILED:
		side_refuse(s->x, a->status, a->why != NULL ? a->why :
		    "the content could not be checked");
		break;
	}
	tap_release(s->x->tap);
}

static size_t
side_take_body(void *arg, const uint8_t *p, size_t len)
{
	struct side *s = arg;
	size_t n;
	int bad;

	if (s->collecting) {
		if (s->body != NULL && spool_add(s->body, p, len) != 0)
			exchange_broken(s->x, "what a service made of it is "
			    "too large to keep");
		return len;
	}
	n = deliver_body(&s->to->out, p, len, &bad);
	if (bad)
		exchange_broken(s->x, "the adapted body is longer than its "
		    "head says");
	tap_release(s->x->tap);
	return n;
}

/* All that a service had to say is here. */
static void
side_adapted_end(struct side *s)
{
	if (s->collecting) {
		s->collecting = 0;
		if (s->body != NULL)
			spool_end(s->body);
		s->k++;
		side_ask(s);
		return;
	}
	if (deliver_end(&s->to->out, NULL) != 0) {
		exchange_broken(s->x, "the adapted body is shorter than its "
		    "head says");
		return;
	}
	message_drop(&s->m);
	side_more(s);
}

/* Behind what a service sent comes the virgin body from here on (206). */
static int
side_original(struct side *s, int64_t original)
{
	const uint8_t *p;
	uint64_t at = (uint64_t)original;
	size_t len;

	if (!s->collecting) {
		s->from = s->m.spool;
		s->sent = at;
		s->m.max = at + SPOOL_AHEAD;
		s->state = s->to == s ? SIDE_SPOOL : s->state;
		return s->to == s && s->from != NULL;
	}
	while (s->m.spool != NULL && s->body != NULL &&
	    spool_at(s->m.spool, at, &p, &len) == 0) {
		if (spool_add(s->body, p, len) != 0)
			return 0;
		at += len;
	}
	return s->m.ended;
}

static void
side_body_end(void *arg, int64_t original)
{
	struct side *s = arg;

	icap_cancel(s->txn);
	s->txn = NULL;
	if (original >= 0 && !side_original(s, original))
		exchange_broken(s->x, "the rest of the original is not kept");
	else if (original < 0 || s->collecting)
		side_adapted_end(s);
	tap_release(s->x->tap);
}

static void
side_broken(void *arg, const char *why)
{
	struct side *s = arg;

	if (s->to->out.began)
		exchange_broken(s->x, why);
	else if (s->to == s)
		side_refuse(s->x, 502, why);
	else
		side_refuse(s->x, 403, "the scanner refused the request");
}

static const struct icap_user side_user = {
	.more = side_want_more,
	.answer = side_answer,
	.body = side_take_body,
	.end = side_body_end,
	.broken = side_broken,
};

static void
side_ask(struct side *s)
{
	struct exchange *x = s->x;
	struct icap_service *svc;

	if ((svc = side_service(s, &s->k)) == NULL) {
		side_deliver(s);
		return;
	}
	if (side_job(s, s->k) != 0) {
		side_refuse(x, s->dir == DIR_UP ? 400 : 502, "the message "
		    "cannot be shown to the scanner");
		return;
	}
	s->state = SIDE_ASK;
	s->to = s;
	s->txn = icap_start(x->seats[x->row[s->k]], &s->job, &side_user, s);
	if (s->m.spool != NULL && s->http == NULL) {
		s->m.wants = icap_wants(s->txn);
		s->m.max = icap_service_conf(svc)->max_body;
		if (s->m.wants == UINT64_MAX)
			message_take(&s->m);
	}
	tap_release(x->tap);
}

/* A client that waits for 100 gets it from us: the scanner wants the body. */
static void
side_expect(struct side *s)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct message_edit expect = { "expect", NULL };
	struct deliver *down = &s->x->side[DIR_DOWN].out;

	if (!http1_has_token(s->m.http, "expect", "100-continue"))
		return;
	message_edit(&s->m, &expect, 1);
	deliver_text(down, interim, sizeof(interim) - 1);
	down->began = 0;
}

/* What would make the answer something that cannot be scanned. */
static void
side_strip(struct side *s)
{
	struct message_edit range[] = { { "range", NULL },
	    { "if-range", NULL } };
	struct message_edit h2c[] = { { "upgrade", NULL },
	    { "http2-settings", NULL } };

	message_edit(&s->m, range, NELEM(range));
	if (http1_has_token(s->m.http, "upgrade", "h2c"))
		message_edit(&s->m, h2c, NELEM(h2c));
}

void
side_begin(struct side *s)
{
	const struct conf_icap *conf;
	struct icap_service *svc;
	size_t k = 0;

	s->k = 0;
	if (s->dir == DIR_DOWN && (s->m.http->status < 200 ||
	    s->m.body.kind == HTTP1_TUNNEL)) {
		side_deliver(s);
		return;
	}
	if (s->x->nmonitors > 0)
		watch_begin(s);
	if ((svc = side_service(s, &k)) == NULL) {
		side_deliver(s);
		return;
	}
	conf = icap_service_conf(svc);
	if (side_is_stream(s, conf)) {
		side_deliver(s);
		return;
	}
	if (s->m.http->length > 0 &&
	    (uint64_t)s->m.http->length > conf->max_body) {
		if (conf->oversize == OVERSIZE_BLOCK)
			side_refuse(s->x, 403, "larger than what is scanned");
		else
			side_deliver(s);
		return;
	}
	if (!s->m.ended) {
		s->m.spool = spool_new(UINT64_MAX);
		s->m.max = conf->max_body;
		if (s->dir == DIR_UP)
			side_expect(s);
	}
	if (s->dir == DIR_UP)
		side_strip(s);
	side_ask(s);
}

/*
 * Reading ahead is bounded; but what was read and lies in the flow must not
 * take the room that what is to be sent needs.
 */
static void
side_ahead(struct side *s)
{
	struct flow *f = s->out.flow;

	s->m.max = s->sent + SPOOL_AHEAD;
	if (message_over(&s->m) && f->out == f->clear &&
	    flow_space(f) < SPOOL_ROOM) {
		s->m.max = spool_size(s->m.spool);
		tap_release(s->x->tap);
	}
}

/* Out of the spool, as far as there is room and bytes. */
static void
side_send(struct side *s)
{
	const uint8_t *p;
	size_t len, n;
	int rv = ERR_EOF, bad = 0;

	while (s->from != NULL &&
	    (rv = spool_at(s->from, s->sent, &p, &len)) == 0) {
		if ((n = deliver_body(&s->out, p, len, &bad)) == 0)
			break;
		s->sent += n;
		spool_drop(s->from, s->sent);
	}
	if (s->from != NULL && s->from == s->m.spool)
		side_ahead(s);
	if (bad || (rv != 0 && rv != ERR_EOF) || s->m.lost ||
	    (s->from != NULL && spool_ended(s->from) == -1)) {
		exchange_broken(s->x, "the message broke off");
		return;
	}
	if (rv == ERR_EOF && !s->out.ended && (s->from == NULL ||
	    (spool_ended(s->from) == 1 && s->sent == spool_size(s->from))) &&
	    deliver_end(&s->out, s->http == NULL ? &s->m.trailers : NULL) != 0)
		exchange_broken(s->x, "the message is shorter than its head "
		    "says");
}

void
side_more(struct side *s)
{
	if (s->out.flow == NULL || s->x->finished)
		return;
	deliver_flush(&s->out);
	switch (s->state) {
	case SIDE_ASK:
		side_feed(s);
		break;
	case SIDE_ADAPTED:
	case SIDE_GONE:
		if (s->txn != NULL) {
			icap_more(s->txn);
			icap_resume(s->txn);
		}
		break;
	case SIDE_SPOOL:
		side_send(s);
		break;
	default:
		break;
	}
	exchange_check(s->x);
}

void
side_ended(struct side *s)
{
	message_eof(&s->m);
	if (s->state == SIDE_HEAD)	/* a piece of a head: of no use */
		message_discard(&s->m);
	side_more(s);
}

int
side_busy(const struct side *s)
{
	switch (s->state) {
	case SIDE_HEAD:
	case SIDE_DONE:
	case SIDE_PASS:
		return deliver_waits(&s->out);
	default:
		return 1;
	}
}

void
side_reset(struct side *s)
{
	struct exchange *x = s->x;
	enum flow_dir dir = s->dir;
	struct message m = s->m;
	struct deliver out = s->out;

	watch_end(s);
	icap_cancel(s->txn);
	spool_free(s->body);
	text_free(&s->head);
	text_free(&s->req_head);
	text_free(&s->res_head);
	free(s->http);
	message_reset(&m);
	memset(s, 0, sizeof(*s));
	s->x = x;
	s->dir = dir;
	s->m = m;
	s->out = out;
	s->out.ended = s->out.began = 0;
}
