/*
 * Endpoints as an operator sees them: addresses, quarantine, tags, and what
 * they have open. An endpoint is known if it is a neighbour that is inside, is
 * contained, or has a session open.
 */
#ifndef ADMIN_ENDPOINTS_H
#define ADMIN_ENDPOINTS_H

#include "admin/verbs.h"

#define ENDPOINTS_MAX	16384		/* in a list; more are only counted */

/*
 * All of them, at most max: {"endpoints": [...], "more": 0}; or of one (an
 * address of it, or its MAC address), an object. Or {"error": "..."}.
 */
void	endpoints_list(struct admin_env *, struct mailbox *, size_t max,
	    verb_done, void *arg);
void	endpoints_one(struct admin_env *, struct mailbox *, const char *who,
	    verb_done, void *arg);

#endif
