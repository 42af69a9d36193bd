/*
 * Asking all workers about their sessions, and gathering the answers.
 */
#ifndef ADMIN_ASKING_H
#define ADMIN_ASKING_H

#include "admin/verbs.h"

enum asking_kind {
	ASKING_LIST,		/* a short line of each session */
	ASKING_ONE,		/* all of the session n */
	ASKING_KILL,		/* end the session n */
	ASKING_TOP		/* who uses most: by n, an enum top_by */
};

/* n: a session's id; for ASKING_LIST how many at the most. */
void	asking_start(struct admin_env *, struct mailbox *, enum asking_kind,
	    uint64_t n, verb_done, void *arg);

#endif
