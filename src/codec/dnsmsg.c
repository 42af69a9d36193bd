/*
 * HTTPS and SVCB records in responses of DNS. The message is walked with a
 * cursor, and changed where it lies.
 */
#include "codec/dnsmsg.h"

#include <string.h>
#include <strings.h>

#include "codec/hostname.h"
#include "util/cursor.h"
#include "util/err.h"

enum {
	HEADER		= 12,
	FLAG_QR		= 0x8000,
	KEPT		= 0x7910,	/* opcode, RD, CD (RFC 4035, 3.2.2) */
	OPCODE		= 0x7800,
	FLAG_RA		= 0x0080,
	REFUSED		= 5,
	CLASS_IN	= 1,
	TYPE_A		= 1,
	TYPE_AAAA	= 28,
	LABELS_MAX	= 128,		/* of a name: RFC 1035, 3.1 */
	SIGNED_MAX	= 8,		/* sets that are told apart */
	TYPE_RRSIG	= 46,
	TYPE_SVCB	= 64,
	TYPE_HTTPS	= 65,
	PARAM_ALPN	= 1,
	PARAM_ECH	= 5,
	PARAM_PRIVATE	= 65280,	/* to 65534 */
	PARAM_PRIVATE_END = 65534,
	PARAM_HEADER	= 4
};

struct record {
	size_t		owner;		/* where its name is */
	uint16_t	type;
	struct cursor	data;
};

/* The sets that have a signature: RRSIG (RFC 4034, 3). */
struct signed_sets {
	size_t		n;		/* may be more than SIGNED_MAX */
	struct signed_set {
		size_t		owner;
		unsigned	type;
	} set[SIGNED_MAX];
};

/* A name, of which the last part may be a pointer to elsewhere. */
static void
name_skip(struct cursor *w)
{
	uint8_t n;

	while (!w->bad && (n = cursor_u8(w)) != 0) {
		if (n >= 0xc0) {
			cursor_u8(w);
			return;
		}
		if (n > 63)	/* RFC 1035, 4.1.4: reserved */
			w->bad = 1;
		cursor_bytes(w, n);
	}
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* h3, and h3-29 and other drafts. The list may be malformed at its end. */
static int
alpn_blunt(uint8_t *p, size_t len)
{
	size_t n;
	int changed = 0;

	while (len > 0 && (n = p[0]) < len) {
		if ((n == 2 || (n > 3 && p[3] == '-')) && p[1] == 'h' &&
		    p[2] == '3') {
			p[1] = '-';
			changed = 1;
		}
		p += 1 + n;
		len -= 1 + n;
	}
	return changed;
}

static void
swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t t;

	for (; n > 0; n--, a++, b++) {
		t = *a;
		*a = *b;
		*b = t;
	}
}

static void
reverse(uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n / 2; i++)
		swap(p + i, p + n - 1 - i, 1);
}

/* The first n bytes of len go behind the others. */
static void
rotate(uint8_t *p, size_t n, size_t len)
{
	reverse(p, n);
	reverse(p + n, len - n);
	reverse(p, len);
}

/*
 * The parameter of n bytes at p is ech, and len bytes are there, itself
 * included. It goes behind all whose keys are below the private ones, with a
 * key that the first of those behind it does not have.
 */
static void
ech_blunt(uint8_t *p, size_t n, size_t len)
{
	size_t to = n;
	uint16_t key = PARAM_PRIVATE;

	while (to < len && get16(p + to) <= key && key < PARAM_PRIVATE_END) {
		if (get16(p + to) == key)
			key++;
		to += PARAM_HEADER + get16(p + to + 2);
	}
	p[0] = (uint8_t)(key >> 8);
	p[1] = (uint8_t)key;
	rotate(p, n, to);
}

/* Whether these are parameters, their keys rising (RFC 9460, 2.2). */
static int
params_good(const uint8_t *p, size_t len)
{
	struct cursor w = cursor_of(p, len);
	int32_t key, last = -1;

	while (cursor_left(&w) > 0 && !w.bad) {
		if ((key = cursor_u16(&w)) <= last)
			return 0;
		last = key;
		cursor_bytes(&w, cursor_u16(&w));
	}
	return !w.bad;
}

