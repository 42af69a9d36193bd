/*
 * Dialogues in messages: LDAP (RFC 4511, 4.14), XMPP (RFC 6120, 5), PostgreSQL
 * (Frontend/Backend Protocol, SSL Session Encryption) and MySQL (Connection
 * Phase). How each is cut into units, and what a unit means.
 */
#include <string.h>
#include <strings.h>

#include "codec/starttls_inner.h"
#include "util/cursor.h"

#define PG_SSL		80877103	/* SSLRequest */
#define PG_GSS		80877104	/* GSSENCRequest */
#define PG_REQUEST	1234		/* the upper half of these */
#define PG_MOST		10000		/* a server takes no longer one */
#define MYSQL_SSL	0x0800		/* CLIENT_SSL */
#define MYSQL_ASKS	36		/* bytes of an SSLRequest */
#define LDAP_LEAST	5		/* a number, and the head of the rest */
#define LDAP_REQUEST	0x77		/* ExtendedRequest */
#define LDAP_RESPONSE	0x78
static const char ldap_oid[] = "1.3.6.1.4.1.1466.20037";

/* Of a value in BER at p: bytes of its head, and *len of what follows. 0: the
 * head is not whole, or too long for us. */
static size_t
ber_head(const uint8_t *p, size_t have, size_t *len)
{
	size_t i, n;

	if (have < 2)
		return 0;
	if (p[1] < 0x80) {
		*len = p[1];
		return 2;
	}
	n = p[1] & 0x7f;
	if (n == 0 || n > 4 || have < 2 + n)
		return 0;
	for (i = *len = 0; i < n; i++)
		*len = *len << 8 | p[2 + i];
	return 2 + n;
}

/* The next value: its tag, and its content, from which the cursor goes on. */
static int
ber_next(struct cursor *c, uint8_t tag, const uint8_t **p, size_t *len)
{
	size_t head = ber_head(c->p, cursor_left(c), len);

	if (head == 0 || c->p[0] != tag || *len > cursor_left(c) - head)
		return -1;
	*p = c->p + head;
	*c = cursor_of(*p + *len, cursor_left(c) - head - *len);
	return 0;
}

/*
 * A message is a SEQUENCE of its number and an operation, whose tag is of the
 * class "application" (RFC 4511, 4.1.1 and 4.2). SNMP begins with a SEQUENCE,
 * too, and any text with "0".
 */
size_t
starttls_ldap_size(const uint8_t *p, size_t have, int down)
{
	size_t len, head = ber_head(p, have, &len), op;

	if (p[0] != 0x30 || (head == 0 && have > 6) ||
	    (head != 0 && len < LDAP_LEAST))
		return SIZE_MAX;
	if (head == 0 || have < head + 2)
		return 0;
	op = head + 2 + p[head + 1];
	if (p[head] != 0x02 || p[head + 1] == 0 || p[head + 1] > 4 ||
	    (have > op && (p[op] & 0xc0) != 0x40))
		return SIZE_MAX;
	return head + len;
}

/* Whether it is this message; with the number of it, which is in the tag. */
static int
ldap_message(const uint8_t *p, size_t len, uint8_t op, struct cursor *body,
    const uint8_t **id, size_t *idlen)
{
	struct cursor c = cursor_of(p, len);
	const uint8_t *in;
	size_t n;

	if (ber_next(&c, 0x30, &in, &n) != 0)
		return 0;
	c = cursor_of(in, n);
	if (ber_next(&c, 0x02, id, idlen) != 0 ||
	    ber_next(&c, op, &in, &n) != 0)
		return 0;
	*body = cursor_of(in, n);
	return 1;
}

static enum starttls_step
ldap_client(struct starttls *t, const uint8_t *p, size_t len)
{
	struct cursor body;
	const uint8_t *id, *oid;
	size_t idlen, n;

	if (t->asked || !ldap_message(p, len, LDAP_REQUEST, &body, &id,
	    &idlen) || idlen > sizeof(t->tag) ||
	    ber_next(&body, 0x80, &oid, &n) != 0 ||
	    n != sizeof(ldap_oid) - 1 || memcmp(oid, ldap_oid, n) != 0)
		return STARTTLS_PLAIN;
	memcpy(t->tag, id, idlen);
	t->tag_len = (uint16_t)idlen;
	t->asked = 1;
	return STARTTLS_ASKED;
}

enum starttls_step
starttls_ldap(struct starttls *t, int down, const uint8_t *p, size_t len)
{
	struct cursor body;
	const uint8_t *id, *code;
	size_t idlen, n;

	t->protocol = &starttls_protocols[STARTTLS_LDAP];
	if (!down)
		return ldap_client(t, p, len);
	if (!t->asked || !ldap_message(p, len, LDAP_RESPONSE, &body, &id,
	    &idlen) || idlen != t->tag_len || memcmp(id, t->tag, idlen) != 0)
		return STARTTLS_PLAIN;
	t->asked = 0;
	return ber_next(&body, 0x0a, &code, &n) == 0 && n == 1 &&
	    code[0] == 0 ? STARTTLS_AGREED : STARTTLS_REFUSED;
}

/* The name of a tag, without a prefix, is this; and nothing of the element
 * follows it, where it has to be whole. */
