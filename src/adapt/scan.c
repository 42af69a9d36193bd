/*
 * The messages of a long stream on their way through the services that are told
 * to look at them, each as an exchange with a codec of its own. What a service
 * makes of a message goes in its place; if it refuses one, the stream ends.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/scan.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define READ_MAX	(16 * 1024)	/* of a message, at a time */
#define OUT_MAX		(64 * 1024)	/* of a direction, waiting for room */

static const struct http_codec	 message_codec;
static const struct exchange_user message_user;

static void
wake(const struct scan *sc)
{
	sc->out.wake(sc->out.arg);
}

void
scan_silence(struct scan *sc)
{
	int dir;

	for (dir = 0; dir < 2; dir++)
		if (sc->side[dir].open)
			adapt_silence(&sc->side[dir].a);
}

void
scan_over(struct scan *sc, enum scan_why kind, const char *why)
{
	if (sc->over != NULL)
		return;
	sc->over = why;
	scan_silence(sc);
	if (sc->format->close != NULL)
		sc->format->close(sc, kind, why);
	sc->out.over(sc->out.arg, kind, why);
	wake(sc);
}

/* A head as the services get it. 0 or ERR_*. */
static int
make_head(struct http_message *m, const struct text *head, int response)
{
	struct http_text *t = xcalloc(1, sizeof(*t));
	int rv;

	rv = (response ? http_response : http_request)(t, head->s, head->len);
	if (rv == 0)
		message_head(m, &t->head, head->s, head->len);
	free(t);
	return rv;
}

/* The heads of a message, whose length may be known. */
static void
make_heads(struct scan_side *s, const char *lines, int64_t length)
{
	struct exchange *x = &s->a.x;
	struct text up = { 0 }, down = { 0 };
	struct text *own = s->dir == DIR_UP ? &up : &down;

	text_add(&up, s->scan->request.s, s->scan->request.len);
	text_puts(&down, "HTTP/1.1 200 OK\r\n");
	text_puts(own, lines);
	if (length >= 0)
		text_printf(own, "Content-Length: %lld\r\n",
		    (long long)length);
	text_puts(&up, "\r\n");
	text_puts(&down, "\r\n");
	if (make_head(&x->msg[DIR_UP], &up, 0) != 0 || (s->dir == DIR_DOWN &&
	    make_head(&x->msg[DIR_DOWN], &down, 1) != 0))
		abort();	/* we wrote them: make_request() */
	x->msg[s->dir].bodied = 1;
	text_free(&up);
	text_free(&down);
}

void
scan_begin(struct scan_side *s, const char *lines, int64_t length)
{
	struct exchange *x = &s->a.x;
	struct timespec now = clock_wall();

	memset(&s->a, 0, sizeof(s->a));
	s->open = 1;
	s->dropped = 0;
	s->refused = 0;
	s->finished = 0;
	x->session = s->scan->plan.rec->id;
	x->codec = &message_codec;
	x->conn = s;
	x->user = &message_user;
	x->arg = s;
	adapt_init(&s->a, &s->scan->plan);
	make_heads(s, lines, length);
	x->record.number = s->scan->tx;
	http_record_request(&x->record, x->msg[DIR_UP].head, &now);
	if (s->dir == DIR_DOWN)
		exchange_set(x, DIR_UP, EXCHANGE_DONE);
	adapt_begin(&s->a.msg[s->dir]);
}

void
scan_content(struct scan_side *s, const uint8_t *p, size_t len)
{
	if (!s->dropped)
		message_data(&s->a.x.msg[s->dir], slice_of(p, len));
}

void
scan_end(struct scan_side *s)
{
	message_end(&s->a.x.msg[s->dir], 1);
}

void
scan_sent(struct scan_side *s)
{
	s->a.x.msg[s->dir].sent = 1;
}

static void
close_message(struct scan_side *s)
{
	if (!s->open)
		return;
	s->open = 0;
	adapt_free(&s->a);
	s->scan->format->forget(s);
}

/* Go on with the message, as far as that is possible. */
static void
go_on(struct scan_side *s)
{
	const struct http_message *m = &s->a.x.msg[s->dir];

	if (!s->open || s->scan->over != NULL)
		return;
	adapt_more(&s->a.msg[s->dir]);
	if (s->scan->over == NULL && m->sent && m->ended &&
	    s->a.msg[s->dir].txn == NULL) {
		close_message(s);
		wake(s->scan);
	}
}

