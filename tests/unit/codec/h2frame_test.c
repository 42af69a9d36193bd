/*
 * Frames of HTTP/2: where each type may stand, how long it is, and what stands
 * before its content.
 */
#include "codec/h2frame.h"

#include <string.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static int
head(struct h2frame *f, uint32_t len, uint8_t type, uint8_t flags,
    uint32_t stream)
{
	const uint8_t p[H2FRAME_HEAD] = { (uint8_t)(len >> 16),
	    (uint8_t)(len >> 8), (uint8_t)len, type, flags,
	    (uint8_t)(stream >> 24), (uint8_t)(stream >> 16),
	    (uint8_t)(stream >> 8), (uint8_t)stream };
	const char *why;
	int rv = h2frame_head(f, p, H2FRAME_SIZE, &why);

	ck_assert_int_eq(rv == 0, why == NULL);
	return rv;
}

static const struct {
	uint32_t	 len;
	uint8_t		 type, flags;
	uint32_t	 stream;
	int		 rv;
} heads[] = {
	{ 0, H2FRAME_DATA, 0, 1, 0 },
	{ 16384, H2FRAME_DATA, 0, 1, 0 },
	{ 16385, H2FRAME_DATA, 0, 1, ERR_FORMAT },
	{ 0, H2FRAME_DATA, 0, 0, ERR_FORMAT },
	{ 0, H2FRAME_DATA, H2FRAME_PADDED, 1, ERR_FORMAT },
	{ 1, H2FRAME_DATA, H2FRAME_PADDED, 1, 0 },
	{ 0, H2FRAME_HEADERS, 0, 1, 0 },
	{ 0, H2FRAME_HEADERS, 0, 0, ERR_FORMAT },
	{ 4, H2FRAME_HEADERS, H2FRAME_PRIORITIZED, 1, ERR_FORMAT },
	{ 5, H2FRAME_HEADERS, H2FRAME_PRIORITIZED, 1, 0 },
	{ 5, H2FRAME_HEADERS, H2FRAME_PRIORITIZED | H2FRAME_PADDED, 1,
	  ERR_FORMAT },
	{ 6, H2FRAME_HEADERS, H2FRAME_PRIORITIZED | H2FRAME_PADDED, 1, 0 },
	{ 4, H2FRAME_PRIORITY, 0, 1, 0 },	/* only of the stream */
	{ 5, H2FRAME_PRIORITY, 0, 0, ERR_FORMAT },
	{ 4, H2FRAME_RST_STREAM, 0, 1, 0 },
	{ 3, H2FRAME_RST_STREAM, 0, 1, ERR_FORMAT },
	{ 5, H2FRAME_RST_STREAM, 0, 1, ERR_FORMAT },
	{ 4, H2FRAME_RST_STREAM, 0, 0, ERR_FORMAT },
	{ 0, H2FRAME_SETTINGS, 0, 0, 0 },
	{ 12, H2FRAME_SETTINGS, 0, 0, 0 },
	{ 7, H2FRAME_SETTINGS, 0, 0, ERR_FORMAT },
	{ 0, H2FRAME_SETTINGS, H2FRAME_ACK, 0, 0 },
	{ 6, H2FRAME_SETTINGS, H2FRAME_ACK, 0, ERR_FORMAT },
	{ 0, H2FRAME_SETTINGS, 0, 1, ERR_FORMAT },
	{ 3, H2FRAME_PUSH_PROMISE, 0, 1, ERR_FORMAT },
	{ 4, H2FRAME_PUSH_PROMISE, 0, 1, 0 },
	{ 4, H2FRAME_PUSH_PROMISE, H2FRAME_PADDED, 1, ERR_FORMAT },
	{ 8, H2FRAME_PING, 0, 0, 0 },
	{ 7, H2FRAME_PING, 0, 0, ERR_FORMAT },
	{ 8, H2FRAME_PING, 0, 1, ERR_FORMAT },
	{ 8, H2FRAME_GOAWAY, 0, 0, 0 },
	{ 7, H2FRAME_GOAWAY, 0, 0, ERR_FORMAT },
	{ 8, H2FRAME_GOAWAY, 0, 1, ERR_FORMAT },
	{ 4, H2FRAME_WINDOW_UPDATE, 0, 0, 0 },
	{ 4, H2FRAME_WINDOW_UPDATE, 0, 1, 0 },
	{ 5, H2FRAME_WINDOW_UPDATE, 0, 1, ERR_FORMAT },
	{ 0, H2FRAME_CONTINUATION, 0, 1, 0 },
	{ 0, H2FRAME_CONTINUATION, 0, 0, ERR_FORMAT },
	{ 9, 0xee, 0xff, 0, 0 },
	{ 9, 0xee, 0xff, 7, 0 },
};

