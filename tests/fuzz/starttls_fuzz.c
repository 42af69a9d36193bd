/*
 * A dialogue: pieces of either side, each after a byte that says whose they are
 * (its lowest bit) and how many (the rest). Held to: the pieces do not matter,
 * no step takes more than there is, and the end is final. Before that, all of it
 * but one byte is what a server says to us when we ask for TLS.
 */
#include <assert.h>
#include <string.h>

#include "codec/starttls.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* It may be less than a unit. */
static void
hide(struct starttls *t, const uint8_t *p, size_t n)
{
	uint8_t copy[128];	/* a piece has no more */

	memcpy(copy, p, n);
	assert(starttls_hide(t, copy, n) <= n);
}

/* Read them in parts of at most so many bytes. Returns the last step that was
 * one. */
static enum starttls_step
feed(struct starttls *t, int down, const uint8_t *p, size_t len, size_t most,
    enum starttls_step last)
{
	enum starttls_step step;
	size_t n;

	while (len > 0) {
		step = starttls_read(t, down, p, len < most ? len : most, &n);
		assert(n <= len);
		if (step == STARTTLS_OVER) {
			assert(t->over);
			return step;
		}
		assert(n > 0);
		if (step != STARTTLS_MORE)
			last = step;
		if (down)
			hide(t, p, n);
		p += n;
		len -= n;
	}
	return last;
}

/* All of it is the server's, and we ask. */
static void
ask(unsigned which, const uint8_t *p, size_t len)
{
	struct starttls_asker whole = { .which = which };
	struct starttls_asker parts = { .which = which };
	struct text a = { 0 }, b = { 0 };
	enum starttls_step step, part;
	size_t n, read, i = 0;

	step = starttls_ask(&whole, "a.test", p, len, &read, &a);
	assert(read == len || (read < len && step != STARTTLS_MORE));
	part = starttls_ask(&parts, "a.test", p, 0, &n, &b);
	for (; i < len && part == STARTTLS_MORE; i++)
		part = starttls_ask(&parts, "a.test", p + i, 1, &n, &b);
	assert(step == part && a.len == b.len);
	text_free(&a);
	text_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct starttls whole = { 0 }, parts = { 0 };
	enum starttls_step a = STARTTLS_MORE, b = STARTTLS_MORE;
	size_t n;
	int down;

	if (len > 0)
		ask(data[0] % (STARTTLS_MYSQL + 1), data + 1, len - 1);
	while (len > 1) {
		down = data[0] & 1;
		n = data[0] >> 1;
		data++;
		len--;
		if (n > len)
			n = len;
		a = feed(&whole, down, data, n, n + 1, a);
		b = feed(&parts, down, data, n, 1, b);
		assert(a == b);
		assert(starttls_which(&whole) == starttls_which(&parts));
		data += n;
		len -= n;
	}
	return 0;
}
