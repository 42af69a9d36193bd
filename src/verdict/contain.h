/*
 * The endpoints that are contained: each by the hardware address of its
 * interface, or by its IP address, under a profile of `quarantines:`, until a
 * time. One table for the process, of a bounded size; any thread. Nothing is
 * done about it here: policy refuses what such an endpoint asks for
 * (facts.contained), and verdict/guard what does not come to us.
 *
 * An end is wall clock for people, and to survive a restart; what decides is
 * the monotonic clock, so nobody is freed because the clock was set.
 */
#ifndef VERDICT_CONTAIN_H
#define VERDICT_CONTAIN_H

#include <stdint.h>

#include "util/addr.h"
#include "util/mac.h"

#define CONTAIN_MAX	65536	/* endpoints */
#define CONTAIN_NAMES	64	/* that one endpoint is shown with */

struct endpoint {
	int		 by_mac;	/* else by its address */
	uint8_t		 mac[MAC_LEN];
	struct addr	 addr;		/* without a port; AF_UNSPEC: none */
};

/* Immutable once it is in the table. */
struct contained {
	_Atomic int	 refs;
	uint64_t	 id;		/* of the verdict: its case */
	struct endpoint	 who;
	char		*profile;
	int64_t		 since, until;	/* seconds since 1970 */
	uint64_t	 end;		/* clock_ms() */
	char		*reason;	/* for the person: "EICAR test file" */
	char		*by;		/* a sensor, or "operator" */
};

/* A copy with copies of its texts, and one reference. */
struct contained *contained_new(const struct contained *);
struct contained *contained_ref(struct contained *);
void		 contained_unref(struct contained *);	/* NULL is allowed */

struct contain;

/* By what an entry is one: its endpoint; that and its profile, so that an
 * endpoint may be in it several times (tags: verdict/tags.h); or its profile
 * alone (servers: verdict/denied.h). */
#define CONTAIN_BY_ENDPOINT	0
#define CONTAIN_BY_BOTH		1
#define CONTAIN_BY_NAME		2
/* seed: random, for peers choose their addresses. named: CONTAIN_BY_*. */
struct contain	*contain_new(uint64_t seed, int named);
void		 contain_free(struct contain *);

/*
 * Put it in, with a reference of the table's own, in place of one of the same
 * endpoint, or what else it goes by. Returns 0, or ERR_LIMIT.
 */
int		 contain_put(struct contain *, struct contained *);
/*
 * Whoever has this address; and mac (MAC_LEN bytes), unless NULL. An end that
 * has passed counts as none. Returns a reference, or NULL.
 */
struct contained *contain_ask(struct contain *, const struct addr *,
		    const uint8_t *mac, uint64_t now);
/* Of exactly this endpoint and this profile, either of which may be NULL where
 * the table does not go by it, even if its end has passed. A reference, or
 * NULL. */
struct contained *contain_of(struct contain *, const struct endpoint *,
		    const char *profile);
/*
 * The profiles that the address, or mac unless NULL, has in a named table, in
 * the order of the alphabet: "a,b", malloc'ed; NULL: none.
 */
char		*contain_names(struct contain *, const struct addr *,
		    const uint8_t *mac, uint64_t now);
/* It changes with each change of the table; never 0. */
unsigned	 contain_version(struct contain *);
/* The one with that id: a reference, or NULL. */
struct contained *contain_find(struct contain *, uint64_t id);
/* Take one out by its id. The table's reference is the caller's; or NULL. */
struct contained *contain_take(struct contain *, uint64_t id);
/* Take out one whose end has passed; likewise. */
struct contained *contain_over(struct contain *, uint64_t now);

unsigned	 contain_count(struct contain *);
/* Each one, in no order, with the table locked. */
void		 contain_each(struct contain *, void (*)(void *arg,
		    const struct contained *), void *arg);

/* Each one that goes by an address; the table is not locked, and it may be
 * renamed. */
void		 contain_each_nameless(struct contain *, void (*)(void *arg,
		    struct contained *), void *arg);
/* One goes by this name from now on; nobody sees the table without it. The one
 * that is there now: a reference, or NULL: another one has that name. */
struct contained *contain_rename(struct contain *, const struct contained *,
		    const struct endpoint *who);

/* "02:00:5e:10:00:01" or "192.0.2.7", into out (ADDR_STRLEN); returns out. */
char		*endpoint_str(const struct endpoint *, char *out);
/* Read that: 0, or ERR_FORMAT. */
int		 endpoint_parse(struct endpoint *, const char *);
int		 endpoint_same(const struct endpoint *,
		    const struct endpoint *);

#endif
