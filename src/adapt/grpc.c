/*
 * Calls of gRPC whose messages services look at (scan.c). The head of either
 * direction goes on at once, and then message by message, each when it is
 * whole: so a call can always be ended between two. What a service refuses ends
 * the call with a status, in the trailers; where the client has had all of the
 * answer, or another one, the exchange is cut off.
 *
 * Between the exchange and its codec stands another codec, which takes the
 * bodies apart. It works for every version of HTTP, and so for gRPC-Web.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/scan.h"
#include "codec/grpc.h"
#include "util/err.h"
#include "util/mem.h"

#define MOVE	(16 * 1024)	/* of a message, into out at a time */

struct grpc_side {
	struct grpc	*g;
	enum flow_dir	 dir;
	struct grpc_reader reader;
	struct text	 coding;	/* Grpc-Encoding */
	unsigned	 flags;		/* of the message that is read */
	unsigned	 bad:1;		/* ... which are not as agreed on */
	unsigned	 on:1;		/* its body is taken apart */
	unsigned	 ended:1;	/* that has ended */
	unsigned	 done:1;	/* so has what goes on */
	unsigned	 whole:1;	/* body is, and may go on */
	struct spool	*body;		/* what goes on of a message; or NULL */
	uint64_t	 moved;		/* bytes of it, into out */
	struct text	 trailers;
};

struct grpc {
	struct scan	 scan;		/* first */
	struct adaptation *a;		/* of the call */
	const struct http_codec *codec;	/* its own */
	void		*conn;
	enum scan_why	 why;		/* scan.over */
	unsigned	 said:1;	/* and the client is told */
	unsigned	 over:1;	/* nothing is to be done any more */
	struct grpc_side side[2];	/* by enum flow_dir */
};

static const struct http_codec grpc_codec;

static enum grpc_kind
kind_of(const struct http_head *h)
{
	return grpc_kind(http_value(h, "content-type"));
}

static struct grpc_side *
side_of(const struct scan_side *s)
{
	return &((struct grpc *)s->scan)->side[s->dir];
}

/* --- how messages lie in a body */

/* The message's own type would be that of calls, which are not scanned. */
static void
on_begin(void *arg, unsigned flags, uint32_t length)
{
	struct grpc_side *s = arg;
	struct slice coding = slice_of(s->coding.s, s->coding.len);
	struct text lines = { 0 };

	s->flags = flags;
	text_puts(&lines, "Content-Type: application/octet-stream\r\n");
	if (flags & GRPC_COMPRESSED) {
		s->bad = !slice_is_token(coding) ||
		    slice_is(coding, "identity");
		if (!s->bad)
			text_printf(&lines, "Content-Encoding: %.*s\r\n",
			    SLICE(coding));
	}
	scan_begin(&s->g->scan.side[s->dir], lines.s, length);
	text_free(&lines);
}

static void
on_payload(void *arg, const uint8_t *p, size_t n)
{
	struct grpc_side *s = arg;

	scan_content(&s->g->scan.side[s->dir], p, n);
}

static int
on_end(void *arg)
{
	struct grpc_side *s = arg;

	scan_end(&s->g->scan.side[s->dir]);
	return 1;
}

static ssize_t
grpc_format_read(struct scan_side *scan, const uint8_t *p, size_t len)
{
	static const struct grpc_user user = { on_begin, on_payload, on_end };
	struct grpc_side *s = side_of(scan);
	ssize_t n = grpc_read(&s->reader, p, len, &user, s);

	return s->bad ? ERR_FORMAT : n;
}

static ssize_t
grpc_format_write(struct scan_side *scan, const uint8_t *p, size_t len)
{
	struct grpc_side *s = side_of(scan);

	if (s->body == NULL)
		s->body = spool_new(UINT32_MAX);
	return spool_add(s->body, p, len) == 0 ? (ssize_t)len : -1;
}