static int
tag_is(const char *p, size_t len, const char *name, int whole)
{
	const char *end = p + len, *q, *at = memchr(p, '<', len);
	int closing;

	if (at == NULL)
		return 0;
	closing = ++at < end && *at == '/';
	at += closing;
	for (q = at; q < end && strchr(" \t\r\n/>", *q) == NULL; q++)
		if (*q == ':')
			at = q + 1;
	if ((size_t)(q - at) != strlen(name) ||
	    memcmp(at, name, strlen(name)) != 0)
		return 0;
	return !whole || closing || (len > 1 && end[-2] == '/');
}

/* The answer to a login: one that was refused, perhaps for want of TLS (RFC
 * 6120, 6.5.4), may come again. */
static enum starttls_step
xmpp_ending(struct starttls *t, const char *p, size_t len)
{
	if (tag_is(p, len, "success", 0) || tag_is(p, len, "challenge", 0))
		return STARTTLS_OVER;
	t->ending = !tag_is(p, len, "failure", 1);
	return STARTTLS_PLAIN;
}

enum starttls_step
starttls_xmpp(struct starttls *t, int down, const uint8_t *bytes, size_t len)
{
	const char *p = (const char *)bytes;

	if (t->protocol == NULL && tag_is(p, len, "stream", 0))
		t->protocol = &starttls_protocols[STARTTLS_XMPP];
	if (down && t->ending)
		return xmpp_ending(t, p, len);
	t->ending = !down && t->protocol != NULL && tag_is(p, len, "auth", 1);
	if (!down && !t->asked && tag_is(p, len, "starttls", 1)) {
		t->asked = 1;
		return STARTTLS_ASKED;
	}
	if (!down || !t->asked || (!tag_is(p, len, "proceed", 1) &&
	    !tag_is(p, len, "failure", 0)))
		return STARTTLS_PLAIN;
	t->asked = 0;
	return tag_is(p, len, "proceed", 1) ? STARTTLS_AGREED :
	    STARTTLS_REFUSED;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/*
 * Whether the client's first words may be these, by what follows the length: a
 * request (the cancellation is one), or version 2 or 3 and the name of a
 * parameter, or none. Kafka, ZooKeeper and SMB begin with a length, too.
 */
static int
pgsql_code(const uint8_t *p, size_t have)
{
	unsigned major = (unsigned)p[4] << 8 | p[5];

	if (major == PG_REQUEST || major == 2)
		return 1;
	return major == 3 && (have < 9 || p[8] != 0 || be32(p) == 9);
}

size_t
starttls_pgsql_size(const uint8_t *p, size_t have, int down)
{
	if (down)
		return 1;	/* until there is a login */
	if (have < 4)
		return 0;
	if (be32(p) < 8 || be32(p) > PG_MOST)
		return SIZE_MAX;
	if (have < 8)
		return 0;
	return pgsql_code(p, have) ? be32(p) : SIZE_MAX;
}

enum starttls_step
starttls_pgsql(struct starttls *t, int down, const uint8_t *p, size_t len)
{
	t->protocol = &starttls_protocols[STARTTLS_PGSQL];
	if (!down && len == 8 && !t->asked && t->pending == 0) {
		t->asked = be32(p + 4) == PG_SSL;
		t->pending = be32(p + 4) == PG_GSS;
		if (t->asked)
			return STARTTLS_ASKED;
	}
	if (!down)
		return t->pending != 0 ? STARTTLS_PLAIN : STARTTLS_OVER;
	if (t->asked) {
		t->asked = 0;
		return *p == 'S' ? STARTTLS_AGREED : *p == 'N' ?
		    STARTTLS_REFUSED : STARTTLS_OVER;
	}
	if (t->pending == 0 || *p != 'N')
		return STARTTLS_OVER;
	t->pending = 0;
	return STARTTLS_PLAIN;
}

size_t
starttls_mysql_size(const uint8_t *p, size_t have, int down)
{
	if (have < 4)
		return 0;
	return 4 + (p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16);
}

/* Whether the server's greeting offers TLS: behind its version, which ends with
 * a NUL, are 13 bytes of other things. */
static int
mysql_offers(const uint8_t *p, size_t len)
{
	const uint8_t *nul = len > 5 ? memchr(p + 5, 0, len - 5) : NULL;

	return nul != NULL && (size_t)(p + len - nul) >= 1 + 13 + 2 &&
	    ((nul[14] | nul[15] << 8) & MYSQL_SSL) != 0;
}

enum starttls_step
starttls_mysql(struct starttls *t, int down, const uint8_t *p, size_t len)
{
	t->protocol = &starttls_protocols[STARTTLS_MYSQL];
	if (down && !t->greeted) {
		t->greeted = 1;
		return mysql_offers(p, len) ? STARTTLS_PLAIN : STARTTLS_OVER;
	}
	/* It does not wait for an answer. */
	return !down && t->greeted && len == MYSQL_ASKS && p[3] == 1 &&
	    ((p[4] | p[5] << 8) & MYSQL_SSL) != 0 ? STARTTLS_AGREED :
	    STARTTLS_OVER;
}

size_t
starttls_most(const struct starttls *t)
{
	return t->protocol == &starttls_protocols[STARTTLS_MYSQL] &&
	    !t->over ? MYSQL_ASKS : 0;
}
