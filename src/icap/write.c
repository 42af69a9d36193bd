/*
 * The writer of an attempt: the ICAP head, the HTTP heads and the preview go in
 * one write, then the rest in chunks as the spool has it. How much a server is
 * shown at first, a preview (RFC 3507, 4.5) or all of it (4.10.2), is decided
 * here too. When a write fails, the reader finds out what that means, for there
 * may be an answer.
 */
#include <string.h>

#include "icap/attempt.h"
#include "util/clock.h"
#include "util/err.h"

#define CHUNK	65536
#define ROUNDS	32		/* chunks in one turn */
#define REST	65536		/* sent to keep a connection */
/* A body that brings less than this in ICAP_LOOK_EVERY is a slow one. */
#define PACE	65536

#define PREVIEW_MAX	65536
#define PREVIEW_GUESS	4096	/* before OPTIONS are known */
/*
 * A preview costs a round trip if the service wants the rest anyway. So where a
 * quarter or more of them were followed by the rest, a small body that is here
 * goes whole, as the client may decide (RFC 3507, 4.5). One in WHOLE_ASK still
 * goes with a preview, to learn whether that has changed.
 */
#define WHOLE_MAX	16384
#define WHOLE_SHARE	64	/* of 256 */
#define WHOLE_ASK	16
#define LEARN		8	/* the last weighs 1/8 */

/* What follows a chunk. The CRLF of one that is empty does not go. */
#define TAIL_NONE	ICAP_CRLF
#define TAIL_END	ICAP_CRLF ICAP_END
#define TAIL_IEOF	ICAP_CRLF ICAP_END_IEOF

/* The spool has no more for now. Since when does the body come slowly? */
static void
write_starves(struct icap_attempt *a)
{
	uint64_t now = clock_ms();

	if (a->slow_since == 0 || a->sent - a->slow_at >= PACE) {
		a->slow_since = now;
		a->slow_at = a->sent;
		a->look = now + ICAP_LOOK_EVERY;
	}
	if (a->answered && a->to->hungry != NULL)
		a->to->hungry(a->to_arg);
}

/* Make ready to send n bytes of body, then tail (a TAIL_*). */
static void
piece_set(struct icap_attempt *a, size_t n, const char *tail)
{
	struct icap_piece *p = &a->piece;
	char size[HTTP_CHUNK_MAX];

	if (n > 0)
		text_add(&p->head, size, http_chunk(size, n));
	p->at = a->sent;
	p->left = n;
	p->tail = tail + (n > 0 ? 0 : strlen(ICAP_CRLF));
	p->tail_left = strlen(p->tail);
	a->sent += n;
}

/* The next chunk of the body. False: the spool has none, or was cut off. */
static int
piece_next(struct icap_attempt *a)
{
	struct spool *body = a->input->body;
	uint64_t left = spool_size(body) - a->sent;
	int ended = spool_ended(body);
	size_t n = left < CHUNK ? (size_t)left : CHUNK;

	a->starved = n == 0 && ended == 0;
	if (a->starved) {
		write_starves(a);
		return 0;
	}
	if (n == 0 && ended == -1) {
		icap_attempt_fault(a, ICAP_F_CUT, "the body was cut off");
		return 0;
	}
	text_clear(&a->piece.head);
	a->piece.head_off = 0;
	a->last = ended == 1 && n == left;
	piece_set(a, n, a->last ? TAIL_END : TAIL_NONE);
	return 1;
}

/* Which bytes go next, as a vector; their number, or ERR_* of the spool. */
static int
piece_vector(struct icap_attempt *a, struct iovec v[3], size_t *body)
{
	struct icap_piece *p = &a->piece;
	const uint8_t *at;
	int n = 0, rv;

	*body = 0;
	if (p->head_off < p->head.len) {
		v[n].iov_base = p->head.s + p->head_off;
		v[n++].iov_len = p->head.len - p->head_off;
	}
	if (p->left > 0) {
		if ((rv = spool_at(a->input->body, p->at, &at, body)) != 0)
			return rv;
		if (*body > p->left)
			*body = p->left;
		v[n].iov_base = (void *)(uintptr_t)at;
		v[n++].iov_len = *body;
	}
	if (p->tail_left > 0 && *body == p->left) {
		v[n].iov_base = (void *)(uintptr_t)p->tail;
		v[n++].iov_len = p->tail_left;
	}
	return n;
}