static int
params_blunt(uint8_t *p, size_t len)
{
	size_t at = 0, n, ech = len;
	int changed = 0;

	if (!params_good(p, len))
		return 0;
	for (; at < len; at += n) {
		n = PARAM_HEADER + get16(p + at + 2);
		if (get16(p + at) == PARAM_ALPN)
			changed |= alpn_blunt(p + at + PARAM_HEADER,
			    n - PARAM_HEADER);
		else if (get16(p + at) == PARAM_ECH)
			ech = at;
	}
	if (ech == len)
		return changed;
	ech_blunt(p + ech, PARAM_HEADER + get16(p + ech + 2), len - ech);
	return 1;
}

/* The record that w is at. w is bad if there is none. */
static struct record
record_next(struct cursor *w, const uint8_t *msg)
{
	struct record r = { .owner = (size_t)(w->p - msg) };

	name_skip(w);
	r.type = cursor_u16(w);
	cursor_bytes(w, 2 + 4);		/* class, TTL */
	r.data = cursor_sub(w, cursor_u16(w));
	return r;
}

static int
type_blunts(unsigned type)
{
	return type == TYPE_SVCB || type == TYPE_HTTPS;
}

/* Where the label is that the name at `at` goes on with; len: nowhere. */
static size_t
label_at(const uint8_t *msg, size_t len, size_t at)
{
	size_t to;

	while (at + 1 < len && msg[at] >= 0xc0) {
		to = get16(msg + at) & 0x3fff;
		at = to < at ? to : len;	/* RFC 1035: a prior one */
	}
	return at;
}

/* Whether both names are the same (RFC 4343). */
static int
name_same(const uint8_t *msg, size_t len, size_t a, size_t b)
{
	size_t i, n;

	for (i = 0; i < LABELS_MAX; i++) {
		a = label_at(msg, len, a);
		b = label_at(msg, len, b);
		if (a >= len || b >= len || (n = msg[a]) != msg[b] ||
		    n > 63 || a + n >= len || b + n >= len)
			return 0;
		if (a == b || n == 0)
			return 1;
		if (strncasecmp((const char *)msg + a + 1,
		    (const char *)msg + b + 1, n) != 0)
			return 0;
		a += 1 + n;
		b += 1 + n;
	}
	return 0;
}

/* The signatures of HTTPS and SVCB records that follow. */
static void
signed_find(struct signed_sets *all, struct cursor w, unsigned records,
    const uint8_t *msg)
{
	struct record r;
	unsigned covered;

	for (; records > 0; records--) {
		r = record_next(&w, msg);
		covered = cursor_u16(&r.data);
		if (w.bad)
			return;
		if (r.type != TYPE_RRSIG || !type_blunts(covered))
			continue;
		if (all->n < SIGNED_MAX)
			all->set[all->n] = (struct signed_set){ r.owner,
			    covered };
		all->n++;
	}
}

static int
signed_has(const struct signed_sets *all, const struct record *r,
    const uint8_t *msg, size_t len)
{
	size_t i;

	if (all->n > SIGNED_MAX)
		return 1;
	for (i = 0; i < all->n; i++)
		if (all->set[i].type == r->type &&
		    name_same(msg, len, all->set[i].owner, r->owner))
			return 1;
	return 0;
}

/* Returns whether it was changed. */
static int
record_blunt(struct record *r, uint8_t *msg)
{
	const uint8_t *p;
	size_t n;

	cursor_u16(&r->data);		/* priority */
	name_skip(&r->data);
	n = cursor_left(&r->data);
	p = cursor_bytes(&r->data, n);
	return !r->data.bad && n > 0 && params_blunt(msg + (p - msg), n);
}

enum dnsmsg_kind
dnsmsg_kind(const uint8_t *msg, size_t len, uint16_t *id)
{
	if (len < HEADER)
		return DNSMSG_NONE;
	*id = get16(msg);
	return get16(msg + 2) & FLAG_QR ? DNSMSG_ANSWER : DNSMSG_QUERY;
}

