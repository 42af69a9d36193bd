/*
 * A mirror with `http2: http/1.1`, read by one who knows HTTP/1 only. Input is
 * that of h2read_fuzz: pieces of up to 127 bytes of a connection of HTTP/2, each
 * behind a byte that says how many and, by its first bit, that they come down.
 * Held to: each conversation has one request and its responses, which a strict
 * reader understands, and not a byte behind them; it may end early only by RST.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/h2frame.h"
#include "codec/http1.h"
#include "sink/split.h"
#include "sink/synth.h"
#include "util/budget.h"
#include "util/cursor.h"
#include "util/err.h"
#include "util/mem.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct talk {			/* a conversation, by the client's port */
	struct talk	*next;
	uint16_t	 port;
	int		 reset;
	int		 fin[2];
	struct text	 said[2];	/* by enum flow_dir */
};

struct recorder {
	struct synth_seat seat;
	struct talk	*talks;
};

static struct talk *
talk_of(struct recorder *r, const struct frame *f)
{
	struct cursor w = cursor_of(f->head + f->tcp, 14);
	uint16_t port[2] = { cursor_u16(&w), cursor_u16(&w) };
	uint8_t flags = f->head[f->tcp + 13];
	struct talk *t;

	for (t = r->talks; t != NULL && t->port != port[f->dir]; t = t->next)
		;
	if ((flags & (FRAME_SYN | FRAME_ACK)) == FRAME_SYN) {
		t = xcalloc(1, sizeof(*t));
		t->port = port[f->dir];
		t->next = r->talks;
		r->talks = t;
	}
	assert(t != NULL);
	t->reset |= (flags & FRAME_RST) != 0;
	t->fin[f->dir] |= (flags & FRAME_FIN) != 0;
	return t;
}

static enum synth_mode
rec_ready(struct synth_seat *seat)
{
	return SYNTH_SHOW;
}

static void
rec_emit(struct synth_seat *seat, const struct frame *f, const char *comment)
{
	struct recorder *r = (struct recorder *)seat;
	struct talk *t = talk_of(r, f);

	assert(f->len == 0 || !t->fin[f->dir] ||
	    (f->head[f->tcp + 13] & FRAME_FIN));
	text_add(&t->said[f->dir], (const char *)f->data, f->len);
	synth_sent(seat, f);
}

/* The body of a message; what follows it stays in *in. Whether it is whole. */
static int
read_body(const struct http_text *h, struct slice method, struct slice *in)
{
	struct http1_body b = { 0 };
	struct slice payload;
	int rv;

	http1_body_init(&b, h, method);
	assert(b.kind != HTTP1_CLOSE);
	while ((rv = http1_body_next(&b, in, &payload)) == 1)
		;
	assert(rv == 0 || rv == ERR_SHORT);
	return rv == 0;
}

/* All responses. Whether the last one is whole; *tunnel: another protocol
 * follows. */
static int
read_responses(struct slice in, struct slice method, int *tunnel)
{
	struct http_text h;

	while (in.len > 0) {
		memset(&h, 0, sizeof(h));
		assert(http_response(&h, in.p, in.len) == 0);
		in.p += h.len;
		in.len -= h.len;
		*tunnel = h.head.status == 101 ||
		    http1_body_of(&h, method) == HTTP1_TUNNEL;
		if (*tunnel)
			return 1;
		if (h.head.status < 200)
			continue;
		if (!read_body(&h, method, &in))
			return 0;
		assert(in.len == 0);
		return 1;
	}
	return 0;
}

static void
check(const struct talk *t)
{
	struct slice up = slice_of(t->said[DIR_UP].s, t->said[DIR_UP].len);
	struct slice down = slice_of(t->said[DIR_DOWN].s,
	    t->said[DIR_DOWN].len);
	struct http_text h = { 0 };
	int whole = 0, answered = 0, tunnel = 0;

	if (up.len > 0) {
		assert(http_request(&h, up.p, up.len) == 0);
		up.p += h.len;
		up.len -= h.len;
		whole = read_body(&h, h.head.method, &up);
		answered = read_responses(down, h.head.method, &tunnel);
	} else
		assert(down.len == 0);
	assert(up.len == 0 || tunnel);
	assert(t->reset || (whole && answered));
	assert(t->reset || (t->fin[DIR_UP] && t->fin[DIR_DOWN]));
}

static void
feed(struct tap *tap, const uint8_t *data, size_t len)
{
	enum flow_dir dir;
	size_t n;

	tap->ops->data(tap->state, DIR_UP, (const uint8_t *)H2FRAME_PREFACE,
	    strlen(H2FRAME_PREFACE));
	while (len > 1) {
		dir = data[0] & 0x80 ? DIR_DOWN : DIR_UP;
		n = data[0] & 0x7f;
		data++;
		len--;
		n = n < len ? n : len;
		if (n > 0)
			tap->ops->data(tap->state, dir, data, n);
		data += n;
		len -= n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct synth_out out = { .ready = rec_ready,
	    .emit = rec_emit };
	struct conf_mirror c = { .name = (char *)"m", .vlan = -1,
	    .http11 = 1 };
	struct recorder r = { .talks = NULL };
	struct synth_sink sink;
	struct facts facts = { .listener = "l" };
	struct verdict verdict = { 0 };
	struct record record = { .facts = &facts, .verdict = &verdict };
	struct tap tap = { .ops = &synth_tap };
	struct tap_counts counts = { 0 };
	struct text why = { NULL, 0, 0 };
	struct talk *t;

	addr_parse(&facts.client, "192.0.2.1:40000");
	addr_parse(&facts.server, "198.51.100.2:443");
	record.shown = shown_new(&facts.client, &facts.server);
	assert(synth_sink_init(&sink, &c, &why) == 0);
	synth_seat_init(&r.seat, &sink, &out);
	tap.state = split_open(&r.seat, &tap, &record);
	feed(&tap, data, len);
	tap.ops->close(tap.state, &counts);
	while ((t = r.talks) != NULL) {
		check(t);
		r.talks = t->next;
		text_free(&t->said[DIR_UP]);
		text_free(&t->said[DIR_DOWN]);
		free(t);
	}
	synth_seat_clear(&r.seat);
	synth_sink_clear(&sink);
	shown_free(record.shown);
	text_free(&why);
	return 0;
}
