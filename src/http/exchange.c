/*
 * Where an exchange stands, and its two ways to end early: a page of ours, or
 * cut off.
 */
#include "http/exchange.h"

#include <stdlib.h>

#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

/* What each state may become. */
#define TO(state)	(1u << EXCHANGE_##state)
static const unsigned next[] = {
	[EXCHANGE_HEAD] = TO(HELD) | TO(GOING) | TO(ANSWERED) | TO(DONE) |
	    TO(BROKEN),
	[EXCHANGE_HELD] = TO(GOING) | TO(ANSWERED) | TO(BROKEN),
	/* HEAD: it was interim. HELD: it was begun and could be taken back. */
	[EXCHANGE_GOING] = TO(HEAD) | TO(HELD) | TO(ANSWERED) | TO(DONE) |
	    TO(BROKEN),
	[EXCHANGE_ANSWERED] = TO(HEAD) | TO(HELD) | TO(DONE) | TO(BROKEN),
	[EXCHANGE_DONE] = TO(HEAD) | TO(BROKEN),
	[EXCHANGE_BROKEN] = TO(BROKEN)
};

static const char *const names[] = { "awaited", "held", "going on",
    "answered otherwise", "done", "broken" };
static const char *const what[] = { "request", "response" };

/* Why an exchange is broken that was to change as it cannot. */
static const char overtakes[] = "an answer ahead of its request";
static const char *const turn[] = { "a request out of turn",
    "a response out of turn" };

/* The request has not been let go, so there can be no response to it. */
static int
is_unasked(const struct exchange *x, enum flow_dir dir, enum exchange_state to)
{
	return dir == DIR_DOWN &&
	    (to == EXCHANGE_HELD || to == EXCHANGE_GOING) &&
	    x->state[DIR_UP] != EXCHANGE_GOING &&
	    x->state[DIR_UP] != EXCHANGE_DONE;
}

int
exchange_set(struct exchange *x, enum flow_dir dir, enum exchange_state to)
{
	enum exchange_state from = x->state[dir];

	if (to == from)
		return 0;
	if ((next[from] & 1u << to) != 0 && !is_unasked(x, dir, to)) {
		x->state[dir] = to;
		return 0;
	}
	if (from != EXCHANGE_BROKEN)
		log_warn("session %llu: HTTP exchange %u is cut off: the %s "
		    "was %s, the request %s, and then the %s was to be %s",
		    (unsigned long long)x->session, x->record.number,
		    what[dir], names[from], names[x->state[DIR_UP]], what[dir],
		    names[to]);
	exchange_break(x, is_unasked(x, dir, to) ? overtakes : turn[dir]);
	return ERR_DENIED;
}

int
exchange_done(const struct exchange *x)
{
	return x->state[DIR_UP] == EXCHANGE_DONE &&
	    x->state[DIR_DOWN] == EXCHANGE_DONE;
}

int
exchange_is_broken(const struct exchange *x)
{
	return x->state[DIR_UP] == EXCHANGE_BROKEN;
}

void
exchange_break(struct exchange *x, const char *why)
{
	if (exchange_is_broken(x))
		return;
	x->state[DIR_UP] = x->state[DIR_DOWN] = EXCHANGE_BROKEN;
	x->record.why = why;
	x->user->broken(x->arg, why);
}

void
exchange_refuse(struct exchange *x, int status, const char *why)
{
	exchange_refuse_so(x, status, why, why);
}

void
exchange_refuse_so(struct exchange *x, int status, const char *why,
    const char *words)
{
	struct page p = x->page;
	char *named, *page;
	size_t len;

	named = xasprintf("transaction %llu.%u", (unsigned long long)x->session,
	    x->record.number);		/* the event log's "reference" */
	p.kind = page_kind_of(status);
	p.status = status;
	p.reason = words;
	p.reference = named;
	p.request = x->msg[DIR_UP].head;
	page = page_make(&p, &len);
	exchange_answer(x, status, why, page, len);
	free(named);
	free(page);
}

void
exchange_answer(struct exchange *x, int status, const char *why,
    const char *text, size_t len)
{
	if (exchange_is_broken(x))
		return;
	if (x->msg[DIR_DOWN].began) {
		exchange_break(x, why);
		return;
	}
	x->user->silence(x->arg);
	x->codec->revoke(x->conn, DIR_UP);
	x->codec->revoke(x->conn, DIR_DOWN);
	http_record_replaced(&x->record, HTTP_BY_US, status);
	x->record.length[DIR_DOWN] = x->codec->page(x->conn, text, len);
	if (x->record.why == NULL)
		x->record.why = why;
	if (x->state[DIR_UP] != EXCHANGE_DONE)
		exchange_set(x, DIR_UP, EXCHANGE_ANSWERED);
	exchange_set(x, DIR_DOWN, EXCHANGE_ANSWERED);
	x->codec->drop(x->conn, DIR_UP);
	x->user->wake(x->arg);
}

void
exchange_again(struct exchange *x, enum flow_dir dir)
{
	message_reset(&x->msg[dir]);
	x->codec->again(x->conn, dir);
	exchange_set(x, dir, EXCHANGE_HEAD);
}

void
exchange_next(struct exchange *x)
{
	http_record_next(&x->record);
	exchange_again(x, DIR_UP);
	exchange_again(x, DIR_DOWN);
}

void
exchange_free(struct exchange *x)
{
	http_record_free(&x->record);
	message_reset(&x->msg[DIR_UP]);
	message_reset(&x->msg[DIR_DOWN]);
}
