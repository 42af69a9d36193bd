/*
 * Bytes of a peer after the handshake of TLS 1.3: first as they are, then
 * sealed, so that what is inside a record is seen too.
 *
 * Input: flags (server, room), then records of type, length (2), content.
 */
#include <stdlib.h>
#include <string.h>

#include "tls/bulk/channel.h"
#include "util/cursor.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t	out[RECORD_WIRE], wire[RECORD_WIRE + 512];
static uint8_t	reply[CHANNEL_EXTRA + RECORD_CLEAR];

/* One record into the stream; whether it goes on. */
static int
step(struct channel *a, const uint8_t *p, size_t len, size_t room)
{
	size_t used = 0;
	ssize_t n = channel_open(a, p, len, out, room, &used);

	if (n > (ssize_t)room || used > RECORD_WIRE || (n >= 0 && used > len))
		abort();
	if (n < 0)
		return 0;
	if (channel_due(a, reply) > CHANNEL_EXTRA)
		abort();
	return !a->closed && !a->failed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t secret[32] = { 1 };
	struct cursor w = cursor_of(data, len);
	struct channel a = { 0 };
	struct record_dir seal;
	uint8_t flags = cursor_u8(&w), type;
	size_t n, room = flags & 2 ? 300 : sizeof(out);
	const uint8_t *p;

	if (record_init(&a.in, 0x1301, secret, 32, 0) != 0 ||
	    record_init(&a.out, 0x1301, secret, 32, 1) != 0 ||
	    record_init(&seal, 0x1301, secret, 32, 1) != 0)
		abort();
	channel_init(&a);
	a.server = flags & 1;
	if (flags & 4) {
		step(&a, w.p, cursor_left(&w), room);
	} else {
		for (;;) {
			type = cursor_u8(&w);
			n = cursor_u16(&w) % (RECORD_CLEAR + 200);
			if ((p = cursor_bytes(&w, n)) == NULL)
				break;
			n = record_seal(&seal, type, p, n, wire);
			if (!step(&a, wire, n, room))
				break;
			if (a.in.seq == 0 && record_update(&seal) != 0)
				abort();
		}
	}
	channel_done(&a);
	record_done(&seal);
	return 0;
}
