/*
 * What records say after a handshake of TLS 1.3.
 */
#include "tls/bulk/channel.h"

#include <openssl/crypto.h>
#include <string.h>

#include "tls/bulk/bulk.h"
#include "util/err.h"

/* AES-GCM is good for 2^24.5 full records under a key (RFC 8446, 5.5). */
#define WORN		(1 << 24)
/* libssl stands 32 empty ones; tickets and KeyUpdates come few at a time. */
#define BARE_MAX	64
#define TICKET_MAX	(1 << 17)	/* no honest one is near */

enum {			/* HandshakeType */
	HS_TICKET = 4,
	HS_KEY_UPDATE = 24
};

void
channel_init(struct channel *s)
{
	s->worn = WORN;
	s->closed = s->failed = s->answer = 0;
	s->alert = 0;
	s->bare = 0;
	s->got = s->updates = 0;
	s->have = s->left = 0;
}

void
channel_done(struct channel *s)
{
	record_done(&s->in);
	record_done(&s->out);
	OPENSSL_cleanse(s, sizeof(*s));
}

static int
channel_fail(struct channel *s, uint8_t alert)
{
	s->failed = 1;
	s->alert = alert;
	return ERR_TLS;
}

/* RFC 8446, 4.6.3. The record ends with it, for the next has other keys. */
static int
channel_update(struct channel *s, uint8_t request, size_t rest)
{
	if (rest > 0)
		return channel_fail(s, ALERT_UNEXPECTED_MESSAGE);
	if (request > 1)
		return channel_fail(s, ALERT_ILLEGAL_PARAMETER);
	if (++s->updates > UPDATES_FREE + s->got / UPDATES_WORTH)
		return channel_fail(s, ALERT_UNEXPECTED_MESSAGE);
	if (record_update(&s->in) != 0)
		return channel_fail(s, ALERT_INTERNAL_ERROR);
	s->answer |= request;
	return 0;
}

/* The four bytes before a message: which, and how long. */
static int
channel_message(struct channel *s)
{
	const uint8_t *h = s->head;

	s->left = (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
	if (h[0] == HS_KEY_UPDATE && s->left != 1)
		return channel_fail(s, ALERT_DECODE_ERROR);
	if (h[0] == HS_KEY_UPDATE)
		return 0;
	if (h[0] != HS_TICKET || s->server)
		return channel_fail(s, ALERT_UNEXPECTED_MESSAGE);
	return s->left > TICKET_MAX ? channel_fail(s, ALERT_ILLEGAL_PARAMETER) :
	    0;
}

/* Messages may be split over records. Tickets are let go. */
static int
channel_handshake(struct channel *s, const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0) {
		if (s->have < 4) {
			s->head[s->have++] = *p++;
			len--;
			if (s->have == 4 && channel_message(s) != 0)
				return ERR_TLS;
		} else if (s->head[0] == HS_KEY_UPDATE) {
			s->have = s->left = 0;
			return channel_update(s, *p, len - 1);
		} else {
			n = len < s->left ? len : s->left;
			p += n;
			len -= n;
			s->left -= n;
		}
		if (s->have == 4 && s->left == 0)
			s->have = 0;
	}
	return 0;
}

/* In TLS 1.3 the level says nothing (RFC 8446, 6). */
static int
channel_alerted(struct channel *s, const uint8_t *p, size_t len)
{
	if (len != 2)
		return channel_fail(s, ALERT_DECODE_ERROR);
	if (p[1] == ALERT_CLOSE_NOTIFY)
		s->closed = 1;
	else if (p[1] != ALERT_USER_CANCELED)
		return channel_fail(s, 0);
	return 0;
}

static ssize_t
channel_content(struct channel *s, uint8_t type, const uint8_t *p, size_t len)
{
	int rv = ERR_TLS;

	if (type == RECORD_DATA && len > 0 && s->have == 0) {
		s->bare = 0;
		s->got += len;
		return (ssize_t)len;
	}
	/* A message under way may only go on; empty ones are data's alone. */
	if (++s->bare > BARE_MAX || (s->have > 0 && type != RECORD_HANDSHAKE) ||
	    (len == 0 && type != RECORD_DATA))
		return channel_fail(s, ALERT_UNEXPECTED_MESSAGE);
	switch (type) {
	case RECORD_DATA:
		rv = 0;
		break;
	case RECORD_ALERT:
		rv = channel_alerted(s, p, len);
		break;
	case RECORD_HANDSHAKE:
		rv = channel_handshake(s, p, len);
		break;
	default:
		channel_fail(s, ALERT_UNEXPECTED_MESSAGE);
	}
	return rv;
}

ssize_t
channel_open(struct channel *s, const uint8_t *p, size_t len, uint8_t *out,
    size_t room, size_t *used)
{
	uint8_t type = 0;
	size_t size = 0;
	ssize_t n;
	int rv;

	*used = 0;
	rv = record_size(p, len, &size);
	/* The version is authenticated with the rest of the header: who looks
	 * at it first says more than that the record is bad. */
	if (len >= RECORD_HEAD && p[1] != 3)
		return channel_fail(s, ALERT_PROTOCOL_VERSION);
	if (len >= RECORD_HEAD && p[2] != 3 && rv != ERR_FORMAT)
		return channel_fail(s, ALERT_DECODE_ERROR);
	if (rv == ERR_SHORT)
		return rv;
	if (rv != 0)
		return channel_fail(s, rv == ERR_LIMIT ? ALERT_RECORD_OVERFLOW :
		    ALERT_UNEXPECTED_MESSAGE);
	*used = size;
	if (size > RECORD_EXTRA + room)
		return ERR_MEM;
	switch (n = record_open(&s->in, p, size, out, &type)) {
	case ERR_DENIED:
		return channel_fail(s, ALERT_BAD_RECORD_MAC);
	case ERR_FORMAT:
		return channel_fail(s, ALERT_UNEXPECTED_MESSAGE);
	case ERR_LIMIT:
		return channel_fail(s, ALERT_RECORD_OVERFLOW);
	}
	return channel_content(s, type, out, (size_t)n);
}

int
channel_ready(const uint8_t *p, size_t len)
{
	size_t size;

	return record_size(p, len, &size) != ERR_SHORT;
}

size_t
channel_due(struct channel *s, uint8_t *out)
{
	static const uint8_t update[] = { HS_KEY_UPDATE, 0, 0, 1, 0 };
	size_t n;

	if (!s->answer && s->out.seq < s->worn)
		return 0;
	s->answer = 0;
	n = record_seal(&s->out, RECORD_HANDSHAKE, update, sizeof(update),
	    out);
	if (n == 0 || record_update(&s->out) != 0) {
		channel_fail(s, 0);
		return 0;
	}
	return n;
}

size_t
channel_data(struct channel *s, const uint8_t *p, size_t len, uint8_t *out)
{
	size_t due = channel_due(s, out), n = 0;

	if (!s->failed)
		n = record_seal(&s->out, RECORD_DATA, p, len, out + due);
	if (n == 0) {
		channel_fail(s, 0);
		return 0;
	}
	return due + n;
}

size_t
channel_alert(struct channel *s, uint8_t description, uint8_t *out)
{
	uint8_t alert[2] = { 2, description };

	if (description == ALERT_CLOSE_NOTIFY ||
	    description == ALERT_USER_CANCELED)
		alert[0] = 1;
	return record_seal(&s->out, RECORD_ALERT, alert, sizeof(alert), out);
}