size_t
dnsmsg_refuse(uint8_t *query, size_t len)
{
	struct cursor w = cursor_of(query, len);
	uint16_t questions;

	cursor_bytes(&w, HEADER);
	questions = get16(query + 4);
	if (questions > 0) {
		name_skip(&w);
		cursor_bytes(&w, 2 + 2);
	}
	put_u16(query + 2, FLAG_QR | (get16(query + 2) & KEPT) | REFUSED);
	memset(query + 4, 0, HEADER - 4);
	if (questions == 0 || w.bad)
		return HEADER;
	put_u16(query + 4, 1);
	return (size_t)(w.p - query);
}

/* The labels, with dots between them. A query has no pointers. */
int
dnsmsg_name(const uint8_t *query, size_t len, char out[DNSMSG_NAME_MAX])
{
	struct cursor w = cursor_of(query, len);
	char name[DNSMSG_NAME_MAX];
	const uint8_t *p;
	size_t n, at = 0;

	cursor_bytes(&w, HEADER);
	while ((n = cursor_u8(&w)) != 0 && !w.bad) {
		p = cursor_bytes(&w, n);
		if (w.bad || n > 63 || at + n + 1 > sizeof(name))
			return ERR_FORMAT;
		memcpy(name + at, p, n);
		at += n;
		name[at++] = '.';
	}
	return w.bad || at == 0 ? ERR_FORMAT : hostname_copy(out, name, at);
}

/* The record that the question's name has the address. */
static size_t
address_put(uint8_t *p, const uint8_t *ip, size_t n, uint32_t ttl)
{
	put_u16(p, 0xc000 | HEADER);	/* the name: see the question */
	put_u16(p + 2, n == 4 ? TYPE_A : TYPE_AAAA);
	put_u16(p + 4, CLASS_IN);
	put_u16(p + 6, (uint16_t)(ttl >> 16));
	put_u16(p + 8, (uint16_t)ttl);
	put_u16(p + 10, (uint16_t)n);
	memcpy(p + 12, ip, n);
	return 12 + n;
}

size_t
dnsmsg_point(uint8_t *query, size_t len, size_t max, const struct addr *a,
    uint32_t ttl)
{
	struct cursor w = cursor_of(query, len);
	unsigned flags, questions, type, class;
	const uint8_t *ip;
	size_t n, end;

	cursor_u16(&w);			/* ID */
	flags = cursor_u16(&w);
	questions = cursor_u16(&w);
	cursor_bytes(&w, HEADER - 6);
	name_skip(&w);
	type = cursor_u16(&w);
	class = cursor_u16(&w);
	if (w.bad || (flags & (FLAG_QR | OPCODE)) != 0 || questions != 1 ||
	    class != CLASS_IN)
		return 0;
	ip = addr_ip(a, &n);
	end = (size_t)(w.p - query);
	if (end + 12 + n > max)
		return 0;
	put_u16(query + 2, (uint16_t)(FLAG_QR | (flags & KEPT) | FLAG_RA));
	memset(query + 6, 0, HEADER - 6);
	if (type != (n == 4 ? TYPE_A : TYPE_AAAA))
		return end;
	put_u16(query + 6, 1);
	return end + address_put(query + end, ip, n, ttl);
}

int
dnsmsg_blunt(uint8_t *msg, size_t len, int even_signed)
{
	struct cursor w = cursor_of(msg, len);
	struct signed_sets sets = { 0 };
	struct record r;
	unsigned flags, questions, records;
	int changed = 0;

	cursor_u16(&w);			/* ID */
	flags = cursor_u16(&w);
	questions = cursor_u16(&w);
	records = cursor_u16(&w);
	records += cursor_u16(&w);
	records += cursor_u16(&w);
	if (!w.bad && !(flags & FLAG_QR))
		return 0;
	for (; questions > 0 && !w.bad; questions--) {
		name_skip(&w);
		cursor_bytes(&w, 2 + 2);
	}
	if (!even_signed)
		signed_find(&sets, w, records, msg);
	for (; records > 0 && !w.bad; records--) {
		r = record_next(&w, msg);
		if (!w.bad && type_blunts(r.type) &&
		    !signed_has(&sets, &r, msg, len))
			changed += record_blunt(&r, msg);
	}
	return w.bad ? ERR_FORMAT : changed;
}
