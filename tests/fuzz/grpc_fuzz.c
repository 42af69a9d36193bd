/*
 * Messages of gRPC. The first byte says whether it is gRPC-Web, and where the
 * rest is split. Held to: the pieces tell what the whole tells; no more content
 * is told than a prefix said; and written again, what was told is what came.
 */
#include <assert.h>
#include <string.h>

#include "codec/grpc.h"
#include "util/err.h"
#include "util/text.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct told {
	struct text	 again;		/* all of it, written */
	uint64_t	 left;		/* of the message */
	unsigned	 messages;
};

static void
on_begin(void *arg, unsigned flags, uint32_t length)
{
	struct told *t = arg;
	uint8_t prefix[GRPC_PREFIX];

	assert(t->left == 0);
	t->left = length;
	grpc_put(prefix, flags, length);
	text_add(&t->again, (const char *)prefix, sizeof(prefix));
}

static void
on_payload(void *arg, const uint8_t *p, size_t n)
{
	struct told *t = arg;

	assert(n > 0 && n <= t->left);
	t->left -= n;
	text_add(&t->again, (const char *)p, n);
}

static int
on_end(void *arg)
{
	struct told *t = arg;

	assert(t->left == 0);
	t->messages++;
	return 0;
}

static const struct grpc_user user = { on_begin, on_payload, on_end };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct told whole = { 0 }, parts = { 0 };
	struct grpc_reader a = { 0 }, b = { 0 };
	size_t at, n, step;
	ssize_t rv = 0, got;

	if (len == 0)
		return 0;
	a.web = b.web = data[0] & 1;
	step = (size_t)(data[0] >> 1) + 1;
	data++;
	len--;
	got = grpc_read(&a, data, len, &user, &whole);
	for (at = 0; at < len && rv >= 0; at += n) {
		n = len - at < step ? len - at : step;
		rv = grpc_read(&b, data + at, n, &user, &parts);
	}
	assert((rv < 0) == (got < 0));
	assert(got < 0 || (size_t)got == len);
	assert(whole.messages == parts.messages && whole.left == parts.left);
	assert(whole.again.len == parts.again.len && whole.again.len <= len);
	if (whole.again.len > 0) {
		assert(memcmp(whole.again.s, data, whole.again.len) == 0);
		assert(memcmp(whole.again.s, parts.again.s,
		    whole.again.len) == 0);
	}
	assert(got < 0 || grpc_between(&a) == (whole.again.len == len &&
	    whole.left == 0));
	text_free(&whole.again);
	text_free(&parts.again);
	(void)grpc_kind(slice_of(data, len));
	return 0;
}
