/*
 * The verbs of the control socket. A request is a line, and the answer is one
 * JSON object. Some verbs answer at once; those that ask the workers answer
 * later.
 */
#ifndef ADMIN_VERBS_H
#define ADMIN_VERBS_H

#include <jansson.h>

#include "admin/admin.h"
#include "net/mailbox.h"

#define VERB_LINE	512	/* bytes of a request */
#define VERB_SESSIONS	1000	/* the default N of `sessions` */
#define VERB_SESSIONS_MAX 10000

/* Gets the answer and owns it; called once, in the main thread, perhaps before
 * verb_run() returns. */
typedef void (*verb_done)(void *arg, json_t *answer);

/*
 * Run the verb in the line. mail is the main thread's mailbox and must outlive
 * the workers. A failure is an answer too: {"error": "..."}.
 */
void	verb_run(struct admin_env *, struct mailbox *mail, const char *line,
	    verb_done, void *arg);

#endif
