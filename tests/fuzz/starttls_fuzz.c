/*
 * What a client says, in two pieces: the first byte says where it is cut. Held
 * to: the pieces do not matter, and a final state is final.
 */
#include <assert.h>
#include <string.h>

#include "codec/starttls.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct starttls whole = { 0 }, parts = { 0 };
	enum starttls_state end;
	size_t cut;

	if (len == 0)
		return 0;
	cut = data[0] % len;
	data++;
	len--;
	end = starttls_feed(&whole, data, len);
	starttls_feed(&parts, data, cut);
	assert(starttls_feed(&parts, data + cut, len - cut) == end);
	if (end >= STARTTLS_TLS)
		assert(starttls_feed(&whole, data, len) == end);
	return 0;
}
