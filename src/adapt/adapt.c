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

#include "proxy/forward.h"
#include "proxy/page.h"
#include "proxy/session.h"
#include "adapt/side.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

static void	side_ask(struct side *);

/* The next service in the row that does this method, or NULL. A copy of the
 * message, for a monitor, was made already. */
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

/* Nothing, or nothing more, is asked: let what is be delivered. */
static void
side_deliver(struct side *s)
{
	const struct http_head *h = side_http(s);
	int64_t length = h->length;

	if (s->http == NULL && s->m.mode == MESSAGE_HOLD &&
	    !side_reframed(s)) {
		s->state = SIDE_PASS;
		if (message_apart(&s->m))	/* a long head: back, as is */
			deliver_text(&s->out, s->m.head.s, s->m.head.len);
		message_pass(&s->m);
		return;
	}
	s->state = SIDE_SPOOL;
	message_take(&s->m);
	if (s->http == NULL && s->m.spool == NULL && !s->m.ended)
		s->m.spool = spool_new(UINT64_MAX);
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
	char *named, *page;
	size_t len, head;

	if (down->out.began ||
	    (down->state == SIDE_PASS && down->m.passed > 0)) {
		exchange_broken(x, why);
		return;
	}
	side_silence(up);
	side_silence(down);
	named = xasprintf("transaction %llu.%u", (unsigned long long)x->rec->id,
	    x->http.number);		/* the event log's "reference" */
	page = page_http(status, why, named, &len);
	free(named);
	head = (size_t)(strstr(page, "\r\n\r\n") + 4 - page);
	if (slice_eq(slice_of(x->method.s, x->method.len), "HEAD"))
		len = head;
	deliver_text(&down->out, page, len);
	free(page);
	http_record_replaced(&x->http, HTTP_BY_US, status);
	x->http.length[DIR_DOWN] = len - head;
	if (x->http.why == NULL)
		x->http.why = why;
	down->state = SIDE_TEXT;
	down->out.ended = 1;
	if (down->m.http != NULL)
		message_drop(&down->m);
	else			/* or the page would have no room */
		message_discard(&down->m);
	up->state = SIDE_GONE;
	message_drop(&up->m);
	x->closing = 1;
	tap_release(x->tap);
}

/* Of a body that goes to a service no more is kept than max-body. */
static void
side_bound(struct side *s)
{
	const struct exchange *x = s->x;

	if (s->m.spool != NULL && s->txn != NULL)
		s->m.max = spool_first(s->m.spool) + icap_service_conf(
		    x->env->services[x->row[s->k]])->max_body;
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
		icap_oversize(s->txn);
		return;
	}
	icap_more(s->txn);
	side_bound(s);
}

/* All that is kept was sent, and more is to be had. */
static void
side_hungry(void *arg)
{
	struct side *s = arg;
	int over = message_over(&s->m);

	side_bound(s);
	/* Rather than that, the answer stands, though nothing of it went. */
	if (message_over(&s->m) && deliver_commit(&s->to->out)) {
		spool_drop(s->m.spool, spool_size(s->m.spool));
		side_bound(s);
	}
	if (message_over(&s->m))	/* nothing of it can be forgotten */
		icap_oversize(s->txn);
	else if (over)			/* and reading had stopped for that */
		tap_release(s->x->tap);
}

static void
side_want_more(void *arg)
{
	struct side *s = arg;

	message_take(&s->m);
	tap_release(s->x->tap);
}

