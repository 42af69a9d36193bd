/*
 * DNS over TCP (RFC 7766), or over TLS that we have decrypted (RFC 7858): the
 * server's messages are held until they are whole, and blunted
 * (codec/dnsmsg). What turns out to be no DNS passes.
 */
#include "proxy/dnstap.h"

#include <stdlib.h>

#include "codec/dnsmsg.h"
#include "proxy/inner.h"
#include "proxy/session.h"
#include "util/mem.h"

enum {
	PORT_DNS	= 53,
	PORT_DOT	= 853,
	HEADER		= 12,	/* RFC 1035, 4.1.1 */
	HELD_MAX	= 32768	/* half of a flow's buffer */
};

struct dnstap {
	struct flow	*flow;
	struct tap	*tap;
	int		 even_signed;
	int		 over;	/* it lets everything go */
};

/*
 * The bytes of the message that begins there, its length included. 0: not
 * known yet; -1: it is no response, or too long to be held.
 */
static long
dnstap_message(const uint8_t *p, size_t len)
{
	long n;

	if (len < 2)
		return 0;
	n = 2 + (p[0] << 8 | p[1]);
	if (n < 2 + HEADER || n > HELD_MAX)
		return -1;
	if (len < 5)
		return 0;
	return p[4] & 0x80 ? n : -1;	/* QR */
}

static void
dnstap_blunt(struct dnstap *d, const uint8_t *p, size_t n)
{
	uint8_t *copy = xmemdup(p, n);

	if (dnsmsg_blunt(copy + 2, n - 2, d->even_signed) != 0)
		flow_replace(d->flow, d->tap, n, copy, n);
	free(copy);
}

static size_t
dnstap_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct dnstap *d = state;
	long n;

	if (dir == DIR_UP || d->over)
		return len;
	n = dnstap_message(p, len);
	if (n < 0) {
		d->over = 1;
		return len;
	}
	if (n == 0 || (size_t)n > len)
		return 0;
	dnstap_blunt(d, p, (size_t)n);
	return (size_t)n;
}

/* What is held of a message goes as it is. */
static void
dnstap_eof(void *state, enum flow_dir dir)
{
	struct dnstap *d = state;

	if (dir == DIR_UP || d->over)
		return;
	d->over = 1;
	tap_release(d->tap);
}

static void
dnstap_close(void *state, struct tap_counts *counts)
{
	free(state);
}

static const struct tap_ops dnstap_ops = {
	.data = dnstap_data,
	.eof = dnstap_eof,
	.close = dnstap_close
};

void
dnstap_open(struct session *s)
{
	uint16_t port = addr_port(&s->facts.server);
	enum conf_dns what = s->verdict.rule->inspect->dns;
	struct dnstap *d;

	if (what == DNS_PASS ||
	    s->verdict.action == ACTION_BYPASS ||
	    (port != PORT_DNS && port != PORT_DOT))
		return;
	d = xcalloc(1, sizeof(*d));
	d->even_signed = what == DNS_STRIP_SIGNED;
	d->flow = &session_last(s)->flow[DIR_DOWN];
	d->tap = wire_tap(session_last(s), &dnstap_ops, TAP_SERVER);
	d->tap->state = d;
}
