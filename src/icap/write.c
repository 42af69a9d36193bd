/*
 * The writer of a transaction: the ICAP head, the HTTP heads and the preview
 * in one write, then the rest in chunks as the spool has it. What a write
 * that fails means is the reader's to find out: there may be an answer.
 */
#include "icap/own.h"
#include "util/clock.h"
#include "util/err.h"

#define CHUNK	65536
#define ROUNDS	32		/* chunks in one turn */
#define REST	65536		/* of a body that is ended for good manners */

static const char tail_crlf[] = ICAP_CRLF;
static const char tail_end[] = ICAP_CRLF ICAP_END;
static const char tail_ieof[] = ICAP_CRLF ICAP_END_IEOF;

/* Make ready to send n bytes of body, then tail (the CRLF of the chunk first,
 * which goes when there is none). */
static void
piece_set(struct icap_txn *t, size_t n, const char *tail, size_t tail_len)
{
	struct icap_piece *p = &t->piece;
	char size[HTTP1_CHUNK_MAX];

	if (n > 0)
		text_add(&p->head, size, http1_chunk(size, n));
	p->at = t->sent;
	p->left = n;
	p->tail = tail + (n > 0 ? 0 : 2);
	p->tail_left = tail_len - (n > 0 ? 0 : 2);
	t->sent += n;
}

/* The next chunk of the body. False: the spool has none, or was cut off. */
static int
piece_next(struct icap_txn *t)
{
	struct spool *body = t->job.body;
	uint64_t left = spool_size(body) - t->sent;
	int ended = spool_ended(body);
	size_t n = left < CHUNK ? (size_t)left : CHUNK;

	t->starved = n == 0 && ended == 0;
	if (t->starved) {
		icap_starve_begin(t);
		if (t->answered && t->user->hungry != NULL)
			t->user->hungry(t->arg);
		return 0;
	}
	if (n == 0 && ended == -1) {
		icap_txn_fail(t, ICAP_F_CUT, "the body was cut off");
		return 0;
	}
	text_clear(&t->piece.head);
	t->piece.head_off = 0;
	t->last = ended == 1 && n == left;
	if (t->last)
		piece_set(t, n, tail_end, sizeof(tail_end) - 1);
	else
		piece_set(t, n, tail_crlf, sizeof(tail_crlf) - 1);
	return 1;
}

