/*
 * Plain HTTP for an explicit client: the editor that stands first in the row
 * of taps. It turns each absolute-form request into what an origin server
 * wants (RFC 9112, 3.2.2), one exchange at a time, and holds a request for
 * another server: when all that came before it has been answered, a new session
 * takes the client over from that byte on.
 */
#include "proxy/forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "http/h1.h"
#include "proxy/answer.h"
#include "proxy/auth.h"
#include "proxy/idle.h"
#include "proxy/session.h"
#include "util/err.h"
#include "util/mem.h"


struct forward {
	struct session	*session;
	struct tap	*tap;
	char		 host[256];
	uint16_t	 port;
	struct exchange	 x;		/* the present one */
	struct h1	 h1;
	unsigned	 raw[2];	/* by enum flow_dir: all passes */
	unsigned	 held;		/* another server, or refused: nothing
					   of the client's passes */
	int		 status;	/* refuse with it when all have come */
	const char	*why;
};

static const struct tap_ops forward_tap;

static void
forward_broken(void *arg, const char *why)
{
	tap_abort(((struct forward *)arg)->tap, why);
}

/* It refuses nothing by way of the exchange, so that needs no more. */
static const struct exchange_user forward_user = {
	.broken = forward_broken,
};

struct forward *
forward_new(struct session *s, const struct http_url *url)
{
	struct forward *fw = xcalloc(1, sizeof(*fw));

	fw->session = s;
	memcpy(fw->host, s->host, sizeof(fw->host));
	fw->port = url->port;
	fw->tap = wire_tap(&s->wire, &forward_tap, TAP_BEHIND);
	fw->tap->state = fw;
	fw->x.session = s->rec.id;
	fw->x.user = &forward_user;
	fw->x.arg = fw;
	h1_init(&fw->h1, fw->tap, &s->wire.flow[DIR_UP],
	    &s->wire.flow[DIR_DOWN], &fw->x, H1_IN_FLOW, 0);
	return fw;
}

void
forward_free(struct forward *fw)
{
	if (fw == NULL)
		return;
	exchange_free(&fw->x);
	h1_done(&fw->h1);
	free(fw);
}

/* Hold what comes, and refuse it once nothing else is owed to the client. */
static void
forward_refuse(struct forward *fw, int status, const char *why)
{
	fw->held = 1;
	fw->status = status;
	fw->why = why;
}

/* Whether a request is for the server that this session goes to. */
static int
forward_is_mine(const struct forward *fw, const struct http_head *h)
{
	char name[HTTP_NAME_MAX];
	struct http_url url;

	return http_absolute(h->target, &url) == 0 &&
	    slice_is(url.scheme, "http") && url.port == fw->port &&
	    http_name(h, name) == 0 && strcmp(name, fw->host) == 0;
}

/* Has this message come to its end, and with it the exchange? */
static void
forward_next(struct forward *fw, enum flow_dir dir)
{
	struct exchange *x = &fw->x;

	if (x->state[dir] == EXCHANGE_GOING && h1_over(&fw->h1, dir)) {
		if (dir == DIR_DOWN && x->msg[dir].head->status < 200) {
			exchange_again(x, dir);	/* another follows */
			return;
		}
		exchange_set(x, dir, EXCHANGE_DONE);
	}
	if (fw->raw[DIR_DOWN])		/* it is not waited for */
		exchange_set(x, DIR_DOWN, EXCHANGE_DONE);
	if (!exchange_done(x))
		return;
	exchange_next(x);
	tap_release(fw->tap);	/* the next request may have come */
}

/* What we cannot follow passes; no other server after it. */
static void
forward_unread(struct forward *fw)
{
	fw->raw[DIR_DOWN] = 1;
	forward_next(fw, DIR_DOWN);
}

void
session_answered(struct session *s)
{
	if (s->forward == NULL)
		return;
	exchange_set(&s->forward->x, DIR_DOWN, EXCHANGE_DONE);
	forward_next(s->forward, DIR_DOWN);
}

/* A request's head has come. It goes on in the origin's form, or is held. */
static void
forward_request(struct forward *fw)
{
	struct http_message *m = &fw->x.msg[DIR_UP];

	/* A front may have many users; each gets a session of its own. */
	if (!forward_is_mine(fw, m->head) ||
	    !auth_same(fw->session, m->head)) {
		fw->held = 1;
		return;
	}
	exchange_set(&fw->x, DIR_UP, EXCHANGE_GOING);
	auth_strip(fw->session, m->head);
	h1_origin_form(&fw->h1);
	h1_codec.pass(&fw->h1, DIR_UP);
	if (!m->ended)
		tap_release(fw->tap);	/* its body has moved */
	forward_next(fw, DIR_UP);
}

