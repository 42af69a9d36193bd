/*
 * SOCKS: a greeting, then a request. Held to: every prefix is ERR_SHORT with
 * need past its end, or has the answer of the whole.
 */
#include <assert.h>
#include <string.h>

#include "codec/socks.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_request(const uint8_t *data, size_t len)
{
	struct socks_request r, part;
	size_t i, need;
	int e, got;

	e = socks_request(&r, data, len, &need);
	assert(e != ERR_SHORT || need > len);
	for (i = 0; i < len; i++) {
		got = socks_request(&part, data, i, &need);
		if (got == ERR_SHORT)
			assert(need > i);
		else
			assert(got == e && part.reply == r.reply &&
			    part.len == r.len);
	}
	if (e == 0)
		assert(r.len <= len && r.port != 0 && r.host[0] != '\0' &&
		    strlen(r.host) <= 255);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t i, need, used = 0, again;
	int e, got;

	if (len > 600)
		len = 600;
	e = socks_greeting(data, len, 0, &used, &need);
	assert(e != ERR_SHORT || need > len);
	for (i = 0; i < len; i++) {
		got = socks_greeting(data, i, 0, &again, &need);
		if (got == ERR_SHORT)
			assert(need > i);
		else
			assert(got == e);
	}
	if (e == 0)
		check_request(data + used, len - used);
	check_request(data, len);
	return 0;
}
