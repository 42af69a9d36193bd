/*
 * Domain patterns as people write them.
 */
#include "conf/pattern.h"

#include <idn2.h>
#include <string.h>

#define NAME_LEN_MAX	253	/* RFC 1035, 2.3.4, as text */

/* In lower case if a name may have it, or 0. */
static char
name_char(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c | 0x20);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_' ? c : 0;
}

static int
is_ascii(const char *s, size_t len)
{
	unsigned char bits = 0;

	while (len > 0)
		bits |= (unsigned char)s[--len];
	return bits < 0x80;
}

/* A name that has bytes of UTF-8. */
static size_t
name_idn(char out[PATTERN_MAX + 1], const char *s, size_t len)
{
	uint8_t u8[4 * PATTERN_MAX + 1], *ascii = NULL;
	size_t n;

	if (len >= sizeof(u8) || memchr(s, '\0', len) != NULL)
		return 0;
	memcpy(u8, s, len);
	u8[len] = '\0';
	if (idn2_lookup_u8(u8, &ascii, IDN2_NFC_INPUT |
	    IDN2_NONTRANSITIONAL) != IDN2_OK)
		return 0;
	n = strlen((char *)ascii);
	n = is_ascii((char *)ascii, n) ? name_canon(out, (char *)ascii, n) : 0;
	idn2_free(ascii);
	return n;
}

size_t
name_canon(char out[PATTERN_MAX + 1], const char *s, size_t len)
{
	size_t i, label = 0;
	int letters = 0;		/* in the last label */

	if (!is_ascii(s, len))
		return name_idn(out, s, len);
	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len > NAME_LEN_MAX)
		return 0;
	for (i = 0; i < len; i++) {
		out[i] = s[i];
		if (s[i] == '.') {
			if (label == 0)
				return 0;
			label = 0;
			letters = 0;
			continue;
		}
		if ((out[i] = name_char(s[i])) == 0 || ++label > 63)
			return 0;
		letters |= out[i] > '9' || out[i] == '-';
	}
	out[len] = '\0';
	return label > 0 && letters ? len : 0;
}

size_t
pattern_canon(char out[PATTERN_MAX + 1], const char *s, size_t len, int list)
{
	size_t head = 0, n;

	if (!list && len == 1 && s[0] == '*') {
		memcpy(out, "*", 2);
		return 1;
	}
	if (list && len > 0 && s[0] == '!') {
		out[head++] = '!';
		s++;
		len--;
	}
	if (len > 1 && s[0] == '*' && s[1] == '.') {
		out[head++] = '*';
		out[head++] = '.';
		s += 2;
		len -= 2;
	} else if (len > 0 && (s[0] == '=' || s[0] == '.')) {
		if (s[0] == '=')
			out[head++] = '=';
		s++;
		len--;
	}
	n = name_canon(out + head, s, len);
	return n > 0 ? head + n : 0;
}

const char *
pattern_name(const char *s, unsigned *what)
{
	*what = 0;
	if (*s == '!') {
		*what = PATTERN_NOT;
		s++;
	}
	if (strcmp(s, "*") == 0) {
		*what |= PATTERN_BELOW;
		return "";
	}
	if (s[0] == '*' && s[1] == '.') {
		*what |= PATTERN_BELOW;
		return s + 2;
	}
	*what |= PATTERN_SELF;
	if (*s == '=')
		return s + 1;
	*what |= PATTERN_BELOW;
	return s;
}

int
pattern_matches(const char *pattern, const char *name)
{
	unsigned what;
	const char *top = pattern_name(pattern, &what);
	size_t n = strlen(name), m = strlen(top);

	if (n <= m)
		return (what & PATTERN_SELF) && strcmp(name, top) == 0;
	return (what & PATTERN_BELOW) && strcmp(name + n - m, top) == 0 &&
	    (m == 0 || name[n - m - 1] == '.');
}