/* A response's head has come. */
static void
forward_response(struct forward *fw)
{
	exchange_set(&fw->x, DIR_DOWN, EXCHANGE_GOING);
	h1_codec.pass(&fw->h1, DIR_DOWN);
	if (!fw->x.msg[DIR_DOWN].tunnel)
		return;
	session_tunnels(fw->session);
	fw->raw[DIR_UP] = fw->raw[DIR_DOWN] = 1;
}

static void
forward_head(struct forward *fw, enum flow_dir dir, const uint8_t *p,
    size_t len)
{
	const char *why;
	int rv = h1_head(&fw->h1, dir, p, len, &why);

	if (rv == ERR_SHORT)
		return;
	if (rv != 0 && dir == DIR_DOWN)
		forward_unread(fw);
	else if (rv != 0)
		forward_refuse(fw, rv == ERR_LIMIT ? 431 : 400, why);
	else if (dir == DIR_UP)
		forward_request(fw);
	else
		forward_response(fw);
}

/* Bytes of a message. Returns how many go on. */
static size_t
forward_body(struct forward *fw, enum flow_dir dir, const uint8_t *p,
    size_t len)
{
	const char *const *bad = &fw->x.msg[dir].bad;
	size_t let = h1_data(&fw->h1, dir, p, len);

	if (*bad == NULL)
		forward_next(fw, dir);
	else if (dir == DIR_UP)
		forward_refuse(fw, 400, *bad);
	else
		forward_unread(fw);
	return let;
}

/* Whether the server's bytes answer no request. */
static int
forward_is_unasked(const struct forward *fw, enum flow_dir dir)
{
	return dir == DIR_DOWN && (fw->x.state[DIR_UP] == EXCHANGE_HEAD ||
	    fw->x.state[DIR_DOWN] == EXCHANGE_DONE);
}

static size_t
forward_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct forward *fw = state;

	if (h1_waits(&fw->h1, dir))
		return 0;
	if (!fw->raw[dir] && forward_is_unasked(fw, dir))
		forward_unread(fw);
	if (fw->raw[dir])
		return len;
	if (dir == DIR_UP && fw->held)
		return 0;
	if (fw->x.state[dir] == EXCHANGE_HEAD) {
		forward_head(fw, dir, p, len);
		if (dir == DIR_UP)	/* these bytes have changed */
			return 0;
	}
	if (fw->raw[dir])
		return len;
	return fw->x.state[dir] == EXCHANGE_GOING ?
	    forward_body(fw, dir, p, len) : 0;
}

static void
forward_room(void *state, enum flow_dir dir)
{
	h1_flush(&((struct forward *)state)->h1.dir[dir]);
}

static int
forward_busy(void *state, enum flow_dir dir)
{
	return h1_waits(&((struct forward *)state)->h1, dir);
}

/*
 * What is left of the client's will never be answered: the server's end was
 * passed on to it, or it ended in the middle of a head.
 */
static int
forward_is_lost(const struct session *s)
{
	const struct forward *fw = s->forward;
	const struct flow *up = &s->wire.flow[DIR_UP];

	return up->in != up->out &&
	    (s->wire.flow[DIR_DOWN].end_out == END_FIN ||
	    (up->end_in == END_FIN && !fw->held &&
	    fw->x.state[DIR_UP] == EXCHANGE_HEAD));
}

/*
 * Nothing moves: is it because the client wants another server now? Not
 * before all that was let go is sent: what is left begins with the request.
 * And not while a tap has more to say (busy) of what has left the flow.
 */
struct step
forward_check(struct session *s)
{
	struct forward *fw = s->forward;
	struct flow *up = &s->wire.flow[DIR_UP];
	struct flow *down = &s->wire.flow[DIR_DOWN];

	if (s->phase != PHASE_RELAY || up->busy || down->busy ||
	    up->out != fw->tap->pos[DIR_UP] || down->in != down->out)
		return step_wait();
	if (forward_is_lost(s))
		return step_end(s, "request: incomplete, or too late");
	if (!fw->held || fw->raw[DIR_DOWN] || down->end_in != END_NONE ||
	    (fw->x.state[DIR_UP] != EXCHANGE_HEAD &&
	    fw->x.state[DIR_DOWN] != EXCHANGE_DONE))
		return step_wait();
	if (fw->status == 0)
		return step_hand_over();
	snprintf(s->rec.reason, sizeof(s->rec.reason), "request: %s", fw->why);
	answer_page(s, fw->status, fw->why);
	return step_go(PHASE_PAGE);
}

static const struct tap_ops forward_tap = {
	.data = forward_data,
	.room = forward_room,
	.busy = forward_busy,
};