/* So much waits that it may not become more. Without any room the bytes that
 * are read are what makes some. */
static int
is_full(const struct scan_side *s)
{
	return s->out.len - s->out_off > OUT_MAX && !s->stuck;
}

/* How much of it may be read now. */
static size_t
window(const struct scan_side *s, size_t len)
{
	const struct http_message *m = &s->a.x.msg[s->dir];

	if (is_full(s))
		return 0;
	if (!s->open)
		return len;
	if (m->ended || (!s->dropped && message_over(m)))
		return 0;
	return len < READ_MAX ? len : READ_MAX;
}

size_t
scan_take(struct scan *sc, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct scan_side *s = &sc->side[dir];
	size_t at = 0, n;
	ssize_t rv;

	while (sc->over == NULL && (n = window(s, len - at)) > 0) {
		rv = sc->format->read(s, p + at, n);
		if (rv < 0) {
			scan_over(sc, SCAN_STRANGE, "what came is not as it "
			    "was agreed on");
			break;
		}
		at += (size_t)rv;
		go_on(s);
	}
	return sc->over != NULL ? len : at;
}

/* Write what is framed. 1: all of it. */
static int
put_out(struct scan_side *s)
{
	struct scan_out *out = &s->scan->out;
	size_t n;

	n = out->put(out->arg, s->dir, (const uint8_t *)s->out.s + s->out_off,
	    s->out.len - s->out_off);
	s->stuck = n == 0;
	s->out_off += n;
	if (s->out_off < s->out.len)
		return 0;
	text_clear(&s->out);
	s->out_off = 0;
	return 1;
}

int
scan_flush(struct scan *sc, enum flow_dir dir)
{
	const struct scan_format *f = sc->format;
	struct scan_side *s = &sc->side[dir];

	go_on(s);
	do {
		if (s->out.len > 0 && !put_out(s))
			return 0;
	} while (f->more != NULL && f->more(s));
	go_on(s);
	return 1;
}

void
scan_reset(struct scan *sc, enum flow_dir dir)
{
	struct scan_side *s = &sc->side[dir];

	close_message(s);
	text_clear(&s->out);
	s->out_off = 0;
}

int
scan_busy(const struct scan *sc, enum flow_dir dir)
{
	const struct scan_side *s = &sc->side[dir];

	return s->out.len > 0 || (sc->over == NULL && s->open &&
	    s->a.x.msg[dir].ended);
}

/* --- the codec of a message */

static void
message_edit(void *conn, enum flow_dir dir, struct http_edit *e, size_t n)
{
}

/* It is taken out of the stream in any case. */
static int
message_pass(void *conn, enum flow_dir dir)
{
	return 0;
}

static void
message_take(void *conn, enum flow_dir dir)
{
}

static void
message_drop(void *conn, enum flow_dir dir)
{
	struct scan_side *s = conn;

	if (dir != s->dir)
		return;
	s->dropped = 1;
	message_forget(&s->a.x.msg[dir]);
}

static int
is_same(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 ||
	    memcmp(a.p, b.p, a.len) == 0);
}

/* What goes in its place is a message of its kind: a page is a refusal, which
 * stands when the service has said all of it. */
static int
message_send(void *conn, enum flow_dir dir, const struct http_head *h,
    int body, int64_t length, unsigned flags)
{
	struct scan_side *s = conn;
	const struct http_head *was = s->a.x.msg[s->dir].head;
	struct slice coding = http_value(h, "content-encoding");

	s->coded = coding.len > 0;
	s->refused = dir != s->dir || (dir == DIR_DOWN && h->status != 200) ||
	    !is_same(http_value(h, "content-type"),
	    http_value(was, "content-type")) || (s->coded &&
	    !is_same(coding, http_value(was, "content-encoding")));
	return 0;
}

static int
message_room(void *conn, enum flow_dir dir)
{
	return !is_full(conn);
}

static size_t
message_bytes(void *conn, enum flow_dir dir, const uint8_t *p, size_t len,
    int *bad)
{
	struct scan_side *s = conn;
	ssize_t n;

	*bad = 0;
	if (s->refused)
		return len;
	if (!message_room(conn, dir))
		return 0;
	n = s->scan->format->write(s, p, len);
	if (n >= 0)
		return (size_t)n;
	scan_over(s->scan, SCAN_FAILED, "the message could not be kept");
	return len;
}

