/*
 * Endpoints, each once, with what is counted of it.
 */
#ifndef ADMIN_CROWD_H
#define ADMIN_CROWD_H

#include <stddef.h>
#include <stdint.h>

#include "verdict/contain.h"

#define CROWD_ADDRS	16	/* of one: privacy addresses come and go */

struct crowd_row {
	struct endpoint	 who;
	struct addr	 addr[CROWD_ADDRS];
	size_t		 naddr;
	uint64_t	 sessions, up, down;	/* open; their bytes */
	struct crowd_row *next;		/* private */
};

struct crowd;

/* Of at most max; then more are counted alone. */
struct crowd	*crowd_new(size_t max);
void		 crowd_free(struct crowd *);	/* NULL is allowed */
/* Its row; NULL: there is none, and it was not to be made (make), or there are
 * too many. */
struct crowd_row *crowd_row(struct crowd *, const struct endpoint *,
		    int make);
/* Once, and no more than CROWD_ADDRS. */
void		 crowd_addr(struct crowd_row *, const struct addr *);
/* Add what another has. */
void		 crowd_merge(struct crowd *, const struct crowd *from);
/* In the order in which they came; index from 0, then NULL. */
struct crowd_row *crowd_at(const struct crowd *, size_t index);
uint64_t	 crowd_lost(const struct crowd *);	/* rows not made */

#endif
