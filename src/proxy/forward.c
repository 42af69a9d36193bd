/*
 * Plain HTTP for an explicit client: the editor that stands first in the row
 * of taps. It turns each absolute-form request into what an origin server
 * wants (RFC 9112, 3.2.2), follows the responses so that it knows when all
 * have come, and holds a request for another server until then: a new
 * session takes the client over from that byte on.
 */
#include "proxy/forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/http1.h"
#include "proxy/answer.h"
#include "proxy/session.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

#define FORWARD_ASKED	64	/* requests without a response; more wait */

#define FORWARD_HEAD_MAX	(POOL_BUF - 4096)	/* what a flow holds */

enum forward_state {
	FORWARD_HEAD,		/* a head is next */
	FORWARD_BODY,		/* inside a body */
	FORWARD_TUNNEL,		/* no HTTP any more: all passes */
	FORWARD_HELD		/* another server, or refused: nothing passes */
};

struct forward {
	struct session	*session;
	struct tap	*tap;
	char		 host[256];
	uint16_t	 port;
	enum forward_state state[2];	/* by enum flow_dir */
	struct http1_body body[2];
	size_t		 scanned[2];	/* of a head that is not all here */
	char		 asked[FORWARD_ASKED];	/* 'H' for HEAD, else 'G' */
	unsigned	 nasked;
	int		 status;	/* refuse with it when all have come */
	const char	*why;
};

static const struct tap_ops forward_tap;

struct forward *
forward_new(struct session *s, const struct http_url *url)
{
	struct forward *fw = xcalloc(1, sizeof(*fw));

	fw->session = s;
	memcpy(fw->host, s->host, sizeof(fw->host));
	fw->port = url->port;
	fw->tap = wire_tap(&s->wire, &forward_tap, TAP_BEHIND);
	fw->tap->state = fw;
	return fw;
}

void
forward_free(struct forward *fw)
{
	free(fw);
}

/* Hold what comes, and refuse it once nothing else is owed to the client. */
static size_t
forward_refuse(struct forward *fw, int status, const char *why)
{
	fw->state[DIR_UP] = FORWARD_HELD;
	fw->status = status;
	fw->why = why != NULL ? why : "not a request";
	return 0;
}

/*
 * A head, looked through from where the last look ended; nobody else takes
 * bytes out of the flow before it is whole.
 */
static int
forward_head(struct forward *fw, enum flow_dir dir, struct http1_head *h,
    const char *data, size_t len)
{
	int rv;

	h->scanned = fw->scanned[dir];
	rv = dir == DIR_UP ? http1_request(h, data, len) :
	    http1_response(h, data, len);
	fw->scanned[dir] = rv == ERR_SHORT ? h->scanned : 0;
	return rv;
}

/* Whether a request is for the server that this session goes to. */
static int
forward_is_mine(const struct forward *fw, const struct http1_head *h)
{
	char name[HTTP_NAME_MAX];
	struct http_url url;

	return http_absolute(h->head.target, &url) == 0 &&
	    slice_is(url.scheme, "http") && url.port == fw->port &&
	    http_name(&h->head, name) == 0 && strcmp(name, fw->host) == 0;
}

/* Put the origin's form in place of the head. The bytes to let go, or 0. */
static size_t
forward_rewrite(struct forward *fw, const struct http1_head *h)
{
	struct flow *f = &fw->session->wire.flow[DIR_UP];
	struct text out = { 0 };
	size_t len = 0;

	http1_body_init(&fw->body[DIR_UP], h, h->head.method);
	fw->asked[fw->nasked] = slice_eq(h->head.method, "HEAD") ? 'H' : 'G';
	if (http1_origin_form(&out, &h->head) == 0 &&
	    flow_replace(f, fw->tap, h->len, out.s, out.len) == 0)
		len = out.len;
	text_free(&out);
	if (len == 0)
		return forward_refuse(fw, 431, "the request is too large");
	fw->nasked++;
	fw->state[DIR_UP] = http1_body_ended(&fw->body[DIR_UP]) ?
	    FORWARD_HEAD : FORWARD_BODY;
	return len;
}

