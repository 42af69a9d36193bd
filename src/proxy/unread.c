/*
 * What nobody reads although a rule wants it decrypted: a protocol that is
 * neither TLS nor HTTP, TLS that begins in the middle of one (STARTTLS), a
 * tunnel inside HTTP. Each session is counted once, and its record says why.
 */
#include "proxy/unread.h"

#include <string.h>
#include <sys/socket.h>

#include "codec/slice.h"
#include "proxy/inner.h"
#include "proxy/session.h"
#include "util/log.h"

#define UNREAD_LOOK	512	/* bytes to look at ahead of a splice */

void
session_unread(struct session *s, enum undecrypted what, const char *why)
{
	if (s->unread_counted || s->verdict.action == ACTION_BYPASS)
		return;
	s->unread_counted = 1;
	s->rec.unread_why = why;
	count(s->worker->counts.undecrypted[what], 1);
}

void
unread_http2(struct session *s, enum unread_http2 what, const char *why)
{
	static struct log_gate gate;
	int held;

	count(s->worker->counts.unread_http2[what], 1);
	if (why != NULL && log_gate(&gate, &held))
		log_info("session %llu: HTTP/2 that passes unread: %s (%d more "
		    "not shown)", (unsigned long long)s->rec.id, why, held);
}

void
unread_note(struct session *s, enum unread what, int blocked,
    const struct slice *protocol)
{
	struct record *r = &s->rec;
	size_t n;

	count(s->worker->counts.unread[what][blocked], 1);
	if (protocol == NULL)
		return;
	n = protocol->len;
	r->unread.what = what;
	r->unread.blocked = blocked;
	if (n >= sizeof(r->unread.protocol))
		n = sizeof(r->unread.protocol) - 1;
	if (n > 0)
		memcpy(r->unread.protocol, protocol->p, n);
	r->unread.protocol[n] = '\0';
}

void
unread_passed(struct session *s, enum flow_dir dir, size_t n)
{
	if (s->rec.unread.what != UNREAD_NONE)
		s->rec.unread.bytes[dir] += n;
}

int
unread_looks(const struct session *s)
{
	return s->facts.protocol == PROTO_OTHER &&
	    s->verdict.action == ACTION_DECRYPT &&
	    s->starttls.state < STARTTLS_TLS;
}

static void
unread_feed(struct session *s, const uint8_t *p, size_t len)
{
	if (starttls_feed(&s->starttls, p, len) == STARTTLS_TLS)
		session_unread(s, UNDECRYPTED_STARTTLS, "STARTTLS");
}

size_t
unread_ahead(void *arg)
{
	struct session *s = arg;
	uint8_t buf[UNREAD_LOOK];
	ssize_t n;

	if (!unread_looks(s))
		return SIZE_MAX;
	n = recv(s->client.sock.fd, buf, sizeof(buf),
	    MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0)
		return sizeof(buf);	/* an end or an error: for splice() */
	unread_feed(s, buf, (size_t)n);
	return (size_t)n;
}

void
unread_over(struct session *s)
{
	if (s->facts.protocol == PROTO_OTHER && s->established &&
	    s->verdict.action == ACTION_DECRYPT &&
	    s->rec.bytes[DIR_UP] + s->rec.bytes[DIR_DOWN] > 0)
		session_unread(s, UNDECRYPTED_OTHER, "neither TLS nor HTTP");
}

static size_t
unread_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct session *s = state;

	if (dir == DIR_UP && unread_looks(s))
		unread_feed(s, p, len);
	return len;
}

const struct tap_ops unread_tap = {
	.data = unread_data,
};
