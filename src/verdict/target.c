/*
 * Queues and tries.
 */
#include "verdict/target.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define FIRST_MS	1000	/* after a failure; then twice as long */
#define LONGEST_MS	60000

static const char *const results[TARGET_RESULTS] = { "sent", "retried",
    "refused", "skipped", "given-up", "dropped", "merged" };

const char *
target_result_str(enum target_result r)
{
	return results[r];
}

/* The next try, unless one is under way or has its time. */
static void
step_soon(struct target *t)
{
	if (t->first != NULL && t->flying == 0 && t->next == 0)
		event_active(&t->step, EV_TIMEOUT, 0);
}

static void
step(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;

	if (t->flying > 0)
		return;
	t->next = 0;
	if (t->first == NULL)
		return;
	t->flying = 1;
	t->carrier->go(t);
}

int
target_new(struct event_base *base, struct names *names,
    const struct conf_target *conf, const struct carrier *carrier,
    target_tell told, void *arg, struct target **out, struct text *why)
{
	struct target *t = xcalloc(1, sizeof(*t));
	struct text said = { 0 };
	int rv;

	t->conf = conf;
	t->carrier = carrier;
	t->base = base;
	t->names = names;
	t->told = told;
	t->arg = arg;
	t->last = &t->first;
	evtimer_assign(&t->step, base, step, t);
	if ((rv = t->carrier->open(t, &said)) != 0) {
		text_printf(why, "notify %s: %s", conf->name, said.s);
		free(t);
		t = NULL;
	}
	text_free(&said);
	*out = t;
	return rv;
}

static struct notice *
take_first(struct target *t)
{
	struct waiting *w = t->first;
	struct notice *n = w->notice;

	t->first = w->next;
	if (t->first == NULL)
		t->last = &t->first;
	t->queued--;
	t->changes++;
	free(w);
	return n;
}

void
target_free(struct target *t)
{
	if (t == NULL)
		return;
	t->carrier->close(t);
	event_del(&t->step);
	while (t->first != NULL)
		notice_unref(take_first(t));
	free(t->problem);
	free(t);
}

static void
tell(struct target *t, const struct notice *n, enum target_result r,
    unsigned tries, const char *said)
{
	struct target_told told = { t, n, r, tries, said };

	t->counts[r]++;
	t->told(t->arg, &told);
}

int
target_wants(const struct target *t, const struct notice *n)
{
	const char *profile = notice_text(n, "profile");
	size_t i;

	if (!(t->conf->events & 1u << n->kind) && n->kind != NOTICE_TEST)
		return 0;
	if (n->kind > NOTICE_REFUSED || t->conf->profiles.n == 0)
		return 1;
	for (i = 0; i < t->conf->profiles.n; i++)
		if (profile != NULL &&
		    strcmp(t->conf->profiles.v[i], profile) == 0)
			return 1;
	return 0;
}

/* A longer end takes the place of one that is not told yet. */
static int
merge(struct target *t, struct notice *n)
{
	struct waiting *w;
	unsigned i = 0;

	for (w = t->first; w != NULL && conf_notice_is(n->kind,
	    NOTICE_IS_LONGER); w = w->next)
		if (i++ >= t->flying && w->notice->kind == n->kind &&
		    w->notice->id == n->id) {
			tell(t, w->notice, TARGET_MERGED, w->tries, "");
			notice_unref(w->notice);
			w->notice = notice_ref(n);
			t->changes++;
			return 1;
		}
	return 0;
}

/* What undoes something has a place where verdicts have none any more. */
static int
is_full(const struct target *t, const struct notice *n)
{
	return t->queued >= t->conf->queue * (conf_notice_is(n->kind,
	    NOTICE_IS_CASE) ? 2 : 1);
}

void
target_add(struct target *t, struct notice *n)
{
	struct waiting *w;

	if (merge(t, n))
		return;
	if (is_full(t, n)) {
		tell(t, n, TARGET_DROPPED, 0, "its queue is full");
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->notice = notice_ref(n);
	*t->last = w;
	t->last = &w->next;
	t->queued++;
	t->changes++;
	step_soon(t);
}

void
target_drop(struct target *t, const char *why)
{
	struct notice *n;

	while (t->first != NULL) {
		n = take_first(t);
		tell(t, n, TARGET_DROPPED, 0, why);
		notice_unref(n);
	}
}

void
target_inherit(struct target *t, struct target *from)
{
	memcpy(t->counts, from->counts, sizeof(t->counts));
	t->changes = from->changes + 1;
	if (from->first == NULL)
		return;
	*t->last = from->first;
	t->last = from->last;
	t->queued += from->queued;
	from->first = NULL;
	from->last = &from->first;
	from->queued = 0;
	step_soon(t);
}

const struct notice *
target_notice(const struct target *t, unsigned i)
{
	const struct waiting *w = t->first;

	for (; w != NULL && i > 0; i--)
		w = w->next;
	return w != NULL ? w->notice : NULL;
}

static void
wait(struct target *t)
{
	unsigned shift = t->fails < 7 ? t->fails - 1 : 6;
	uint64_t ms = (uint64_t)FIRST_MS << shift;
	struct timeval tv;

	if (ms > LONGEST_MS)
		ms = LONGEST_MS;
	tv = clock_timeval(ms);
	t->next = clock_ms() + ms;
	evtimer_add(&t->step, &tv);
}

static void
failed(struct target *t, const char *said)
{
	struct waiting *w = t->first;
	struct notice *n;
	unsigned tries = ++w->tries;

	t->flying = 0;
	t->fails++;
	free(t->problem);
	t->problem = xstrdup(said);
	if (t->fails == 1)
		log_warn("notify %s: %s; it is tried again", t->conf->name,
		    said);
	wait(t);
	if (tries <= t->conf->retries) {
		tell(t, w->notice, TARGET_RETRIED, tries, said);
		return;
	}
	n = take_first(t);
	tell(t, n, TARGET_GIVEN_UP, tries, said);
	notice_unref(n);
}

void
target_answer(struct target *t, enum target_result r, const char *said)
{
	struct notice *n;
	unsigned tries;

	if (r == TARGET_RETRIED) {
		failed(t, said);
		return;
	}
	if (t->fails > 0 && r != TARGET_SKIPPED) {
		log_info("notify %s: it answers again", t->conf->name);
		t->fails = 0;
	}
	if (r == TARGET_SENT) {
		free(t->problem);
		t->problem = NULL;
	}
	tries = t->first->tries + (r != TARGET_SKIPPED);
	t->flying--;
	n = take_first(t);
	tell(t, n, r, tries, said);
	notice_unref(n);
	step_soon(t);
}
