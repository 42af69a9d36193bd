/*
 * Who is in which group at the moment, as far as that is not in the
 * configuration: by tags, and by the MAC addresses of neighbours. The guard
 * learns each change at once. A packet that is forwarded says neither its
 * destination's MAC address nor any tag, so each address that is a member by
 * them is in a set of the guard's, beside the MAC address itself.
 *
 * An address stays a member when it is silent, and the kernel forgets its MAC
 * address: until another one has it. For the main thread.
 */
#ifndef VERDICT_SEGMENTS_H
#define VERDICT_SEGMENTS_H

#include "conf/conf.h"
#include "util/text.h"
#include "verdict/contain.h"

struct guard;
struct mailbox;
struct neighbours;
struct segments;

/* Of the tags in tags. The neighbours may be NULL; mails come home to mailbox.
 * All must outlive it. */
struct segments	*segments_new(struct contain *tags, struct neighbours *,
		    struct mailbox *);
/* Nobody may look up neighbours any more. NULL is allowed. */
void		 segments_free(struct segments *);

/* Another configuration is about to be in force: its groups. It must outlive
 * the next call. */
void		 segments_renew(struct segments *, const struct conf *);
/* Say all of it to a guard that has begun anew, which is told of changes from
 * now on. */
void		 segments_say(struct segments *, struct guard *);
/* The tags of an endpoint have changed: the guard knows when it returns. */
void		 segments_retag(struct segments *, const struct endpoint *);

/* A line for each segment's counter (metrics(5) of Prometheus). */
void		 segments_metrics(struct segments *, struct text *out);

#endif
