/*
 * RADIUS: a Disconnect-Request or a CoA-Request for each notice (RFC 5176). It
 * is sent again after 1 s, 2 s and so on as it is, with the same identifier
 * (RFC 5176, 2.3); when there is no answer in time, that was one try. An ACK is
 * good; a NAK is a refusal, except where its cause passes.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/radius.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/carriers.h"
#include "verdict/reach.h"

#define AGAIN_MS	1000	/* then twice as long */

struct radius {
	struct target	*target;
	struct reach	*reach;
	struct event	*in;		/* of the socket; NULL: none yet */
	int		 fd;
	struct event	 timer;
	uint64_t	 wait, deadline;	/* ms */
	uint8_t		 id;
	struct radius_packet packet;
	uint64_t	 forged;	/* answers that are not its own */
};

static void	heard(evutil_socket_t, short, void *);
static void	again(evutil_socket_t, short, void *);

static int
radius_open(struct target *t, struct text *why)
{
	struct radius *r = xcalloc(1, sizeof(*r));

	r->target = t;
	r->reach = reach_new(t);
	r->fd = -1;
	/* Answers to an earlier run of ours are none to this one. */
	if (getrandom(&r->id, sizeof(r->id), 0) != sizeof(r->id))
		r->id = (uint8_t)clock_us();
	evtimer_assign(&r->timer, t->base, again, r);
	t->state = r;
	return 0;
}

static void
unwatch(struct radius *r)
{
	if (r->in != NULL)
		event_free(r->in);
	r->in = NULL;
	r->fd = -1;
}

static void
radius_close(struct target *t)
{
	struct radius *r = t->state;

	unwatch(r);
	event_del(&r->timer);
	reach_free(r->reach);
	free(r);
}

static void
answer(struct radius *r, enum target_result result, const char *said)
{
	event_del(&r->timer);
	if (result == TARGET_RETRIED) {
		unwatch(r);
		reach_again(r->reach);
	}
	target_answer(r->target, result, said);
}

static void
send_it(struct radius *r)
{
	uint64_t now = clock_ms();
	uint64_t left = r->deadline > now ? r->deadline - now : 1;
	struct timeval tv = clock_timeval(r->wait < left ? r->wait : left);

	r->wait *= 2;
	/* What ICMP says is not a refusal: it may come back. */
	if (send(r->fd, r->packet.b, r->packet.len, MSG_NOSIGNAL) < 0 &&
	    errno != ECONNREFUSED && errno != EAGAIN) {
		answer(r, TARGET_RETRIED, strerror(errno));
		return;
	}
	evtimer_add(&r->timer, &tv);
}

static void
again(evutil_socket_t fd, short what, void *arg)
{
	struct radius *r = arg;

	if (clock_ms() >= r->deadline)
		answer(r, TARGET_RETRIED, r->forged > 0 ? "no answer that is "
		    "signed with the secret: is it the same there?" :
		    "no answer in time");
	else
		send_it(r);
}

/* Resources-Unavailable, and what a proxy of RADIUS could not pass on, may
 * pass (RFC 5176, 3.5). */
static int
passes(unsigned cause)
{
	return cause == 502 || cause == 505 || cause == 506;
}

static void
answered(struct radius *r, const struct radius_answer *a)
{
	int nak = a->code == RADIUS_DISCONNECT_NAK || a->code == RADIUS_COA_NAK;
	struct text said = { 0 };

	text_puts(&said, radius_code_str((int)a->code));
	if (a->cause != 0)
		text_printf(&said, ", Error-Cause %u %s", a->cause,
		    radius_cause_str(a->cause));
	answer(r, !nak ? TARGET_SENT : passes(a->cause) ? TARGET_RETRIED :
	    TARGET_REFUSED, said.s);
	text_free(&said);
}

static void
heard(evutil_socket_t fd, short what, void *arg)
{
	struct radius *r = arg;
	const struct conf_secret *s = &r->target->conf->secret;
	struct radius_answer a;
	uint8_t b[RADIUS_MAX];
	ssize_t n = recv(fd, b, sizeof(b), 0);
	int rv;

	if (n < 0 || !event_pending(&r->timer, EV_TIMEOUT, NULL))
		return;		/* an ICMP; or late */
	rv = radius_answer(&r->packet, s->text, strlen(s->text), b, (size_t)n,
	    &a);
	if (rv == 0)
		answered(r, &a);
	else if (rv == ERR_DENIED)
		r->forged++;
}

