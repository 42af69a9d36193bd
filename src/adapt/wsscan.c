/*
 * The messages of a WebSocket, shown to the services that are told to look at
 * them (`websocket: message`). Each is an exchange of its own: to a service
 * what the client sends is the body of a POST to the URL of the upgrade, and
 * what the server sends is the body of the answer to it. Messages of a
 * direction go one after the other; control frames do not wait for a message
 * in whose middle they come. What a service refuses ends the WebSocket, with
 * code 1008 (RFC 6455, 7.4.1); what it makes of a message goes in its place.
 */
#include <sys/random.h>

#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "codec/ws.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define FRAGMENT	(16 * 1024)	/* of a message, at most */
#define OUT_MAX		(64 * 1024)	/* frames that wait for room */
#define CONTROL_MAX	125

enum {				/* RFC 6455, 7.4.1 */
	CLOSE_PROTOCOL = 1002,
	CLOSE_POLICY = 1008,
	CLOSE_ERROR = 1011
};

/* A direction, and the message of it that is read or goes on. */
struct side {
	struct wsscan	*w;
	enum flow_dir	 dir;
	struct ws_reader reader;
	struct text	 control;	/* payload of a control frame */
	struct text	 out;		/* frames, waiting for room */
	size_t		 out_off;

	int		 open;		/* there is a message */
	struct adaptation a;		/* of it */
	enum ws_opcode	 opcode;	/* of its next frame */
	struct text	 part;		/* of its payload, not yet a frame */
	unsigned	 dropped:1;	/* the rest of it is not wanted */
	unsigned	 refused:1;	/* so a service answered */
	unsigned	 stuck:1;	/* no room at all for what waits */
};

struct wsscan {
	struct plan	 plan;		/* with the row of these services */
	size_t		*row;
	struct ws_out	 out;
	unsigned	 tx;		/* the exchange that it began with */
	const char	*over;		/* why it was ended; or NULL */
	struct text	 request;	/* "POST URL HTTP/1.1" and Host */
	struct side	 side[2];	/* by enum flow_dir */
};

static const struct http_codec	 message_codec;
static const struct exchange_user message_user;

/* Add a frame. A client's are masked (RFC 6455, 5.3). */
static void
put_frame(struct side *s, enum ws_opcode opcode, int fin, const char *p,
    size_t len)
{
	struct ws_frame f = { .opcode = opcode, .fin = fin, .length = len,
	    .masked = s->dir == DIR_UP };
	uint8_t head[WS_HEAD_MAX];
	size_t at;

	if (f.masked && getrandom(f.key, sizeof(f.key), 0) !=
	    sizeof(f.key))
		abort();
	text_add(&s->out, (char *)head, ws_frame_put(head, &f));
	at = s->out.len;
	text_add(&s->out, p, len);
	if (f.masked)
		ws_mask((uint8_t *)s->out.s + at, len, f.key, 0);
}

static void
put_close(struct side *s, unsigned code, const char *why)
{
	struct text t = { 0 };
	char number[2] = { (char)(code >> 8), (char)code };
	size_t n = strlen(why);

	text_add(&t, number, 2);
	text_add(&t, why, n < CONTROL_MAX - 2 ? n : CONTROL_MAX - 2);
	put_frame(s, WS_CLOSE, 1, t.s, t.len);
	text_free(&t);
}

/* End it, for both peers. */
static void
end(struct wsscan *w, unsigned code, const char *why)
{
	int dir;

	if (w->over != NULL)
		return;
	w->over = why;
	for (dir = 0; dir < 2; dir++) {
		if (w->side[dir].open)
			adapt_silence(&w->side[dir].a);
		put_close(&w->side[dir], code, why);
	}
	w->out.over(w->out.arg, why);
	w->out.wake(w->out.arg);
}

/* A head as the services get it. */
static void
make_head(struct http_message *m, const struct text *head, int response)
{
	struct http_text *t = xcalloc(1, sizeof(*t));

	if ((response ? http_response : http_request)(t, head->s,
	    head->len) != 0)
		abort();	/* we wrote it */
	message_head(m, &t->head, head->s, head->len);
	free(t);
}

/* The heads of a message, whose length may be known. */
static void
make_heads(struct side *s, int64_t length)
{
	struct exchange *x = &s->a.x;
	struct text up = { 0 }, down = { 0 };
	struct text *own = s->dir == DIR_UP ? &up : &down;

	text_add(&up, s->w->request.s, s->w->request.len);
	text_puts(&down, "HTTP/1.1 200 OK\r\n");
	text_printf(own, "Content-Type: %s\r\n", s->opcode == WS_TEXT ?
	    "text/plain; charset=utf-8" : "application/octet-stream");
	if (length >= 0)
		text_printf(own, "Content-Length: %lld\r\n",
		    (long long)length);
	text_puts(&up, "\r\n");
	text_puts(&down, "\r\n");
	make_head(&x->msg[DIR_UP], &up, 0);
	if (s->dir == DIR_DOWN)
		make_head(&x->msg[DIR_DOWN], &down, 1);
	x->msg[s->dir].bodied = 1;
	text_free(&up);
	text_free(&down);
}

