/*
 * Growing text and helpers on strings.
 */
#include "util/text.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/err.h"
#include "util/mem.h"

static void
text_room(struct text *t, size_t n)
{
	if (t->len + n + 1 <= t->cap)
		return;
	t->cap = (t->len + n + 1) * 2;
	if (t->cap < 64)
		t->cap = 64;
	t->s = xrealloc(t->s, t->cap);
}

void
text_add(struct text *t, const char *s, size_t n)
{
	text_room(t, n);
	if (n > 0)
		memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

char *
text_more(struct text *t, size_t n)
{
	text_room(t, n);
	t->len += n;
	t->s[t->len] = '\0';
	return t->s + t->len - n;
}

void
text_fit(struct text *t)
{
	if (t->s == NULL)
		return;
	t->cap = t->len + 1;
	t->s = xrealloc(t->s, t->cap);
}

void
text_puts(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		text_room(t, (size_t)n);
		vsnprintf(t->s + t->len, (size_t)n + 1, fmt, again);
		t->len += (size_t)n;
	}
	va_end(again);
}

void
text_number(struct text *t, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	text_add(t, digits + i, sizeof(digits) - i);
}

void
text_hex(struct text *t, const uint8_t *p, size_t n, const char *sep)
{
	size_t i;

	for (i = 0; i < n; i++)
		text_printf(t, "%s%02x", i > 0 ? sep : "", p[i]);
}

void
text_base64(struct text *t, const void *data, size_t n)
{
	text_room(t, (n + 2) / 3 * 4);
	t->len += (size_t)EVP_EncodeBlock((unsigned char *)t->s + t->len,
	    data, (int)n);
}

/* The value of a digit, or -1. */
static int
base64_digit(char c, const char more[3])
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == more[0] ? 62 : c == more[1] ? 63 : -1;
}

int
base64_decode(uint8_t *out, size_t max, const char *digits, size_t n,
    const char more[3])
{
	uint32_t bits = 0;
	size_t i, k = 0;
	int d;

	for (i = 0; i < n; i++) {
		if ((d = base64_digit(digits[i], more)) < 0)
			return ERR_FORMAT;
		bits = bits << 6 | (uint32_t)d;
		if (i % 4 == 0)
			continue;
		if (k == max)
			return ERR_FORMAT;
		out[k++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return n % 4 != 1 ? (int)k : ERR_FORMAT;
}

void
text_clear(struct text *t)
{
	t->len = 0;
	if (t->s != NULL)
		t->s[0] = '\0';
}

size_t
text_utf8(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	uint8_t least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	size_t n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || p[1] < least || p[1] > most)
		return 0;
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void
text_puts_utf8(struct text *t, const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n != 0 ? n : 1) {
		if ((n = text_utf8(s)) != 0)
			text_add(t, s, n);
		else
			text_printf(t, "\\x%02x", (unsigned char)*s);
	}
}

void
text_free(struct text *t)
{
	free(t->s);
	memset(t, 0, sizeof(*t));
}

char *
text_take(struct text *t)
{
	char *s;

	s = t->s != NULL ? t->s : xstrdup("");
	memset(t, 0, sizeof(*t));
	return s;
}

void
hex_lower(char *out, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = '\0';
}