/* Begin to collect what a service made of it. */
static void
side_collect(struct side *s, const struct icap_answer *a)
{
	const struct http_head *h = a->http;
	struct http1_head again;
	struct text t = { 0 };
	size_t i;

	if (h->response)
		text_printf(&t, "HTTP/1.1 %d %.*s\r\n", h->status,
		    SLICE(h->reason));
	else
		text_printf(&t, "%.*s %.*s HTTP/1.%d\r\n", SLICE(h->method),
		    SLICE(h->target), h->version % 10);
	for (i = 0; i < h->n; i++)
		if (!slice_is(h->h[i].name, "transfer-encoding"))
			text_printf(&t, "%.*s: %.*s\r\n", SLICE(h->h[i].name),
			    SLICE(h->h[i].value));
	text_puts(&t, "\r\n");
	again.scanned = 0;
	if ((h->response ? http1_response(&again, t.s, t.len) :
	    http1_request(&again, t.s, t.len)) == 0) {
		s->made.http = http_keep(&again.head, t.s, again.len,
		    &s->made.head);
		s->made.body = a->body ? spool_new(UINT64_MAX) : NULL;
		s->made.open = 1;
	} else
		side_refuse(s->x, 502, "what a service made of the message "
		    "cannot be read");
	text_free(&t);
}

static void
side_uncollect(struct side *s)
{
	text_free(&s->made.head);
	free(s->made.http);
	spool_free(s->made.body);
	memset(&s->made, 0, sizeof(s->made));
}

/* It is whole: it is the message now. */
static void
side_collected(struct side *s)
{
	text_free(&s->head);
	free(s->http);
	spool_free(s->body);
	s->head = s->made.head;
	s->http = s->made.http;
	s->body = s->made.body;
	memset(&s->made, 0, sizeof(s->made));
	if (s->body != NULL)
		spool_end(s->body);
	message_drop(&s->m);
}

/* A service's own message goes to `to`; the virgin one is not delivered. */
static void
side_adapted(struct side *s, struct side *to, const struct icap_answer *a)
{
	struct exchange *x = s->x;
	size_t k = s->k + 1;
	struct timespec now;

	message_take(&s->m);
	s->to = to;
	s->state = SIDE_ADAPTED;
	if (to->dir == DIR_DOWN) {
		now = clock_wall();
		http_record_replaced(&x->http, HTTP_BY_SERVICE,
		    a->http->status);
		http_record_response(&x->http, a->http, &now);
	}
	if (to == s && side_service(s, &k) != NULL) {
		side_collect(s, a);
		return;
	}
	if (to != s) {
		to->state = SIDE_TEXT;
		s->state = SIDE_GONE;
		session_answered(tap_session(x->tap));
	}
	side_head(to, a->http, a->body, a->http->length, DELIVER_CHANGED |
	    (a->body ? DELIVER_HELD : 0));
}

/* What was begun with an answer, and failed before a byte of it went on. */
static void
side_unanswer(struct side *s)
{
	if (s->state != SIDE_ADAPTED && s->state != SIDE_GONE)
		return;
	deliver_withdraw(&s->to->out);
	http_record_restored(&s->x->http, s->to->m.http);
	if (s->to != s)
		s->to->state = SIDE_HEAD;
	s->to = s;
	s->state = SIDE_ASK;
	side_uncollect(s);
}

static int
side_committed(void *arg)
{
	struct side *s = arg;

	return !s->made.open && s->to->out.began;
}

static void
side_answer(void *arg, const struct icap_answer *a)
{
	struct side *s = arg;

	side_unanswer(s);
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

	if (s->made.open) {
		if (s->made.body != NULL &&
		    spool_add(s->made.body, p, len) != 0)
			exchange_broken(s->x, "what a service made of it is "
			    "too large to keep");
		return len;
	}
	n = deliver_body(&s->to->out, p, len, &bad);
	if (bad)
		exchange_broken(s->x, "the adapted body is longer than its "
		    "head says");
	/* Without room it goes on when there is some: see side_more(). */
	if (n > 0 || s->to->out.flow->starved)
		tap_release(s->x->tap);
	return n;
}

