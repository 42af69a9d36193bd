/*
 * Frames of HTTP/2: a table says where a type may stand and how long it is.
 */
#include "codec/h2frame.h"

#include <string.h>

#include "util/cursor.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

#define STREAM_MASK	0x7fffffff	/* the first bit is reserved: 4.1 */

enum where {
	ANY,
	STREAM,
	CONNECTION
};

static const struct {
	enum where	 where;
	uint8_t		 least;		/* bytes */
	uint8_t		 exact;		/* exactly the least */
} kinds[] = {
	[H2FRAME_DATA] = { STREAM, 0, 0 },
	[H2FRAME_HEADERS] = { STREAM, 0, 0 },
	/* Another length of it is an error of the stream alone: 6.3. */
	[H2FRAME_PRIORITY] = { STREAM, 0, 0 },
	[H2FRAME_RST_STREAM] = { STREAM, 4, 1 },
	[H2FRAME_SETTINGS] = { CONNECTION, 0, 0 },
	[H2FRAME_PUSH_PROMISE] = { STREAM, 4, 0 },
	[H2FRAME_PING] = { CONNECTION, 8, 1 },
	[H2FRAME_GOAWAY] = { CONNECTION, 8, 0 },
	[H2FRAME_WINDOW_UPDATE] = { ANY, 4, 1 },
	[H2FRAME_CONTINUATION] = { STREAM, 0, 0 }
};

static int
has_padding(const struct h2frame *f)
{
	return (f->flags & H2FRAME_PADDED) != 0 &&
	    (f->type == H2FRAME_DATA || f->type == H2FRAME_HEADERS ||
	    f->type == H2FRAME_PUSH_PROMISE);
}

static uint8_t
prefix_of(const struct h2frame *f)
{
	uint8_t n = has_padding(f) ? 1 : 0;

	if (f->type == H2FRAME_HEADERS && (f->flags & H2FRAME_PRIORITIZED))
		n += 5;
	if (f->type == H2FRAME_PUSH_PROMISE)
		n += 4;
	return n;
}

static const char *
bad_kind(const struct h2frame *f)
{
	if (f->type >= NELEM(kinds))
		return NULL;
	if (kinds[f->type].where == STREAM && f->stream == 0)
		return "a frame of a stream, but of no stream";
	if (kinds[f->type].where == CONNECTION && f->stream != 0)
		return "a frame of the connection on a stream";
	if (f->len < kinds[f->type].least || f->len < f->prefix ||
	    (kinds[f->type].exact && f->len != kinds[f->type].least))
		return "a frame that is not as long as its type is";
	if (f->type == H2FRAME_SETTINGS && (f->flags & H2FRAME_ACK ?
	    f->len != 0 : f->len % H2FRAME_SETTING != 0))
		return "SETTINGS of a length that they cannot have";
	return NULL;
}

int
h2frame_head(struct h2frame *f, const uint8_t p[H2FRAME_HEAD], uint32_t max,
    const char **why)
{
	struct cursor w = { p, p + H2FRAME_HEAD, 0 };

	f->len = cursor_u24(&w);
	f->type = cursor_u8(&w);
	f->flags = cursor_u8(&w);
	f->stream = cursor_u32(&w) & STREAM_MASK;
	f->prefix = prefix_of(f);
	f->pad = 0;
	f->promised = 0;
	*why = f->len > max ? "a frame longer than its peer takes" :
	    bad_kind(f);
	return *why == NULL ? 0 : ERR_FORMAT;
}

int
h2frame_prefix(struct h2frame *f, const uint8_t *p, const char **why)
{
	struct cursor w = cursor_of(p, f->prefix);

	*why = NULL;
	if (has_padding(f))
		f->pad = cursor_u8(&w);
	if (f->type == H2FRAME_PUSH_PROMISE) {
		f->promised = cursor_u32(&w) & STREAM_MASK;
		if (f->promised == 0)
			*why = "a promise of no stream";
	}
	if (f->pad > f->len - f->prefix)
		*why = "more padding than the frame is long";
	return *why == NULL ? 0 : ERR_FORMAT;
}

int
h2frame_upgrade(const char *p, size_t len, uint8_t out[H2FRAME_UPGRADE])
{
	int n;

	while (len > 0 && p[len - 1] == '=')
		len--;
	n = base64_decode(out, H2FRAME_UPGRADE, p, len, "-_");
	return n >= 0 && n % H2FRAME_SETTING == 0 ? n : ERR_FORMAT;
}