static int
message_fin(void *conn, enum flow_dir dir, const struct text *trailers)
{
	struct scan_side *s = conn;

	if (s->refused) {
		scan_over(s->scan, SCAN_REFUSED, "refused by the scanner");
		return 0;
	}
	if (s->finished)
		return 0;
	s->finished = 1;
	s->scan->format->finish(s);
	if (s->scan->format->more == NULL)
		scan_sent(s);
	wake(s->scan);
	return 0;
}

static uint64_t
message_page(void *conn, const char *page, size_t len)
{
	struct scan_side *s = conn;

	scan_over(s->scan, s->a.x.record.status < 500 ? SCAN_REFUSED :
	    SCAN_UNCHECKED, "the message could not be let through");
	return 0;
}

static void
message_go_ahead(void *conn)
{
}

static void
message_revoke(void *conn, enum flow_dir dir)
{
	struct scan_side *s = conn;

	s->scan->format->forget(s);
	s->refused = s->finished = 0;
}

static int
message_commit(void *conn, enum flow_dir dir)
{
	return 0;
}

static void
message_again(void *conn, enum flow_dir dir)
{
}

static const struct http_codec message_codec = {
	.edit = message_edit,
	.pass = message_pass,
	.take = message_take,
	.drop = message_drop,
	.head = message_send,
	.data = message_bytes,
	.end = message_fin,
	.page = message_page,
	.go_ahead = message_go_ahead,
	.revoke = message_revoke,
	.commit = message_commit,
	.again = message_again,
	.room = message_room,
	.blocked = message_commit
};

/* --- the user of its exchange */

static void
message_silence(void *arg)
{
	adapt_silence(&((struct scan_side *)arg)->a);
}

static void
message_wake(void *arg)
{
	wake(((struct scan_side *)arg)->scan);
}

static void
message_broken(void *arg, const char *why)
{
	scan_over(((struct scan_side *)arg)->scan, SCAN_FAILED, why);
}

static const struct exchange_user message_user = {
	.silence = message_silence,
	.wake = message_wake,
	.broken = message_broken
};

/* --- */

/* The row of the services that look at such messages. */
static void
make_row(struct scan *sc, const struct plan *p, enum conf_messages of)
{
	size_t k, n = 0;

	sc->plan = *p;
	sc->plan.base = NULL;		/* no part of a message is a message */
	sc->row = xcalloc(p->nrow + 1, sizeof(*sc->row));
	sc->plan.nmonitors = 0;
	for (k = 0; k < p->nrow; k++) {
		if (!plan_conf(p, k)->messages[of])
			continue;
		sc->plan.nmonitors += plan_conf(p, k)->monitor;
		sc->row[n++] = p->row[k];
	}
	sc->plan.row = sc->row;
	sc->plan.nrow = n;
}

static void
put_request(struct text *t, struct slice path, struct slice host)
{
	text_clear(t);
	text_printf(t, "POST %s%.*s HTTP/1.1\r\nHost: %.*s\r\n",
	    path.len > 0 && path.p[0] == '/' ? "" : "/", SLICE(path),
	    SLICE(host));
}

/* What the services get as a request for these messages. A peer's words that
 * cannot be said in HTTP/1 are left out. */
static void
make_request(struct scan *sc, const struct http_head *h)
{
	struct http_message m = { 0 };
	struct text head = { 0 };

	put_request(&sc->request, h->path, h->authority);
	text_add(&head, sc->request.s, sc->request.len);
	text_puts(&head, "\r\n");
	if (make_head(&m, &head, 0) != 0)
		put_request(&sc->request, slice_of("", 0),
		    slice_of("unknown", 7));
	text_free(&head);
	message_reset(&m);
}

void
scan_init(struct scan *sc, const struct plan *p, enum conf_messages of,
    const struct exchange *x, const struct scan_format *format,
    const struct scan_out *out)
{
	int dir;

	make_row(sc, p, of);
	sc->format = format;
	sc->out = *out;
	sc->tx = x->record.number;
	make_request(sc, x->msg[DIR_UP].head);
	for (dir = 0; dir < 2; dir++) {
		sc->side[dir].scan = sc;
		sc->side[dir].dir = (enum flow_dir)dir;
	}
}

void
scan_free(struct scan *sc)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		close_message(&sc->side[dir]);
		text_free(&sc->side[dir].out);
	}
	text_free(&sc->request);
	free(sc->row);
}
