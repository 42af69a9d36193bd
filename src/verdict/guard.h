/*
 * The guard: the process that keeps the packets of contained endpoints, and
 * those that segments refuse, from being forwarded, whatever their protocol,
 * established or not. It owns the tables clearspan_guard of nftables(8), for
 * routes (inet) and for bridges, and has no capability but CAP_NET_ADMIN. What
 * is intercepted is not forwarded, so it does not come this way: there the
 * rules decide (conf/contained.h, conf/segment.h).
 *
 * Calls block until the kernel has taken the change: a millisecond or so.
 */
#ifndef VERDICT_GUARD_H
#define VERDICT_GUARD_H

#include "conf/conf.h"
#include "util/text.h"
#include "verdict/contain.h"

struct guard;
struct guard_ask;
struct guard_counts;

/* Start the process. Returns 0, or ERR_SYS with a sentence in why. */
int	guard_start(struct guard **, struct text *why);
/* It ends, and leaves the table as `when-down` says. NULL is allowed. */
void	guard_stop(struct guard *);

/* 0: it has ended. */
int	guard_up(const struct guard *);

/* Says what else belongs to it, to a guard that begins anew. */
typedef void (*guard_more)(void *arg, struct guard *);

/*
 * Make the tables anew, with the profiles of conf, those contained and what
 * more (or NULL) says, in one step. Then hold one more (instead of old, unless
 * NULL), or free one. Return 0; or ERR_DENIED (no CAP_NET_ADMIN), ERR_EOF (it
 * has ended) or ERR_SYS, with a sentence in why. now is clock_ms().
 */
int	guard_reset(struct guard *, const struct conf *, struct contain *,
	    guard_more, void *arg, uint64_t now, struct text *why);
int	guard_hold(struct guard *, const struct contained *,
	    const struct contained *old, uint64_t now, struct text *why);
int	guard_free(struct guard *, const struct contained *, struct text *why);
/*
 * Deny a server by its address (that of who), or let it be reached again. A
 * table of them, once it is given, is taken over by guard_reset(); entries
 * without an address are left out.
 */
void	guard_denials(struct guard *, struct contain *);
int	guard_deny(struct guard *, const struct contained *, uint64_t now,
	    struct text *why);
int	guard_permit(struct guard *, const struct contained *,
	    struct text *why);

/*
 * For verdict/segments: say a message (guard_wire.h); have all that was said
 * done in one step, with an error as above; ask for the counters of segments
 * (0, or ERR_EOF).
 */
void	guard_say(struct guard *, const struct guard_ask *);
int	guard_done(struct guard *, struct text *why);
int	guard_count(struct guard *, struct guard_counts *);

#endif
