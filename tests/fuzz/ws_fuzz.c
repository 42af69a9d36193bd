/*
 * WebSocket. The first byte says whose direction it is, and where the rest is
 * split. Held to: the pieces tell what the whole tells; a head that is read and
 * written again is the same.
 */
#include <assert.h>
#include <string.h>

#include "codec/ws.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct told {
	uint64_t	 payload, sum, messages, length;
};

static void
on_payload(void *arg, enum ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct told *t = arg;
	size_t i;

	for (i = 0; i < n; i++)
		t->sum = t->sum * 31 + p[i] + (uint64_t)opcode;
	t->payload += n;
}

static int
on_message(void *arg, enum ws_opcode opcode, uint64_t length, int deflated)
{
	struct told *t = arg;

	t->messages++;
	t->length += length * (uint64_t)(opcode + 1) + (uint64_t)deflated;
	return 0;
}

static const struct ws_user user = { on_payload, on_message };

static void
check_head(const uint8_t *data, size_t len)
{
	struct ws_frame f, again;
	uint8_t head[WS_HEAD_MAX];
	int n = ws_frame(&f, data, len), m;

	if (n < 0)
		return;
	assert(n >= 2 && n <= WS_HEAD_MAX && (size_t)n <= len);
	m = (int)ws_frame_put(head, &f);
	assert(m == n && memcmp(head, data, (size_t)n) == 0);
	assert(ws_frame(&again, head, (size_t)m) == m);
	assert(again.length == f.length && again.opcode == f.opcode &&
	    again.fin == f.fin && again.deflated == f.deflated);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct told whole = { 0 }, parts = { 0 };
	struct ws_reader a = { 0 }, b = { 0 };
	size_t at, n, step;
	ssize_t rv = 0, got;

	if (len == 0)
		return 0;
	a.client = b.client = data[0] & 1;
	step = (size_t)(data[0] >> 1) + 1;
	data++;
	len--;
	check_head(data, len);
	got = ws_read(&a, data, len, &user, &whole);
	for (at = 0; at < len && rv >= 0; at += n) {
		n = len - at < step ? len - at : step;
		rv = ws_read(&b, data + at, n, &user, &parts);
	}
	assert((rv < 0) == (got < 0));
	assert(got < 0 || (size_t)got == len);
	if (got >= 0)
		assert(memcmp(&whole, &parts, sizeof(whole)) == 0);
	return 0;
}
