/*
 * A device as it runs: what its health is, what the operator wants of it, how
 * many sessions are in it, what became of them. One exists for a name as long
 * as its kind, ports, addresses and offload stay the same, over any number of
 * reloads; a device whose ports changed is another one. A snapshot of the
 * configuration has a reference to each of its devices (conf_device.running),
 * and whoever holds the snapshot needs none of his own. Any thread may call
 * everything here, except where it says otherwise.
 */
#ifndef CHAIN_DEVICE_H
#define CHAIN_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

enum device_health {
	DEVICE_DOWN,		/* not proved, or lost */
	DEVICE_SUSPECT,		/* sessions failed: used until a probe says */
	DEVICE_UP
};

enum device_admin {		/* what the operator wants */
	DEVICE_AUTO,		/* as its health says */
	DEVICE_DRAIN,		/* no new sessions; those in it finish */
	DEVICE_FORCED_DOWN	/* ... and those in it end now */
};

enum device_result {		/* what became of a session in it */
	DEVICE_PASSED,		/* it ended as its ends wanted */
	DEVICE_RESET,		/* the device reset it */
	DEVICE_DROPPED,		/* it swallowed it, though its probe is well */
	DEVICE_FAILED,		/* it did not let it begin: tried elsewhere */
	DEVICE_BUSY,		/* we had no socket for it */
	DEVICE_RESULTS
};

enum slot_result {		/* where the first choice was not to be had */
	SLOT_NEXT,		/* another device of the slot took it */
	SLOT_SKIPPED,		/* none was left; fail: open */
	SLOT_REFUSED,		/* none was left; fail: closed */
	SLOT_RESULTS
};

struct device;
struct slot_state;
struct zone;

/*
 * Give each device and slot of a snapshot that nobody else has yet what runs
 * for it: taken over from the snapshot in force (or NULL) where it is the same,
 * else made. New devices are DEVICE_DOWN. Slots go by chain and name.
 */
void		 device_attach(struct conf *, const struct conf *in_force);
/* No session goes by this snapshot any more, though others may refer to it.
 * Done when it is freed, too. */
void		 device_detach(struct conf *);

struct device	*device_ref(struct device *);
void		 device_unref(struct device *);	/* NULL is fine */

const char	*device_name(const struct device *);
/* A number for what comes out of it at a side (enum zone_side): its own in this
 * process, for keys of tables; never used again. */
uint64_t	 device_exit(const struct device *, int side);

/*
 * The zone with its ports: set once, before anyone else sees the device. close
 * gets it when the last reference goes, in whatever thread that is; forced
 * when the operator takes the device down.
 */
struct device_zone_ops {
	void	(*close)(struct zone *);
	void	(*forced)(struct zone *);
};
void		 device_set_zone(struct device *, struct zone *,
		    const struct device_zone_ops *);
struct zone	*device_zone(const struct device *);	/* or NULL */

/*
 * Health. why is one short clause for the operator, static ("no answer to 3
 * probes", "link down"); a change is logged and counted here. What is down does
 * not become suspect. device_probed() adds the time of a probe that came
 * through, in microseconds, and when it began (clock_ms()). Open: what must be
 * blocked came through; logged as an error. The health is set down by the
 * caller.
 */
void		 device_set_health(struct device *, enum device_health,
		    const char *why);
enum device_health device_health(const struct device *);
void		 device_set_open(struct device *, int open);
void		 device_probed(struct device *, uint64_t began, uint64_t us);

/*
 * Whether it is known to have been well since (clock_ms()): it was not down at
 * any time, and a probe that began no earlier came through. What went into it
 * then and did not come out was dropped by it; otherwise it may have died, and
 * may even be there again.
 */
int		 device_well(const struct device *, uint64_t since);

/* The operator's wish; logged. It lasts until changed, over reloads. */
void		 device_set_admin(struct device *, enum device_admin);
enum device_admin device_admin(const struct device *);

/*
 * Choose a device of the slot for a pair (pick_pair()) and enter it. *tried has
 * a bit for each device of the slot that this session has tried, 0 at first;
 * the chosen one's is set, as are those of devices that are full. Returns the
 * device's index in the slot, with the session counted in it until
 * device_leave(); or -1: none is left. The same pair gets the same device as
 * long as that is up, not drained and has room.
 */
int		 device_enter(const struct conf_slot *, uint64_t pair,
		    uint64_t *tried);
/* The session leaves; bytes by enum flow_dir. */
void		 device_leave(struct device *, enum device_result,
		    const uint64_t bytes[2]);

/* Count that a slot's first choice was not to be had. */
void		 slot_count(const struct conf_slot *, enum slot_result);

struct device_stats {		/* all at one time, nearly */
	enum device_health health;
	enum device_admin admin;
	const char	*why;		/* of the health; static */
	int		 open, full;
	uint64_t	 since;		/* ms: the health's age */
	uint64_t	 changes;	/* of health, up to down or back */
	uint64_t	 sessions;	/* in it now */
	uint64_t	 results[DEVICE_RESULTS];
	uint64_t	 bytes[2];
	uint64_t	 probes;	/* answered */
	uint64_t	 probe_us;	/* all together */
	uint64_t	 p50_us, p99_us; /* of the latest 128; 0: none */
};
void		 device_stats(const struct conf_device *,
		    struct device_stats *);
void		 slot_stats(const struct conf_slot *,
		    uint64_t results[SLOT_RESULTS]);

const char	*device_health_str(enum device_health);	/* "up", ... */
const char	*device_admin_str(enum device_admin);	/* "auto", ... */
const char	*device_result_str(enum device_result);	/* "passed", ... */
const char	*slot_result_str(enum slot_result);	/* "next", ... */

#endif
