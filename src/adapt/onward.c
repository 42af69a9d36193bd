/*
 * What goes on to the receiver in a message's place: its head as the next hop
 * wants it, and its body out of a spool, as there is room.
 */
#include "net/transport.h"
#include "adapt/side.h"
#include "util/err.h"

/* How far reading runs ahead of what goes on out of a spool. */
#define SPOOL_AHEAD	(256 * 1024)

static int
text_is(const struct text *t, const char *s)
{
	return slice_eq(slice_of(t->s, t->len), s);
}

/* Whatever its fields say, there is no body behind it (RFC 9112, 6.3). */
static int
side_never_body(const struct side *s, const struct http_head *h)
{
	return h->response && (h->status < 200 || h->status == 204 ||
	    h->status == 304 || text_is(&s->x->method, "HEAD"));
}

int
side_reframed(const struct side *s)
{
	return s->dir == DIR_DOWN && text_is(&s->x->method, "HEAD") !=
	    text_is(&s->x->sent, "HEAD");
}

static unsigned
side_flags(const struct side *s, const struct http_head *h, int body)
{
	const struct message *m = &s->m;
	unsigned flags = s->http != NULL ? DELIVER_CHANGED : 0;

	if (side_never_body(s, h) ||
	    (!body && !h->response && h->length < 0))
		flags |= DELIVER_NO_BODY;
	/* What ended with the connection does so again: it may be cut off. */
	if (s->dir == DIR_DOWN && (s->x->old_client ||
	    (m->http != NULL && m->body.kind == HTTP1_CLOSE)))
		flags |= DELIVER_UNTIL_END;
	if ((s->dir == DIR_DOWN && s->x->closing) ||
	    (m->http != NULL && !http1_keeps_alive(m->http)))
		flags |= DELIVER_LAST;
	return flags;
}

static void
side_hop_field(struct text *t, const struct http_head *h, const char *name)
{
	struct slice value = http_value(h, name);

	if (value.len > 0)
		text_printf(t, "%s: %.*s\r\n", name, SLICE(value));
}

/* Fields of this hop that the next one needs: those of the original. */
static void
side_hop(const struct side *s, struct text *t)
{
	const struct http_head *h = s->m.http;

	if (h == NULL)
		return;
	if (h->response) {
		side_hop_field(t, h, "Proxy-Authenticate");
		return;
	}
	side_hop_field(t, h, "Proxy-Authorization");
	if (http_value(h, "upgrade").len > 0) {
		side_hop_field(t, h, "Upgrade");
		text_puts(t, "Connection: Upgrade\r\n");
	}
}

int
side_head(struct side *s, const struct http_head *h, int body,
    int64_t length, unsigned flags)
{
	struct text hop = { 0 };
	int rv;

	if (s->dir == DIR_UP) {
		text_clear(&s->x->sent);
		text_add(&s->x->sent, h->method.p, h->method.len);
	}
	side_hop(s, &hop);
	rv = deliver_head(&s->out, h, body ? length : 0,
	    flags | side_flags(s, h, body), hop.s);
	text_free(&hop);
	if (rv != 0) {
		side_refuse(s->x, 502, "what a service made of the message "
		    "cannot be sent");
		return rv;
	}
	if (s->out.framing == HTTP1_CLOSE)
		s->x->closing = 1;
	return 0;
}

/*
 * Reading ahead is bounded; but what was read and lies in the flow must not
 * take the room that what is to be sent needs.
 */
static void
side_ahead(struct side *s)
{
	struct flow *f = s->out.flow;

	s->m.max = s->sent + SPOOL_AHEAD;
	if (!s->m.ended && message_over(&s->m) && f->out == f->clear &&
	    flow_space(f) < DELIVER_ROOM) {
		s->m.max = spool_size(s->m.spool);
		tap_release(s->x->tap);
	}
}

/* 1: all of it is sent; 0: not yet; ERR_* when it never will be. */
static int
side_sent(const struct side *s, int rv)
{
	if (s->m.lost || (rv != 0 && rv != ERR_EOF))
		return ERR_SHORT;
	if (s->from == NULL)
		return 1;
	if (spool_ended(s->from) == -1)
		return ERR_SHORT;
	if (rv == 0 || spool_ended(s->from) == 0)
		return 0;
	/* A 206 may name a byte that never came. */
	return s->sent == spool_size(s->from) ? 1 : ERR_SHORT;
}

void
side_send(struct side *s)
{
	const uint8_t *p;
	size_t len, n;
	int rv = ERR_EOF, bad = 0;

	while (s->from != NULL &&
	    (rv = spool_at(s->from, s->sent, &p, &len)) == 0) {
		if ((n = deliver_body(&s->out, p, len, &bad)) == 0)
			break;
		s->sent += n;
		spool_drop(s->from, s->sent);
	}
	if (s->from != NULL && s->from == s->m.spool)
		side_ahead(s);
	rv = side_sent(s, rv);
	if (bad || rv < 0)
		exchange_broken(s->x, "the message broke off");
	else if (rv == 1 && !s->out.ended && deliver_end(&s->out,
	    s->http == NULL ? &s->m.trailers : NULL) != 0)
		exchange_broken(s->x, "the message is shorter than its head "
		    "says");
}
