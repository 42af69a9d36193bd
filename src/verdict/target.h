/*
 * One target of notices: its queue, which is bounded, and what is tried again
 * and when. What it speaks is its carrier's: syslog, HTTP, RADIUS. Notices are
 * told in their order; one that fails is tried again after 1 s, 2 s, 4 s and so
 * on, up to a minute, and after so many times given up. For the main thread.
 */
#ifndef VERDICT_TARGET_H
#define VERDICT_TARGET_H

#include <event2/event_struct.h>
#include <stdint.h>

#include "verdict/notice.h"

struct event_base;
struct names;
struct target;

enum target_result {
	TARGET_SENT,		/* it has it, as far as one can know */
	TARGET_RETRIED,		/* not yet: another try follows */
	TARGET_REFUSED,		/* it has answered, and will not do it */
	TARGET_SKIPPED,		/* there was nothing to ask of it */
	TARGET_GIVEN_UP,	/* tried often enough */
	TARGET_DROPPED,		/* the queue was full, or it is no target now */
	TARGET_MERGED,		/* a newer one took its place */
	TARGET_RESULTS
};
/* "sent", "given-up", ...; static. */
const char	*target_result_str(enum target_result);

struct carrier {
	/* Make ready: 0 and the target's state; or ERR_* with why. */
	int	(*open)(struct target *, struct text *why);
	void	(*close)(struct target *);
	/* Tell the first of those that wait; or the first few, whose number is
	 * then t->flying. Each is answered by target_answer(), in order. */
	void	(*go)(struct target *);
};

struct waiting {
	struct waiting	*next;
	struct notice	*notice;
	unsigned	 tries;		/* that have failed */
};

/* What became of a notice; good for the call. */
struct target_told {
	const struct target *target;
	const struct notice *notice;
	enum target_result result;
	unsigned	 tries;		/* in all */
	const char	*said;		/* its answer, or why; perhaps "" */
};
typedef void (*target_tell)(void *arg, const struct target_told *);

struct target {
	const struct conf_target *conf;
	const struct carrier *carrier;
	void		*state;		/* the carrier's */
	struct event_base *base;
	struct names	*names;
	target_tell	 told;
	void		*arg;
	struct waiting	*first, **last;
	unsigned	 queued;
	unsigned	 flying;	/* of these, under way */
	unsigned	 fails;		/* in a row */
	uint64_t	 next;		/* clock_ms() of the next try; or 0 */
	struct event	 step;
	uint64_t	 counts[TARGET_RESULTS];
	uint64_t	 changes;	/* of the queue, ever */
	char		*problem;	/* of the last failure; NULL: none */
};

/* 0, or ERR_* with a sentence in why. */
int	 target_new(struct event_base *, struct names *,
	    const struct conf_target *, const struct carrier *, target_tell,
	    void *arg, struct target **, struct text *why);
/* What waits is lost without a word. */
void	 target_free(struct target *);

/* Whether it is told of this. */
int	 target_wants(const struct target *, const struct notice *);
void	 target_add(struct target *, struct notice *);
/* Drop all that wait, and say so. */
void	 target_drop(struct target *, const char *why);
/* Take the queue and the counters of another, which is to be freed. */
void	 target_inherit(struct target *, struct target *from);

/* For carriers. */
const struct notice *target_notice(const struct target *, unsigned i);
/* What became of the first one that flies; it is gone unless it is retried,
 * and with it all others that fly are on the ground again. */
void	 target_answer(struct target *, enum target_result, const char *said);

#endif
