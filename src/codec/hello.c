/*
 * ClientHello. The parser walks the records, then reads the message. A message
 * in one record is read in place; one in several records is joined in a copy.
 */
#include "codec/hello.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "codec/hello_begin.h"
#include "codec/hostname.h"
#include "util/err.h"
#include "util/mem.h"

enum {
	REC_HEADER	= 5,
	REC_HANDSHAKE	= 22,
	REC_MAX		= 16384,	/* RFC 8446, 5.1 */
	MSG_HEADER	= 4
};

enum {				/* extension types, IANA's registry */
	EXT_SERVER_NAME = 0,
	EXT_STATUS_REQUEST = 5,
	EXT_GROUPS = 10,
	EXT_POINTS = 11,
	EXT_SIGALGS = 13,
	EXT_ALPN = 16,
	EXT_SCT = 18,
	EXT_EMS = 23,
	EXT_COMPRESS = 27,
	EXT_TICKET = 35,
	EXT_PSK = 41,
	EXT_EARLY = 42,
	EXT_VERSIONS = 43,
	EXT_PHA = 49,
	EXT_SHARES = 51,
	EXT_ECH = 0xfe0d
};
#define ECH_OUTER	0	/* ECHClientHelloType */

struct records {		/* a walk over the records of one message */
	struct hello	*h;	/* gets alert and wrong */
	const uint8_t	*data;
	size_t		 len;
	size_t		 pos;	/* of the current record */
	size_t		 got;	/* bytes of the message before it */
	size_t		 total;	/* of the message; 0: not known yet */
	unsigned	 count;
	uint8_t		 head[MSG_HEADER];
};

static int	message_read(struct hello *);

/* The least raw length of a hello with n more bytes from pos on. */
static size_t
least(size_t pos, size_t n)
{
	return pos + n + (n + REC_MAX - 1) / REC_MAX * REC_HEADER;
}

static int
wants(size_t *need, size_t n)
{
	*need = n;
	return ERR_SHORT;
}

/* Read the part of the message's own header that is in this record. */
static void
records_head(struct records *r, size_t shown)
{
	size_t i;

	for (i = r->got; i < MSG_HEADER && i - r->got < shown; i++)
		r->head[i] = r->data[r->pos + REC_HEADER + i - r->got];
	if (i == MSG_HEADER && r->total == 0)
		r->total = MSG_HEADER + ((size_t)r->head[1] << 16 |
		    (size_t)r->head[2] << 8 | r->head[3]);
}

/* The least number of the message's bytes from pos on. */
static size_t
records_rest(const struct records *r)
{
	return (r->total != 0 ? r->total : MSG_HEADER) - r->got;
}

/* Check the header of a record. */
static int
records_bad(struct hello *h, const uint8_t *p)
{
	if (p[0] != REC_HANDSHAKE)
		return hello_wrong(h, ALERT_UNEXPECTED_MESSAGE,
		    "a record of another type is in the middle of it");
	if (p[1] != 3)
		return hello_wrong(h, ALERT_PROTOCOL_VERSION,
		    "the version of a record is not one of TLS");
	if ((p[3] << 8 | p[4]) > REC_MAX)
		return hello_wrong(h, ALERT_RECORD_OVERFLOW,
		    "a record is longer than TLS allows");
	return 0;
}

static int
records_long(struct records *r)
{
	hello_wrong(r->h, ALERT_ILLEGAL_PARAMETER, "it is over 64 KiB long");
	return ERR_LIMIT;
}

/*
 * Read the record at pos. Returns 0 to go on, 1 if the message ends in it. The
 * length of the hello is always checked first, so that the result does not
 * depend on how much of it has come.
 */
static int
records_one(struct records *r, size_t *need)
{
	const uint8_t *p = r->data + r->pos;
	size_t body, shown, rest, want, end;

	if ((want = least(r->pos, records_rest(r))) > HELLO_MAX)
		return records_long(r);
	if (r->len - r->pos < REC_HEADER)
		return wants(need, want);
	if (records_bad(r->h, p))
		return ERR_FORMAT;
	body = (size_t)p[3] << 8 | p[4];
	r->count++;
	end = r->pos + REC_HEADER + body;
	if (body == 0) {	/* forbidden, but libssl accepts it: skip it */
		r->pos = end;
		return 0;
	}
	shown = r->len - r->pos - REC_HEADER;
	if (shown > body)
		shown = body;
	records_head(r, shown);
	rest = records_rest(r);
	want = rest <= body ? r->pos + REC_HEADER + rest :
	    least(end, rest - body);
	if (want > HELLO_MAX)
		return records_long(r);
	if (rest > shown && shown < body)
		return wants(need, want);
	r->got += rest < body ? rest : body;
	r->pos = rest <= body ? want : end;
	return rest <= body;
}

