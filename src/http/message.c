/*
 * Messages in flows.
 */
#include "http/message.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

/* A flow's buffer this full takes no more: what is held must be taken out. */
#define HOLD_MAX	MESSAGE_HEAD

void
message_init(struct message *m, struct flow *flow, struct tap *tap)
{
	memset(m, 0, sizeof(*m));
	m->flow = flow;
	m->tap = tap;
	m->limit = MESSAGE_HEAD;
}

/* A head apart from the flow takes memory of the same budget. */
static int
message_charge(struct message *m, size_t n)
{
	int rv = budget_take(BUDGET_BUFFERS, n, 1);

	if (rv == 0)
		m->charged += n;
	return rv;
}

void
message_reset(struct message *m)
{
	size_t limit = m->limit;
	unsigned eof = m->eof;

	budget_give(BUDGET_BUFFERS, m->charged);
	text_free(&m->head);
	text_free(&m->trailers);
	free(m->http);
	spool_free(m->spool);
	message_init(m, m->flow, m->tap);
	m->limit = limit;
	m->eof = eof;
}

static int
message_parse(struct message *m, struct http1_head *h, const char *p,
    size_t len)
{
	int rv;

	h->scanned = m->scanned;
	rv = m->flow->dir == DIR_UP ? http1_request(h, p, len) :
	    http1_response(h, p, len);
	m->scanned = h->scanned;
	return rv;
}

/* This head, read from these bytes, is the message's. */
static void
message_keep(struct message *m, const struct http1_head *h, const char *p)
{
	free(m->http);
	text_clear(&m->head);
	m->http = http_keep(&h->head, p, h->len, &m->head);
	m->wire = m->held = h->len;
}

/* A head, or what there is of it: is it more than is taken from a peer? */
static int
message_bounded(const struct message *m, struct http1_head *h, int rv,
    size_t len)
{
	if (rv == 0 && h->head.n > MESSAGE_FIELDS) {
		h->why = "too many fields";
		return ERR_LIMIT;
	}
	if ((rv == 0 ? h->len : len) > m->limit ||
	    (rv == ERR_SHORT && len == m->limit)) {
		h->why = "the head is too large";
		return ERR_LIMIT;
	}
	return rv;
}

/* One that is too long for the flow: what is here of it goes to m->head. */
static int
message_gather(struct message *m, struct http1_head *h, const uint8_t *data,
    size_t len)
{
	struct text whole;
	size_t before = m->head.len;
	int rv;

	/* Its copy for the services, too. */
	if (m->charged == 0 && message_charge(m, 2 * m->limit) != 0) {
		h->why = "there is no memory for so long a head";
		return ERR_LIMIT;
	}
	text_add(&m->head, (const char *)data, len);
	rv = message_parse(m, h, m->head.s, m->head.len);
	rv = message_bounded(m, h, rv, m->head.len);
	if (rv != 0 && rv != ERR_SHORT)
		return rv;
	flow_replace(m->flow, m->tap, rv == 0 ? h->len - before : len, NULL,
	    0);
	if (rv != 0)
		return rv;
	whole = m->head;
	memset(&m->head, 0, sizeof(m->head));
	message_keep(m, h, whole.s);
	text_free(&whole);
	m->wire = m->held = 0;
	return 0;
}

/* In the flow, as nearly all are. */
static int
message_find(struct message *m, struct http1_head *h, const uint8_t *data,
    size_t len)
{
	int rv;

	rv = message_parse(m, h, (const char *)data, len);
	rv = message_bounded(m, h, rv, len);
	if (rv == ERR_SHORT && len >= HOLD_MAX)
		return message_gather(m, h, data, len);
	if (rv == 0)
		message_keep(m, h, (const char *)data);
	return rv;
}

int
message_apart(const struct message *m)
{
	return m->http != NULL && m->charged > 0;
}

int
message_head(struct message *m, const uint8_t *data, size_t len,
    struct slice method, const char **why)
{
	struct http1_head h;
	int rv;

	h.why = NULL;
	rv = m->head.len > 0 ? message_gather(m, &h, data, len) :
	    message_find(m, &h, data, len);
	if (rv != 0) {
		*why = h.why != NULL ? h.why : "the head is malformed";
		return rv;
	}
	http1_body_init(&m->body, &h, method);
	m->body.trailers = &m->trailers;
	m->ended = http1_body_ended(&m->body) != 0;
	return 0;
}

