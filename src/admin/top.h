/*
 * The largest users: sessions and bytes by client, server, site and rule, and
 * by a client's applications and devices, of the last minutes. The tables are
 * bounded. In a full table a new entry replaces the smallest and inherits its
 * counts, so that a large user is never missed (the Space-Saving algorithm of
 * Metwally, Agrawal and El Abbadi).
 */
#ifndef ADMIN_TOP_H
#define ADMIN_TOP_H

#include <jansson.h>
#include <stdint.h>

struct record;
struct top;

/* By application and by device: of each client. */
enum top_by {
	TOP_CLIENT, TOP_SERVER, TOP_SITE, TOP_RULE, TOP_APP, TOP_DEVICE, TOP_MAX
};

#define TOP_WINDOW	300	/* s; the answer covers one to two windows */
#define TOP_SHOWN	20

/* The name of a kind; and the kind of a name, or TOP_MAX. */
const char	*top_name(enum top_by);
enum top_by	 top_by(const char *);

uint64_t	 top_now(void);
struct top	*top_new(void);
void		 top_free(struct top *);

/* Any thread: a session has ended; or it is open, in a separate struct top. now
 * is monotonic, in seconds. */
void		 top_add(struct top *, const struct record *, uint64_t now);
/* Add all entries of from. No other thread may use the first. */
void		 top_merge(struct top *, struct top *from, enum top_by,
		    uint64_t now);

/* At most max of [{"client": ..., "sessions", "toserver", "toclient"}], the
 * largest first; the caller owns it. By application and by device there are
 * "client" and "app_proto" or "device". */
json_t		*top_json(struct top *, enum top_by, uint64_t now, size_t max);

#endif