static void
piece_took(struct icap_piece *p, size_t n, size_t body)
{
	size_t k = p->head.len - p->head_off;

	k = n < k ? n : k;
	p->head_off += k;
	n -= k;
	k = n < body ? n : body;
	p->at += k;
	p->left -= k;
	n -= k;
	p->tail += n;
	p->tail_left -= n;
}

/* True when all of it is out. */
static int
piece_write(struct icap_attempt *a)
{
	struct iovec v[3];
	size_t body;
	ssize_t w;
	int n;

	while ((n = piece_vector(a, v, &body)) > 0) {
		if (a->write_broken)
			return 0;
		w = icap_conn_write(a->conn, v, n);
		if (w < 0) {
			if (w != ERR_AGAIN)
				a->write_broken = a->again = 1;
			return 0;
		}
		piece_took(&a->piece, (size_t)w, body);
		a->seen->bytes_out += (uint64_t)w;
		a->t_last = clock_us();
	}
	if (n < 0 && a->in == ICAP_IN_DONE)	/* it has its answer */
		a->write_broken = 1;
	else if (n < 0)
		icap_attempt_fault(a, ICAP_F_SPOOL, err_str(n));
	return n == 0;
}

/*
 * Drop what nobody will want again. Of a monitor's copy that is all that was
 * sent. Otherwise it is nothing before the answer has replaced the message,
 * nothing with a 206, which may end with the rest of the original, and no more
 * than was compared with the answer (F15).
 */
static void
write_forget(struct icap_attempt *a)
{
	uint64_t n = a->sent;

	if (a->input->body == NULL)
		return;
	if (!a->input->monitor) {
		if (!a->answered || a->seen->status == 206 ||
		    !icap_committed(a->to, a->to_arg))
			return;
		if (a->same && a->got < n)
			n = a->got;
	}
	spool_drop(a->input->body, n);
}

/* The piece is out: what comes next? */
static void
write_stepped(struct icap_attempt *a)
{
	write_forget(a);
	if (a->last)
		a->out = ICAP_OUT_DONE;
	else if (a->out == ICAP_OUT_FIRST)
		a->out = a->preview >= 0 ? ICAP_OUT_WAIT : ICAP_OUT_BODY;
}

void
icap_write_more(struct icap_attempt *a)
{
	int i;

	if (!icap_attempt_runs(a))
		return;
	a->conn->ops->flush(a->conn->tp);
	for (i = 0; i < ROUNDS; i++) {
		if (a->out == ICAP_OUT_WAIT || a->out == ICAP_OUT_DONE)
			return;
		if (a->out == ICAP_OUT_BODY && a->piece.tail_left == 0 &&
		    !piece_next(a))
			return;
		if (!piece_write(a))
			return;
		write_stepped(a);
	}
	a->again = 1;
}

/* Bytes of the preview for this server, or -1 for none. */
static int64_t
preview_size(const struct icap_service *s, const struct icap_offer *offer,
    const struct icap_input *in)
{
	int64_t n = s->conf->preview;

	if (n == ICAP_PREVIEW_OFF || in->method == ICAP_OPTIONS)
		return -1;
	if (offer->known) {
		if (offer->preview < 0 || offer->transfer == ICAP_COMPLETE)
			return -1;
		if (n < 0 || offer->preview < n)
			n = offer->preview;
	} else if (n < 0)
		return -1;
	if (in->body == NULL)
		return 0;
	return n > PREVIEW_MAX ? PREVIEW_MAX : n;
}

/* Shall it go whole, if it can? */
static int
preview_whole(struct icap_service *s, const struct icap_offer *offer,
    const struct icap_input *in)
{
	return s->conf->preview == ICAP_PREVIEW_AUTO &&
	    s->conf->allow_204 && (offer->flags & ICAP_OPT_204) != 0 &&
	    in->body != NULL && in->length > offer->preview &&
	    in->length <= WHOLE_MAX && !in->monitor &&
	    offer->transfer != ICAP_IGNORE &&
	    s->went_on[in->method] >= WHOLE_SHARE &&
	    s->small[in->method]++ % WHOLE_ASK != 0;
}

void
icap_preview_learn(struct icap_service *s, enum icap_method m, int went_on)
{
	unsigned now = s->went_on[m];	/* another worker's may be lost: no
					   matter */

	s->went_on[m] = went_on ? now + (256 - now) / LEARN :
	    now - (now + LEARN - 1) / LEARN;
}

