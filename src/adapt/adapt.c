/*
 * A message's way through the services of its session's rule. As long as every
 * service so far has said "unmodified" and the body is still in the flow,
 * nothing is copied: the message passes from there. As soon as a service wants
 * more than the preview, the body is kept, and it goes on from the spool, or a
 * service's message goes in its place.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapt/adapt.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

/* How far reading may be ahead of sending. */
#define READ_AHEAD	(256 * 1024)

static const char oversize[] = "larger than what is scanned";

static void	ask(struct adapted_message *);

static void
wake(const struct adapted_message *m)
{
	m->a->x.user->wake(m->a->x.arg);
}

/* Whether the present service's message is collected for the next service. */
static int
is_collecting(const struct adapted_message *m)
{
	return m->making.head != NULL;
}

/* Whether the present service has begun to answer with its own message. */
static int
is_answering(const struct adapted_message *m)
{
	return is_collecting(m) || m->a->x.state[m->dir] != EXCHANGE_HELD;
}

/*
 * Bound reading ahead. But bytes that were read must not take the room in the
 * flow that sending needs.
 */
static void
read_ahead(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;
	struct http_message *virgin = m->virgin;

	virgin->max = m->sent + READ_AHEAD;
	if (!virgin->ended && message_over(virgin) &&
	    x->codec->blocked(x->conn, m->dir)) {
		virgin->max = spool_size(virgin->body);
		x->user->wake(x->arg);
	}
}

/* 1: all of it is sent; 0: not yet; ERR_*: it never will be. */
static int
is_sent(const struct adapted_message *m, int rv)
{
	if (m->virgin->lost || (rv != 0 && rv != ERR_EOF))
		return ERR_SHORT;
	if (m->now->body == NULL)
		return 1;
	if (spool_ended(m->now->body) == -1)
		return ERR_SHORT;
	if (rv == 0 || spool_ended(m->now->body) == 0)
		return 0;
	/* A 206 may name a byte that never came. */
	return m->sent == spool_size(m->now->body) ? 1 : ERR_SHORT;
}

/* Send as much of the body as there is room and bytes for. */
static void
send_more(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;
	struct spool *body = m->now->body;
	const uint8_t *p;
	size_t len, n;
	int rv = ERR_EOF, bad = 0;

	while (body != NULL && (rv = spool_at(body, m->sent, &p, &len)) == 0) {
		n = send_body(m->a, m->dir, p, len, &bad);
		if (n == 0)
			break;
		m->sent += n;
		spool_drop(body, m->sent);
	}
	if (body != NULL && m->now == m->virgin)
		read_ahead(m);
	rv = is_sent(m, rv);
	if (bad || rv < 0)
		exchange_break(x, "the message broke off");
	else if (rv == 1 && !m->virgin->sent &&
	    send_end(m->a, m->dir, &m->now->trailers) != 0)
		exchange_break(x, "the message is shorter than its head "
		    "says");
}

/* No service is asked any more: the message goes on. */
static void
deliver(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;
	const struct http_head *h = m->now->head;
	int virgin = m->now == m->virgin;
	int64_t length = h->length;

	if (exchange_set(x, m->dir, EXCHANGE_GOING) != 0)
		return;
	if (m->now->body != NULL && (!virgin || (length < 0 &&
	    part_wanted(m) && spool_ended(m->now->body) == 1)))
		length = (int64_t)spool_size(m->now->body);
	part_begin(m, h, m->now->body != NULL, length);
	m->as_is = virgin && !m->a->part.on && x->codec->pass(x->conn, m->dir);
	if (m->as_is)
		return;
	m->sends = 1;
	x->codec->take(x->conn, m->dir);
	if (virgin && m->virgin->body == NULL && !m->virgin->ended)
		m->virgin->body = spool_new(UINT64_MAX);
	m->sent = 0;
	if (send_head(m, h, m->now->body != NULL, length,
	    virgin ? 0 : HTTP_CHANGED) == 0)
		send_more(m);
}

/* Keep no more than max-body of a body that goes to a service. */
static void
bound(struct adapted_message *m)
{
	if (m->virgin->body != NULL && m->txn != NULL)
		m->virgin->max = spool_first(m->virgin->body) +
		    plan_conf(m->a->plan, m->k)->max_body;
}