/* All that a service had to say is here. */
static void
side_adapted_end(struct side *s)
{
	if (s->made.open) {
		side_collected(s);
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
	if (s->to != s || s->m.spool == NULL)
		return 0;
	s->from = s->m.spool;
	s->sent = (uint64_t)original;
	s->state = SIDE_SPOOL;
	return 1;
}

static void
side_body_end(void *arg, int64_t original)
{
	struct side *s = arg;

	icap_cancel(s->txn);
	s->txn = NULL;
	if (original < 0)
		side_adapted_end(s);
	else if (!side_original(s, original))
		exchange_broken(s->x, "the rest of the original is not kept");
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
	.committed = side_committed,
	.broken = side_broken,
	.hungry = side_hungry,
};

/* Counted and logged; goes on unscanned, or is answered with that status. */
static int
side_unseen(struct side *s, enum icap_fault fault, int passes, int status,
    const char *why)
{
	icap_unseen(s->x->seats[s->x->row[s->k]], side_method(s), s, fault,
	    passes, why);
	if (passes)
		return 1;
	side_refuse(s->x, status, why);
	return ERR_DENIED;
}

/*
 * Whether a service need not see this message, or cannot: told, and counted
 * as unscanned. 1; 0; or ERR_DENIED when it was refused for that.
 */
static int
side_exempt(struct side *s, const struct conf_icap *conf)
{
	int endless = side_inspect(s)->endless_open, down = s->dir == DIR_DOWN;
	int64_t length = side_http(s)->length;

	if (down && side_is_stream(s, conf))
		return side_unseen(s, ICAP_F_TYPE, 1, 0,
		    "of a type in bypass-types");
	if (!side_coding_known(s, conf))
		return side_unseen(s, ICAP_F_CODING, down ?
		    conf->fail.respmod : conf->fail.reqmod, down ? 502 : 415,
		    "in a content coding that the scanner does not know");
	if (length <= 0 || (uint64_t)length <= conf->max_body)
		return 0;
	return side_unseen(s, ICAP_F_OVERSIZE,
	    conf_icap_passes(conf, down, endless), 403,
	    "larger than what is scanned");
}

/* The next service that is to see it; NULL: none, or it was refused. */
static struct icap_service *
side_next(struct side *s)
{
	struct icap_service *svc;
	int rv;

	while ((svc = side_service(s, &s->k)) != NULL) {
		if ((rv = side_exempt(s, icap_service_conf(svc))) == 0)
			return svc;
		if (rv == ERR_DENIED)
			return NULL;
		s->k++;
	}
	side_deliver(s);
	return NULL;
}

static void
side_ask(struct side *s)
{
	struct exchange *x = s->x;
	struct icap_service *svc;
	size_t more;

	if ((svc = side_next(s)) == NULL)
		return;
	if (side_job(s, s->k) != 0) {
		side_refuse(x, s->dir == DIR_UP ? 400 : 502, "the message "
		    "cannot be shown to the scanner");
		return;
	}
	more = s->k + 1;
	s->job.whole = side_service(s, &more) != NULL;
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

void
side_begin(struct side *s)
{
	struct icap_service *svc;

	s->k = 0;
	if (s->dir == DIR_DOWN && (s->m.http->status < 200 ||
	    s->m.body.kind == HTTP1_TUNNEL)) {
		side_deliver(s);
		return;
	}
	if (s->x->nmonitors > 0)
		watch_begin(s);
	if (side_ambiguous(s) || (s->dir == DIR_UP && side_prepare(s) != 0))
		return;
	if ((svc = side_next(s)) == NULL)
		return;
	if (!s->m.ended) {
		s->m.spool = spool_new(UINT64_MAX);
		s->m.max = icap_service_conf(svc)->max_body;
		if (s->dir == DIR_UP)
			side_expect(s);
	}
	side_ask(s);
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
			if (s->made.open ||
			    flow_space(s->to->out.flow) >= DELIVER_ROOM)
				icap_resume(s->txn);
			side_bound(s);
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
	side_uncollect(s);
	spool_free(s->body);
	text_free(&s->head);
	text_free(&s->req_head);
	text_free(&s->res_head);
	text_free(&s->fields);
	free(s->http);
	message_reset(&m);
	memset(s, 0, sizeof(*s));
	s->x = x;
	s->dir = dir;
	s->m = m;
	s->out = out;
	s->out.ended = s->out.began = 0;
}
