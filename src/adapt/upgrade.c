/*
 * A connection in the clear that goes over from HTTP/1 to HTTP/2 by Upgrade
 * (RFC 7540, 3.2), where somebody looks at its messages. The server is offered
 * it with settings of ours, and what it says after its 101 is read as HTTP/2
 * from the first byte: the answer to the request is on stream 1. What is not
 * quite as the RFC wants it is not offered; the request stays one of HTTP/1.
 */
#include <string.h>

#include "adapt/adapt.h"
#include "codec/h2frame.h"
#include "stream/wire.h"
#include "util/err.h"

/* The client's settings, decoded. 1: there is one field of them. */
static int
upgrade_settings(struct engine *e, const struct http_head *h)
{
	uint8_t settings[H2FRAME_UPGRADE];
	struct slice value = { NULL, 0 };
	size_t i, k = 0;
	int n;

	for (i = 0; i < h->n; i++)
		if (slice_is(h->h[i].name, "http2-settings")) {
			value = h->h[i].value;
			k++;
		}
	n = k == 1 ? h2frame_upgrade(value.p, value.len, settings) : -1;
	if (n < 0)
		return 0;
	text_clear(&e->settings);
	text_add(&e->settings, (const char *)settings, (size_t)n);
	return 1;
}

static int
upgrade_asked(const struct engine *e, const struct http_head *h)
{
	const struct plan *p = &e->plan;

	return (p->judged || p->nmonitors > 0) && !plan_blocks(p) &&
	    p->rec->facts->protocol != PROTO_TLS && h->version == 11 &&
	    !slice_eq(h->method, "CONNECT") &&
	    http_has_token(h, "upgrade", "h2c");
}

/*
 * Mirrors show what the server sends before it is edited. If the client is to
 * speak HTTP/2 with us, they have to show what it gets, from the first byte on.
 */
void
upgrade_offer(struct engine *e)
{
	const struct http_head *h = e->a.x.msg[DIR_UP].head;
	struct http_edit ours = { "http2-settings", H2_UPGRADE };

	e->a.to_http2 = upgrade_asked(e, h) && upgrade_settings(e, h) &&
	    wire_tap_server(e->tap);
	if (e->a.to_http2) {
		e->aside = 1;
		e->a.x.codec->edit(e->a.x.conn, DIR_UP, &ours, 1);
	} else if (e->aside)
		e->aside = !wire_tap_behind(e->tap);
}

/* Whether the server's first bytes are those of 1xx; ERR_SHORT. */
static int
is_interim(const uint8_t *p, size_t len)
{
	static const char first[] = "HTTP/1.1 1";
	size_t n = sizeof(first) - 1;

	if (memcmp(p, first, len < n ? len : n) != 0)
		return 0;
	return len < n ? ERR_SHORT : 1;
}

int
upgrade_waits(struct engine *e, const uint8_t *p, size_t len)
{
	int rv;

	if (!e->aside || e->h1.dir[DIR_DOWN].eof ||
	    (rv = is_interim(p, len)) == 1)
		return 0;
	if (rv == ERR_SHORT)
		return 1;
	e->a.to_http2 = 0;
	if (!wire_tap_behind(e->tap))
		return 0;
	e->aside = 0;
	tap_release(e->tap);
	return 1;
}

int
upgrade_taken(struct engine *e)
{
	const struct http_head *h = e->a.x.msg[DIR_DOWN].head;

	if (!e->a.to_http2 || h->status != 101 ||
	    !slice_is(http_value(h, "upgrade"), "h2c"))
		return 0;
	e->switches = e->h1.dir[DIR_DOWN].wire > 0;
	if (!e->switches)
		exchange_refuse(&e->a.x, 502, "the head of a switch of "
		    "protocols is too long");
	return 1;
}

size_t
upgrade_done(struct engine *e)
{
	if (e->a.x.state[DIR_UP] != EXCHANGE_DONE)
		return 0;
	head_over(&e->a);
	streams_begin(e->tap, &e->plan);
	streams_upgraded(e->tap, &e->a, &e->settings);
	http_record_next(&e->a.x.record);
	return e->h1.dir[DIR_DOWN].wire;
}