/* There is more of the body, or its end, or room: tell who waits for it. */
static void
service_more(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;
	int answering = is_answering(m);

	if (!answering && m->virgin->lost) {
		exchange_refuse(x, 503, "the message could not be kept");
		return;
	}
	if (!answering && message_over(m->virgin)) {
		icap_fail(m->txn, ICAP_F_OVERSIZE, oversize);
		return;
	}
	icap_more(m->txn, answering && (is_collecting(m) ||
	    x->codec->room(x->conn, m->to->dir)));
	bound(m);
}

/* The service has got all that is kept, and there is more to read. */
static void
service_hungry(void *arg)
{
	struct adapted_message *m = arg;
	struct exchange *x = &m->a->x;
	int over = message_over(m->virgin);

	bound(m);
	/* Rather than that, the answer stands, though nothing of it went. */
	if (message_over(m->virgin) && x->codec->commit(x->conn, m->to->dir)) {
		spool_drop(m->virgin->body, spool_size(m->virgin->body));
		bound(m);
	}
	if (message_over(m->virgin))	/* nothing of it can be forgotten */
		icap_fail(m->txn, ICAP_F_OVERSIZE, oversize);
	else if (over)			/* and reading had stopped for that */
		wake(m);
}

static void
service_wants_more(void *arg)
{
	struct adapted_message *m = arg;

	m->a->x.codec->take(m->a->x.conn, m->dir);
	wake(m);
}

/* Begin to collect a service's message. */
static void
collect(struct adapted_message *m, const struct icap_answer *a)
{
	m->making.head = http_copy(a->http, &m->making.bytes);
	m->making.head->version = 11;
	m->making.bodied = a->body != 0;
	m->making.body = a->body ? spool_new(UINT64_MAX) : NULL;
}

/* The collected message is whole: it replaces the original. */
static void
collected(struct adapted_message *m)
{
	message_reset(&m->made);
	m->made = m->making;
	memset(&m->making, 0, sizeof(m->making));
	m->now = &m->made;
	if (m->alike)
		text_add(&m->now->trailers, m->virgin->trailers.s,
		    m->virgin->trailers.len);
	message_end(m->now, 1);
	m->a->x.codec->drop(m->a->x.conn, m->dir);
}

/* A service's own message goes to `to`; the virgin one is not delivered. */
static void
adapted(struct adapted_message *m, struct adapted_message *to,
    const struct icap_answer *a)
{
	struct exchange *x = &m->a->x;
	size_t k = m->k + 1;
	struct timespec now;

	x->codec->take(x->conn, m->dir);
	m->to = to;
	m->alike = to == m && a->http->status == m->virgin->head->status;
	if (to->dir == DIR_DOWN) {
		now = clock_wall();
		http_record_replaced(&x->record, HTTP_BY_SERVICE,
		    a->http->status);
		http_record_response(&x->record, a->http, &now);
	}
	if (to == m && plan_next(m, &k) != NULL) {
		collect(m, a);
		return;
	}
	if (exchange_set(x, m->dir, to == m ? EXCHANGE_GOING :
	    EXCHANGE_ANSWERED) != 0 || (to != m &&
	    exchange_set(x, to->dir, EXCHANGE_ANSWERED) != 0))
		return;
	if (to != m)
		m->a->plan->host.answered(m->a->plan->host.session);
	part_begin(to, a->http, a->body, a->http->length);
	send_head(to, a->http, a->body, a->http->length,
	    HTTP_CHANGED | (a->body ? HTTP_REVOCABLE : 0));
}

/* Undo an answer that failed before a byte of it went on. */
static void
unanswer(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;

	if (!is_answering(m))
		return;
	x->codec->revoke(x->conn, m->to->dir);
	http_record_restored(&x->record, m->to->virgin->head);
	if (m->to != m)
		exchange_set(x, m->to->dir, EXCHANGE_HEAD);
	exchange_set(x, m->dir, EXCHANGE_HELD);
	m->to = m;
	message_reset(&m->making);
}

static int
service_committed(void *arg)
{
	const struct adapted_message *m = arg;

	return !is_collecting(m) && m->a->x.msg[m->to->dir].began &&
	    !trickle_alone(&m->a->trickle);
}

