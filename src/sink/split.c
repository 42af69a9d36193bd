/*
 * From the events of streams to conversations.
 */
#include "sink/split.h"

#include <stdlib.h>
#include <string.h>

#include "codec/h2frame.h"
#include "http/h2_read.h"
#include "http/retell.h"
#include "sink/synth.h"
#include "util/budget.h"
#include "util/log.h"
#include "util/mem.h"

static const char preface[] = H2FRAME_PREFACE;
#define PREFACE		(sizeof(preface) - 1)

struct split {
	struct synth_seat *seat;
	const struct record *record;
	void		*whole;		/* of synth_tap: it is not HTTP/2 */
	struct h2_read	*reader;	/* or it is */
	size_t		 preface;	/* or so many bytes of that came, and
					   nothing else */
	int		 facts;		/* they are known */
	int		 unread;	/* nothing more can be read */
	enum flow_dir	 ended;		/* whose end it was that cuts streams */
	int		 closing;	/* the session is over */
	struct tap_counts counts;
};

struct split_stream {
	struct split	*split;
	void		*shown;		/* of synth_tap */
	uint32_t	 id;
	struct retell	 retell;
};

#define STREAM_COST	512	/* it and its conversation, in limits.memory */

/* What came of a stream, or of none. */
static void
split_count(struct split *s, enum sink_stream what)
{
	atomic_fetch_add_explicit(&s->seat->sink->counts.streams[what], 1,
	    memory_order_relaxed);
}

/* Payload that cannot be shown. */
static void
split_lose(struct split *s, size_t len, const char *why)
{
	s->counts.lost += len;
	synth_lost_late(&s->seat->sink->counts, 0, len, why);
}

static void
stream_show(struct split_stream *t, enum flow_dir dir, struct slice data)
{
	if (data.len > 0)
		synth_tap.data(t->shown, dir, (const uint8_t *)data.p,
		    data.len);
}

static void
stream_cut(struct split_stream *t, enum flow_dir dir, const char *why)
{
	t->retell.why = why;
	synth_note(t->shown, why);
	synth_tap.reset(t->shown, dir);
}

/* The conversation has ended. */
static void
stream_free(struct split_stream *t, enum sink_stream what)
{
	struct tap_counts c = { 0 };
	struct split *s = t->split;

	synth_tap.close(t->shown, &c);
	s->counts.packets += c.packets;
	s->counts.bytes += c.bytes;
	s->counts.lost += c.lost;
	split_count(s, what);
	shown_close(s->record->shown, t->id);
	budget_give(BUDGET_MIRRORS, STREAM_COST);
	free(t);
}

