/*
 * What a client says that wants nothing but TLS. What the server answers is
 * read as in any dialogue.
 */
#include <string.h>

#include "codec/starttls_inner.h"

#define XMPP_HEAD	"<?xml version='1.0'?><stream:stream to='%s' " \
	"version='1.0' xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define XMPP_ASK	"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

static const struct ask {
	int		 first;		/* the server does not speak first */
	struct {
		const char	*p;
		size_t		 len;	/* 0: a string */
	} say[3];
} asks[] = {
	/* A client without a name (RFC 5321, 4.1.4). */
	[STARTTLS_SMTP] = { 0, { { "EHLO [127.0.0.1]\r\n" },
	    { "STARTTLS\r\n" } } },
	[STARTTLS_IMAP] = { 0, { { "a STARTTLS\r\n" } } },
	[STARTTLS_POP3] = { 0, { { "STLS\r\n" } } },
	[STARTTLS_FTP] = { 0, { { "AUTH TLS\r\n" } } },
	[STARTTLS_NNTP] = { 0, { { "STARTTLS\r\n" } } },
	[STARTTLS_SIEVE] = { 0, { { "STARTTLS\r\n" } } },
	[STARTTLS_LDAP] = { 1, { { "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
	    "1.3.6.1.4.1.1466.20037", 31 } } },
	/* The server reads one element after the other. */
	[STARTTLS_XMPP] = { 1, { { XMPP_HEAD XMPP_ASK } } },
	[STARTTLS_PGSQL] = { 1, { { "\0\0\0\x08\x04\xd2\x16\x2f", 8 } } },
	/* CLIENT_SSL, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH and
	 * LONG_PASSWORD; 16 MiB, utf8, 23 bytes of nothing. */
	[STARTTLS_MYSQL] = { 0, { { "\x20\0\0\1\x01\x8a\x08\0\0\0\0\1\x21"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 36 } } }
};

/* Whether it is our turn. IMAP's greeting is any unit. */
static int
ask_due(const struct starttls_asker *a)
{
	const struct starttls *t = &a->reader;
	const struct ask *ask = &asks[a->which];

	if (a->said >= sizeof(ask->say) / sizeof(ask->say[0]) ||
	    ask->say[a->said].p == NULL)
		return 0;
	if (ask->first)
		return 1;
	return (t->greeted || (a->which == STARTTLS_IMAP && a->heard > 0)) &&
	    t->pending == 0;
}

/* Say the next text, and read it as the client's. */
static enum starttls_step
ask_say(struct starttls_asker *a, const char *name, struct text *say)
{
	enum starttls_step step = STARTTLS_MORE;
	const char *p = asks[a->which].say[a->said].p;
	size_t len = asks[a->which].say[a->said].len, at = say->len, n;

	if (len > 0)
		text_add(say, p, len);
	else if (a->which == STARTTLS_XMPP)
		text_printf(say, XMPP_HEAD XMPP_ASK, name);
	else
		text_puts(say, p);
	for (; at < say->len && step != STARTTLS_OVER; at += n)
		step = starttls_read(&a->reader, 0, (const uint8_t *)say->s +
		    at, say->len - at, &n);
	a->said++;
	return step == STARTTLS_AGREED || step == STARTTLS_OVER ? step :
	    STARTTLS_MORE;
}

enum starttls_step
starttls_ask(struct starttls_asker *a, const char *name, const uint8_t *p,
    size_t len, size_t *n, struct text *say)
{
	enum starttls_step step = STARTTLS_MORE;
	size_t used;

	*n = 0;
	/* It stands between apostrophes. */
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] !=
	    '\0')
		return STARTTLS_OVER;
	for (;; *n += used) {
		while (step == STARTTLS_MORE && ask_due(a))
			step = ask_say(a, name, say);
		if (step != STARTTLS_MORE || *n == len)
			return step;
		step = starttls_read(&a->reader, 1, p + *n, len - *n, &used);
		a->heard += step == STARTTLS_PLAIN;
		if (step == STARTTLS_PLAIN)
			step = STARTTLS_MORE;
	}
}
