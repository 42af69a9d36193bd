/*
 * Where HTTP ends, or never began: other first bytes, a server that speaks
 * first, CONNECT, a switch of protocols. No service sees what follows, so the
 * rule's `inspect:` says whether it may (non-http, upgrade), and it is counted
 * and named in the log.
 */
#include <event2/event.h>
#include <string.h>

#include "net/names.h"
#include "proxy/session.h"
#include "proxy/unread.h"
#include "adapt/side.h"
#include "util/err.h"

static void
tunnel_note(struct exchange *x, enum unread what, int blocked,
    struct slice protocol)
{
	struct session *s = tap_session(x->tap);
	size_t n = protocol.len;

	if (x->nrow == 0)		/* nobody was to see it */
		return;
	unread_count(s, what, blocked);
	s->rec.unread.what = what;
	s->rec.unread.blocked = blocked;
	if (n >= sizeof(s->rec.unread.protocol))
		n = sizeof(s->rec.unread.protocol) - 1;
	if (n > 0)
		memcpy(s->rec.unread.protocol, protocol.p, n);
	s->rec.unread.protocol[n] = '\0';
}

static int
tunnel_blocked(const struct exchange *x)
{
	return x->nrow > 0 && x->rec->verdict->rule->inspect->non_http_block;
}

/*
 * What passes is read by nobody. Of a session that was known to be no HTTP
 * more is found out by what the client says (proxy/unread.c).
 */
static void
tunnel_count(struct exchange *x, enum unread what)
{
	struct session *s = tap_session(x->tap);

	if (what == UNREAD_UPGRADE)
		session_unread(s, UNDECRYPTED_UPGRADE,
		    "HTTP was left by Upgrade");
	else if (what == UNREAD_CONNECT)
		session_unread(s, UNDECRYPTED_TUNNEL, "a tunnel by CONNECT");
	else if (exchange_inline(x) && x->rec->facts->protocol != PROTO_OTHER)
		session_unread(s, UNDECRYPTED_OTHER, "neither TLS nor HTTP");
}

void
exchange_raw(struct exchange *x, enum unread what)
{
	if (x->raw)
		return;
	if (what != UNREAD_UPGRADE && tunnel_blocked(x)) {
		tunnel_note(x, what, 1, slice_of(NULL, 0));
		exchange_broken(x, "not HTTP, which the rule blocks "
		    "(inspect: non-http)");
		return;
	}
	x->raw = 1;
	tunnel_count(x, what);
	if (what == UNREAD_UPGRADE || what == UNREAD_CONNECT)
		x->skip = x->side[DIR_DOWN].m.wire;
	if (what == UNREAD_UPGRADE)
		tunnel_note(x, what, 0, http_value(
		    x->side[DIR_DOWN].m.http, "upgrade"));
	else
		tunnel_note(x, what, 0, slice_of(NULL, 0));
}

int
exchange_connects(struct exchange *x)
{
	if (!slice_eq(x->side[DIR_UP].m.http->method, "CONNECT") ||
	    !tunnel_blocked(x))
		return 0;
	tunnel_note(x, UNREAD_CONNECT, 1, slice_of(NULL, 0));
	side_refuse(x, 403, "a tunnel by CONNECT, which the rule blocks "
	    "(inspect: non-http)");
	return 1;
}

void
exchange_passed(struct exchange *x, enum flow_dir dir, size_t len)
{
	struct record *r = &tap_session(x->tap)->rec;
	size_t head = 0;

	if (dir == DIR_DOWN)
		head = len < x->skip ? len : x->skip;
	x->skip -= head;
	if (r->unread.what != UNREAD_NONE)
		r->unread.bytes[dir] += len - head;
}

/*
 * What the client said first may yet become a request, and for long enough it
 * has not: it goes on. Its line is still followed, and what turns out to be a
 * request then is not let through.
 */
void
exchange_slow(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;

	if (x->raw || x->finished || x->side[DIR_UP].m.http != NULL ||
	    x->side[DIR_UP].m.head.len > 0)
		return;
	exchange_raw(x, UNREAD_OTHER);
	x->ahead = x->raw;
	tap_release(x->tap);
}

/* The first line is not whole: the time for it begins. */
void
exchange_wait(struct exchange *x)
{
	uint64_t ms = session_conf(tap_session(x->tap))->timeouts.hello;
	struct timeval tv = { (time_t)(ms / 1000),
	    (suseconds_t)(ms % 1000 * 1000) };

	if (exchange_inline(x) && x->http.number == 0 &&
	    !evtimer_pending(&x->slow, NULL))
		evtimer_add(&x->slow, &tv);
}

