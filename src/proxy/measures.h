/*
 * Whether the client is under step-up, and whether its server is denied to
 * everybody. Those are facts, and the rules decide by them (conf/denied.h,
 * policy/policy.c); here is what a session does about them besides.
 */
#ifndef PROXY_MEASURES_H
#define PROXY_MEASURES_H

#include "conf/conf.h"

struct session;

/* Ask, as in endpoint_look(); the session has forgotten what it knew. */
void	measures_look(struct session *);
void	measures_forget(struct session *);

/*
 * Why the server is denied, in the words of the verdict, if that is what the
 * rules say; or NULL. It lives as long as the session. s->denial is the entry.
 */
const char *measures_denied_why(struct session *);
/* Whether requests must be read for their names. */
int	measures_by_request(const struct session *);

#define MEASURES_MIRRORS	CONF_RULE_MIRRORS
/* The mirrors of the session: those of its rule, and those of a step-up. Into
 * out (MEASURES_MIRRORS); returns how many. */
size_t	measures_mirrors(const struct session *, struct conf_seen *out);

#endif
