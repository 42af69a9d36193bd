/*
 * The codec of HTTP/2 between two peers that say anything. The input is a row
 * of orders: bytes and frames of either peer, in any pieces; what the user of
 * the exchanges decides; who reads and who does not. Held to: each exchange
 * that began is over once; what goes out are frames that fit their streams, and
 * heads that HPACK reads; and in the end no memory is held.
 */
#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "http/h2.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define STREAMS	256
#define MEMORY	(16 * 1024 * 1024)

enum deed {
	PASS, HOLD, SEND, REFUSE, REPLACE, BREAK, WAKE, RESET, DEEDS
};

struct one {			/* stream */
	struct exchange	 x;
	struct h2_stream *s;
	uint64_t	 sent[2];
	int		 sends[2], over;
};

struct output {			/* of a direction, as its peer reads it */
	struct text	 bytes;
	size_t		 preface;	/* bytes of it to come */
	nghttp2_hd_inflater *hpack;
	uint32_t	 block;		/* the stream whose head goes on */
	uint8_t		 ended[STREAMS * 4];
	int		 deaf;
};

static struct pool		 pool;
static _Atomic uint64_t		 in_use;
static struct flow		 flow[2];
static struct taps		 row;
static struct tap		 tap;
static struct h2		*h2;
static struct one		*one[STREAMS * 8];
static size_t			 n;
static enum deed		 deed[2];
static struct output		 output[2];
static struct text		 stage[2];

/* What the orders are read from. */
static const uint8_t		*at, *end;

static unsigned
byte(void)
{
	return at < end ? *at++ : 0;
}

static unsigned
word(void)
{
	unsigned high = byte();

	return high << 8 | byte();
}

/* The user of the exchanges. */

static void
silence(void *arg)
{
}

static void
wake(void *arg)
{
	struct one *o = arg;

	if (!o->over)
		h2_wake(o->s);
}

static void
broken(void *arg, const char *why)
{
	struct one *o = arg;

	if (!o->over)
		h2_reset(o->s, NGHTTP2_INTERNAL_ERROR);
}

static const struct exchange_user x_user = { silence, wake, broken };

static struct exchange *
begin(void *arg, struct h2_stream *s)
{
	struct one *o = xcalloc(1, sizeof(*o));

	assert(n < NELEM(one));
	o->s = s;
	o->x.user = &x_user;
	o->x.arg = o;
	one[n++] = o;
	return &o->x;
}

