/*
 * The inline devices of the process: their zones, the thread that watches
 * their health, and each worker's listeners in them. It is the table that
 * src/proxy gets its ways from (proxy/chain.h).
 */
#ifndef CHAIN_CHAIN_H
#define CHAIN_CHAIN_H

#include "conf/conf.h"
#include "proxy/chain.h"
#include "util/text.h"

struct chains;			/* the env of chain_inline */
struct zones;

extern const struct chain_ops chain_inline;

/* The zones must live longer. */
struct chains *chains_new(struct zones *, unsigned workers);

/*
 * Main thread, after privileges were dropped. Open the zones of those devices
 * of a snapshot that have none yet (device_attach() has run). If it fails, with
 * a line in why, the snapshot is not to be used; what was opened goes with it.
 */
int	chains_open(struct chains *, const struct conf *, struct text *why);

/*
 * The same. This snapshot is in force: its
 * devices are watched, and others no longer. ERR_SYS with a line in why.
 */
int	chains_watch(struct chains *, const struct conf *, struct text *why);

/* The workers have ended: nothing is watched any more. NULL is fine. */
void	chains_forget(struct chains *);
/* After the last snapshot. NULL is fine. */
void	chains_free(struct chains *);

#endif
