/*
 * A list of things to look at again, a turn at a time. A turn yields each
 * thing that was on the list when it began, once. While looking at one thing,
 * the caller may add or forget any, including itself and those still to come:
 * a forgotten thing is not yielded, an added one waits for the next turn.
 *
 *	revisit_turn(&list);
 *	while ((v = revisit_next(&list)) != NULL)
 *		look(v);
 *
 * For one thread. A list does not own what is on it.
 */
#ifndef UTIL_REVISIT_H
#define UTIL_REVISIT_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

struct visit {			/* embedded in the thing; zero at first */
	TAILQ_ENTRY(visit) link;
	uint64_t	 turn;	/* when it was added; 0: on no list */
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

/* Append v, unless it is on the list already. */
static inline void
revisit_add(struct revisit *r, struct visit *v)
{
	if (v->turn != 0)
		return;
	v->turn = r->turn;
	TAILQ_INSERT_TAIL(&r->list, v, link);
}

/* Remove v if it is on the list. */
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

/* Take the next thing off the list; NULL: the turn is over. */
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