static int
records_walk(struct records *r, size_t *need)
{
	int e;

	while ((e = records_one(r, need)) == 0)
		;
	return e == 1 ? 0 : e;
}

/* Join the message from several records, which have been checked. */
static uint8_t *
records_join(const uint8_t *data, size_t total)
{
	uint8_t *copy = xmalloc(total);
	size_t got = 0, n;

	while (got < total) {
		n = (size_t)data[3] << 8 | data[4];
		if (n > total - got)
			n = total - got;
		memcpy(copy + got, data + REC_HEADER, n);
		got += n;
		data += REC_HEADER + n;
	}
	return copy;
}

int
hello_parse(struct hello *h, const uint8_t *data, size_t len, size_t *need)
{
	struct records r = { .h = h, .data = data, .len = len };
	size_t unused;
	int e;

	if (need == NULL)
		need = &unused;
	memset(h, 0, sizeof(*h));
	if ((e = hello_begins(h, data, len, need)) != 0)
		return e;
	if ((e = records_walk(&r, need)) != 0)
		return e;
	h->raw_len = r.pos;
	h->records = r.count;
	h->record_version = (uint16_t)(data[1] << 8 | data[2]);
	h->msg.len = r.total;
	h->msg.p = data + REC_HEADER;
	if (r.count > 1)
		h->msg.p = h->copy = records_join(data, r.total);
	if ((e = message_read(h)) != 0)
		hello_free(h);
	return e;
}

int
hello_parse_message(struct hello *h, const uint8_t *msg, size_t len)
{
	memset(h, 0, sizeof(*h));
	h->msg.p = msg;
	h->msg.len = len;
	return message_read(h);
}

void
hello_free(struct hello *h)
{
	free(h->copy);
	h->copy = NULL;
}

int
hello_is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

int
hello_has(const struct hello_list *l, uint16_t v)
{
	size_t i;

	for (i = 0; i + 1 < l->len; i += 2)
		if ((l->p[i] << 8 | l->p[i + 1]) == v)
			return 1;
	return 0;
}

/* Read the rest of w as a list of items of size bytes. */
static void
list_rest(struct hello_list *l, struct cursor *w, size_t size)
{
	l->len = cursor_left(w);
	l->p = cursor_bytes(w, l->len);
	if (l->len % size != 0)
		w->bad = 1;
}

/* Read a list that begins with its length, a number of so many bytes. */
static void
list_read(struct hello_list *l, struct cursor *w, int bytes, size_t size)
{
	struct cursor sub;

	sub = cursor_sub(w, bytes == 1 ? cursor_u8(w) : cursor_u16(w));
	list_rest(l, &sub, size);
	w->bad |= sub.bad;
}

/*
 * server_name (RFC 6066, 3): a list of one host_name. A list of two could be
 * read in two ways. A name that is not a DNS name is marked, not refused: a
 * rule may still pass the connection by its address.
 */
static void
ext_server_name(struct hello *h, struct cursor *w)
{
	struct hello_list list, name;
	struct cursor l;
	struct in_addr ip;

	h->flags |= HELLO_SNI;
	list_read(&list, w, 2, 1);
	l = cursor_of(list.p, list.len);
	if (cursor_u8(&l) != 0)
		l.bad = 1;
	list_read(&name, &l, 2, 1);
	if (w->bad || l.bad || cursor_left(&l) > 0)
		w->bad = 1;
	else if (hostname_copy(h->sni, name.p, name.len) != 0)
		h->flags |= HELLO_SNI_BAD;
	else if (inet_pton(AF_INET, h->sni, &ip) == 1)
		h->flags |= HELLO_SNI_IP;
}

static void
ext_alpn(struct hello *h, struct cursor *w)
{
	struct cursor l;
	const uint8_t *p;
	size_t n;

	list_read(&h->alpn, w, 2, 1);
	l = cursor_of(h->alpn.p, h->alpn.len);
	while (hello_alpn_next(&l, &p, &n))
		h->n_alpn++;
	w->bad |= l.bad | (h->n_alpn == 0);
}

static void
ext_shares(struct hello *h, struct cursor *w)
{
	struct cursor l;

	list_read(&h->shares, w, 2, 1);
	l = cursor_of(h->shares.p, h->shares.len);
	while (!l.bad && cursor_left(&l) > 0) {
		cursor_u16(&l);		/* the group */
		cursor_bytes(&l, cursor_u16(&l));
	}
	w->bad |= l.bad;
}

