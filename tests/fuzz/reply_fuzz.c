/*
 * The status of a first answer. The first byte says which protocol, and where
 * the rest is split. Held to: the pieces tell what the whole tells, and once.
 */
#include <assert.h>
#include <stdlib.h>

#include "codec/reply.h"
#include "util/err.h"
#include "util/mem.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* An exact copy, for a sanitizer to see what is read behind it. */
static int
piece(struct reply *r, const uint8_t *p, size_t len)
{
	uint8_t *exact = xmemdup(p, len);
	int rv = reply_read(r, exact, len);

	assert(rv == 0 || rv == ERR_FORMAT || rv == 101 ||
	    (rv >= 200 && rv <= 999));
	free(exact);
	return rv;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reply r;
	size_t at, n, step;
	int whole, rv, parts = 0;

	if (len == 0)
		return 0;
	step = (size_t)(data[0] >> 1) + 1;
	reply_begin(&r, data[0] & 1);
	whole = piece(&r, data + 1, len - 1);
	reply_begin(&r, data[0] & 1);
	for (at = 1; at < len; at += n) {
		n = len - at < step ? len - at : step;
		rv = piece(&r, data + at, n);
		assert(parts == 0 || rv == 0);
		parts += rv;
	}
	assert(parts == whole);
	return 0;
}