static void
replace(struct one *o, enum flow_dir dir)
{
	static struct http_text t;
	static const char text[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
	static const uint8_t body[40000];
	struct exchange *x = &o->x;
	unsigned how = byte();
	int bad = 0;

	if (x->msg[DIR_DOWN].began || exchange_set(x, dir, dir == DIR_DOWN ?
	    EXCHANGE_GOING : EXCHANGE_ANSWERED) != 0 || (dir == DIR_UP &&
	    exchange_set(x, DIR_DOWN, EXCHANGE_ANSWERED) != 0))
		return;
	x->codec->take(x->conn, dir);
	t.scanned = 0;
	assert(http_response(&t, text, sizeof(text) - 1) == 0);
	if (x->codec->head(x->conn, DIR_DOWN, &t.head, 1, how & 1 ? 40000 : -1,
	    HTTP_CHANGED | (how & 2 ? HTTP_REVOCABLE : 0)) != 0)
		return;
	x->codec->data(x->conn, DIR_DOWN, body, how & 4 ? 40000 : 100, &bad);
	if (how & 8) {
		exchange_refuse(x, 403, "after all");
		return;
	}
	if (x->codec->end(x->conn, DIR_DOWN, NULL) != 0)
		exchange_break(x, "short");
	else
		x->codec->drop(x->conn, dir);
}

static void
send_on(struct one *o, enum flow_dir dir, int pass)
{
	struct exchange *x = &o->x;
	struct http_message *m = &x->msg[dir];

	if (m->head == NULL || exchange_set(x, dir, EXCHANGE_GOING) != 0 ||
	    (pass && x->codec->pass(x->conn, dir)))
		return;
	x->codec->take(x->conn, dir);
	if (m->body == NULL && !m->ended)
		m->body = spool_new(UINT64_MAX);
	m->max = 100000;
	if (x->codec->head(x->conn, dir, m->head, m->body != NULL,
	    m->head->length, 0) != 0)
		exchange_refuse(x, 502, "it cannot be sent");
	else
		o->sends[dir] = 1;
}

static void
decide(struct one *o, enum flow_dir dir, enum deed what)
{
	struct exchange *x = &o->x;
	struct http_message *m = &x->msg[dir];
	int open = x->state[dir] == EXCHANGE_HEAD ||
	    x->state[dir] == EXCHANGE_HELD;

	if (o->over || m->head == NULL)
		return;
	if (what == WAKE)
		h2_wake(o->s);
	else if (what == RESET)
		h2_reset(o->s, byte());
	else if (what == BREAK)
		exchange_break(x, "told to");
	else if (what == REFUSE)
		exchange_refuse(x, 403, "told to");
	else if (open && what == HOLD && m->body == NULL && !m->ended) {
		m->body = spool_new(UINT64_MAX);
		m->max = word();
		m->wants = byte() * 16;
		exchange_set(x, dir, EXCHANGE_HELD);
	} else if (open && what == REPLACE)
		replace(o, dir);
	else if (open && what != HOLD)
		send_on(o, dir, what == PASS);
}

static void
head(struct exchange *x, enum flow_dir dir)
{
	if (dir == DIR_DOWN && x->msg[dir].head->status < 200)
		send_on(x->arg, dir, 1);
	else
		decide(x->arg, dir, deed[dir]);
}

static void
send_more(struct one *o, enum flow_dir dir)
{
	struct exchange *x = &o->x;
	struct http_message *m = &x->msg[dir];
	const uint8_t *p;
	size_t len, took;
	int bad = 0;

	while (m->body != NULL &&
	    spool_at(m->body, o->sent[dir], &p, &len) == 0) {
		took = x->codec->data(x->conn, dir, p, len, &bad);
		assert(took <= len);
		if (took == 0)
			break;
		o->sent[dir] += took;
		spool_drop(m->body, o->sent[dir]);
	}
	m->max = o->sent[dir] + 100000;
	if (bad || m->cut)
		exchange_break(x, "it broke off");
	else if (m->ended && (m->body == NULL ||
	    o->sent[dir] == spool_size(m->body)) &&
	    x->codec->end(x->conn, dir, &m->trailers) != 0)
		exchange_break(x, "short");
}

static void
more(struct exchange *x, enum flow_dir dir)
{
	struct one *o = x->arg;
	struct http_message *m = &x->msg[dir];

	if (dir == DIR_DOWN && m->head != NULL && m->head->status < 200 &&
	    x->state[dir] == EXCHANGE_GOING)
		exchange_again(x, dir);
	else if (o->sends[dir] && x->state[dir] == EXCHANGE_GOING && !m->sent)
		send_more(o, dir);
	else if (x->state[dir] == EXCHANGE_HELD && (m->cut || m->lost))
		exchange_refuse(x, 502, "it broke off");
}

static void
over(struct exchange *x, const char *why)
{
	struct one *o = x->arg;

	assert(!o->over);
	o->over = 1;
	exchange_free(x);
}

static void
abuse(void *arg, enum flow_dir from, enum h2_abuse what)
{
	assert(what < H2_ABUSE_MAX);
}

static void
pump_soon(void *arg)
{
}

static const struct h2_user user = { begin, head, more, over, abuse,
    pump_soon };

/* The tap. */

static size_t
tap_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	h2_input(h2, dir, len, p);
	return 0;
}

static void
tap_room(void *state, enum flow_dir dir)
{
	h2_flush(h2, dir);
}

static int
tap_busy(void *state, enum flow_dir dir)
{
	return h2_busy(h2, dir);
}

static void
tap_eof(void *state, enum flow_dir dir)
{
	h2_eof(h2, dir);
}

static const struct tap_ops tap_ops = { .data = tap_data, .room = tap_room,
    .busy = tap_busy, .eof = tap_eof };

/* What goes out. */

static void
read_block(struct output *o, const uint8_t *p, size_t len, int last)
{
	nghttp2_nv nv;
	ssize_t used;
	int flags = 0;

	do {
		used = nghttp2_hd_inflate_hd2(o->hpack, &nv, &flags, p, len,
		    last);
		assert(used >= 0);
		p += used;
		len -= (size_t)used;
	} while (flags & NGHTTP2_HD_INFLATE_EMIT || (len > 0 && used > 0));
	if (last)
		nghttp2_hd_inflate_end_headers(o->hpack);
}

