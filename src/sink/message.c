/*
 * Messages in flows.
 */
#include "sink/message.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

/* A flow's buffer this full takes no more: what is held must be taken out. */
#define HOLD_MAX	(POOL_BUF - 8 * 1024)

void
message_init(struct message *m, struct flow *flow, struct tap *tap)
{
	memset(m, 0, sizeof(*m));
	m->flow = flow;
	m->tap = tap;
}

void
message_reset(struct message *m)
{
	unsigned eof = m->eof;

	text_free(&m->head);
	free(m->http);
	spool_free(m->spool);
	message_init(m, m->flow, m->tap);
	m->eof = eof;
}

static int
message_parse(struct http1_head *h, enum flow_dir dir, const char *p,
    size_t len)
{
	memset(h, 0, sizeof(*h));
	return dir == DIR_UP ? http1_request(h, p, len) :
	    http1_response(h, p, len);
}

int
message_head(struct message *m, const uint8_t *data, size_t len,
    struct slice method, const char **why)
{
	struct http1_head h;
	int rv;

	rv = message_parse(&h, m->flow->dir, (const char *)data, len);
	if (rv == ERR_SHORT && len >= HOLD_MAX)
		rv = ERR_LIMIT;
	if (rv != 0) {
		*why = h.why != NULL ? h.why : "the head is too large";
		return rv;
	}
	text_clear(&m->head);
	text_add(&m->head, (const char *)data, h.len);
	m->wire = h.len;
	m->http = xcalloc(1, sizeof(*m->http));
	message_parse(m->http, m->flow->dir, m->head.s, m->head.len);
	http1_body_init(&m->body, m->http,
	    m->http->response ? method : m->http->method);
	m->ended = http1_body_ended(&m->body) != 0;
	m->held = h.len;
	return 0;
}

static int
message_strips(struct slice name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (slice_is(name, *names))
			return 1;
	return 0;
}

int
message_strip(struct message *m, const char *const *names)
{
	struct http1_head *h = m->http;
	struct text t = { 0 };
	const char *line, *next, *end = m->head.s + m->head.len;
	size_t i;
	int rv = 0;

	line = memchr(m->head.s, '\n', m->head.len);
	line++;
	text_add(&t, m->head.s, (size_t)(line - m->head.s));
	for (i = 0; i < h->n; i++) {
		if (message_strips(h->h[i].name, names))
			continue;
		line = h->h[i].name.p;
		next = memchr(line, '\n', (size_t)(end - line));
		text_add(&t, line, (size_t)(next + 1 - line));
	}
	text_puts(&t, "\r\n");
	if (t.len != m->head.len) {
		rv = flow_replace(m->flow, m->tap, m->wire, t.s, t.len);
		m->wire = m->held = t.len;
		text_free(&m->head);
		m->head = t;
		message_parse(h, m->flow->dir, m->head.s, m->head.len);
	} else {
		text_free(&t);
	}
	return rv;
}

static void
message_spool(struct message *m, struct slice payload)
{
	if (m->seen != NULL)
		m->seen(m->arg, payload);
	if (m->spool == NULL || m->lost || m->mode == MESSAGE_DROP)
		return;
	if (spool_add(m->spool, payload.p, payload.len) != 0)
		m->lost = 1;
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
	return m->bad != NULL ? len : len - in.len;
}

static size_t
message_let(struct message *m, const uint8_t *data, size_t len)
{
	size_t used, n = m->held - m->passed;

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
	if (http1_body_follow(&m->body, (const char *)data, len, &used) == 0)
		m->ended = 1;
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
