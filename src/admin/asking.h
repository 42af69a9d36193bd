/*
 * Asks all workers about their sessions, and collects their answers.
 */
#ifndef ADMIN_ASKING_H
#define ADMIN_ASKING_H

#include "admin/verbs.h"

enum asking_kind {
	ASKING_LIST,		/* a short line for each session */
	ASKING_ONE,		/* everything about session n */
	ASKING_KILL,		/* end the session n */
	ASKING_TOP,		/* who uses most: by n, an enum top_by */
	ASKING_USE		/* what each endpoint uses: see usage.h */
};

/* n is a session's id, or for ASKING_LIST the largest number of sessions. */
void	asking_start(struct admin_env *, struct mailbox *, enum asking_kind,
	    uint64_t n, verb_done, void *arg);

#endif
