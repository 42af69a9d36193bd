/*
 * A setup: what runs for one snapshot of the configuration (proxy/parts.h), as
 * the main thread makes it. What the configuration has not changed is taken
 * over from the setup before. It is closed when the last session has ended that
 * began under it. For the main thread.
 */
#ifndef MAIN_SETUP_H
#define MAIN_SETUP_H

#include "adapt/engine.h"
#include "icap/icap.h"
#include "proxy/parts.h"
#include "util/text.h"

struct daemon;
struct setup;

/*
 * before is the setup in force, or NULL. Takes a reference to conf. 0; or
 * ERR_USAGE or another ERR_*, with one or more lines in why, and everything as
 * it was.
 */
int	setup_new(struct daemon *, struct conf *, const struct setup *before,
	    struct setup **, struct text *why);
/* No new sessions for it. NULL is fine. */
void	setup_release(struct setup *);

/* Privileges are dropped: whether all of it can still be opened. As above. */
int	setup_dropped(struct setup *, struct text *why);

/* Whether a setup that is not closed has such a listener; the workers may not
 * have come round to closing it. */
int		 setup_listens(const struct conf_listen *);

struct conf	*setup_conf(const struct setup *);
struct parts	*setup_parts(struct setup *);
/* One for each of conf's services. */
struct icap_service **setup_services(const struct setup *);

#endif