/* A message begins. */
static void
begin(struct side *s, enum ws_opcode opcode)
{
	const struct ws_frame *f = &s->reader.frame;
	struct exchange *x = &s->a.x;
	struct timespec now = clock_wall();

	memset(&s->a, 0, sizeof(s->a));
	s->open = 1;
	s->dropped = 0;
	s->refused = 0;
	s->opcode = opcode;
	x->session = s->w->plan.rec->id;
	x->codec = &message_codec;
	x->conn = s;
	x->user = &message_user;
	x->arg = s;
	adapt_init(&s->a, &s->w->plan);
	make_heads(s, f->fin ? (int64_t)f->length : -1);
	x->record.number = s->w->tx;
	http_record_request(&x->record, x->msg[DIR_UP].head, &now);
	if (s->dir == DIR_DOWN)
		exchange_set(x, DIR_UP, EXCHANGE_DONE);
	adapt_begin(&s->a.msg[s->dir]);
}

static void
close_message(struct side *s)
{
	if (!s->open)
		return;
	s->open = 0;
	adapt_free(&s->a);
	text_clear(&s->part);
}

/* Go on with it, as far as that is possible. */
static void
more(struct side *s)
{
	const struct http_message *m = &s->a.x.msg[s->dir];

	if (!s->open || s->w->over != NULL)
		return;
	adapt_more(&s->a.msg[s->dir]);
	if (s->w->over == NULL && m->sent && m->ended &&
	    s->a.msg[s->dir].txn == NULL) {
		close_message(s);
		s->w->out.wake(s->w->out.arg);
	}
}

static void
on_payload(void *arg, enum ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct side *s = arg;

	if (opcode != WS_TEXT && opcode != WS_BINARY) {
		text_add(&s->control, (const char *)p, n);
		return;
	}
	if (!s->open)
		begin(s, opcode);
	if (!s->dropped)
		message_data(&s->a.x.msg[s->dir], slice_of(p, n));
}

static int
on_message(void *arg, enum ws_opcode opcode, uint64_t length, int deflated)
{
	struct side *s = arg;

	if (opcode != WS_TEXT && opcode != WS_BINARY) {
		put_frame(s, opcode, 1, s->control.s, s->control.len);
		text_clear(&s->control);
		return 0;
	}
	if (!s->open)
		begin(s, opcode);
	message_end(&s->a.x.msg[s->dir], 1);
	return 1;
}

static const struct ws_user side_user = { on_payload, on_message };

/* Frames that wait, and may not become more. Without any room the bytes that
 * are read are what makes some. */
static int
is_full(const struct side *s)
{
	return s->out.len - s->out_off > OUT_MAX && !s->stuck;
}

/* How much of it may be read now. */
static size_t
window(const struct side *s, size_t len)
{
	const struct http_message *m = &s->a.x.msg[s->dir];

	if (is_full(s))
		return 0;
	if (!s->open)
		return len;
	if (m->ended || (!s->dropped && message_over(m)))
		return 0;
	return len < FRAGMENT ? len : FRAGMENT;
}

size_t
wsscan_take(struct wsscan *w, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct side *s = &w->side[dir];
	size_t at = 0, n;
	ssize_t rv;

	while (w->over == NULL && (n = window(s, len - at)) > 0) {
		rv = ws_read(&s->reader, p + at, n, &side_user, s);
		if (rv < 0 || (s->open && s->reader.deflated)) {
			end(w, CLOSE_PROTOCOL, "what came is not WebSocket as "
			    "it was agreed on");
			break;
		}
		at += (size_t)rv;
		more(s);
	}
	return w->over != NULL ? len : at;
}

int
wsscan_flush(struct wsscan *w, enum flow_dir dir)
{
	struct side *s = &w->side[dir];
	size_t n;

	more(s);
	if (s->out.len == 0)
		return 1;
	n = w->out.put(w->out.arg, dir, (const uint8_t *)s->out.s +
	    s->out_off, s->out.len - s->out_off);
	s->stuck = n == 0;
	s->out_off += n;
	if (s->out_off < s->out.len)
		return 0;
	text_clear(&s->out);
	s->out_off = 0;
	return 1;
}

int
wsscan_busy(const struct wsscan *w, enum flow_dir dir)
{
	const struct side *s = &w->side[dir];

	return s->out.len > 0 || (w->over == NULL && s->open &&
	    s->a.x.msg[dir].ended);
}

/* --- the codec of a message */