static void
grpc_format_finish(struct scan_side *scan)
{
	struct grpc_side *s = side_of(scan);
	unsigned flags = s->flags & ~(unsigned)GRPC_COMPRESSED;
	uint8_t prefix[GRPC_PREFIX];

	if (scan->coded)
		flags |= GRPC_COMPRESSED;
	grpc_put(prefix, flags, s->body != NULL ?
	    (uint32_t)spool_size(s->body) : 0);
	text_add(&scan->out, (char *)prefix, sizeof(prefix));
	s->whole = 1;
	s->moved = 0;
}

static void
grpc_format_forget(struct scan_side *scan)
{
	struct grpc_side *s = side_of(scan);

	spool_free(s->body);
	s->body = NULL;
	s->whole = 0;
}

static int
grpc_format_more(struct scan_side *scan)
{
	struct grpc_side *s = side_of(scan);
	const uint8_t *p;
	size_t len = 0;

	if (!s->whole)
		return 0;
	if (s->body != NULL && spool_at(s->body, s->moved, &p, &len) == 0) {
		len = len < MOVE ? len : MOVE;
		text_add(&scan->out, (const char *)p, len);
		s->moved += len;
		spool_drop(s->body, s->moved);
	} else if (s->body != NULL && s->moved < spool_size(s->body)) {
		exchange_break(&s->g->a->x, "a message could not be kept");
		return 0;
	}
	if (s->body == NULL || s->moved == spool_size(s->body)) {
		s->whole = 0;
		scan_sent(scan);
	}
	return len > 0;
}

static const struct scan_format grpc_format = {
	.read = grpc_format_read,
	.write = grpc_format_write,
	.finish = grpc_format_finish,
	.more = grpc_format_more,
	.forget = grpc_format_forget
};

/* --- where they go */

static size_t
grpc_put_out(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct grpc *g = arg;
	int bad;

	return g->codec->data(g->conn, dir, p, len, &bad);
}

static void
grpc_wake(void *arg)
{
	const struct exchange *x = &((struct grpc *)arg)->a->x;

	x->user->wake(x->arg);
}

/* The client is told when its turn comes. */
static void
grpc_over(void *arg, enum scan_why kind, const char *why)
{
	((struct grpc *)arg)->why = kind;
}

/* The end of a call, as lines of HTTP/1. */
static void
put_status(const struct grpc *g, struct text *t)
{
	static const unsigned codes[] = {
		[SCAN_REFUSED] = 7,	/* PERMISSION_DENIED */
		[SCAN_UNCHECKED] = 14,	/* UNAVAILABLE */
		[SCAN_FAILED] = 13,	/* INTERNAL */
		[SCAN_STRANGE] = 13
	};
	const struct exchange *x = &g->a->x;

	text_printf(t, "grpc-status: %u\r\ngrpc-message: %s (transaction "
	    "%llu.%u)\r\n", codes[g->why], g->scan.over,
	    (unsigned long long)x->session, x->record.number);
}

/* No answer has begun: this is all of it. */
static void
answer(struct grpc *g)
{
	struct exchange *x = &g->a->x;
	struct slice type = http_value(x->msg[DIR_UP].head, "content-type");
	struct text page = { 0 };

	text_printf(&page, "HTTP/1.1 200 OK\r\nContent-Type: %.*s\r\n",
	    SLICE(type));
	put_status(g, &page);
	text_puts(&page, "Content-Length: 0\r\nConnection: close\r\n\r\n");
	exchange_answer(x, 200, g->scan.over, page.s, page.len);
	text_free(&page);
}

/* In gRPC-Web trailers are the last message. */
static void
put_trailers(struct grpc *g, struct grpc_side *down)
{
	struct text *out = &g->scan.side[DIR_DOWN].out;
	uint8_t prefix[GRPC_PREFIX];

	text_clear(&down->trailers);
	put_status(g, &down->trailers);
	if (!down->reader.web)
		return;
	grpc_put(prefix, GRPC_TRAILERS, (uint32_t)down->trailers.len);
	text_add(out, (char *)prefix, sizeof(prefix));
	text_add(out, down->trailers.s, down->trailers.len);
	text_clear(&down->trailers);
}