static void
service_virgin(struct adapted_message *m, const struct icap_answer *a)
{
	if (a->bypassed)
		log_warn("session %llu: not scanned: %s",
		    (unsigned long long)m->a->x.session,
		    a->why != NULL ? a->why : "fail open");
	icap_cancel(m->txn);
	m->txn = NULL;
	m->k++;
	ask(m);
}

/* The log has one word for the fault; a person gets a sentence. */
static void
service_failed(struct adapted_message *m, const struct icap_answer *a)
{
	const char *why = a->why != NULL ? a->why : "failed";
	char *words = xasprintf("the service %s could not check the content: "
	    "%s", plan_conf(m->a->plan, m->k)->name, why);

	exchange_refuse_so(&m->a->x, a->status, why, words);
	free(words);
}

static void
service_answer(void *arg, const struct icap_answer *a)
{
	struct adapted_message *m = arg;

	unanswer(m);
	if (m->dir == DIR_UP && a->echo != NULL)
		text_puts(&m->a->echo[m->k], a->echo);
	switch (a->outcome) {
	case ICAP_VIRGIN:
		service_virgin(m, a);
		break;
	case ICAP_ADAPTED:
		adapted(m, m, a);
		break;
	case ICAP_SATISFIED:
		adapted(m, &m->a->msg[DIR_DOWN], a);
		break;
	case ICAP_FAILED:
		service_failed(m, a);
		break;
	}
	wake(m);
}

static size_t
service_body(void *arg, const uint8_t *p, size_t len)
{
	struct adapted_message *m = arg;
	struct exchange *x = &m->a->x;
	size_t n;
	int bad;

	if (is_collecting(m)) {
		message_data(&m->making, slice_of(p, len));
		if (m->making.lost)
			exchange_break(x, "what a service made of it is "
			    "too large to keep");
		return len;
	}
	n = send_body(m->a, m->to->dir, p, len, &bad);
	if (bad)
		exchange_break(x, "the adapted body is longer than its "
		    "head says");
	if (n > 0)	/* without room it goes on when there is some */
		wake(m);
	return n;
}

/* All of the original is here, as its length says, but not its end, before
 * which trailers may come (HTTP/2). */
static int
is_nearly_whole(const struct http_message *m)
{
	return m->head->length >= 0 && !m->ended && !m->cut &&
	    m->length == (uint64_t)m->head->length;
}

/* The answer of a service is whole. */
static void
adapted_end(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;

	m->waits = m->alike && is_nearly_whole(m->virgin);
	if (m->waits)
		return;
	if (is_collecting(m)) {
		collected(m);
		m->k++;
		ask(m);
	} else if (send_end(m->a, m->to->dir,
	    m->alike ? &m->virgin->trailers : NULL) != 0)
		exchange_break(x, "the adapted body is shorter than its "
		    "head says");
	else
		x->codec->drop(x->conn, m->dir);
}

static void
service_end(void *arg, int64_t original)
{
	struct adapted_message *m = arg;

	icap_cancel(m->txn);
	m->txn = NULL;
	if (original < 0)
		adapted_end(m);
	else if (m->to != m || m->now->body == NULL)
		exchange_break(&m->a->x, "the rest of the original is not "
		    "kept");
	else {
		m->sent = (uint64_t)original;
		m->sends = 1;
	}
	wake(m);
}

static void
service_broken(void *arg, const char *why)
{
	struct adapted_message *m = arg;
	struct exchange *x = &m->a->x;

	if (x->msg[m->to->dir].began)
		exchange_break(x, why);
	else if (m->to == m)
		exchange_refuse(x, 502, why);
	else
		exchange_refuse(x, 403, "the scanner refused the request");
}

static const struct icap_user service_user = {
	.more = service_wants_more,
	.answer = service_answer,
	.body = service_body,
	.end = service_end,
	.committed = service_committed,
	.broken = service_broken,
	.hungry = service_hungry,
};

/* The next service to see the message. NULL: there is none, and the message
 * goes on, or was refused. */
static struct icap_service *
next_service(struct adapted_message *m)
{
	struct icap_service *svc;
	int rv;

	while ((svc = plan_next(m, &m->k)) !=
	    NULL) {
		if ((rv = content_exempt(m)) == 0)
			return svc;
		if (rv == ERR_DENIED)
			return NULL;
		m->k++;
	}
	deliver(m);
	return NULL;
}