/* Whether it can be read is for TLS to say: here it decides nothing. */
static void
ext_ticket(struct hello *h, uint16_t type, struct cursor w)
{
	struct cursor l;

	if (type == EXT_PSK) {
		w = cursor_sub(&w, cursor_u16(&w));
		l = cursor_sub(&w, cursor_u16(&w));
	} else {
		l = w;
	}
	if (!l.bad && cursor_left(&l) > 0) {
		h->ticket.len = cursor_left(&l);
		h->ticket.p = cursor_bytes(&l, h->ticket.len);
	}
}

/* The flags of extensions that only need to be present. */
static unsigned
ext_flag(uint16_t type, size_t len)
{
	switch (type) {
	case EXT_STATUS_REQUEST:
		return HELLO_OCSP;
	case EXT_SCT:
		return HELLO_SCT;
	case EXT_EMS:
		return HELLO_EMS;
	case EXT_COMPRESS:
		return HELLO_COMPRESS;
	case EXT_TICKET:
		return HELLO_TICKETS | (len > 0 ? HELLO_TICKET : 0);
	case EXT_PSK:
		return HELLO_PSK;
	case EXT_EARLY:
		return HELLO_EARLY;
	case EXT_PHA:
		return HELLO_PHA;
	}
	return hello_is_grease(type) ? HELLO_GREASE : 0;
}

/* The list that an extension fills; NULL: the extension is not read. */
static struct hello_list *
ext_list(struct hello *h, uint16_t type)
{
	switch (type) {
	case EXT_ALPN:
		return &h->alpn;
	case EXT_SHARES:
		return &h->shares;
	case EXT_GROUPS:
		return &h->groups;
	case EXT_SIGALGS:
		return &h->sigalgs;
	case EXT_VERSIONS:
		return &h->versions;
	case EXT_POINTS:
		return &h->points;
	}
	return NULL;
}

/*
 * Read one extension. If a type that we read occurs twice, it could be read in
 * two ways, so it is refused (RFC 8446, 4.2); TLS refuses the other types.
 */
static int
ext_read(struct hello *h, uint16_t type, struct cursor *w)
{
	struct hello_list *l = ext_list(h, type);

	if (l == NULL && type != EXT_SERVER_NAME) {
		h->flags |= ext_flag(type, cursor_left(w));
		if (type == EXT_PSK || type == EXT_TICKET)
			ext_ticket(h, type, *w);
		else if (type == EXT_ECH && cursor_left(w) > 0 &&
		    cursor_u8(w) == ECH_OUTER)
			h->flags |= HELLO_ECH;
		return 0;
	}
	if (l != NULL ? l->p != NULL : h->flags & HELLO_SNI)
		return hello_wrong(h, ALERT_ILLEGAL_PARAMETER,
		    "an extension is there twice");
	if (type == EXT_SERVER_NAME)
		ext_server_name(h, w);
	else if (type == EXT_ALPN)
		ext_alpn(h, w);
	else if (type == EXT_SHARES)
		ext_shares(h, w);
	else if (type == EXT_POINTS)
		list_read(l, w, 1, 1);
	else
		list_read(l, w, type == EXT_VERSIONS ? 1 : 2, 2);
	return w->bad || cursor_left(w) > 0 ? hello_wrong(h, ALERT_DECODE_ERROR,
	    "an extension is malformed") : 0;
}

static void
set_max_version(struct hello *h)
{
	uint16_t v;
	size_t i;

	h->max_version = h->version > 0x0303 ? 0x0303 : h->version;
	if (h->versions.p == NULL)
		return;
	h->max_version = 0;
	for (i = 0; i + 1 < h->versions.len; i += 2) {
		v = (uint16_t)(h->versions.p[i] << 8 | h->versions.p[i + 1]);
		if (v >= 0x0300 && v <= 0x0304 && v > h->max_version)
			h->max_version = v;
	}
}

static void
scan_suites(struct hello *h)
{
	size_t i;
	uint16_t v;

	for (i = 0; i + 1 < h->suites.len; i += 2) {
		v = (uint16_t)(h->suites.p[i] << 8 | h->suites.p[i + 1]);
		if (hello_is_grease(v))
			h->flags |= HELLO_GREASE;
		else if (v == 0x5600)
			h->flags |= HELLO_SCSV;
	}
}

