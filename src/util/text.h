/*
 * A growing text, always NUL-terminated and freed by text_free(), and the few
 * helpers on strings that more than one room needs.
 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char	*s;	/* never NULL after the first call that adds */
	size_t	 len;
	size_t	 cap;
};

void	text_add(struct text *, const char *, size_t);
void	text_puts(struct text *, const char *);
/* Adds n bytes, for the caller to write before anything else is added. */
char	*text_more(struct text *, size_t n);
void	text_printf(struct text *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
void	text_number(struct text *, uint64_t);	/* decimal */
void	text_hex(struct text *, const uint8_t *, size_t, const char *sep);
/* Base64 (RFC 4648, 4), with its padding. */
void	text_base64(struct text *, const void *, size_t);
/*
 * Decode digits of base64, without padding; more are its last two digits: "+/",
 * or "-_" of base64url (RFC 4648). Bits past the last byte are not looked at.
 * The bytes written, or ERR_FORMAT: another digit, a digit too many, or more
 * than max bytes.
 */
int	base64_decode(uint8_t *out, size_t max, const char *digits, size_t n,
	    const char more[3]);
/* Bytes of the well-formed UTF-8 sequence at s (RFC 3629); 0: it is none. */
size_t	text_utf8(const char *s);
/* Text from anywhere, as UTF-8: bytes that are not become \xNN. */
void	text_puts_utf8(struct text *, const char *);
void	text_fit(struct text *);	/* gives back memory to spare */
void	text_clear(struct text *);	/* empties, keeps the memory */
void	text_free(struct text *);
/* the caller frees; the text is empty */
char	*text_take(struct text *);

/* Lower-case hexadecimal of n bytes into out (2n+1 bytes). */
void	hex_lower(char *out, const uint8_t *, size_t n);

#endif
