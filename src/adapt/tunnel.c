/*
 * The bytes after HTTP has ended, or if it never began: other first bytes, a
 * server that speaks first, CONNECT, a switch of protocols. No service sees
 * them, so the rule's `inspect:` (non-http, upgrade) says whether they may
 * pass. They are counted, and named in the log.
 */
#include <event2/event.h>
#include <string.h>

#include "adapt/adapt.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

/*
 * Count the bytes that nobody reads. If the session was known not to be HTTP,
 * proxy/unread.c finds out more from the client's bytes.
 */
static void
count_tunnel(struct engine *e, enum unread what)
{
	const struct plan *p = &e->plan;

	if (what == UNREAD_UPGRADE)
		p->host.undecrypted(p->host.session, UNDECRYPTED_UPGRADE,
		    "HTTP was left by Upgrade");
	else if (what == UNREAD_CONNECT)
		p->host.undecrypted(p->host.session, UNDECRYPTED_TUNNEL,
		    "a tunnel by CONNECT");
	else if (p->judged && p->rec->facts->protocol != PROTO_OTHER)
		p->host.undecrypted(p->host.session, UNDECRYPTED_OTHER,
		    "neither TLS nor HTTP");
}

/* --- for a WebSocket that is taken out of the flows */

static size_t
tunnel_put(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct engine *e = arg;

	return flow_put(e->h1.dir[dir].flow, e->tap, p, len);
}

static void
tunnel_wake(void *arg)
{
	tap_release(((struct engine *)arg)->tap);
}

static void
tunnel_over(void *arg, enum scan_why kind, const char *why)
{
	struct engine *e = arg;

	e->finished = 1;
	log_info("session %llu: the WebSocket is closed: %s",
	    (unsigned long long)e->a.plan->rec->id, why);
}

void
tunnel_begin(struct engine *e, enum unread what)
{
	struct exchange *x = &e->a.x;
	const struct plan *p = &e->plan;
	struct slice protocol = { NULL, 0 };

	if (e->raw)
		return;
	if (what != UNREAD_UPGRADE && plan_blocks(p)) {
		plan_unread(p, what, 1, protocol);
		exchange_break(x, "not HTTP, which the rule blocks "
		    "(inspect: non-http)");
		return;
	}
	e->raw = 1;
	if (what == UNREAD_UPGRADE || what == UNREAD_CONNECT)
		e->skip = e->h1.dir[DIR_DOWN].wire;
	if (what == UNREAD_UPGRADE || what == UNREAD_CONNECT)
		p->host.tunnels(p->host.session);
	if (what == UNREAD_UPGRADE)
		protocol = http_value(x->msg[DIR_DOWN].head, "upgrade");
	if (slice_is(protocol, "websocket"))
		e->ws = ws_begin(p, x, &(struct scan_out){ tunnel_put,
		    tunnel_wake, tunnel_over, e });
	else if (slice_is(protocol, "h2c"))
		e->passing = passing_begin(p, x->record.number + 1,
		    x->msg[DIR_UP].head);
	if (ws_scans(e->ws))
		return;
	if (e->passing == NULL)
		count_tunnel(e, what);
	plan_unread(p, what, 0, protocol);
}

/*
 * The server spoke first: is the session HTTP after all? The first bytes of
 * either side may come one by one, and clients search some way for "HTTP".
 */
static int
is_http_after_all(struct engine *e, enum flow_dir dir, const uint8_t *p,
    size_t len)
{
	size_t n = sizeof(e->lead) - e->nlead;
	int rv;

	if (dir == DIR_UP) {
		rv = http_first(&e->first, (const char *)p, len);
		e->ahead = rv == ERR_SHORT;
		return rv == 1;
	}
	n = len < n ? len : n;
	memcpy(e->lead + e->nlead, p, n);
	e->nlead += n;
	return memmem(e->lead, e->nlead, "HTTP", 4) != NULL;
}

/* Bytes leave the flow, for the WebSocket; the head before them passes. */
static size_t
tunnel_take(struct engine *e, enum flow_dir dir, const uint8_t *p, size_t len,
    size_t head)
{
	struct flow *f = e->h1.dir[dir].flow;

	if (head > 0) {
		tap_release(e->tap);
		return head;
	}
	flow_replace(f, e->tap, ws_take(e->ws, dir, p, len), NULL, 0);
	tunnel_room(e, dir);	/* before more is read */
	return 0;
}

void
tunnel_room(struct engine *e, enum flow_dir dir)
{
	if (h1_flush(&e->h1.dir[dir]) && ws_flush(e->ws, dir) && e->finished)
		flow_finish(e->h1.dir[dir].flow);
}

size_t
tunnel_data(struct engine *e, enum flow_dir dir, const uint8_t *p, size_t len)
{
	const struct engine_host *host = &e->plan.host;
	size_t head = 0;

	if (e->ahead && is_http_after_all(e, dir, p, len))
		exchange_break(&e->a.x, dir == DIR_UP ?
		    "a request behind what was none" :
		    "an answer that nobody asked for");
	if (dir == DIR_DOWN)
		head = len < e->skip ? len : e->skip;
	e->skip -= head;
	if (ws_scans(e->ws))
		return tunnel_take(e, dir, p, len, head);
	if (e->finished)
		return 0;
	host->passed(host->session, dir, len - head);
	ws_take(e->ws, dir, p + head, len - head);
	passing_seen(e->passing, dir, p + head, len - head);
	return len;
}

/*
 * The client's first bytes may still become a request, but the time is up: they
 * go on. Their line is still followed, and is cut off if it becomes a request.
 */
void
tunnel_slow(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	if (e->raw || e->finished || e->a.x.msg[DIR_UP].head != NULL ||
	    h1_in_head(&e->h1, DIR_UP))
		return;
	tunnel_begin(e, UNREAD_OTHER);
	e->ahead = e->raw;
	tap_release(e->tap);
}

void
tunnel_wait(struct engine *e)
{
	struct timeval tv = clock_timeval(e->plan.host.hello_ms);

	if (e->plan.judged && e->a.x.record.number == 0 &&
	    !evtimer_pending(&e->slow, NULL))
		evtimer_add(&e->slow, &tv);
}

/*
 * The server speaks without a request. Then the protocol is not HTTP; or it is
 * an answer before its request, or after another, that no service would see.
 */
void
tunnel_unasked(struct engine *e)
{
	const struct plan *p = &e->plan;
	const struct facts *f = p->rec->facts;
	const char *alpn = f->tls_client.alpn;

	if (p->judged && (e->a.x.record.number > 0 ||
	    (f->protocol == PROTO_HTTP && !f->http_unsure) ||
	    (alpn != NULL && strcmp(alpn, "http/1.1") == 0)))
		exchange_break(&e->a.x, "an answer that nobody asked for");
	else {
		tunnel_begin(e, UNREAD_SERVER_FIRST);
		e->ahead = e->raw && p->judged;
	}
}
