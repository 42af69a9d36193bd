/*
 * The answers of an upstream proxy. The first octet says which kind of proxy,
 * and whether we have a user and a password. Held to: what is used lies in the
 * data, every prefix is ERR_SHORT or has the answer of the whole, and the
 * reason of a failure is printable.
 */
#include <assert.h>
#include <string.h>

#include "codec/upproxy.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Read as a connection does, in steps of so many bytes. */
static int
converse(const uint8_t *data, size_t len, uint8_t how, size_t step,
    size_t *used)
{
	struct upproxy u = { .kind = how & 1, .host = "www.example.com",
	    .port = 443, .auth = how & 2 ? "user:password" : NULL };
	struct text out = { 0 };
	size_t n = 0, got, at = 0;
	const char *p;
	int rv;

	rv = upproxy_begin(&u, &out);
	assert(rv == 0 && out.len > 0);
	for (;;) {
		text_clear(&out);
		rv = upproxy_read(&u, data + at, n - at, &got, &out);
		if (rv == ERR_AGAIN) {
			assert(got > 0 && got <= n - at);
			at += got;
		} else if (rv == ERR_SHORT && n < len) {
			n = len - n < step ? len : n + step;
		} else {
			break;
		}
	}
	assert(rv != 0 || got <= n - at);
	*used = at + (rv == 0 ? got : 0);
	for (p = u.why; *p != '\0'; p++)
		assert(*p >= ' ' && *p < 0x7f);
	assert(rv == 0 || rv == ERR_SHORT || u.why[0] != '\0');
	text_free(&out);
	return rv;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t whole, parts;
	int rv;

	if (len < 1 || len > 20000)
		return 0;
	rv = converse(data + 1, len - 1, data[0], len, &whole);
	if (len < 600) {
		assert(converse(data + 1, len - 1, data[0], 1, &parts) == rv);
		assert(rv != 0 || whole == parts);
	}
	return 0;
}
