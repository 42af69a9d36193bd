/*
 * Things to look at again, all in one turn. Whoever looks at one may add and
 * forget any of them, itself and those not reached yet included: a turn gives
 * each that was there when it began, or none in its place, once, and ends.
 * What is added during a turn waits for the next.
 *
 *	revisit_turn(&list);
 *	while ((v = revisit_next(&list)) != NULL)
 *		look(v);
 *
 * One thread. A list does not own what is on it.
 */
#ifndef UTIL_REVISIT_H
#define UTIL_REVISIT_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

struct visit {			/* embedded in the thing; begins zeroed */
	TAILQ_ENTRY(visit) link;
	uint64_t	 turn;	/* added in it; 0: on no list */
};

struct revisit {
	TAILQ_HEAD(, visit) list;
	uint64_t	 turn;
};

/* The struct of this type that has v as its member. */
#define visit_of(v, type, member)					\
	((type *)(void *)((char *)(v) - offsetof(type, member)))

static inline void
revisit_init(struct revisit *r)
{
	TAILQ_INIT(&r->list);
	r->turn = 1;
}

static inline int
revisit_empty(const struct revisit *r)
{
	return TAILQ_EMPTY(&r->list);
}

static inline int
visit_is_due(const struct visit *v)
{
	return v->turn != 0;
}

/* At the end, unless it is there already. */
static inline void
revisit_add(struct revisit *r, struct visit *v)
{
	if (v->turn != 0)
		return;
	v->turn = r->turn;
	TAILQ_INSERT_TAIL(&r->list, v, link);
}

/* Nothing if it is not there. */
static inline void
revisit_forget(struct revisit *r, struct visit *v)
{
	if (v->turn == 0)
		return;
	v->turn = 0;
	TAILQ_REMOVE(&r->list, v, link);
}

static inline void
revisit_turn(struct revisit *r)
{
	r->turn++;
}

/* Taken off the list; NULL: what is there came in this turn. */
static inline struct visit *
revisit_next(struct revisit *r)
{
	struct visit *v = TAILQ_FIRST(&r->list);

	if (v == NULL || v->turn == r->turn)
		return NULL;
	revisit_forget(r, v);
	return v;
}

#endif