static void
add_endpoint(struct radius *r, const struct notice *n)
{
	const struct conf_target *c = r->target->conf;
	const uint8_t *ip;
	struct text mac = { 0 };
	size_t len;

	/* A test ends nobody's session. */
	if (n->kind == NOTICE_TEST ||
	    (c->identify != IDENTIFY_ADDRESS && n->has_mac)) {
		conf_mac(c->mac, n->mac, &mac);
		radius_add(&r->packet, RADIUS_CALLING_STATION, mac.s, mac.len);
	}
	text_free(&mac);
	if (c->identify == IDENTIFY_MAC ||
	    n->addr.sa.sa_family == AF_UNSPEC)
		return;
	ip = addr_ip(&n->addr, &len);
	radius_add(&r->packet, len == 4 ? RADIUS_FRAMED_ADDRESS :
	    RADIUS_FRAMED_ADDRESS6, ip, len);
}

static void
add_nas(struct radius *r)
{
	const struct conf_target *c = r->target->conf;
	const uint8_t *ip;
	size_t len;

	if (c->nas_address.sa.sa_family != AF_UNSPEC) {
		ip = addr_ip(&c->nas_address, &len);
		radius_add(&r->packet, len == 4 ? RADIUS_NAS_ADDRESS :
		    RADIUS_NAS_ADDRESS6, ip, len);
	}
	if (c->nas_identifier != NULL)
		radius_add(&r->packet, RADIUS_NAS_IDENTIFIER,
		    c->nas_identifier, strlen(c->nas_identifier));
}

/* 0, or ERR_FORMAT: a value is none, or there is no room for it. */
static int
add_pair(struct radius *r, const struct notice *n, const struct conf_pair *p)
{
	struct text value = { 0 };
	uint8_t out[RADIUS_VALUE];
	size_t len;
	int rv;

	notice_fill(n, r->target->conf, p->value, FILL_PLAIN, &value);
	rv = radius_value(&p->attribute, value.s, out, &len);
	text_free(&value);
	if (rv != 0)
		return rv;
	return p->attribute.vendor != 0 ? radius_add_vendor(&r->packet,
	    p->attribute.vendor, p->attribute.type, out, len) :
	    radius_add(&r->packet, p->attribute.type, out, len);
}

/* NULL, or why it cannot be asked for. */
static const char *
write_packet(struct radius *r, const struct notice *n,
    const struct conf_act *act)
{
	const struct conf_secret *s = &r->target->conf->secret;
	size_t i;

	radius_begin(&r->packet, (enum radius_code)act->request, ++r->id);
	add_nas(r);
	add_endpoint(r, n);
	radius_add_number(&r->packet, RADIUS_EVENT_TIMESTAMP,
	    (uint32_t)clock_wall().tv_sec);
	for (i = 0; i < act->attributes.n; i++)
		if (add_pair(r, n, &act->attributes.v[i]) != 0)
			return "an attribute of it has no value that is "
			    "allowed, or there is no room for it";
	if (radius_seal(&r->packet, s->text, strlen(s->text)) != 0)
		return "OpenSSL has no MD5 here, which RADIUS needs";
	return NULL;
}

static void
there(struct target *t, int fd, const char *why)
{
	struct radius *r = t->state;

	if (fd < 0) {
		answer(r, TARGET_RETRIED, why);
		return;
	}
	if (r->in == NULL) {
		r->in = event_new(t->base, fd, EV_READ | EV_PERSIST, heard, r);
		event_add(r->in, NULL);
		r->fd = fd;
	}
	r->wait = AGAIN_MS;
	r->deadline = clock_ms() + t->conf->timeout;
	r->forged = 0;
	send_it(r);
}

static int
has_endpoint(const struct notice *n, int identify)
{
	int ip = n->addr.sa.sa_family != AF_UNSPEC;

	return identify == IDENTIFY_MAC ? n->has_mac :
	    identify == IDENTIFY_ADDRESS ? ip : ip || n->has_mac;
}

static void
radius_go(struct target *t)
{
	const struct notice *n = target_notice(t, 0);
	const struct conf_act *act = conf_notice_is(n->kind, NOTICE_IS_OVER) ?
	    &t->conf->undo : &t->conf->act;
	struct radius *r = t->state;
	const char *why;

	if (act->request == REQUEST_NONE)
		target_answer(t, TARGET_SKIPPED, "nothing is asked for then");
	else if (!has_endpoint(n, t->conf->identify) && n->kind != NOTICE_TEST)
		target_answer(t, TARGET_SKIPPED, t->conf->identify ==
		    IDENTIFY_MAC ? "its MAC address is not known" :
		    "its address is not known");
	else if ((why = write_packet(r, n, act)) != NULL)
		target_answer(t, TARGET_REFUSED, why);
	else
		reach(r->reach, there);
}

const struct carrier carrier_radius = { radius_open, radius_close,
	radius_go };
