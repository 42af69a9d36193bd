/*
 * Who uses most: sessions and bytes by client, server, site and rule, of the
 * last minutes. Bounded: the least of a full table gives way to a new one,
 * which takes over what it had, so that who is large is never missed
 * (Metwally, Agrawal, El Abbadi: space-saving).
 */
#ifndef ADMIN_TOP_H
#define ADMIN_TOP_H

#include <jansson.h>
#include <stdint.h>

struct record;
struct top;

enum top_by { TOP_CLIENT, TOP_SERVER, TOP_SITE, TOP_RULE, TOP_MAX };

#define TOP_WINDOW	300	/* s: what is told is of one to two of them */
#define TOP_SHOWN	20

/* The kind's name; and of a name, or TOP_MAX. */
const char	*top_name(enum top_by);
enum top_by	 top_by(const char *);

uint64_t	 top_now(void);
struct top	*top_new(void);
void		 top_free(struct top *);

/* Any thread: a session has ended, or (in a table of their own) is open. now
 * is in seconds, of a clock that does not go back. */
void		 top_add(struct top *, const struct record *, uint64_t now);
/* Add all that `from` has. Nobody else uses the first. */
void		 top_merge(struct top *, struct top *from, enum top_by,
		    uint64_t now);

/* [{"client": ..., "sessions", "toserver", "toclient"}], the largest first;
 * the caller owns it. */
json_t		*top_json(struct top *, enum top_by, uint64_t now);

#endif
