/*
 * ClientHello: any bytes. Held to: every prefix is ERR_SHORT with need past
 * its end, or has the answer of the whole; need is never more than what was
 * in the end wanted; what is found is inside the input; what is refused has a
 * reason and an alert, and nothing else has.
 */
#include <assert.h>
#include <string.h>

#include "codec/hello.h"
#include "codec/ja.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
use(const struct hello *h)
{
	char hash[JA3_HASH_LEN + 1], fp[JA4_LEN + 1];
	struct cursor w = cursor_of(h->alpn.p, h->alpn.len);
	const uint8_t *p;
	unsigned names = 0;
	size_t n;

	while (hello_alpn_next(&w, &p, &n))
		names++;
	assert(names == h->n_alpn);
	assert(strlen(h->sni) <= HOSTNAME_MAX);
	assert(!(h->flags & HELLO_SNI_BAD) || h->sni[0] == '\0');
	alpn_has(h->alpn.p, h->alpn.len, "h2");
	hello_can_ecdsa(h, 0x0303, 23);
	hello_can_ecdsa(h, 0x0304, 24);
	assert(ja3_hash(hash, h, NULL) == 0 && strlen(hash) == JA3_HASH_LEN);
	assert(ja4(fp, h, NULL) == 0 && strlen(fp) == JA4_LEN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hello whole, part;
	size_t i, need, most = 0, step = len > 600 ? len / 200 : 1;
	int e, got;

	need = 0;
	e = hello_parse(&whole, data, len, &need);
	assert(e != ERR_SHORT || (need > len && need <= HELLO_MAX));
	assert((e == ERR_FORMAT || e == ERR_LIMIT) ==
	    (whole.wrong != NULL && whole.alert != 0));
	for (i = 0; i < len; i += step) {
		need = 0;
		got = hello_parse(&part, data, i, &need);
		if (got != ERR_SHORT) {
			assert(got == e);
			if (got == 0) {
				assert(part.raw_len == whole.raw_len);
				assert(part.max_version == whole.max_version);
				hello_free(&part);
			}
			continue;
		}
		assert(need > i && need <= HELLO_MAX);
		most = need > most ? need : most;
	}
	if (e == 0) {
		assert(most <= whole.raw_len && whole.raw_len <= len);
		use(&whole);
		hello_free(&whole);
	}
	return 0;
}
