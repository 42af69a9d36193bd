/*
 * Leases: which host an address has been given to, as DHCP servers tell us
 * (contrib/leases). Behind another router that is the only way to know a host
 * again: there the frame's MAC address is the router's, and the table of
 * neighbours has nothing. What is told of a lease later takes the place of
 * what was told before.
 *
 * Any thread may ask; the main thread changes. Bounded; kept in a file over a
 * restart.
 */
#ifndef VERDICT_LEASES_H
#define VERDICT_LEASES_H

#include <stdint.h>
#include <stdio.h>

#include "util/addr.h"
#include "util/mac.h"
#include "util/text.h"

#define LEASES_MAX	65536
#define LEASE_NAME	64	/* bytes of a host's name, with its NUL */

struct lease {
	struct addr	 addr;		/* without a port */
	uint8_t		 mac[MAC_LEN];
	char		 name[LEASE_NAME];	/* "": it has none */
	int64_t		 until;		/* seconds since 1970 */
	uint64_t	 end;		/* clock_ms(), which decides */
};

struct leases;

struct leases	*leases_new(uint64_t seed);
void		 leases_free(struct leases *);	/* NULL is allowed */

/*
 * wall is seconds since 1970, now is clock_ms().
 * Read what was kept, if its time is not over, and keep from now on. Lines that
 * are none are left out, with a warning. The file is the user's from then on
 * (util/keep.h). Returns 0, or ERR_SYS with a sentence
 * in why.
 */
int		 leases_open(struct leases *, const char *path,
		    const char *user, int64_t wall, uint64_t now,
		    struct text *why);
/* Only read, from a file in that form. Returns how many lines are none. */
unsigned	 leases_load(struct leases *, FILE *, int64_t wall,
		    uint64_t now);

/* An address is leased. A name with other than letters, digits, "-", "_" and
 * "." is none. *old is what it was before (addr AF_UNSPEC: nothing). Returns 0,
 * or ERR_LIMIT. */
int		 leases_put(struct leases *, const struct lease *,
		    struct lease *old);
/* It is not any more; mac, unless NULL, must have had it. *old is what it was.
 * Returns 0, or ERR_NOTFOUND. */
int		 leases_del(struct leases *, const struct addr *,
		    const uint8_t *mac, struct lease *old);
/* Take out one that is over. 0: *old is it. ERR_NOTFOUND: none is. */
int		 leases_over(struct leases *, uint64_t now, struct lease *old);

/* Whose an address is: 0, or ERR_NOTFOUND. leases may be NULL. */
int		 leases_mac(struct leases *, const struct addr *,
		    uint8_t mac[MAC_LEN]);
/* The name of a host, by any of its leases: 0, or ERR_NOTFOUND. */
int		 leases_name(struct leases *, const uint8_t mac[MAC_LEN],
		    char name[LEASE_NAME]);
/* A copy of all, or of those of one host; the caller frees it. */
struct lease	*leases_list(struct leases *, const uint8_t *mac, size_t *n);

#endif