uint64_t
icap_preview_wants(struct icap_service *s, const struct icap_input *in,
    int *whole)
{
	struct icap_offer offer = icap_expect(s, in->method,
	    slice_of(in->path.s, in->path.len));
	int64_t n = preview_size(s, &offer, in);

	if (!offer.known && s->conf->options &&
	    s->conf->preview == ICAP_PREVIEW_AUTO)
		n = PREVIEW_GUESS;
	*whole = n >= 0 && preview_whole(s, &offer, in);
	if (*whole)
		n = in->length;
	return n < 0 ? UINT64_MAX : (uint64_t)n;
}

/* The body as far as it goes with the heads. */
static void
write_first_body(struct icap_attempt *a)
{
	uint64_t size = spool_size(a->input->body);
	uint64_t most = a->preview < 0 ? CHUNK : (uint64_t)a->preview;
	size_t n = (size_t)(size < most ? size : most);

	a->last = spool_ended(a->input->body) == 1 && n == size;
	a->ieof = a->last && a->preview >= 0;
	piece_set(a, n, a->ieof ? TAIL_IEOF : a->last || a->preview >= 0 ?
	    TAIL_END : TAIL_NONE);
}

static unsigned
write_allow(const struct icap_attempt *a)
{
	const struct conf_icap *c = a->client->service->conf;
	unsigned allow = 0;

	if (a->input->method == ICAP_OPTIONS)
		return 0;
	if (c->allow_204 && (a->input->body == NULL || a->input->length < 0 ||
	    (uint64_t)a->input->length <= c->max_body))
		allow |= ICAP_ALLOW_204;
	if (c->allow_206 && a->input->body != NULL && !a->input->whole &&
	    (a->offer.flags & ICAP_OPT_206) != 0)
		allow |= ICAP_ALLOW_206;
	return allow;
}

/* The body is here, and goes whole rather than by a preview. */
static int
write_whole(const struct icap_attempt *a)
{
	return a->whole && (a->offer.flags & ICAP_OPT_204) != 0 &&
	    spool_ended(a->input->body) == 1;
}

void
icap_write_start(struct icap_attempt *a)
{
	const struct icap_input *in = a->input;
	char client[ADDR_STRLEN], server[ADDR_STRLEN];
	struct icap_request q = {
		.method = in->method,
		.uri = a->conn->server->conf->url,
		.host = a->conn->server->authority,
		.req_hdr = in->req_head.len,
		.res_hdr = in->res_head.len,
		.body = in->body != NULL,
		.fields = a->client->service->fields.s,
		.more = in->fields.s,
		.close = a->client->service->conf->keep_idle == 0,
	};

	a->preview = preview_size(a->client->service, &a->offer, a->input);
	a->wants = a->preview < 0 ? UINT64_MAX : (uint64_t)a->preview;
	if (a->preview >= 0 && write_whole(a)) {
		a->wants = spool_size(in->body);
		a->preview = -1;
	}
	a->allow = q.allow = write_allow(a);
	q.preview = a->preview;
	if (in->client.sa.sa_family != AF_UNSPEC) {
		q.client_ip = addr_ip_str(&in->client, client);
		q.client_port = addr_port(&in->client);
	}
	if (in->server.sa.sa_family != AF_UNSPEC)
		q.server_ip = addr_ip_str(&in->server, server);
	icap_put_request(&a->piece.head, &q);
	if (q.req_hdr > 0)
		text_add(&a->piece.head, in->req_head.s, q.req_hdr);
	if (q.res_hdr > 0)
		text_add(&a->piece.head, in->res_head.s, q.res_hdr);
	a->last = in->body == NULL;
	if (in->body != NULL)
		write_first_body(a);
}

int
icap_write_rest(struct icap_attempt *a)
{
	uint64_t left = a->piece.left;

	if (a->write_broken)
		return 0;
	if (a->out == ICAP_OUT_BODY) {
		if (spool_ended(a->input->body) != 1)
			return 0;
		left += spool_size(a->input->body) - a->sent;
	}
	if (left > REST)
		return 0;
	if (a->out == ICAP_OUT_FIRST || a->out == ICAP_OUT_BODY)
		icap_write_more(a);
	return (a->out == ICAP_OUT_WAIT || a->out == ICAP_OUT_DONE) &&
	    a->conn->ops->flush(a->conn->tp) == 0;
}
