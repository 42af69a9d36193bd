/*
 * Frames of HTTP/2: a head and its prefix. Held to: what is accepted fits into
 * the frame, and nothing outside of it is read.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/h2frame.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct h2frame f;
	const char *why;
	uint8_t *prefix;
	int rv;

	if (len < H2FRAME_HEAD)
		return 0;
	rv = h2frame_head(&f, data, H2FRAME_SIZE, &why);
	assert((rv == 0) == (why == NULL));
	if (rv != 0)
		return 0;
	assert(f.len <= H2FRAME_SIZE && f.prefix <= H2FRAME_PREFIX);
	assert(f.prefix <= f.len && (f.stream & 0x80000000) == 0);
	if (f.prefix == 0 || len < (size_t)H2FRAME_HEAD + f.prefix)
		return 0;
	prefix = malloc(f.prefix);
	memcpy(prefix, data + H2FRAME_HEAD, f.prefix);
	rv = h2frame_prefix(&f, prefix, &why);
	assert((rv == 0) == (why == NULL));
	if (rv == 0)
		assert(h2frame_content(&f) + f.prefix + f.pad == f.len);
	free(prefix);
	return 0;
}
