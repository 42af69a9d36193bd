/*
 * A WebSocket. Each of its messages is an event; what is not WebSocket ends the
 * reading, and passes. Where services look at the messages (scan.c), they are
 * taken out of their frames and framed again. Control frames do not wait for a
 * message in whose middle they come. What a service refuses ends the WebSocket,
 * with code 1008 (RFC 6455, 7.4.1), and so does what is not WebSocket.
 */
#include <sys/random.h>

#include <stdlib.h>
#include <string.h>

#include "adapt/scan.h"
#include "codec/ws.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define FRAGMENT	(16 * 1024)	/* of a message, at most */
#define CONTROL_MAX	125

/* A direction. All but the reader is of use where it is scanned. */
struct ws_side {
	struct ws	*w;
	enum flow_dir	 dir;
	struct ws_reader reader;
	struct text	 control;	/* payload of a control frame */
	enum ws_opcode	 opcode;	/* of the next frame that goes on */
	struct text	 part;		/* its payload so far */
};

struct ws {
	struct scan	 scan;		/* first; if it is scanned */
	const struct plan *plan;
	struct ws_side	 side[2];	/* by enum flow_dir */
	struct ws_message said;		/* the one being read */
	unsigned	 scanned:1;
	unsigned	 tells:1;	/* somebody asks for events */
	unsigned	 unread:1;	/* nobody reads it (any more) */
};

static const struct ws_user events, contents;
static const struct scan_format ws_format;

static struct ws *
ws_new(const struct plan *p, unsigned tx)
{
	struct ws *w = xcalloc(1, sizeof(*w));
	int dir;

	w->plan = p;
	w->tells = p->env->message != NULL;
	w->unread = !w->tells;
	w->said.tx = tx;
	for (dir = 0; dir < 2; dir++) {
		w->side[dir].w = w;
		w->side[dir].dir = (enum flow_dir)dir;
		w->side[dir].reader.client = dir == DIR_UP;
	}
	return w;
}

struct ws *
ws_begin(const struct plan *p, const struct exchange *x,
    const struct scan_out *out)
{
	struct ws *w = ws_new(p, x->record.number);

	w->scanned = plan_scans(p, MESSAGES_WEBSOCKET) != 0;
	if (w->scanned)
		scan_init(&w->scan, p, MESSAGES_WEBSOCKET, x, &ws_format, out);
	return w;
}

struct ws *
ws_watch(const struct plan *p, unsigned tx)
{
	return ws_new(p, tx);
}

void
ws_free(struct ws *w)
{
	int dir;

	if (w == NULL)
		return;
	if (w->scanned)
		scan_free(&w->scan);
	for (dir = 0; dir < 2; dir++) {
		text_free(&w->side[dir].control);
		text_free(&w->side[dir].part);
	}
	free(w);
}

int
ws_scans(const struct ws *w)
{
	return w != NULL && w->scanned;
}

static int
is_control(enum ws_opcode opcode)
{
	return opcode != WS_TEXT && opcode != WS_BINARY;
}

/* Add a frame. A client's are masked (RFC 6455, 5.3). */
static void
put_frame(struct ws_side *s, enum ws_opcode opcode, int fin,
    const struct text *payload)
{
	struct text *out = &s->w->scan.side[s->dir].out;
	struct ws_frame f = { .opcode = opcode, .fin = fin,
	    .length = payload->len, .masked = s->dir == DIR_UP };
	uint8_t head[WS_HEAD_MAX];
	size_t at;

	if (f.masked && getrandom(f.key, sizeof(f.key), 0) !=
	    sizeof(f.key))
		abort();
	text_add(out, (char *)head, ws_frame_put(head, &f));
	at = out->len;
	text_add(out, payload->s, payload->len);
	if (f.masked)
		ws_mask((uint8_t *)out->s + at, payload->len, f.key, 0);
}

/* Put the payload of a message into frames, the last one with fin. */
static void
put_part(struct ws_side *s, int fin)
{
	put_frame(s, s->opcode, fin, &s->part);
	text_clear(&s->part);
	s->opcode = WS_CONTINUATION;
	s->w->scan.side[s->dir].a.x.msg[s->dir].began = 1;
}

/* --- what the readers tell */

static void
tell(struct ws_side *s, enum ws_opcode opcode, uint64_t length, int deflated)
{
	struct ws *w = s->w;
	const struct engine_env *env = w->plan->env;

	if (!w->tells)
		return;
	w->said.dir = s->dir;
	w->said.opcode = opcode;
	w->said.length = length;
	w->said.deflated = deflated;
	env->message(env->arg, w->plan->rec, &w->said);
}

static int
on_event(void *arg, enum ws_opcode opcode, uint64_t length, int deflated)
{
	tell(arg, opcode, length, deflated);
	return 0;
}

