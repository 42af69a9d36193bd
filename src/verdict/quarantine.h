/*
 * Quarantines as they are set, released and end: the one place where the table
 * (verdict/contain), the guard, the file of state and open sessions are changed
 * together. For the main thread.
 */
#ifndef VERDICT_QUARANTINE_H
#define VERDICT_QUARANTINE_H

#include "conf/contained.h"
#include "util/text.h"
#include "verdict/contain.h"

struct cases;
struct guard;
struct segments;
struct leases;
struct neighbours;
struct state;

enum quarantine_what {
	QUARANTINE_SET,
	QUARANTINE_EXTENDED,	/* a longer end, or a stricter profile */
	QUARANTINE_RELEASED,
	QUARANTINE_EXPIRED,
	QUARANTINE_REFUSED,	/* by never, inside, the table's size */
	QUARANTINE_MAX
};
/* "set", "extended", ...; static. */
const char	*quarantine_str(enum quarantine_what);

struct quarantine {
	struct contain	*contain;
	struct contain	*tags;		/* verdict/tags.h */
	struct guard	*guard;		/* or NULL: there is none */
	struct segments	*segments;	/* likewise */
	struct state	*state;		/* or NULL */
	struct cases	*cases;		/* or NULL */
	struct neighbours *neighbours;	/* or NULL: nobody is known */
	struct leases	*leases;	/* verdict/leased.h */
	const struct conf *conf;	/* in force */
	uint64_t	 last;		/* id given out */
	uint64_t	 counts[QUARANTINE_MAX];
	/* Who does what is done now, for cases and events; NULL: a sensor, or
	 * time. */
	const char	*actor;
	/* For the log. why: what went wrong or refused it, or NULL. */
	void		(*told)(void *arg, enum quarantine_what,
			    const struct contained *, const char *why);
	/* Of a tag; and the endpoint's tags are others now. */
	void		(*tagged)(void *arg, enum quarantine_what,
			    const struct contained *);
	void		(*retagged)(void *arg, const struct endpoint *);
	/* End what the endpoint has open. */
	void		(*cut)(void *arg, const struct contained *);
	void		*arg;
};

/* ms: an end that is later by less than that changes nothing, so that a flood
 * of the same verdict costs no writes. */
#define QUARANTINE_WORTH	1000

struct quarantine_order {
	struct endpoint	 who;
	const char	*profile;
	uint64_t	 ms;		/* for so long */
	const char	*reason, *by;
	uint64_t	 id;		/* it has one already; or 0 */
};

/*
 * Contain an endpoint; by its MAC address, if `identity` is mac and it is on a
 * network of ours. One that is contained already stays so until the later
 * of both ends, under the stricter profile (the first in the file). wall is
 * seconds since 1970, now is clock_ms(). Returns 0 and its id; or, with a
 * sentence in why, ERR_NOTFOUND (no such profile), ERR_DENIED (never, inside)
 * or ERR_LIMIT.
 */
int	quarantine_set(struct quarantine *, const struct quarantine_order *,
	    int64_t wall, uint64_t now, uint64_t *id, struct text *why);
/* If `identity` is mac, and its address that of a neighbour on an interface of
 * `interfaces`, or leased: its MAC address stays the same when it takes
 * another. */
void	quarantine_identify(const struct quarantine *, struct endpoint *);
/* The same, of whom a quarantine is: an address alone if another one of that
 * host is never contained, as of a router with many. */
void	quarantine_whom(const struct quarantine *, struct endpoint *);
/* Whether there may be such an endpoint, and it is one of ours. 0: with a
 * sentence in why. */
int	quarantine_inside(const struct quarantine *, const struct endpoint *,
	    struct text *why);
/* Whether there may be such an endpoint, it is one of ours, and none that is
 * never contained; nor has one that goes by its MAC an address that is. 0: with
 * a sentence in why. */
int	quarantine_may(const struct quarantine *, const struct endpoint *,
	    struct text *why);
/* Returns 0, or ERR_NOTFOUND. */
int	quarantine_release(struct quarantine *, uint64_t id);
/* End those whose time has come; about once a second. */
void	quarantine_tick(struct quarantine *, uint64_t now);
/* Another configuration is in force, or the first; the guard learns it. */
void	quarantine_renew(struct quarantine *, const struct conf *,
	    uint64_t now);

#endif