static struct split_stream *
stream_new(struct split *s, uint32_t id)
{
	struct shown *ports = s->record->shown;
	struct split_stream *t;
	uint16_t port;

	if ((port = shown_open(ports, id)) == 0)
		return NULL;
	if (budget_take(BUDGET_MIRRORS, STREAM_COST, 1) != 0) {
		shown_close(ports, id);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->split = s;
	t->id = id;
	t->shown = synth_open_stream(s->seat, s->record, id, port);
	if (t->shown == NULL)
		abort();	/* out of memory */
	s->counts.streams++;
	return t;
}

/* A server's stream, which is promised, is never shown. */
static struct split_stream *
stream_begin(struct split *s, uint32_t id)
{
	struct split_stream *t = NULL;

	if (id % 2 == 1 && (t = stream_new(s, id)) == NULL)
		split_count(s, SINK_UNSHOWN);
	return t;
}

/* Show what a call of retell has made, or cut. */
static void
stream_made(struct split_stream *t, enum flow_dir dir, int rv)
{
	const struct text *made = &t->split->seat->made;

	if (rv == 0)
		stream_show(t, dir, slice_of(made->s, made->len));
	else
		stream_cut(t, dir, t->retell.why);
}

/* Empty, for the next call. */
static struct text *
stream_room(struct split *s)
{
	text_clear(&s->seat->made);
	return &s->seat->made;
}

static void *
split_request(void *arg, uint32_t id, const struct http_head *h, int last)
{
	struct split_stream *t = stream_begin(arg, id);

	if (t != NULL)
		stream_made(t, DIR_UP, retell_request(&t->retell, h, last,
		    stream_room(arg)));
	return t;
}

static void
split_response(void *stream, const struct http_head *h, int last)
{
	struct split_stream *t = stream;

	if (t->retell.why == NULL)
		stream_made(t, DIR_DOWN, retell_response(&t->retell, h, last,
		    stream_room(t->split)));
}

static void
split_content(void *stream, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct split_stream *t = stream;
	struct slice data = slice_of(p, len);

	if (t->retell.why != NULL)
		split_lose(t->split, len, "not HTTP/1.1");
	else if (retell_data(&t->retell, dir, &data,
	    stream_room(t->split)) == 0)
		stream_show(t, dir, data);
	else
		stream_cut(t, dir, t->retell.why);
}

static void
split_end(void *stream, enum flow_dir dir, const struct text *trailers)
{
	struct split_stream *t = stream;

	if (t->retell.why != NULL)
		return;
	stream_made(t, dir, retell_end(&t->retell, dir, trailers,
	    stream_room(t->split)));
	if (t->retell.body[dir] == RETELL_TUNNEL)
		synth_tap.eof(t->shown, dir);
}

static void
split_over(void *stream, enum flow_dir dir, int64_t code)
{
	struct split_stream *t = stream;
	struct split *s = t->split;

	if (t->retell.why != NULL) {
		stream_free(t, SINK_REFUSED);
	} else if (code == -1) {
		synth_tap.eof(t->shown, DIR_UP);
		synth_tap.eof(t->shown, DIR_DOWN);
		stream_free(t, SINK_WHOLE);
	} else {
		stream_cut(t, code >= 0 ? dir : s->ended, code >= 0 ?
		    "RST_STREAM" : s->closing ? "the session ended" :
		    "HTTP/2 not readable");
		stream_free(t, SINK_CUT);
	}
}

static void
split_bad(void *arg, uint32_t id, void *stream, enum flow_dir dir,
    const char *why)
{
	struct split_stream *t = stream;

	if (t == NULL && dir == DIR_UP)
		t = stream_begin(arg, id);
	if (t == NULL)
		return;
	if (t->retell.why == NULL)
		stream_cut(t, dir, why);
	stream_free(t, SINK_REFUSED);
}

/* From here on it is HTTP/2, which began with n bytes of the preface. */
static void
split_read(struct split *s)
{
	static const struct h2_read_user user = {
		.begin = split_request,
		.head = split_response,
		.data = split_content,
		.end = split_end,
		.over = split_over,
		.bad = split_bad
	};
	const char *why;

	s->reader = h2_read_new(&user, s, HTTP_HEAD_MAX, NULL);
	s->counts.split = 1;
	if (s->preface > 0)
		h2_read(s->reader, DIR_UP, (const uint8_t *)preface,
		    s->preface, &why);
}

/* It is not, and so shown as it is. */
static void
split_whole(struct split *s)
{
	if ((s->whole = synth_open(s->seat, s->record)) == NULL)
		abort();	/* out of memory */
	if (s->facts)
		synth_tap.facts(s->whole);
	if (s->preface > 0)
		synth_tap.data(s->whole, DIR_UP, (const uint8_t *)preface,
		    s->preface);
}

/*
 * Whether a connection of HTTP/2 begins so: by SETTINGS of a server that does
 * not wait for the preface.
 */
static int
is_settings(const uint8_t *p, size_t len)
{
	static const uint8_t stream0[4];

	return len >= H2FRAME_HEAD && p[0] == 0 && p[1] == 0 &&
	    p[3] == H2FRAME_SETTINGS && p[4] == 0 &&
	    memcmp(p + 5, stream0, 4) == 0;
}

/*
 * The first bytes decide, if TLS has not. Returns 0 while they are all of the
 * preface.
 */
static int
split_decide(struct split *s, enum flow_dir dir, const uint8_t *p, size_t len)
{
	size_t n = PREFACE - s->preface;

	if (n > len)
		n = len;
	if (dir == DIR_DOWN ? is_settings(p, len) :
	    memcmp(p, preface + s->preface, n) == 0 &&
	    s->preface + n == PREFACE) {
		split_read(s);
	} else if (dir == DIR_DOWN ||
	    memcmp(p, preface + s->preface, n) != 0) {
		split_whole(s);
	} else {
		s->preface += n;
		return 0;
	}
	return 1;
}

/* Reading has ended; the session has not. */
static void
split_unread(struct split *s, const char *why)
{
	static struct log_gate gate;
	int held;

	s->unread = 1;
	if (log_gate(&gate, &held))
		log_warn("mirror %s: session %llu: its HTTP/2 cannot be read "
		    "any more: %s; %d more not shown", s->seat->sink->name,
		    (unsigned long long)s->record->id, why, held);
}

static size_t
split_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct split *s = state;
	const char *why;

	if (s->whole == NULL && s->reader == NULL &&
	    !split_decide(s, dir, p, len))
		return len;
	if (s->whole != NULL)
		return synth_tap.data(s->whole, dir, p, len);
	if (s->unread)
		split_lose(s, len, "HTTP/2 not readable");
	else if (h2_read(s->reader, dir, p, len, &why) != 0)
		split_unread(s, why);
	return len;
}

static void
split_facts(void *state)
{
	struct split *s = state;

	s->facts = 1;
	if (s->whole != NULL)
		synth_tap.facts(s->whole);
	else if (s->reader == NULL &&
	    strcmp(s->record->facts->tls_client.alpn, "h2") == 0)
		split_read(s);
}

/* A direction ends: what is shown as it is ends so. */
static void
split_ends(struct split *s, enum flow_dir dir,
    void (*show)(void *, enum flow_dir))
{
	s->ended = dir;
	if (s->reader != NULL)
		return;
	if (s->whole == NULL)
		split_whole(s);
	show(s->whole, dir);
}

static void
split_eof(void *state, enum flow_dir dir)
{
	split_ends(state, dir, synth_tap.eof);
}

static void
split_reset(void *state, enum flow_dir dir)
{
	split_ends(state, dir, synth_tap.reset);
}

static void
split_close(void *state, struct tap_counts *m)
{
	struct split *s = state;

	s->closing = 1;
	if (s->reader != NULL) {
		h2_read_free(s->reader);	/* ends what is open */
		*m = s->counts;
	} else {
		if (s->whole == NULL)
			split_whole(s);
		synth_tap.close(s->whole, m);
	}
	free(s);
}

static const struct tap_ops split_tap = {
	.data = split_data,
	.facts = split_facts,
	.eof = split_eof,
	.reset = split_reset,
	.close = split_close
};

void *
split_open(void *arg, struct tap *tap, const struct record *r)
{
	struct synth_seat *seat = arg;
	struct split *s;

	if (!seat->sink->http11 || r->shown == NULL)
		return synth_open(seat, r);
	tap->ops = &split_tap;
	s = xcalloc(1, sizeof(*s));
	s->seat = seat;
	s->record = r;
	return s;
}