/* The message that is scanned; it begins, if it has not. */
static struct scan_side *
scanned(struct ws_side *s, enum ws_opcode opcode)
{
	struct scan_side *scan = &s->w->scan.side[s->dir];
	const struct ws_frame *f = &s->reader.frame;

	if (!scan->open) {
		s->opcode = opcode;
		scan_begin(scan, opcode == WS_TEXT ?
		    "Content-Type: text/plain; charset=utf-8\r\n" :
		    "Content-Type: application/octet-stream\r\n",
		    f->fin ? (int64_t)f->length : -1);
	}
	return scan;
}

static void
on_payload(void *arg, enum ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct ws_side *s = arg;

	if (is_control(opcode))
		text_add(&s->control, (const char *)p, n);
	else
		scan_content(scanned(s, opcode), p, n);
}

static int
on_message(void *arg, enum ws_opcode opcode, uint64_t length, int deflated)
{
	struct ws_side *s = arg;

	tell(s, opcode, length, deflated);
	if (is_control(opcode)) {
		put_frame(s, opcode, 1, &s->control);
		text_clear(&s->control);
		return 0;
	}
	scan_end(scanned(s, opcode));
	return 1;
}

static const struct ws_user events = { NULL, on_event };
static const struct ws_user contents = { on_payload, on_message };

/* --- how messages lie in it */

/* No extension was agreed on, so nothing may be compressed. */
static ssize_t
ws_format_read(struct scan_side *scan, const uint8_t *p, size_t len)
{
	struct ws_side *s = &((struct ws *)scan->scan)->side[scan->dir];
	ssize_t n = ws_read(&s->reader, p, len, &contents, s);

	return n >= 0 && scan->open && s->reader.deflated ? ERR_FORMAT : n;
}

static ssize_t
ws_format_write(struct scan_side *scan, const uint8_t *p, size_t len)
{
	struct ws_side *s = &((struct ws *)scan->scan)->side[scan->dir];
	size_t n = FRAGMENT - s->part.len;

	n = len < n ? len : n;
	text_add(&s->part, (const char *)p, n);
	if (s->part.len == FRAGMENT) {
		put_part(s, 0);
		s->w->scan.out.wake(s->w->scan.out.arg);
	}
	return (ssize_t)n;
}

static void
ws_format_finish(struct scan_side *scan)
{
	put_part(&((struct ws *)scan->scan)->side[scan->dir], 1);
}

static void
ws_format_forget(struct scan_side *scan)
{
	text_clear(&((struct ws *)scan->scan)->side[scan->dir].part);
}

/* A frame for each, with a code (RFC 6455, 7.4.1) and the reason. */
static void
ws_format_close(struct scan *scan, enum scan_why kind, const char *why)
{
	static const unsigned codes[] = {
		[SCAN_REFUSED] = 1008,
		[SCAN_UNCHECKED] = 1008,
		[SCAN_FAILED] = 1011,
		[SCAN_STRANGE] = 1002
	};
	struct ws *w = (struct ws *)scan;
	unsigned code = codes[kind];
	const char number[2] = { (char)(code >> 8), (char)code };
	struct text payload = { 0 };

	text_add(&payload, number, 2);
	text_add(&payload, why, strnlen(why, CONTROL_MAX - 2));
	put_frame(&w->side[DIR_UP], WS_CLOSE, 1, &payload);
	put_frame(&w->side[DIR_DOWN], WS_CLOSE, 1, &payload);
	text_free(&payload);
}

static const struct scan_format ws_format = {
	.read = ws_format_read,
	.write = ws_format_write,
	.finish = ws_format_finish,
	.forget = ws_format_forget,
	.close = ws_format_close
};

/* --- */

/* Tell of the messages in bytes that pass. */
static void
watch(struct ws *w, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct ws_side *s = &w->side[dir];

	if (w->unread || ws_read(&s->reader, p, len, &events, s) >= 0)
		return;
	w->unread = 1;
	log_info("session %llu: what the %s sends is not WebSocket: its "
	    "messages are not read any more",
	    (unsigned long long)w->plan->rec->id,
	    dir == DIR_UP ? "client" : "server");
}

size_t
ws_take(struct ws *w, enum flow_dir dir, const uint8_t *p, size_t len)
{
	if (ws_scans(w))
		return scan_take(&w->scan, dir, p, len);
	if (w != NULL)
		watch(w, dir, p, len);
	return len;
}

int
ws_flush(struct ws *w, enum flow_dir dir)
{
	return !ws_scans(w) || scan_flush(&w->scan, dir);
}

int
ws_busy(const struct ws *w, enum flow_dir dir)
{
	return ws_scans(w) && scan_busy(&w->scan, dir);
}
