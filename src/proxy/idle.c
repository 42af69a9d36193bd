/*
 * Kinds of sessions, by how long they may be silent.
 */
#include "proxy/idle.h"

#include <string.h>

#include "proxy/session.h"

#define MAKES_WAY_MS	2000	/* until a client has asked again, mostly */

/*
 * Whether bytes are still here, or the client waits for an answer. In HTTP/2 it
 * speaks for other reasons, too, and only bytes tell.
 */
static int
idle_is_busy(const struct session *s)
{
	const struct wire *w;

	ROW_EACH(w, &s->row)
		if (w->flow[DIR_UP].out != w->flow[DIR_UP].in ||
		    w->flow[DIR_DOWN].out != w->flow[DIR_DOWN].in)
			return 1;
	if (!s->client.sock.writable)	/* its transport may have some */
		return 1;
	return s->wire.speaker == &s->client &&
	    strcmp(s->facts.tls_client.alpn, "h2") != 0;
}

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

	*kind = NULL;
	if (s->makes_way && !idle_is_busy(s))
		return MAKES_WAY_MS;
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
