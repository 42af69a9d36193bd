/*
 * Detects STARTTLS in a client's bytes.
 */
#include "codec/starttls.h"

#include <string.h>
#include <strings.h>

#define MYSQL_SSL	0x08	/* CLIENT_SSL, 0x0800, in the second octet */
#define TLS_HANDSHAKE	22

/* PostgreSQL's SSLRequest: its length, 8, and 1234 5679. */
static const uint8_t postgres[] = { 0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f };
/* The first four bytes of MySQL's: 32 bytes follow, packet 1. */
static const uint8_t mysql[] = { 32, 0, 0, 1 };
static const char ldap_oid[] = "1.3.6.1.4.1.1466.20037";

/* Whether the start of a binary protocol's first message asks for TLS. */
static int
asks_binary(const struct starttls *t)
{
	if (t->seen == sizeof(postgres) && t->len == sizeof(postgres))
		return memcmp(t->line, postgres, sizeof(postgres)) == 0;
	if (t->seen == 36 && t->len == 36)
		return memcmp(t->line, mysql, sizeof(mysql)) == 0 &&
		    (t->line[5] & MYSQL_SSL) != 0;
	/* A complete LDAPMessage in the short form. */
	return t->len > 2 && t->line[0] == 0x30 &&
	    t->line[1] == t->len - 2 && memmem(t->line, t->len, ldap_oid,
	    sizeof(ldap_oid) - 1) != NULL;
}

/* Whether the line begins with this word. */
static int
says(const uint8_t *line, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && strncasecmp((const char *)line, word, n) == 0 &&
	    (len == n || line[n] == ' ');
}

static int
asks_line(const uint8_t *line, size_t len)
{
	const uint8_t *tag;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	if (says(line, len, "STARTTLS") || says(line, len, "STLS") ||
	    says(line, len, "AUTH TLS") || says(line, len, "AUTH SSL") ||
	    says(line, len, "AUTH TLS-C"))
		return 1;
	/* IMAP puts a tag before its commands. */
	tag = memchr(line, ' ', len);
	return tag != NULL && says(tag + 1, len - (size_t)(tag + 1 - line),
	    "STARTTLS") && len == (size_t)(tag + 9 - line);
}

/* An element has ended: <starttls xmlns='...'/> */
static int
asks_element(const uint8_t *p, size_t len)
{
	const uint8_t *at = memmem(p, len, "<starttls", 9);

	return at != NULL && (at + 9 == p + len || at[9] == ' ' ||
	    at[9] == '/' || at[9] == '\t');
}

static void
starttls_byte(struct starttls *t, uint8_t c)
{
	int asks = 0;

	if (t->state == STARTTLS_ASKED) {
		t->state = c == TLS_HANDSHAKE ? STARTTLS_TLS :
		    STARTTLS_FOLLOWS;
		t->len = 0;
		if (t->state == STARTTLS_TLS)
			return;
	}
	if (c == '\n')
		asks = asks_line(t->line, t->len);
	else if (c == '>')
		asks = asks_element(t->line, t->len);
	if (t->len < sizeof(t->line))
		t->line[t->len++] = c;
	if (asks || asks_binary(t))
		t->state = STARTTLS_ASKED;
	/* A binary message has no lines: look at the whole. */
	if ((c == '\n' || c == '>') && (t->line[0] >= ' ' ||
	    t->line[0] == '\r' || t->line[0] == '\n'))
		t->len = 0;
}

enum starttls_state
starttls_feed(struct starttls *t, const uint8_t *p, size_t len)
{
	for (; len > 0 && t->state < STARTTLS_TLS; len--) {
		if (t->seen++ == STARTTLS_MAX)
			t->state = STARTTLS_NO;
		else
			starttls_byte(t, *p++);
	}
	return t->state;
}