/* The answer ends here, behind the messages that have gone on. */
static void
end_answer(struct grpc *g)
{
	struct exchange *x = &g->a->x;
	struct grpc_side *down = &g->side[DIR_DOWN];

	if (!scan_flush(&g->scan, DIR_DOWN))
		return;
	if (!g->said) {
		g->said = 1;
		x->record.why = g->scan.over;
		put_trailers(g, down);
		if (!scan_flush(&g->scan, DIR_DOWN))
			return;
	}
	g->over = 1;
	x->user->silence(x->arg);
	g->codec->end(g->conn, DIR_DOWN, &down->trailers);
	if (x->state[DIR_UP] != EXCHANGE_DONE)
		exchange_set(x, DIR_UP, EXCHANGE_ANSWERED);
	exchange_set(x, DIR_DOWN, EXCHANGE_ANSWERED);
	g->codec->drop(g->conn, DIR_DOWN);
	g->codec->drop(g->conn, DIR_UP);
	x->user->wake(x->arg);
}

/* We end the call. */
static void
refuse(struct grpc *g)
{
	struct exchange *x = &g->a->x;
	enum exchange_state down = x->state[DIR_DOWN];

	if (g->over || exchange_is_broken(x))
		return;
	if ((down == EXCHANGE_HEAD || down == EXCHANGE_HELD) &&
	    !x->msg[DIR_DOWN].began)
		answer(g);
	else if (down == EXCHANGE_GOING && g->side[DIR_DOWN].on &&
	    !g->side[DIR_DOWN].done)
		end_answer(g);
	else
		exchange_break(x, g->scan.over);
}

/* The end goes on behind the messages. */
static void
settle(struct grpc *g, struct grpc_side *s)
{
	if (!s->ended || s->done || g->scan.over != NULL ||
	    !scan_flush(&g->scan, s->dir) || g->scan.side[s->dir].open)
		return;
	s->done = 1;
	g->codec->end(g->conn, s->dir, &s->trailers);
}

/* --- the codec in between */

static struct grpc_side *
half(void *conn, enum flow_dir dir)
{
	return &((struct grpc *)conn)->side[dir];
}

static void
grpc_edit(void *conn, enum flow_dir dir, struct http_edit *e, size_t n)
{
	struct grpc *g = conn;

	g->codec->edit(g->conn, dir, e, n);
}

static int
grpc_pass(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;

	if (g->a->msg[dir].parted && g->a->x.msg[dir].bodied)
		return 0;
	return g->codec->pass(g->conn, dir);
}

static void
grpc_take(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;

	g->codec->take(g->conn, dir);
}

static void
grpc_drop(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;

	g->codec->drop(g->conn, dir);
}

/* What a service made of the whole may be something else. */
static int
grpc_head(void *conn, enum flow_dir dir, const struct http_head *h, int body,
    int64_t length, unsigned flags)
{
	struct grpc *g = conn;
	struct grpc_side *s = &g->side[dir];
	enum grpc_kind kind = kind_of(h);
	struct slice coding = http_value(h, "grpc-encoding");

	s->on = body && kind != GRPC_NONE && g->a->msg[dir].parted;
	if (!s->on)
		return g->codec->head(g->conn, dir, h, body, length, flags);
	s->reader.web = kind == GRPC_WEB;
	text_clear(&s->coding);
	text_add(&s->coding, coding.p, coding.len);
	return g->codec->head(g->conn, dir, h, body, -1, flags);
}

static size_t
grpc_data(void *conn, enum flow_dir dir, const uint8_t *p, size_t len,
    int *bad)
{
	struct grpc *g = conn;
	size_t n;

	if (!half(g, dir)->on)
		return g->codec->data(g->conn, dir, p, len, bad);
	*bad = 0;
	n = scan_take(&g->scan, dir, p, len);
	scan_flush(&g->scan, dir);
	return n;
}