TEST(each_type_has_its_place_and_length)
{
	struct h2frame f;
	size_t i;

	for (i = 0; i < NELEM(heads); i++)
		ck_assert_msg(head(&f, heads[i].len, heads[i].type,
		    heads[i].flags, heads[i].stream) == heads[i].rv,
		    "%zu: type %u of %u bytes", i, heads[i].type,
		    heads[i].len);
}
END

TEST(the_reserved_bit_of_a_stream_is_ignored)
{
	struct h2frame f;

	ck_assert_int_eq(head(&f, 0, H2FRAME_DATA, 0, 0x80000003), 0);
	ck_assert_uint_eq(f.stream, 3);
	ck_assert_int_eq(head(&f, 0, H2FRAME_DATA, 0, 0x80000000),
	    ERR_FORMAT);
}
END

TEST(content_is_what_prefix_and_padding_leave)
{
	static const uint8_t prefix[] = { 3, 0x80, 0, 0, 9, 0 };
	struct h2frame f;
	const char *why;

	head(&f, 20, H2FRAME_HEADERS, H2FRAME_PADDED | H2FRAME_PRIORITIZED,
	    1);
	ck_assert_uint_eq(f.prefix, 6);
	ck_assert_int_eq(h2frame_prefix(&f, prefix, &why), 0);
	ck_assert_uint_eq(h2frame_content(&f), 20 - 6 - 3);
	head(&f, 20, H2FRAME_PUSH_PROMISE, H2FRAME_PADDED, 1);
	ck_assert_int_eq(h2frame_prefix(&f, prefix, &why), 0);
	ck_assert_uint_eq(f.promised, 9);
	ck_assert_uint_eq(h2frame_content(&f), 20 - 5 - 3);
	head(&f, 5, H2FRAME_DATA, 0, 1);
	ck_assert_uint_eq(h2frame_content(&f), 5);
}
END

TEST(padding_fits_into_its_frame)
{
	static const uint8_t four = 4;
	struct h2frame f;
	const char *why;

	head(&f, 5, H2FRAME_DATA, H2FRAME_PADDED, 1);
	ck_assert_int_eq(h2frame_prefix(&f, &four, &why), 0);
	ck_assert_uint_eq(h2frame_content(&f), 0);
	head(&f, 4, H2FRAME_DATA, H2FRAME_PADDED, 1);
	ck_assert_int_eq(h2frame_prefix(&f, &four, &why), ERR_FORMAT);
}
END

static int
upgrade(const char *text, uint8_t out[H2FRAME_UPGRADE])
{
	return h2frame_upgrade(text, strlen(text), out);
}

TEST(settings_of_an_upgrade_are_whole_or_none)
{
	static const uint8_t want[] = { 0, 3, 0, 0, 0, 100, 0, 4, 0, 0, 255,
	    255 };
	uint8_t out[H2FRAME_UPGRADE];
	char much[265] = "";

	ck_assert_int_eq(upgrade("AAMAAABkAAQAAP__", out), 12);
	ck_assert_mem_eq(out, want, 12);
	ck_assert_int_eq(upgrade("", out), 0);
	ck_assert_int_eq(upgrade("AAMAAABk==", out), 6);
	ck_assert_int_eq(upgrade("AAMAAABkA", out), ERR_FORMAT);
	ck_assert_int_eq(upgrade("AAMAAAB", out), ERR_FORMAT);
	ck_assert_int_eq(upgrade("AAMA AABk", out), ERR_FORMAT);
	ck_assert_int_eq(upgrade("AAMAAABk/AQAAP++", out), ERR_FORMAT);
	memset(much, 'A', 256);
	ck_assert_int_eq(upgrade(much, out), H2FRAME_UPGRADE);
	memset(much, 'A', 264);
	ck_assert_int_eq(upgrade(much, out), ERR_FORMAT);
}
END

SUITE("h2frame", each_type_has_its_place_and_length,
    the_reserved_bit_of_a_stream_is_ignored,
    content_is_what_prefix_and_padding_leave, padding_fits_into_its_frame,
    settings_of_an_upgrade_are_whole_or_none)