/* A field as it came, or as the edit of its name has it, once. */
static void
message_put_field(struct message *m, const struct http_field *f,
    struct message_edit *edit, size_t n, struct text *out)
{
	const char *end = m->head.s + m->head.len, *next;
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

int
message_edit(struct message *m, struct message_edit *edit, size_t n)
{
	struct http1_head h;
	struct text t = { 0 };
	const char *line;
	size_t i;
	int rv = 0, apart = message_apart(m);

	line = memchr(m->http->method.p != NULL ? m->http->method.p :
	    m->head.s, '\n', m->head.len);
	text_add(&t, m->head.s, (size_t)(line + 1 - m->head.s));
	for (i = 0; i < m->http->n; i++)
		message_put_field(m, &m->http->h[i], edit, n, &t);
	text_puts(&t, "\r\n");
	if (t.len == m->head.len && memcmp(t.s, m->head.s, t.len) == 0) {
		text_free(&t);
		return 0;
	}
	if (!apart)
		rv = flow_replace(m->flow, m->tap, m->wire, t.s, t.len);
	if (rv == 0) {
		m->scanned = 0;
		message_parse(m, &h, t.s, t.len);
		message_keep(m, &h, t.s);
	}
	if (apart)
		m->wire = m->held = 0;
	text_free(&t);
	return rv;
}

static void
message_spool(struct message *m, struct slice payload)
{
	if (m->seen != NULL)
		m->seen(m->arg, payload);
	if (m->spool == NULL || m->lost || m->mode == MESSAGE_DROP)
		return;
	if (spool_add(m->spool, payload.p, payload.len) == 0)
		return;
	m->lost = 1;
	spool_cut(m->spool);	/* who reads it must see no end */
}

int
message_over(const struct message *m)
{
	return m->spool != NULL && spool_size(m->spool) > m->max;
}

/* Nothing will come any more: is it whole? */
static void
message_cut(struct message *m)
{
	if (m->ended || m->cut)
		return;
	if (http1_body_eof(&m->body) == 0) {
		m->ended = 1;
		if (m->spool != NULL)
			spool_end(m->spool);
	} else {
		m->cut = 1;
		if (m->spool != NULL)
			spool_cut(m->spool);
	}
}

/* How many bytes may be looked at now. */
static size_t
message_window(const struct message *m)
{
	uint64_t size;

	if (m->spool == NULL || m->mode == MESSAGE_DROP)
		return SIZE_MAX;
	size = spool_size(m->spool);
	if (size > m->max)
		return 0;
	if (m->mode != MESSAGE_HOLD)
		return SIZE_MAX;
	return size < m->wants ? (size_t)(m->wants - size) : 0;
}

/*
 * Look at body bytes. Returns how many belong to the message; stops early
 * when holding and enough is in the spool.
 */
static size_t
message_scan(struct message *m, const uint8_t *data, size_t len)
{
	struct slice in, payload;
	size_t used = 0, n;
	int rv = ERR_SHORT;

	/* Once with nothing left, too: only then the end is told. */
	while (!m->ended && m->bad == NULL && (rv == 1 || used < len)) {
		if ((n = message_window(m)) == 0 && used < len)
			break;
		in = slice_of(data + used, n < len - used ? n : len - used);
		n = in.len;
		if ((rv = http1_body_next(&m->body, &in, &payload)) == 1)
			message_spool(m, payload);
		else if (rv == 0)
			m->ended = 1;
		else if (rv != ERR_SHORT)
			m->bad = m->body.why;
		used += n - in.len;
	}
	if (m->ended && m->spool != NULL)
		spool_end(m->spool);
	else if (m->eof && used == len)
		message_cut(m);
	return used;
}

/* The same as http1_body_follow, for somebody who looks at it. */
static size_t
message_show(struct message *m, const uint8_t *data, size_t len)
{
	struct slice in = slice_of(data, len), payload;
	int rv = 1;

	while (rv == 1)		/* the end is told behind the last byte */
		if ((rv = http1_body_next(&m->body, &in, &payload)) == 1)
			m->seen(m->arg, payload);
	if (rv == 0)
		m->ended = 1;
	else if (rv != ERR_SHORT)
		m->bad = m->body.why;
	return len - in.len;
}

static size_t
message_let(struct message *m, const uint8_t *data, size_t len)
{
	size_t used, n = m->held - m->passed;
	int rv;

	if (n > 0) {		/* looked at before */
		n = n < len ? n : len;
		m->passed += n;
		return n;
	}
	if (m->ended)
		return 0;
	if (m->bad != NULL)
		return len;	/* not ours to judge any more */
	if (m->seen != NULL)
		return message_show(m, data, len);
	used = 0;
	rv = http1_body_follow(&m->body, (const char *)data, len, &used);
	if (rv == 0)
		m->ended = 1;
	else if (rv != ERR_SHORT)
		m->bad = m->body.why;
	return used;
}

size_t
message_data(struct message *m, const uint8_t *data, size_t len)
{
	size_t n;

	if (m->mode == MESSAGE_PASS)
		return message_let(m, data, len);
	if (len > m->held)
		m->held += message_scan(m, data + m->held, len - m->held);
	if (m->mode == MESSAGE_HOLD && m->held >= HOLD_MAX && !m->ended)
		m->mode = MESSAGE_TAKE;
	if (m->mode != MESSAGE_HOLD && m->held > 0) {
		n = m->held;
		m->held = 0;
		flow_replace(m->flow, m->tap, n, NULL, 0);
	}
	return 0;
}

void
message_pass(struct message *m)
{
	m->mode = MESSAGE_PASS;
	spool_free(m->spool);
	m->spool = NULL;
}

static void
message_out(struct message *m, enum message_mode mode)
{
	if (m->mode == MESSAGE_HOLD && m->held > 0)
		flow_replace(m->flow, m->tap, m->held, NULL, 0);
	m->held = 0;
	m->mode = mode;
}

void
message_take(struct message *m)
{
	if (m->mode == MESSAGE_HOLD)
		message_out(m, MESSAGE_TAKE);
}

void
message_drop(struct message *m)
{
	if (m->mode != MESSAGE_PASS)
		message_out(m, MESSAGE_DROP);
}

void
message_discard(struct message *m)
{
	flow_replace(m->flow, m->tap, (size_t)(m->flow->in -
	    m->tap->pos[m->flow->dir]), NULL, 0);
}

void
message_eof(struct message *m)
{
	size_t there = (size_t)(m->flow->in - m->tap->pos[m->flow->dir]);

	m->eof = 1;
	if (m->http != NULL && there <= (m->mode == MESSAGE_PASS ? 0 :
	    m->held))
		message_cut(m);
}