static void
message_edit(void *conn, enum flow_dir dir, struct http_edit *e, size_t n)
{
}

/* It is taken out of its frames in any case. */
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
	struct side *s = conn;

	if (dir != s->dir)
		return;
	s->dropped = 1;
	message_forget(&s->a.x.msg[dir]);
}

/* What goes in its place is a message too. A page is a refusal, which stands
 * when the service has said all of it. */
static int
message_send(void *conn, enum flow_dir dir, const struct http_head *h,
    int body, int64_t length, unsigned flags)
{
	struct side *s = conn;
	struct slice type = http_value(s->a.x.msg[s->dir].head,
	    "content-type"), now = http_value(h, "content-type");

	if (dir == s->dir && (dir == DIR_UP || h->status == 200) &&
	    (!(flags & HTTP_CHANGED) || (type.len == now.len &&
	    memcmp(type.p, now.p, type.len) == 0)))
		return 0;
	s->refused = 1;
	return 0;
}

/* A frame of what there is of the payload. */
static void
flush_part(struct side *s, int fin)
{
	put_frame(s, s->opcode, fin, s->part.s, s->part.len);
	text_clear(&s->part);
	s->opcode = WS_CONTINUATION;
	s->a.x.msg[s->dir].began = 1;
	s->w->out.wake(s->w->out.arg);
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
	struct side *s = conn;
	size_t n = FRAGMENT - s->part.len;

	*bad = 0;
	if (s->refused)
		return len;
	if (!message_room(conn, dir))
		return 0;
	n = len < n ? len : n;
	text_add(&s->part, (const char *)p, n);
	if (s->part.len == FRAGMENT)
		flush_part(s, 0);
	return n;
}

static int
message_fin(void *conn, enum flow_dir dir, const struct text *trailers)
{
	struct side *s = conn;

	if (s->refused)
		end(s->w, CLOSE_POLICY, "refused by the scanner");
	else
		flush_part(s, 1);
	s->a.x.msg[dir].sent = 1;
	return 0;
}

static uint64_t
message_page(void *conn, const char *page, size_t len)
{
	struct side *s = conn;

	end(s->w, CLOSE_POLICY, "the message could not be let through");
	return 0;
}

static void
message_go_ahead(void *conn)
{
}

static void
message_revoke(void *conn, enum flow_dir dir)
{
	struct side *s = conn;

	text_clear(&s->part);
	s->refused = 0;
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
	adapt_silence(&((struct side *)arg)->a);
}

static void
message_wake(void *arg)
{
	const struct wsscan *w = ((struct side *)arg)->w;

	w->out.wake(w->out.arg);
}

static void
message_broken(void *arg, const char *why)
{
	end(((struct side *)arg)->w, CLOSE_ERROR, why);
}

static const struct exchange_user message_user = {
	.silence = message_silence,
	.wake = message_wake,
	.broken = message_broken
};

/* --- */

/* The row of the services that look at messages. Returns how many. */
static size_t
make_row(struct wsscan *w, const struct plan *p)
{
	size_t k, n = 0;

	w->plan = *p;
	w->row = xcalloc(p->nrow + 1, sizeof(*w->row));
	w->plan.nmonitors = 0;
	for (k = 0; k < p->nrow; k++) {
		if (!plan_conf(p, k)->websocket)
			continue;
		w->plan.nmonitors += plan_conf(p, k)->monitor;
		w->row[n++] = p->row[k];
	}
	w->plan.row = w->row;
	w->plan.nrow = n;
	return n;
}

struct wsscan *
wsscan_new(const struct plan *p, const struct exchange *x,
    const struct ws_out *out)
{
	const struct http_head *upgrade = x->msg[DIR_UP].head;
	struct wsscan *w = xcalloc(1, sizeof(*w));
	int dir;

	if (make_row(w, p) == 0) {
		wsscan_free(w);
		return NULL;
	}
	w->out = *out;
	w->tx = x->record.number;
	text_puts(&w->request, "POST ");
	text_add(&w->request, upgrade->path.p, upgrade->path.len);
	text_puts(&w->request, " HTTP/1.1\r\nHost: ");
	text_add(&w->request, upgrade->authority.p, upgrade->authority.len);
	text_puts(&w->request, "\r\n");
	for (dir = 0; dir < 2; dir++) {
		w->side[dir].w = w;
		w->side[dir].dir = (enum flow_dir)dir;
		w->side[dir].reader.client = dir == DIR_UP;
	}
	return w;
}

void
wsscan_free(struct wsscan *w)
{
	int dir;

	if (w == NULL)
		return;
	for (dir = 0; dir < 2; dir++) {
		close_message(&w->side[dir]);
		text_free(&w->side[dir].control);
		text_free(&w->side[dir].out);
		text_free(&w->side[dir].part);
	}
	text_free(&w->request);
	free(w->row);
	free(w);
}
