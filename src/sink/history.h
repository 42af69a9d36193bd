/*
 * The last packets of all sessions that are read, kept in memory, so that those
 * of an endpoint are there when something turns out to be wrong with it. One
 * for the process, as a sink (proxy/sink.h) whose seats have a ring each
 * (sink/ring.h).
 */
#ifndef SINK_HISTORY_H
#define SINK_HISTORY_H

#include "proxy/sink.h"
#include "sink/pick.h"

struct history;

extern const struct sink_ops sink_history;	/* its open is not used */

/* What of conf cannot change later is how packets are shown. NULL: out of
 * memory. Main thread, as what follows. */
struct history	*history_new(const struct conf *);
/* After all seats have gone. */
void		 history_free(struct history *);
/*
 * The size and age of a configuration that is about to be in force; without
 * `history` all packets go.
 */
void		 history_renew(struct history *, const struct conf *);
/* Of all seats, now and before. */
void		 history_stats(struct history *, struct ring_stats *);

/*
 * A question to all rings: what they have of an endpoint, that they were not
 * asked for before with this same question. It belongs to those whom it is
 * with, one after the other.
 */
struct history_question {
	struct endpoint	 who;
	/* In the thread of the one that answers last. */
	void		(*done)(struct history_question *);
	struct ring_pick **picks;	/* each the owner's; or NULL */
	size_t		 npicks;
	/* private */
	_Atomic size_t	 left;
	struct history_given {
		uint64_t no, seq;	/* a ring, and the last it gave */
	} *given;
	size_t		 ngiven;
	struct history_asking *askings;
};

void		 history_ask(struct history *, struct history_question *);
/* This ring has given all up to there. */
void		 history_gave(struct history_question *, const struct ring *,
		    uint64_t seq);
/* Frees its members; picks are taken before. */
void		 history_question_clear(struct history_question *);

#endif
