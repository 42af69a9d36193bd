/*
 * Which clients have read a warning (action: warn) and gone on, to which site,
 * in all workers together; and the token by which a client's answer is known
 * to come from a warning that we showed to it, for that site. It cannot be made
 * by the site, nor by anybody but this process.
 */
#ifndef PROXY_COACH_H
#define PROXY_COACH_H

#include <stdint.h>

#include "codec/http.h"
#include "util/addr.h"

/* The parameter that the button's address has, and its value's room. */
#define COACH_PARAMETER	"clearspan-continue"
#define COACH_TOKEN	96

/* Times are clock_ms(). Sites are names in lower case, or addresses. */
int	coach_remembers(const struct addr *client, const char *site,
	    uint64_t now);
void	coach_remember(const struct addr *client, const char *site,
	    uint64_t until);

/* A token that is good for ten minutes. */
void	coach_token(char out[COACH_TOKEN], const struct addr *client,
	    const char *site, uint64_t now);
int	coach_accepts(struct slice token, const struct addr *client,
	    const char *site, uint64_t now);

/*
 * Where the button posts to: the request's path and query, with the token as
 * its last parameter; malloc'ed.
 */
char	*coach_action(struct slice path, const char *token);
/*
 * Whether this request is that of the button: its token, and the path without
 * it (malloc'ed, to go on to). NULL: it is not, or a script sent it.
 */
char	*coach_pressed(const struct http_head *, struct slice *token);

#endif
