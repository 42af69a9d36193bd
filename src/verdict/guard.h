/*
 * The guard: the process that keeps the packets of contained endpoints from
 * being forwarded, whatever their protocol, established or not. It owns the
 * table inet clearspan_guard of nftables(8) and has no capability but
 * CAP_NET_ADMIN. What is intercepted is not forwarded, so it does not come this
 * way: there the rules decide (conf/contained.h).
 *
 * Calls block until the kernel has taken the change: a millisecond or so.
 */
#ifndef VERDICT_GUARD_H
#define VERDICT_GUARD_H

#include "conf/conf.h"
#include "util/text.h"
#include "verdict/contain.h"

struct guard;

/* Start the process. Returns 0, or ERR_SYS with a sentence in why. */
int	guard_start(struct guard **, struct text *why);
/* It ends, and leaves the table as `when-down` says. NULL is allowed. */
void	guard_stop(struct guard *);

/* 0: it has ended. */
int	guard_up(const struct guard *);

/*
 * Make the table anew, with the profiles of conf and those contained, in one
 * step. Then hold one more (instead of old, unless NULL), or free one. Return
 * 0; or ERR_DENIED (no CAP_NET_ADMIN), ERR_EOF (it has ended) or ERR_SYS, with
 * a sentence in why. now is clock_ms().
 */
int	guard_reset(struct guard *, const struct conf *, struct contain *,
	    uint64_t now, struct text *why);
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

#endif