static int
grpc_fin(void *conn, enum flow_dir dir, const struct text *trailers)
{
	struct grpc *g = conn;
	struct grpc_side *s = half(g, dir);

	if (!s->on)
		return g->codec->end(g->conn, dir, trailers);
	if (s->ended)
		return 0;
	s->ended = 1;
	if (trailers != NULL)
		text_add(&s->trailers, trailers->s, trailers->len);
	if (!grpc_between(&s->reader))
		scan_over(&g->scan, SCAN_STRANGE, "the last message is not "
		    "whole");
	settle(g, s);
	return 0;
}

static uint64_t
grpc_page(void *conn, const char *page, size_t len)
{
	struct grpc *g = conn;

	g->over = 1;
	scan_silence(&g->scan);
	if (g->scan.over == NULL)
		g->scan.over = "answered otherwise";
	return g->codec->page(g->conn, page, len);
}

static void
grpc_go_ahead(void *conn)
{
	struct grpc *g = conn;

	g->codec->go_ahead(g->conn);
}

/* Nothing of it has gone on. */
static void
grpc_revoke(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;
	struct grpc_side *s = half(g, dir);

	g->codec->revoke(g->conn, dir);
	scan_reset(&g->scan, dir);
	memset(&s->reader, 0, sizeof(s->reader));
	s->on = s->ended = 0;
}

static int
grpc_commit(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;

	return !half(g, dir)->on && g->codec->commit(g->conn, dir);
}

static void
grpc_again(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;

	g->codec->again(g->conn, dir);
}

static int
grpc_room(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;

	return g->codec->room(g->conn, dir);
}

static int
grpc_blocked(void *conn, enum flow_dir dir)
{
	struct grpc *g = conn;

	return g->codec->blocked(g->conn, dir);
}

static const struct http_codec grpc_codec = {
	.edit = grpc_edit,
	.pass = grpc_pass,
	.take = grpc_take,
	.drop = grpc_drop,
	.head = grpc_head,
	.data = grpc_data,
	.end = grpc_fin,
	.page = grpc_page,
	.go_ahead = grpc_go_ahead,
	.revoke = grpc_revoke,
	.commit = grpc_commit,
	.again = grpc_again,
	.room = grpc_room,
	.blocked = grpc_blocked
};

/* --- */

static struct grpc *
grpc_new(struct adaptation *a)
{
	struct grpc *g = xcalloc(1, sizeof(*g));
	struct exchange *x = &a->x;
	int dir;

	scan_init(&g->scan, a->plan, MESSAGES_GRPC, x, &grpc_format,
	    &(struct scan_out){ grpc_put_out, grpc_wake, grpc_over, g });
	g->a = a;
	g->codec = x->codec;
	g->conn = x->conn;
	x->codec = &grpc_codec;
	x->conn = g;
	for (dir = 0; dir < 2; dir++) {
		g->side[dir].g = g;
		g->side[dir].dir = (enum flow_dir)dir;
	}
	return g;
}

void
grpc_begin(struct adapted_message *m)
{
	struct adaptation *a = m->a;
	int is_call = kind_of(m->virgin->head) != GRPC_NONE;

	if (m->dir == DIR_UP && is_call && plan_scans(a->plan, MESSAGES_GRPC))
		a->grpc = grpc_new(a);
	m->parted = a->grpc != NULL && is_call;
	adapt_begin(m);
}

void
grpc_more(struct adapted_message *m)
{
	struct grpc *g = m->a->grpc;

	if (g != NULL)
		scan_flush(&g->scan, m->dir);
	adapt_more(m);
	if (g == NULL)
		return;
	settle(g, &g->side[m->dir]);
	if (g->scan.over != NULL)
		refuse(g);
}

void
grpc_end(struct adaptation *a)
{
	struct grpc *g = a->grpc;
	int dir;

	if (g == NULL)
		return;
	a->grpc = NULL;
	a->x.codec = g->codec;
	a->x.conn = g->conn;
	scan_free(&g->scan);
	for (dir = 0; dir < 2; dir++) {
		spool_free(g->side[dir].body);
		text_free(&g->side[dir].coding);
		text_free(&g->side[dir].trailers);
	}
	free(g);
}