static void
read_frame(struct output *o, const uint8_t *p, size_t len)
{
	uint8_t type = p[3], flags = p[4];
	uint32_t id = (uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 |
	    (uint32_t)p[7] << 8 | p[8];
	int fields = type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION;

	assert(o->block == 0 || (type == NGHTTP2_CONTINUATION &&
	    o->block == id));
	if (!fields && type != NGHTTP2_DATA && type != NGHTTP2_RST_STREAM)
		return;
	assert(id > 0);
	if (id >= sizeof(o->ended))
		id = 0;			/* not followed */
	if (type == NGHTTP2_RST_STREAM) {
		o->ended[id] = 2;
		return;
	}
	assert(id == 0 || o->ended[id] == 0 || (type == NGHTTP2_CONTINUATION &&
	    o->ended[id] == 1));
	if (flags & NGHTTP2_FLAG_END_STREAM && type != NGHTTP2_CONTINUATION)
		o->ended[id] = 1;
	if (!fields)
		return;
	assert((flags & (NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_PRIORITY)) == 0);
	o->block = flags & NGHTTP2_FLAG_END_HEADERS ? 0 : id;
	read_block(o, p + 9, len - 9, (flags & NGHTTP2_FLAG_END_HEADERS) != 0);
}

static void
read_output(struct output *o, const uint8_t *p, size_t len)
{
	size_t skip = len < o->preface ? len : o->preface, need;
	const uint8_t *q;

	o->preface -= skip;
	text_add(&o->bytes, (const char *)p + skip, len - skip);
	q = (const uint8_t *)o->bytes.s;
	len = o->bytes.len;
	while (len >= 9) {
		need = 9 + ((size_t)q[0] << 16 | (size_t)q[1] << 8 | q[2]);
		assert(need <= 9 + 16384);
		if (len < need)
			break;
		read_frame(o, q, need);
		q += need;
		len -= need;
	}
	memmove(o->bytes.s, q, len);
	o->bytes.len = len;
}

static void
turn(enum flow_dir dir)
{
	struct flow *f = &flow[dir];
	const uint8_t *p;
	size_t len;

	flow_offer(f);
	flow_wrote(f, 0);
	p = flow_ready(f, &len);
	if (!output[dir].deaf && len > 0) {
		read_output(&output[dir], p, len);
		flow_wrote(f, len);
	}
	assert(budget_used() <= MEMORY);
}

/* Of what that peer has said, up to len bytes come. */
static void
deliver(enum flow_dir dir, size_t len)
{
	struct text *t = &stage[dir];
	size_t room, some, done = 0;
	uint8_t *p;

	if (len > t->len)
		len = t->len;
	while (done < len && !flow[dir].finished &&
	    flow[dir].end_in != END_FIN) {
		p = flow_room(&flow[dir], &room);
		some = len - done < room ? len - done : room;
		if (some == 0)
			break;
		memcpy(p, t->s + done, some);
		flow_filled(&flow[dir], some);
		done += some;
		turn(dir);
	}
	if (done > 0)
		memmove(t->s, t->s + done, t->len - done);
	t->len -= done;
}

static void
pump_all(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		deliver(DIR_UP, SIZE_MAX);
		turn(DIR_UP);
		deliver(DIR_DOWN, SIZE_MAX);
		turn(DIR_DOWN);
	}
}

/* What peers say. */

static void
say(enum flow_dir dir, unsigned type, unsigned flags, unsigned id,
    const void *p, size_t len)
{
	char h[9] = { (char)(len >> 16), (char)(len >> 8), (char)len,
	    (char)type, (char)flags, 0, 0, (char)(id >> 8), (char)id };

	text_add(&stage[dir], h, sizeof(h));
	if (len > 0)
		text_add(&stage[dir], p, len);
}

/* Blocks of the static table (RFC 7541, appendix A). */
static const struct {
	const char	*p;
	size_t		 len;
} blocks[] = {
#define B(s)	{ s, sizeof(s) - 1 }
	B("\x82\x87\x84\x01\x01" "a"),			/* GET */
	B("\x83\x87\x84\x01\x01" "a"),			/* POST */
	B("\x02\x04" "HEAD" "\x87\x84\x01\x01" "a"),
	B("\x02\x07" "CONNECT" "\x01\x03" "a:1"),
	B("\x02\x07" "CONNECT" "\x00\x09" ":protocol" "\x09" "websocket"
	    "\x87\x84\x01\x01" "a"),
	B("\x83\x87\x84\x01\x01" "a" "\x0f\x0d\x02" "16"), /* length */
	B("\x88"),					/* 200 */
	B("\x8b"),					/* 304 */
	B("\x08\x03" "103"),
	B("\x08\x03" "100"),
	B("\x88" "\x0f\x0d\x02" "16"),
	B("\x00\x01" "t" "\x01" "v")			/* trailers */
};

