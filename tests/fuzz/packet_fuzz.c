/*
 * Any order of events on any path: what the recorder puts together is what
 * was sent, with every checksum right, and no frame is longer than it may be.
 *
 * Input: path (mtu, burst, vlan, flags), sequence start, then an event of
 * three bytes each: what, length.
 */
#include "codec/packet.h"
#include "util/cursor.h"

#include "../unit/recorder.h"

#define BYTES	(1 << 20)	/* of all data events of one input */

struct run {
	struct packet_path path;
	struct packet	 p;
	struct recorder	 rec;
	size_t		 sent[2], skipped[2];
};

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t	*payload;

static void
take(void *arg, const struct frame *f)
{
	static uint8_t bytes[70000];
	struct run *r = arg;

	memcpy(bytes, f->head, f->head_len);
	if (f->len > 0)
		memcpy(bytes + f->head_len, f->data, f->len);
	recorder_feed(&r->rec, bytes, f->head_len + f->len);
}

static void
emit(void *arg, const struct frame *f)
{
	struct run *r = arg;

	if (r->path.super)
		frame_segment(f, 0, take, r);
	else
		take(r, f);
}

static void
event(struct run *r, uint8_t what, uint16_t len)
{
	int dir = what & 1, open = !r->p.over && !r->p.end[dir].fin;

	if (r->sent[dir] + len > BYTES / 2)
		return;
	switch (what >> 1 & 7) {
	case 0: case 1: case 2:
		packet_data(&r->p, dir, payload + r->sent[dir], len, emit, r);
		r->sent[dir] += open ? len : 0;
		break;
	case 3:
		packet_eof(&r->p, dir, emit, r);
		break;
	case 4:
		if (what & 0x80)
			packet_reset(&r->p, dir, emit, r);
		break;
	case 5:
		packet_skip(&r->p, dir, len);
		r->sent[dir] += open ? len : 0;
		r->skipped[dir] += open ? len : 0;
		break;
	case 6:
		r->path.mtu = len;
		break;
	case 7:
		r->path.burst = len & 63;
		r->path.super = len >> 6 & 1;
		break;
	}
}

static void
check(struct run *r)
{
	const struct recorder_side *s;
	int dir;
	size_t i;

	if (r->rec.wrong[0] != '\0') {
		fprintf(stderr, "%s\n", r->rec.wrong);
		abort();
	}
	for (dir = 0; dir < 2; dir++) {
		s = &r->rec.side[dir];
		if (s->len > r->sent[dir] || s->gap > r->skipped[dir] ||
		    (r->skipped[dir] == 0 && s->len != r->sent[dir]))
			abort();
		for (i = 0; s->gap == 0 && i < s->len; i++)
			if (s->data[i] != payload[i])
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run r = { 0 };
	struct cursor w = cursor_of(data, len);
	struct addr a = { 0 }, b = { 0 };
	uint32_t isn[2];
	uint8_t flags;
	size_t i;

	if (payload == NULL) {
		payload = malloc(BYTES);
		for (i = 0; i < BYTES; i++)
			payload[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
	}
	flags = cursor_u8(&w);
	r.path.mtu = cursor_u16(&w);
	r.path.burst = cursor_u8(&w);
	r.path.super = r.path.burst > 0;
	r.path.vlan = flags & 1 ? flags : -1;
	r.path.ports_map = flags >> 1 & 1;
	r.rec.loss_ok = 1;
	r.path.source_mac[5] = 1;
	r.path.reply_mac[5] = 2;
	isn[0] = cursor_u32(&w);
	isn[1] = cursor_u32(&w);
	if (w.bad)
		return 0;
	addr_parse(&a, flags & 4 ? "[2001:db8::1]:1234" : "192.0.2.1:1234");
	addr_parse(&b, flags & 8 ? "[2001:db8::2]:443" : "192.0.2.2:443");
	if ((r.path.framer = framer_new()) == NULL)
		return 0;
	if (packet_init(&r.p, &r.path, &a, &b, isn) == 0) {
		packet_open(&r.p, emit, &r);
		while (cursor_left(&w) >= 3) {
			flags = cursor_u8(&w);
			event(&r, flags, cursor_u16(&w));
		}
		check(&r);
	}
	recorder_free(&r.rec);
	framer_free(r.path.framer);
	return 0;
}