static void
ask(struct adapted_message *m)
{
	struct adaptation *a = m->a;
	struct http_message *virgin = m->virgin;
	struct icap_service *svc;
	size_t more;

	if ((svc = next_service(m)) == NULL)
		return;
	if (input_make(m, m->k) != 0) {
		exchange_refuse(&a->x, m->dir == DIR_UP ? 400 : 502,
		    "the message cannot be shown to the scanner");
		return;
	}
	more = m->k + 1;
	m->input.whole = plan_next(m, &more) != NULL;
	m->to = m;
	if (exchange_set(&a->x, m->dir, EXCHANGE_HELD) != 0)
		return;
	m->txn = icap_start(a->plan->clients[a->plan->row[m->k]], &m->input,
	    &service_user, m);
	trickle_wait(m);
	if (virgin->body != NULL && m->now == virgin) {
		virgin->wants = icap_wants(m->txn);
		virgin->max = icap_service_conf(svc)->max_body;
		if (virgin->wants == UINT64_MAX)
			a->x.codec->take(a->x.conn, m->dir);
	}
	wake(m);
}

/* Send 100 if the client waits for it with a body that a service wants. */
static void
go_ahead(struct exchange *x)
{
	struct http_edit expect = { "expect", NULL };

	if (!http_has_token(x->msg[DIR_UP].head, "expect", "100-continue"))
		return;
	x->codec->edit(x->conn, DIR_UP, &expect, 1);
	x->codec->go_ahead(x->conn);
}

void
adapt_begin(struct adapted_message *m)
{
	struct http_message *virgin = m->virgin;

	m->k = 0;
	if (m->dir == DIR_DOWN &&
	    (virgin->head->status < 200 || virgin->tunnel)) {
		deliver(m);
		return;
	}
	if (m->a->plan->nmonitors > 0)
		monitor_begin(m);
	if (content_ambiguous(m))
		return;
	if (m->dir == DIR_UP)
		content_request(m->a);
	else
		content_response(m->a);
	if (part_wanted(m) && !virgin->ended)
		virgin->body = spool_new(UINT64_MAX);
	if (next_service(m) == NULL)
		return;
	if (!virgin->ended) {
		if (virgin->body == NULL)
			virgin->body = spool_new(UINT64_MAX);
		virgin->max = plan_conf(m->a->plan, m->k)->max_body;
		if (m->dir == DIR_UP)
			go_ahead(&m->a->x);
	}
	ask(m);
}

void
adapt_more(struct adapted_message *m)
{
	if (m->txn != NULL)
		service_more(m);
	else if (m->waits)
		adapted_end(m);
	else if (m->sends && m->a->x.state[m->dir] == EXCHANGE_GOING)
		send_more(m);
}

void
adapt_silence(struct adaptation *a)
{
	int i;

	for (i = 0; i < 2; i++) {
		icap_cancel(a->msg[i].txn);
		a->msg[i].txn = NULL;
	}
	trickle_stop(&a->trickle);
}

void
adapt_reset(struct adapted_message *m)
{
	struct adaptation *a = m->a;
	enum flow_dir dir = m->dir;

	if (dir == DIR_UP)
		part_end(&a->part);
	else
		trickle_end(&a->trickle);
	monitor_end(m);
	icap_cancel(m->txn);
	message_reset(&m->made);
	message_reset(&m->making);
	icap_input_free(&m->input);
	memset(m, 0, sizeof(*m));
	m->asker = (struct asker){ a->plan->rec, &a->x.record };
	m->a = a;
	m->dir = dir;
	m->virgin = m->now = &a->x.msg[dir];
}

void
adapt_init(struct adaptation *a, const struct plan *p)
{
	int i;

	a->plan = p;
	a->x.page = p->host.page;
	a->echo = xcalloc(a->plan->nrow + 1, sizeof(*a->echo));
	for (i = 0; i < 2; i++) {
		a->msg[i].a = a;
		a->msg[i].dir = (enum flow_dir)i;
		adapt_reset(&a->msg[i]);
	}
}

void
adapt_free(struct adaptation *a)
{
	size_t k;

	adapt_reset(&a->msg[DIR_UP]);
	adapt_reset(&a->msg[DIR_DOWN]);
	for (k = 0; k < a->plan->nrow; k++)
		text_free(&a->echo[k]);
	free(a->echo);
	free(a->refusal);
	exchange_free(&a->x);
}
