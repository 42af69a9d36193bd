/*
 * Reading messages out of flows.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/http1_write.h"
#include "http/h1.h"
#include "util/budget.h"
#include "util/err.h"

/* A flow's buffer this full takes no more: what is held must be taken out. */
#define HOLD_MAX	H1_HEAD
/* So much of a response that nobody wants is read to keep its connection. */
#define DRAIN_MAX	(4 * 1024 * 1024)

/* n bytes at the tap's position are taken out. */
static void
h1_remove(struct h1_dir *d, size_t n)
{
	flow_replace(d->flow, d->tap, n, NULL, 0);
}

static size_t
h1_lying(const struct h1_dir *d)
{
	return (size_t)(d->flow->in - d->tap->pos[d->flow->dir]);
}

static int
head_parse(struct h1_dir *d, struct http_text *h, const char *p, size_t len)
{
	int rv;

	h->scanned = d->scanned;
	rv = d->flow->dir == DIR_UP ? http_request(h, p, len) :
	    http_response(h, p, len);
	d->scanned = h->scanned;
	/* Is it, or what there is of it, more than is taken from a peer? */
	if (rv == 0 && h->head.n > H1_FIELDS) {
		h->why = "too many fields";
		return ERR_LIMIT;
	}
	if ((rv == 0 ? h->len : len) > d->limit ||
	    (rv == ERR_SHORT && len == d->limit)) {
		h->why = "the head is too large";
		return ERR_LIMIT;
	}
	return rv;
}

/* One that is too long for the flow: what is here of it is collected. */
static int
head_gather(struct h1_dir *d, struct http_text *h, const uint8_t *data,
    size_t len)
{
	size_t before = d->piece.len, most = 2 * d->limit;
	int rv;

	/* Its copy for the services, too. */
	if (d->charged == 0) {
		if (budget_take(BUDGET_BUFFERS, most, 1) != 0) {
			h->why = "there is no memory for so long a head";
			return ERR_LIMIT;
		}
		d->charged = most;
	}
	text_add(&d->piece, (const char *)data, len);
	rv = head_parse(d, h, d->piece.s, d->piece.len);
	if (rv != 0 && rv != ERR_SHORT)
		return rv;
	h1_remove(d, rv == 0 ? h->len - before : len);
	if (rv != 0)
		return rv;
	message_head(d->m, &h->head, d->piece.s, h->len);
	text_free(&d->piece);
	return 0;
}

/* In the flow, as nearly all are. */
static int
head_find(struct h1_dir *d, struct http_text *h, const uint8_t *data,
    size_t len)
{
	int rv;

	rv = head_parse(d, h, (const char *)data, len);
	if (rv == ERR_SHORT && len >= HOLD_MAX && d->limit > H1_IN_FLOW)
		return head_gather(d, h, data, len);
	if (rv == 0) {
		message_head(d->m, &h->head, (const char *)data, h->len);
		d->wire = d->held = h->len;
	}
	return rv;
}

/* What the connection must know of a request. */
static void
head_request(struct h1 *h1, const struct http_head *h)
{
	text_clear(&h1->asked);
	text_add(&h1->asked, h->method.p, h->method.len);
	h1->closing = h1->ends && !http1_keeps_alive(h);
}

int
h1_head(struct h1 *h1, enum flow_dir dir, const uint8_t *data, size_t len,
    const char **why)
{
	struct h1_dir *d = &h1->dir[dir];
	struct http_text h;
	int rv;

	h.why = NULL;
	rv = d->piece.len > 0 ? head_gather(d, &h, data, len) :
	    head_find(d, &h, data, len);
	if (rv != 0) {
		*why = h.why != NULL ? h.why : "the head is malformed";
		return rv;
	}
	if (dir == DIR_UP)
		head_request(h1, d->m->head);
	http1_body_init(&d->body, &h, slice_of(h1->asked.s, h1->asked.len));
	d->body.trailers = &d->m->trailers;
	d->m->bodied = d->body.kind != HTTP1_NONE;
	d->m->tunnel = d->body.kind == HTTP1_TUNNEL;
	if (http1_body_ended(&d->body))
		message_end(d->m, 1);
	return 0;
}

int
h1_in_head(const struct h1 *h1, enum flow_dir dir)
{
	return h1->dir[dir].piece.len > 0;
}

/* A field as it came, or as the edit of its name has it, once. */
static void
edit_field(const struct http_message *m, const struct http_field *f,
    struct http_edit *edit, size_t n, struct text *out)
{
	const char *end = m->bytes.s + m->bytes.len, *next;
	size_t i;

	for (i = 0; i < n && !slice_is(f->name, edit[i].name); i++)
		;
	if (i == n) {
		next = memchr(f->name.p, '\n', (size_t)(end - f->name.p));
		text_add(out, f->name.p, (size_t)(next + 1 - f->name.p));
	} else if (edit[i].value != NULL) {
		text_printf(out, "%.*s: %s\r\n", SLICE(f->name),
		    edit[i].value);
		edit[i].value = NULL;
	}
}

