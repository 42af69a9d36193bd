/*
 * What becomes of the head of every message, in any version of HTTP: a request
 * is judged by its own name, and what is known of the exchange is recorded for
 * the event log.
 */
#include <stdlib.h>
#include <time.h>

#include "adapt/adapt.h"
#include "util/clock.h"

/* Judge the request by its own name. 1: it may go on. */
static int
head_judge(struct adaptation *a)
{
	const struct plan *p = a->plan;
	struct judgement j;

	p->host.judge(p->host.session, a->x.msg[DIR_UP].head, &j);
	if (j.status == 0)
		return 1;
	free(a->refusal);
	a->x.record.why = a->refusal = j.why;
	if (j.rule != NULL)
		a->x.page.rule = j.rule;
	if (j.status > 0)
		exchange_refuse(&a->x, j.status, j.why);
	else
		exchange_break(&a->x, j.why);
	return 0;
}

int
head_request(struct adaptation *a)
{
	struct timespec now;
	size_t k;

	if (a->plan->judged)
		content_one_host(a);
	now = clock_wall();
	http_record_request(&a->x.record, a->x.msg[DIR_UP].head, &now);
	for (k = 0; k < a->plan->nrow; k++)
		text_clear(&a->echo[k]);
	return (!a->plan->judged || head_judge(a)) && !content_connects(a);
}

int
head_response(struct adaptation *a)
{
	const struct http_head *h = a->x.msg[DIR_DOWN].head;
	struct timespec now;

	if (!content_may_switch(a)) {
		exchange_refuse(&a->x, 502, "the server switched protocols "
		    "unasked");
		return 0;
	}
	if (h->status >= 200 || h->status == 101) {
		now = clock_wall();
		http_record_response(&a->x.record, h, &now);
	}
	return 1;
}

void
head_over(struct adaptation *a)
{
	struct exchange *x = &a->x;
	struct http_record *r = &x->record;
	uint64_t came = x->msg[DIR_DOWN].length;

	/* A request that cannot be read has no method, but an answer. */
	if ((r->method == NULL && r->by == NULL) ||
	    a->plan->env->ended == NULL)
		return;
	r->end = clock_wall();
	if (r->start.tv_sec == 0)
		r->start = r->end;
	r->length[DIR_UP] = x->msg[DIR_UP].length;
	r->trickled = trickle_length(&a->trickle);
	if (r->by != NULL)
		r->origin.length = came;
	else if (trickle_alone(&a->trickle))
		r->length[DIR_DOWN] = r->trickled;
	else
		r->length[DIR_DOWN] = a->part.on ? a->part.end -
		    a->part.first : came;
	a->plan->env->ended(a->plan->env->arg, a->plan->rec, r);
}
