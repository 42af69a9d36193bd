/*
 * The verbs of the control socket: a request line in, one JSON object out.
 * Some answer at once; those that ask the workers answer later.
 */
#ifndef ADMIN_VERBS_H
#define ADMIN_VERBS_H

#include <jansson.h>

#include "admin/admin.h"
#include "net/mailbox.h"

#define VERB_LINE	512	/* bytes of a request */
#define VERB_SESSIONS	1000	/* how many `sessions` tells unless told */
#define VERB_SESSIONS_MAX 10000

/* Gets the answer (and owns it), once, in the main thread; maybe at once. */
typedef void (*verb_done)(void *arg, json_t *answer);

/*
 * Do what the line says. mail is the main thread's mailbox and must outlive
 * the workers. A failure is an answer too: {"error": "..."}.
 */
void	verb_run(struct admin_env *, struct mailbox *mail, const char *line,
	    verb_done, void *arg);

#endif
