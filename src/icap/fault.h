/*
 * The table of icap(5), F1 to F35: what each fault of an attempt leads to. It
 * is decided by three facts: the fault, whether a byte was committed to the
 * receiver, and whether the virgin message is intact.
 */
#ifndef ICAP_FAULT_H
#define ICAP_FAULT_H

#include "icap/icap.h"

enum icap_blame {		/* what a fault says of the server */
	ICAP_B_NONE,
	ICAP_B_ONE,		/* three of late: down */
	/* What it was sent may be the reason: it is asked OPTIONS, and is down
	 * if it does not answer them. Three of late of more than one client
	 * and hardly a good answer among them: down. */
	ICAP_B_DOUBT,
	ICAP_B_TEN,		/* ten in a row, of more than one client */
	ICAP_B_DOWN,
	ICAP_B_LESS		/* it gets less for a while */
};

enum icap_retry {
	ICAP_NEVER,
	ICAP_OTHER,		/* one more attempt, elsewhere */
	ICAP_OTHERS,		/* as many as there are: no bytes went */
	ICAP_HEAD_ONLY,		/* ICAP_OTHER, if there is no body */
	ICAP_AGAIN,		/* on another connection to the same */
	ICAP_LATER		/* when its body is whole */
};

struct icap_rule {
	const char	*name;
	enum icap_retry	 retry;
	enum icap_blame	 blame;
	int		 status;	/* fail closed */
	int		 closed;	/* always */
};

enum icap_then {
	ICAP_THEN_CUT,		/* what was answered stands, and is cut off */
	ICAP_THEN_RETRY,	/* unless there is no server for it */
	ICAP_THEN_PASS,		/* the virgin message, unscanned */
	ICAP_THEN_REFUSE
};

struct icap_failing {		/* the facts */
	enum icap_fault	 fault;
	int		 committed;	/* a byte, or a verdict, that stands */
	int		 intact;	/* the virgin message */
	int		 tried;		/* an attempt failed */
	unsigned	 retries;	/* that ICAP_OTHER led to */
};

const struct icap_rule *icap_rule(enum icap_fault);
enum icap_then icap_decide(const struct icap_failing *,
	    const struct conf_icap *, const struct icap_input *);
/* Whether it passes or is refused, when it cannot be tried again. */
enum icap_then icap_decide_last(const struct icap_failing *,
	    const struct conf_icap *, const struct icap_input *);
/* Of an ICAP status that is no answer. */
enum icap_fault icap_fault_of(int status);

#endif