/* This head goes on in place of the message's. */
static void
head_replace(struct h1_dir *d, const struct text *t)
{
	struct http_message *m = d->m;
	struct http_text h;

	if (t->len == m->bytes.len && memcmp(t->s, m->bytes.s, t->len) == 0)
		return;
	d->scanned = 0;
	head_parse(d, &h, t->s, t->len);
	message_head(m, &h.head, t->s, h.len);
	d->edited = 1;
}

/* The other lines stay as they came, byte for byte. */
void
h1_edit(void *conn, enum flow_dir dir, struct http_edit *edit, size_t n)
{
	struct h1_dir *d = &((struct h1 *)conn)->dir[dir];
	struct http_message *m = d->m;
	struct text t = { 0 };
	size_t i;

	if (m->head->n > 0)	/* what stands before the fields */
		text_add(&t, m->bytes.s, (size_t)(m->head->h[0].name.p -
		    m->bytes.s));
	for (i = 0; i < m->head->n; i++)
		edit_field(m, &m->head->h[i], edit, n, &t);
	text_puts(&t, "\r\n");
	head_replace(d, &t);
	text_free(&t);
}

void
h1_origin_form(struct h1 *h1)
{
	struct h1_dir *d = &h1->dir[DIR_UP];
	struct text t = { 0 };

	if (http1_origin_form(&t, d->m->head) == 0)
		head_replace(d, &t);
	text_free(&t);
}

/* Nothing will come any more: is it whole? */
static void
body_eof(struct h1_dir *d)
{
	if (!d->m->ended && !d->m->cut)
		message_end(d->m, http1_body_eof(&d->body) == 0);
}

/*
 * Look at body bytes. Returns how many belong to the message; stops early
 * when enough is kept for now.
 */
static size_t
body_scan(struct h1_dir *d, const uint8_t *data, size_t len)
{
	struct http_message *m = d->m;
	struct slice in, payload;
	size_t used = 0, n;
	int rv = ERR_SHORT;

	/* Once with nothing left, too: only then the end is told. */
	while (!m->ended && m->bad == NULL && (rv == 1 || used < len)) {
		n = message_window(m, d->mode == H1_HOLD);
		if (n == 0 && used < len)
			break;
		in = slice_of(data + used, n < len - used ? n : len - used);
		n = in.len;
		if ((rv = http1_body_next(&d->body, &in, &payload)) == 1)
			message_data(m, payload);
		else if (rv == 0)
			message_end(m, 1);
		else if (rv != ERR_SHORT)
			m->bad = d->body.why;
		used += n - in.len;
	}
	m->length = d->body.payload;
	if (d->eof && used == len)
		body_eof(d);
	return used;
}

size_t
h1_data(struct h1 *h1, enum flow_dir dir, const uint8_t *data, size_t len)
{
	struct h1_dir *d = &h1->dir[dir];
	size_t n;

	if (len > d->held)
		d->held += body_scan(d, data + d->held, len - d->held);
	if (d->mode == H1_HOLD && d->held >= HOLD_MAX && !d->m->ended)
		d->mode = H1_TAKE;
	n = d->held;
	if (n == 0 || d->mode == H1_HOLD)
		return 0;
	d->held = 0;
	if (d->mode == H1_PASS) {
		d->m->began = 1;
		return n;
	}
	h1_remove(d, n);
	return 0;
}

void
h1_eof(struct h1 *h1, enum flow_dir dir)
{
	struct h1_dir *d = &h1->dir[dir];

	d->eof = 1;
	if (d->m->head != NULL && h1_lying(d) <= d->held)
		body_eof(d);
}

void
h1_discard(struct h1 *h1, enum flow_dir dir)
{
	h1_remove(&h1->dir[dir], h1_lying(&h1->dir[dir]));
}

void
h1_take(void *conn, enum flow_dir dir)
{
	struct h1_dir *d = &((struct h1 *)conn)->dir[dir];

	if (d->mode != H1_HOLD)
		return;
	h1_remove(d, d->held);
	d->held = 0;
	d->mode = H1_TAKE;
}

void
h1_drop(void *conn, enum flow_dir dir)
{
	struct h1_dir *d = &((struct h1 *)conn)->dir[dir];

	if (d->mode == H1_PASS)
		return;
	h1_take(conn, dir);	/* only in the flow something is held */
	d->mode = H1_DROP;
	message_forget(d->m);
}

int
h1_over(const struct h1 *h1, enum flow_dir dir)
{
	const struct h1_dir *d = &h1->dir[dir];

	return (d->m->ended || d->m->cut) && d->held == 0;
}

int
h1_endless(const struct h1 *h1)
{
	const struct h1_dir *d = &h1->dir[DIR_DOWN];

	if (d->m->head == NULL || d->m->ended || d->m->cut)
		return 0;
	return d->body.kind == HTTP1_CLOSE || d->body.kind == HTTP1_TUNNEL ||
	    (d->body.kind == HTTP1_LENGTH ? d->body.left : d->body.payload) >
	    DRAIN_MAX;
}
