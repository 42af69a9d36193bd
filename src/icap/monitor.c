/*
 * Copies of messages for a monitor. Each is an ordinary transaction, but owns
 * all that it needs, and its outcome is ignored. The body is dropped as it is
 * sent.
 */
#include <stdlib.h>

#include "icap/icap.h"
#include "util/mem.h"

struct icap_monitor {
	struct icap_txn	*txn;		/* NULL: it is over */
	struct icap_input input;
	struct text	 req, res, path, fields;
	void		*user;
	void		(*gone)(void *);
	int		 ended;		/* the message; the handle is gone */
};

/* The transaction is over: free all, unless the message goes on. */
static void
monitor_over(struct icap_monitor *m)
{
	icap_cancel(m->txn);
	m->txn = NULL;
	if (!m->ended)
		return;
	spool_free(m->input.body);
	text_free(&m->req);
	text_free(&m->res);
	text_free(&m->path);
	text_free(&m->fields);
	if (m->gone != NULL)
		m->gone(m->user);
	free(m);
}

static void
monitor_answer(void *arg, const struct icap_answer *a)
{
	if (a->outcome == ICAP_VIRGIN || a->outcome == ICAP_FAILED)
		monitor_over(arg);
}

static void
monitor_end(void *arg, int64_t original)
{
	monitor_over(arg);
}

static void
monitor_broken(void *arg, const char *why)
{
	monitor_over(arg);
}

static const struct icap_user monitor_user = {
	.answer = monitor_answer,
	.end = monitor_end,
	.broken = monitor_broken
};

static const struct text *
monitor_text(struct text *to, const struct text *from)
{
	if (from == NULL)
		return NULL;
	text_add(to, from->s, from->len);
	return to;
}

struct icap_monitor *
icap_monitor_start(struct icap_client *client, const struct icap_input *input,
    int body, void *user, void (*gone)(void *))
{
	struct icap_monitor *m = xcalloc(1, sizeof(*m));

	m->user = user;
	m->gone = gone;
	m->input = *input;
	m->input.monitor = 1;
	m->input.log_as = user;
	m->input.req_head = monitor_text(&m->req, input->req_head);
	m->input.res_head = monitor_text(&m->res, input->res_head);
	text_add(&m->path, input->path.p, input->path.len);
	m->input.path = slice_of(m->path.s, m->path.len);
	if (input->fields != NULL) {
		text_puts(&m->fields, input->fields);
		m->input.fields = m->fields.s;
	}
	m->input.body = body ? spool_new(ICAP_MONITOR_MAX) : NULL;
	m->txn = icap_start(client, &m->input, &monitor_user, m);
	return m;
}

void
icap_monitor_add(struct icap_monitor *m, const void *p, size_t n)
{
	if (m->txn == NULL || m->input.body == NULL)
		return;
	if (spool_add(m->input.body, p, n) != 0)
		icap_lost(m->txn);
	else
		icap_more(m->txn);
}

void
icap_monitor_end(struct icap_monitor *m, int whole)
{
	if (m == NULL)
		return;
	m->ended = 1;
	if (m->txn == NULL) {
		monitor_over(m);
		return;
	}
	if (m->input.body == NULL)
		return;
	spool_end(m->input.body, whole);
	icap_more(m->txn);
}