static void
say_block(enum flow_dir dir, unsigned flags)
{
	unsigned id = byte(), which = byte() % NELEM(blocks);

	say(dir, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS |
	    (flags & NGHTTP2_FLAG_END_STREAM), id, blocks[which].p,
	    blocks[which].len);
}

static void
say_frame(enum flow_dir dir)
{
	unsigned type = byte(), flags = byte(), id = byte();
	size_t len = byte();

	if (len > (size_t)(end - at))
		len = (size_t)(end - at);
	say(dir, type % 18, flags, id, at, len);
	at += len;
}

static void
say_content(enum flow_dir dir, unsigned flags)
{
	static const char filler[16384];
	unsigned id = byte(), len = word() % (sizeof(filler) + 1);

	say(dir, NGHTTP2_DATA, flags & NGHTTP2_FLAG_END_STREAM, id, filler,
	    len);
}

static void
say_window(enum flow_dir dir)
{
	unsigned id = byte(), inc = word();
	char p[4] = { 0, 0, (char)(inc >> 8), (char)inc };

	say(dir, NGHTTP2_WINDOW_UPDATE, 0, id, p, 4);
}

static void
say_raw(enum flow_dir dir)
{
	size_t len = byte();

	if (len > (size_t)(end - at))
		len = (size_t)(end - at);
	text_add(&stage[dir], (const char *)at, len);
	at += len;
}

static void
order(void)
{
	unsigned what = byte();
	enum flow_dir dir = what & 16 ? DIR_DOWN : DIR_UP;

	switch (what & 15) {
	case 0: say_raw(dir); break;
	case 1: say_frame(dir); break;
	case 2: say_block(dir, what >> 5); break;
	case 3: say_content(dir, what >> 5); break;
	case 4: say_window(dir); break;
	case 5: deliver(dir, word()); break;
	case 6: deed[dir] = byte() % DEEDS; break;
	case 7:
		if (n > 0)
			decide(one[byte() % n], dir, what >> 5);
		break;
	case 8: output[dir].deaf = what >> 5 & 1; break;
	case 9: flow[dir].end_in = END_FIN; break;
	case 10: h2_drain(h2); break;
	case 11: turn(dir); break;
	default: pump_all(); break;
	}
}

static void
set_up(void)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	int i;

	budget_limit(MEMORY);
	pool_init(&pool, &in_use);
	memset(flow, 0, sizeof(flow));
	memset(&row, 0, sizeof(row));
	memset(&tap, 0, sizeof(tap));
	memset(output, 0, sizeof(output));
	tap.ops = &tap_ops;
	tap.state = &tap;
	tap.row = &row;
	n = 0;
	for (i = 0; i < 2; i++) {
		flow[i].wire.taps = &row;
		flow[i].pool = &pool;
		flow[i].dir = (enum flow_dir)i;
		row.first[i] = &tap;
		deed[i] = PASS;
		nghttp2_hd_inflate_new(&output[i].hpack);
	}
	output[DIR_UP].preface = sizeof(preface) - 1;
	h2 = h2_new(&tap, &flow[DIR_UP], &flow[DIR_DOWN], 4096, &user, NULL);
	text_add(&stage[DIR_UP], preface, sizeof(preface) - 1);
	say(DIR_UP, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

static void
tear_down(void)
{
	size_t i;

	h2_free(h2);
	for (i = 0; i < n; i++) {
		assert(one[i]->over);
		free(one[i]);
	}
	for (i = 0; i < 2; i++) {
		nghttp2_hd_inflate_del(output[i].hpack);
		text_free(&output[i].bytes);
		text_free(&stage[i]);
		flow_drop(&flow[i]);
	}
	pool_done(&pool);
	assert(budget_used() == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned i;

	at = data;
	end = data + len;
	set_up();
	for (i = 0; at < end && i < 2000 && n < STREAMS; i++)
		order();
	output[DIR_UP].deaf = output[DIR_DOWN].deaf = 0;
	pump_all();
	tear_down();
	return 0;
}
