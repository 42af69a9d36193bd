/*
 * What a server says of TLS, taken out of its words.
 */
#include <string.h>
#include <strings.h>

#include "codec/starttls_inner.h"

#define MYSQL_SSL_HIGH	0x08	/* CLIENT_SSL, in the second octet */

static int
hide_is(const uint8_t *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	while (len > 0 && strchr(" \t\r\n\"", p[len - 1]) != NULL)
		len--;
	while (len > 0 && (*p == ' ' || *p == '"')) {
		p++;
		len--;
	}
	return len == n && strncasecmp((const char *)p, word, n) == 0;
}

/* A word of a line, with the blank before it. */
static size_t
hide_word(uint8_t *p, size_t len, const char *word)
{
	size_t i, n = strlen(word);

	for (i = 0; i + n < len; i++)
		if (strncasecmp((const char *)p + i, word, n) == 0 &&
		    strchr(" ]\r\n", p[i + n]) != NULL) {
			memmove(p + i, p + i + n, len - i - n);
			return len - n;
		}
	return len;
}

/* All of the element. */
static size_t
hide_element(struct starttls *t, const uint8_t *p, size_t len)
{
	int was = t->hiding;

	if (memmem(p, len, "<starttls", 9) != NULL)
		was = t->hiding = 1;
	if (memmem(p, len, "</starttls", 10) != NULL ||
	    (was && len > 1 && p[len - 2] == '/' &&
	    memmem(p, len, "<starttls", 9) != NULL))
		t->hiding = 0;
	return was ? 0 : len;
}

static size_t
hide_capability(uint8_t *p, size_t len)
{
	uint8_t *nul = len > 5 ? memchr(p + 5, 0, len - 5) : NULL;

	if (nul != NULL && p[3] == 0 && p + len - nul > 15)
		nul[15] &= (uint8_t)~MYSQL_SSL_HIGH;
	return len;
}

size_t
starttls_hide(struct starttls *t, uint8_t *p, size_t len)
{
	switch (starttls_which(t)) {
	case STARTTLS_SMTP:
		return len > 4 && hide_is(p + 4, len - 4, "STARTTLS") ? 0 :
		    len;
	case STARTTLS_IMAP:
		return hide_word(p, hide_word(p, len, " STARTTLS"),
		    " LOGINDISABLED");
	case STARTTLS_POP3:
		return hide_is(p, len, "STLS") ? 0 : len;
	case STARTTLS_FTP:
		return hide_is(p, len, "AUTH TLS") ||
		    hide_is(p, len, "AUTH SSL") ? 0 : len;
	case STARTTLS_NNTP:
	case STARTTLS_SIEVE:
		return hide_is(p, len, "STARTTLS") ? 0 : len;
	case STARTTLS_XMPP:
		return hide_element(t, p, len);
	case STARTTLS_MYSQL:
		return hide_capability(p, len);
	}
	return len;
}
