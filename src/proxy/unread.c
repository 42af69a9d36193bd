/*
 * What nobody reads although a rule wants it decrypted: a protocol that is
 * neither TLS nor HTTP, TLS that begins where nobody agreed on it, a tunnel
 * inside HTTP. Each session is counted once, and its record says why.
 */
#include "proxy/unread.h"

#include <string.h>

#include "codec/slice.h"
#include "proxy/inner.h"
#include "proxy/session.h"
#include "util/log.h"

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

void
unread_over(struct session *s)
{
	if (s->facts.protocol == PROTO_OTHER && s->established &&
	    s->verdict.action == ACTION_DECRYPT &&
	    s->rec.bytes[DIR_UP] + s->rec.bytes[DIR_DOWN] > 0)
		session_unread(s, UNDECRYPTED_OTHER, "neither TLS nor HTTP");
}