static int
message_read(struct hello *h)
{
	static const char malformed[] = "a length in it is wrong";
	struct cursor w = cursor_of(h->msg.p, h->msg.len), ext;
	uint16_t type;

	cursor_u32(&w);
	h->version = cursor_u16(&w);
	h->random = cursor_bytes(&w, 32);
	list_read(&h->session_id, &w, 1, 1);
	list_read(&h->suites, &w, 2, 2);
	list_read(&h->compression, &w, 1, 1);
	if (w.bad || h->session_id.len > 32 || h->compression.len == 0)
		return hello_wrong(h, ALERT_DECODE_ERROR, malformed);
	if (h->version < 0x0300)
		return hello_wrong(h, ALERT_PROTOCOL_VERSION,
		    "it offers no version of TLS");
	if (h->suites.len == 0)
		return hello_wrong(h, ALERT_ILLEGAL_PARAMETER,
		    "it offers no cipher suite");
	scan_suites(h);
	if (cursor_left(&w) > 0)
		list_read(&h->exts, &w, 2, 1);
	if (w.bad || cursor_left(&w) > 0)
		return hello_wrong(h, ALERT_DECODE_ERROR, malformed);
	w = cursor_of(h->exts.p, h->exts.len);
	while (hello_ext_next(&w, &type, &ext))
		if (ext_read(h, type, &ext) != 0)
			return ERR_FORMAT;
	set_max_version(h);
	return w.bad ? hello_wrong(h, ALERT_DECODE_ERROR, malformed) : 0;
}

int
hello_alpn_next(struct cursor *w, const uint8_t **p, size_t *len)
{
	if (w->bad || cursor_left(w) == 0)
		return 0;
	*len = cursor_u8(w);
	*p = cursor_bytes(w, *len);
	if (*len == 0)
		w->bad = 1;	/* RFC 7301, 3.1 */
	return !w->bad;
}

int
hello_ext_next(struct cursor *w, uint16_t *type, struct cursor *body)
{
	if (w->bad || cursor_left(w) == 0)
		return 0;
	*type = cursor_u16(w);
	*body = cursor_sub(w, cursor_u16(w));
	return !w->bad;
}

int
alpn_has(const uint8_t *list, size_t len, const char *name)
{
	struct cursor w = cursor_of(list, len);
	const uint8_t *p;
	size_t n;

	while (hello_alpn_next(&w, &p, &n))
		if (n == strlen(name) && memcmp(p, name, n) == 0)
			return 1;
	return 0;
}

static int
is_ecdsa_suite(uint16_t s)
{
	return (s >= 0xc006 && s <= 0xc00a) || (s >= 0xc0ac && s <= 0xc0af) ||
	    s == 0xc023 || s == 0xc024 || s == 0xc02b || s == 0xc02c ||
	    s == 0xcca9;
}

/* Those of TLS 1.3, GREASE and the SCSVs (RFC 5746, 7507) say nothing. */
static int
is_rsa_suite(uint16_t s)
{
	return !is_ecdsa_suite(s) && s >> 8 != 0x13 && !hello_is_grease(s) &&
	    s != 0x00ff && s != 0x5600;
}

static int
has_suite(const struct hello *h, int (*is)(uint16_t))
{
	size_t i;

	for (i = 0; i + 1 < h->suites.len; i += 2)
		if (is((uint16_t)(h->suites.p[i] << 8 | h->suites.p[i + 1])))
			return 1;
	return 0;
}

/* Whether one of three algorithms, for SHA-256 to SHA-512, is there. */
static int
has_sigalg(const struct hello *h, uint16_t first, uint16_t step)
{
	return hello_has(&h->sigalgs, first) ||
	    hello_has(&h->sigalgs, (uint16_t)(first + step)) ||
	    hello_has(&h->sigalgs, (uint16_t)(first + 2 * step));
}

int
hello_can_ecdsa(const struct hello *h, uint16_t version, uint16_t group)
{
	if (version >= 0x0304)	/* a hash for each curve: 0x0403 ... */
		return hello_has(&h->sigalgs,
		    (uint16_t)(0x0403 + (group - 23) * 0x100));
	if (!has_suite(h, is_ecdsa_suite) ||
	    (h->groups.p != NULL && !hello_has_group(h, group)))
		return 0;
	return h->sigalgs.p == NULL ? version < 0x0303 :
	    has_sigalg(h, 0x0403, 0x100);
}

int
hello_can_rsa(const struct hello *h, uint16_t version)
{
	if (version >= 0x0304)
		return has_sigalg(h, 0x0804, 1);
	return has_suite(h, is_rsa_suite) && (h->sigalgs.p == NULL ||
	    has_sigalg(h, 0x0401, 0x100) || has_sigalg(h, 0x0804, 1));
}

int
hello_can_ed25519(const struct hello *h, uint16_t version)
{
	return hello_has(&h->sigalgs, 0x0807) &&
	    (version >= 0x0304 || has_suite(h, is_ecdsa_suite));
}
