/*
 * Kinds of sessions, by how long they may be silent.
 */
#include "proxy/idle.h"

#include "proxy/session.h"

#define MAKES_WAY_MS	2000	/* so long an answer may pause */

/*
 * Whether it speaks HTTP: by its first line, by what was agreed on in TLS, or
 * because a request was read. If nobody reads it, it may have become a
 * WebSocket.
 */
static int
idle_is_http(const struct session *s)
{
	const char *alpn = s->facts.tls_client.alpn;

	if (!s->is_read && s->forward == NULL)
		return 0;
	return s->facts.protocol == PROTO_HTTP || s->asked_http ||
	    (facts_tls(&s->facts) && (strcmp(alpn, "h2") == 0 ||
	    strcmp(alpn, "http/1.1") == 0 || strcmp(alpn, "http/1.0") == 0));
}

uint64_t
idle_limit(const struct session *s, const char **kind)
{
	const struct conf *c = session_conf(s);

	if (s->makes_way) {
		*kind = "one that makes way for another";
		return MAKES_WAY_MS;
	}
	if (s->verdict.action == ACTION_BYPASS)
		*kind = "bypassed";
	else if (s->tunnels)
		*kind = "a tunnel";
	else if (!idle_is_http(s))
		*kind = "a stream";
	else {
		*kind = "HTTP";
		return c->timeouts.idle;
	}
	return c->timeouts.idle_stream;
}

uint64_t
idle_least(const struct session *s)
{
	const struct conf *c = session_conf(s);

	if (s->makes_way)
		return MAKES_WAY_MS;
	return c->timeouts.idle < c->timeouts.idle_stream ?
	    c->timeouts.idle : c->timeouts.idle_stream;
}

void
session_tunnels(struct session *s)
{
	s->tunnels = 1;
}
