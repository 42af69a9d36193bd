/*
 * Copies for a monitor: transactions that own all they need and end by
 * themselves. What they are shown is dropped as it is sent; what comes back
 * is read, counted, logged, and forgotten.
 */
#include <stdlib.h>
#include <string.h>

#include "icap/own.h"
#include "util/mem.h"

struct icap_copy {
	TAILQ_ENTRY(icap_copy) link;
	struct icap_seat *seat;
	struct icap_txn	*txn;
	struct icap_job	 job;
	struct text	 req, res, path, fields;
	char		*user_name;
	void		*user;
	void		(*gone)(void *);
	int		 over;		/* the transaction */
	int		 ended;		/* the message; the handle is gone */
};

static void
copy_free(struct icap_copy *c)
{
	TAILQ_REMOVE(&c->seat->copies, c, link);
	icap_cancel(c->txn);
	spool_free(c->job.body);
	text_free(&c->req);
	text_free(&c->res);
	text_free(&c->path);
	text_free(&c->fields);
	free(c->user_name);
	if (c->gone != NULL)
		c->gone(c->user);
	free(c);
}

/* The transaction is over: done with all, or only with it. */
static void
copy_over(struct icap_copy *c)
{
	c->over = 1;
	if (c->ended) {
		copy_free(c);
		return;
	}
	icap_cancel(c->txn);
	c->txn = NULL;
}

static void
copy_more(void *arg)
{
}

static void
copy_answer(void *arg, const struct icap_answer *a)
{
	if (a->outcome == ICAP_VIRGIN || a->outcome == ICAP_FAILED)
		copy_over(arg);
}

static size_t
copy_body(void *arg, const uint8_t *p, size_t len)
{
	return len;
}

static void
copy_end(void *arg, int64_t original)
{
	copy_over(arg);
}

static void
copy_broken(void *arg, const char *why)
{
	copy_over(arg);
}

static const struct icap_user copy_user = {
	.more = copy_more,
	.answer = copy_answer,
	.body = copy_body,
	.end = copy_end,
	.broken = copy_broken
};

static const struct text *
copy_text(struct text *to, const struct text *from)
{
	if (from == NULL)
		return NULL;
	text_add(to, from->s, from->len);
	return to;
}

struct icap_copy *
icap_copy_start(struct icap_seat *seat, const struct icap_job *job, int body,
    void *user, void (*gone)(void *))
{
	struct icap_copy *c = xcalloc(1, sizeof(*c));

	c->seat = seat;
	c->user = user;
	c->gone = gone;
	c->job = *job;
	c->job.copy = 1;
	c->job.req_head = copy_text(&c->req, job->req_head);
	c->job.res_head = copy_text(&c->res, job->res_head);
	text_add(&c->path, job->path.p, job->path.len);
	c->job.path = slice_of(c->path.s, c->path.len);
	if (job->user != NULL)
		c->job.user = c->user_name = xstrdup(job->user);
	if (job->fields != NULL) {
		text_puts(&c->fields, job->fields);
		c->job.fields = c->fields.s;
	}
	c->job.body = body ? spool_new(ICAP_COPY_MAX) : NULL;
	TAILQ_INSERT_TAIL(&seat->copies, c, link);
	c->txn = icap_start(seat, &c->job, &copy_user, c);
	return c;
}

void
icap_copy_add(struct icap_copy *c, const void *p, size_t n)
{
	if (c->over || c->job.body == NULL)
		return;
	if (spool_add(c->job.body, p, n) != 0)
		icap_txn_lost(c->txn);
	else
		icap_more(c->txn);
}

void
icap_copy_end(struct icap_copy *c, int whole)
{
	if (c == NULL)
		return;
	c->ended = 1;
	if (c->over) {
		copy_free(c);
		return;
	}
	if (c->job.body == NULL)
		return;
	if (whole)
		spool_end(c->job.body);
	else
		spool_cut(c->job.body);
	icap_more(c->txn);
}

void *
icap_copy_user(struct icap_copy *c)
{
	return c->user;
}

/* The worker ends: what is not over will not be. */
void
icap_copies_stop(struct icap_seat *seat)
{
	while (!TAILQ_EMPTY(&seat->copies))
		copy_free(TAILQ_FIRST(&seat->copies));
}