static size_t
forward_request(struct forward *fw, const char *data, size_t len)
{
	struct http1_head h = { 0 };
	int rv;

	if (fw->nasked == FORWARD_ASKED)
		return 0;
	rv = forward_head(fw, DIR_UP, &h, data, len);
	if (rv == ERR_SHORT)
		return len < FORWARD_HEAD_MAX ? 0 :
		    forward_refuse(fw, 431, "the request is too large");
	if (rv != 0)
		return forward_refuse(fw, rv == ERR_LIMIT ? 431 : 400, h.why);
	if (!forward_is_mine(fw, &h)) {
		fw->state[DIR_UP] = FORWARD_HELD;
		return 0;
	}
	return forward_rewrite(fw, &h);
}

/* The oldest request has its answer. */
static void
forward_pop(struct forward *fw)
{
	memmove(fw->asked, fw->asked + 1, --fw->nasked);
}

void
session_answered(struct session *s)
{
	if (s->forward != NULL && s->forward->nasked > 0)
		forward_pop(s->forward);
}

/* Another interim or final response's head. The bytes to let go. */
static size_t
forward_response(struct forward *fw, const char *data, size_t len)
{
	static const struct slice head = { "HEAD", 4 }, get = { "GET", 3 };
	struct http1_head h = { 0 };
	int rv;

	rv = fw->nasked == 0 ? ERR_FORMAT :
	    forward_head(fw, DIR_DOWN, &h, data, len);
	if (rv == ERR_SHORT && len < FORWARD_HEAD_MAX)
		return 0;
	if (rv != 0) {
		/* What we cannot follow passes; no other server after it. */
		fw->state[DIR_DOWN] = FORWARD_TUNNEL;
		return len;
	}
	if (h.head.status < 200 && h.head.status != 101)
		return h.len;
	http1_body_init(&fw->body[DIR_DOWN], &h,
	    fw->asked[0] == 'H' ? head : get);
	forward_pop(fw);
	if (fw->body[DIR_DOWN].kind == HTTP1_TUNNEL)
		fw->state[DIR_UP] = fw->state[DIR_DOWN] = FORWARD_TUNNEL;
	else if (!http1_body_ended(&fw->body[DIR_DOWN]))
		fw->state[DIR_DOWN] = FORWARD_BODY;
	return h.len;
}

static size_t
forward_body(struct forward *fw, enum flow_dir dir, const char *data,
    size_t len)
{
	size_t used = 0;
	int rv;

	rv = http1_body_follow(&fw->body[dir], data, len, &used);
	if (rv == 0)
		fw->state[dir] = FORWARD_HEAD;
	else if (rv != ERR_SHORT && dir == DIR_UP)
		return forward_refuse(fw, 400, fw->body[dir].why);
	else if (rv != ERR_SHORT)
		fw->state[dir] = FORWARD_TUNNEL;
	return used;
}

static size_t
forward_data(void *state, enum flow_dir dir, const uint8_t *data, size_t len)
{
	struct forward *fw = state;
	const char *p = (const char *)data;
	size_t let = 0;

	if (fw->state[dir] == FORWARD_BODY)
		let = forward_body(fw, dir, p, len);
	if (let == 0 && fw->state[dir] == FORWARD_HEAD)
		let = dir == DIR_UP ? forward_request(fw, p, len) :
		    forward_response(fw, p, len);
	return fw->state[dir] == FORWARD_TUNNEL && let == 0 ? len : let;
}

static void
forward_eof(void *state, enum flow_dir dir)
{
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
	    (up->end_in == END_FIN && fw->nasked == 0 &&
	    fw->state[DIR_UP] == FORWARD_HEAD));
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
	if (fw->state[DIR_UP] != FORWARD_HELD || fw->nasked > 0 ||
	    fw->state[DIR_DOWN] != FORWARD_HEAD || down->end_in != END_NONE)
		return step_wait();
	if (fw->status == 0)
		return step_hand_over();
	snprintf(s->rec.reason, sizeof(s->rec.reason), "request: %s", fw->why);
	answer_page(s, fw->status, fw->why);
	return step_go(PHASE_PAGE);
}

static const struct tap_ops forward_tap = {
	.data = forward_data,
	.eof = forward_eof,
};