/*
 * In a protocol where it is the server's turn that is no HTTP; an answer given
 * ahead of the question, or behind another, would be one that no service sees.
 */
void
exchange_unasked(struct exchange *x)
{
	const struct facts *f = x->rec->facts;
	const char *alpn = f->tls_client.alpn;

	if (exchange_inline(x) && (x->http.number > 0 ||
	    (f->protocol == PROTO_HTTP && !f->http_unsure) ||
	    (alpn != NULL && strcmp(alpn, "http/1.1") == 0)))
		exchange_broken(x, "an answer that nobody asked for");
	else {
		exchange_raw(x, UNREAD_SERVER_FIRST);
		x->ahead = x->raw && exchange_inline(x);
	}
}

int
exchange_ahead(struct exchange *x, enum flow_dir dir, const uint8_t *p,
    size_t len)
{
	size_t n = sizeof(x->lead) - x->nlead;
	int rv;

	if (dir == DIR_UP) {
		rv = http1_first(&x->first, (const char *)p, len);
		x->ahead = rv == ERR_SHORT;
		return rv == 1;
	}
	n = len < n ? len : n;
	memcpy(x->lead + x->nlead, p, n);
	x->nlead += n;
	return memmem(x->lead, x->nlead, "HTTP", 4) != NULL;
}

/* Whether a protocol of an Upgrade field is in `upgrade:`; without a version
 * there, any is. */
static int
upgrade_listed(const struct conf_list *list, struct slice item)
{
	struct slice rest = item, name = item;
	size_t i;

	slice_cut(&rest, '/', &name);
	for (i = 0; i < list->n; i++)
		if (slice_is(item, list->v[i]) ||
		    slice_is(name, list->v[i]))
			return 1;
	return 0;
}

/*
 * Where a service looks at messages, what is not in the list; elsewhere only
 * what requests, which are judged, would vanish in.
 */
static int
upgrade_refused(const struct exchange *x, struct slice item)
{
	return exchange_served(x) ? !upgrade_listed(
	    &x->rec->verdict->rule->inspect->upgrade, item) :
	    slice_is(item, "h2c");
}

int
exchange_upgrades(struct exchange *x, struct text *left)
{
	const struct http_head *h = x->side[DIR_UP].m.http;
	struct slice value, item;
	int refused = 0;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (!slice_is(h->h[i].name, "upgrade"))
			continue;
		value = h->h[i].value;
		while (slice_item(&value, &item)) {
			if (upgrade_refused(x, item)) {
				refused = 1;
				continue;
			}
			text_puts(left, left->len > 0 ? ", " : "");
			text_add(left, item.p, item.len);
		}
	}
	if (!refused)
		return 0;
	/* The session goes on, and is read: no more than a number. */
	if (x->nrow > 0)
		unread_count(tap_session(x->tap), UNREAD_UPGRADE, 1);
	return 1;
}

/* Of each protocol that a server switched to: was it asked for? */
static int
upgrade_asked(const struct exchange *x, struct slice protocol)
{
	const struct http_head *asked = x->side[DIR_UP].m.http;
	char text[64];

	if (asked == NULL || protocol.len >= sizeof(text))
		return 0;
	memcpy(text, protocol.p, protocol.len);
	text[protocol.len] = '\0';
	return http_has_token(asked, "upgrade", text);
}

int
exchange_may_switch(struct exchange *x)
{
	const struct http_head *h = x->side[DIR_DOWN].m.http;
	struct slice value = http_value(h, "upgrade"), item;
	size_t n = 0;

	if (!exchange_inline(x) || h->status != 101)
		return 1;
	if (!exchange_served(x))
		return x->side[DIR_UP].m.http != NULL &&
		    http_value(x->side[DIR_UP].m.http, "upgrade").len > 0;
	while (slice_item(&value, &item)) {
		if (item.len == 0)
			continue;
		n++;
		if (upgrade_refused(x, item) || !upgrade_asked(x, item)) {
			tunnel_note(x, UNREAD_UPGRADE, 1, item);
			return 0;
		}
	}
	if (n == 0)
		tunnel_note(x, UNREAD_UPGRADE, 1, slice_of(NULL, 0));
	return n > 0;
}