/* Which bytes go next, as a vector; their number, or ERR_* of the spool. */
static int
piece_vector(struct icap_txn *t, struct iovec v[3], size_t *body)
{
	struct icap_piece *p = &t->piece;
	const uint8_t *at;
	int n = 0, rv;

	*body = 0;
	if (p->head_off < p->head.len) {
		v[n].iov_base = p->head.s + p->head_off;
		v[n++].iov_len = p->head.len - p->head_off;
	}
	if (p->left > 0) {
		if ((rv = spool_at(t->job.body, p->at, &at, body)) != 0)
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
piece_write(struct icap_txn *t)
{
	struct iovec v[3];
	size_t body;
	ssize_t w;
	int n;

	while ((n = piece_vector(t, v, &body)) > 0) {
		if (t->write_broken)
			return 0;
		w = icap_conn_write(t->conn, v, n);
		if (w < 0) {
			if (w != ERR_AGAIN) {
				t->write_broken = 1;
				icap_txn_kick(t);
			}
			return 0;
		}
		piece_took(&t->piece, (size_t)w, body);
		t->bytes_out += (uint64_t)w;
		t->t_last = clock_us();
	}
	if (n < 0 && t->in == ICAP_IN_DONE)	/* for good manners only */
		t->write_broken = 1;
	else if (n < 0)
		icap_txn_fail(t, ICAP_F_SPOOL, "spool: %s", err_str(n));
	return n == 0;
}

/*
 * What nobody will want again: of a copy, all that was sent. Else once the
 * answer is another message in its place: not the original's rest (206), and
 * (F15) no more than was compared with it.
 */
static void
write_forget(struct icap_txn *t)
{
	uint64_t n = t->sent;

	if (t->job.body == NULL || (!t->job.copy && (!t->answered ||
	    t->status == 206 || (t->user != NULL &&
	    t->user->committed != NULL && !t->user->committed(t->arg)))))
		return;
	if (!t->job.copy && t->same && t->got < n)
		n = t->got;
	spool_drop(t->job.body, n);
}

/* The piece is out: what does that make of the writer? */
static void
write_stepped(struct icap_txn *t)
{
	write_forget(t);
	if (t->last)
		t->out = ICAP_OUT_DONE;
	else if (t->out == ICAP_OUT_FIRST)
		t->out = t->preview >= 0 ? ICAP_OUT_WAIT : ICAP_OUT_BODY;
}

void
icap_write_more(struct icap_txn *t)
{
	int i;

	if (!icap_txn_runs(t))
		return;
	t->conn->ops->flush(t->conn->tp);
	for (i = 0; i < ROUNDS; i++) {
		if (t->out == ICAP_OUT_WAIT || t->out == ICAP_OUT_DONE)
			return;
		if (t->out == ICAP_OUT_BODY && t->piece.tail_left == 0 &&
		    !piece_next(t))
			return;
		if (!piece_write(t))
			return;
		write_stepped(t);
	}
	icap_txn_kick(t);
}

/* The body as far as it goes with the heads. */
static void
write_first_body(struct icap_txn *t)
{
	uint64_t size = spool_size(t->job.body);
	int ended = spool_ended(t->job.body) == 1;
	size_t n;

	if (t->preview < 0) {
		n = size < CHUNK ? (size_t)size : CHUNK;
		t->last = ended && n == size;
		if (t->last)
			piece_set(t, n, tail_end, sizeof(tail_end) - 1);
		else if (n > 0)
			piece_set(t, n, tail_crlf, sizeof(tail_crlf) - 1);
		return;
	}
	n = size < (uint64_t)t->preview ? (size_t)size : (size_t)t->preview;
	t->last = t->ieof = ended && n == size;
	if (t->ieof)
		piece_set(t, n, tail_ieof, sizeof(tail_ieof) - 1);
	else
		piece_set(t, n, tail_end, sizeof(tail_end) - 1);
}

/* The fields of this transaction, in the seat's text. */
static const char *
write_fields(struct icap_txn *t)
{
	struct text *f = &t->seat->fields;

	text_clear(f);
	text_add(f, t->seat->service->fields.s, t->seat->service->fields.len);
	if (t->job.user != NULL)
		icap_field_base64(f, "X-Authenticated-User",
		    slice_of(t->job.user, strlen(t->job.user)));
	if (t->job.fields != NULL)
		text_puts(f, t->job.fields);
	return f->len > 0 ? f->s : NULL;
}

static unsigned
write_allow(const struct icap_txn *t)
{
	const struct conf_icap *c = t->seat->service->conf;
	unsigned allow = 0;

	if (c->allow_204 && (t->job.body == NULL || t->job.length < 0 ||
	    (uint64_t)t->job.length <= c->max_body))
		allow |= ICAP_ALLOW_204;
	if (c->allow_206 && t->job.body != NULL && !t->job.whole &&
	    t->known != NULL &&
	    (t->known->o.flags & ICAP_OPT_206) != 0)
		allow |= ICAP_ALLOW_206;
	return allow;
}

void
icap_write_start(struct icap_txn *t)
{
	char client[ADDR_STRLEN], server[ADDR_STRLEN];
	struct icap_request q = {
		.method = t->job.method,
		.uri = t->server->url,
		.host = t->server->authority,
		.req_hdr = t->job.req_head != NULL ? t->job.req_head->len : 0,
		.res_hdr = t->job.res_head != NULL ? t->job.res_head->len : 0,
		.body = t->job.body != NULL,
		.close = t->seat->service->conf->keep_idle == 0,
	};

	t->preview = icap_txn_preview(t, t->known);
	t->wants = t->preview < 0 ? UINT64_MAX : (uint64_t)t->preview;
	if (t->preview >= 0 && icap_txn_whole(t)) {
		t->wants = spool_size(t->job.body);
		t->preview = -1;
	}
	t->allow = q.allow = write_allow(t);
	q.preview = t->preview;
	if (t->job.client.sa.sa_family != AF_UNSPEC) {
		q.client_ip = addr_ip_str(&t->job.client, client);
		q.client_port = addr_port(&t->job.client);
	}
	if (t->job.server.sa.sa_family != AF_UNSPEC)
		q.server_ip = addr_ip_str(&t->job.server, server);
	q.fields = write_fields(t);
	text_clear(&t->piece.head);
	t->piece.head_off = t->piece.left = t->piece.tail_left = 0;
	icap_put_request(&t->piece.head, &q);
	if (q.req_hdr > 0)
		text_add(&t->piece.head, t->job.req_head->s, q.req_hdr);
	if (q.res_hdr > 0)
		text_add(&t->piece.head, t->job.res_head->s, q.res_hdr);
	t->out = ICAP_OUT_FIRST;
	t->sent = 0;
	t->ieof = t->went_on = t->starved = t->write_broken = 0;
	t->last = t->job.body == NULL;
	if (t->job.body != NULL)
		write_first_body(t);
}

int
icap_write_rest(struct icap_txn *t)
{
	uint64_t left = t->piece.left;

	if (t->write_broken)
		return 0;
	if (t->out == ICAP_OUT_BODY) {
		if (spool_ended(t->job.body) != 1)
			return 0;
		left += spool_size(t->job.body) - t->sent;
	}
	if (left > REST)
		return 0;
	if (t->out == ICAP_OUT_FIRST || t->out == ICAP_OUT_BODY)
		icap_write_more(t);
	return (t->out == ICAP_OUT_WAIT || t->out == ICAP_OUT_DONE) &&
	    t->conn->ops->flush(t->conn->tp) == 0;
}
