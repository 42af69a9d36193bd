/*
 * The health of the devices: a thread of its own that watches the links of
 * their ports, sends probes through them, and hears of what sessions met. What
 * it finds goes to chain/device: up, down, suspect, open.
 *
 * A probe is a connection from the inside zone to the outside one, through the
 * device, with 64 bytes that must come back within health.every. After
 * health.down misses in a row the device is down; after health.up hits in a row
 * it is up, and after a failure only if the hits have gone on for health.hold.
 * A port without a link is down at once. A port that was missing and comes is
 * fetched.
 *
 * With health.must-block, the contents of a file are sent now and then as the
 * answer to an HTTP request through the device, first before it is up. If all
 * of it comes out, the device blocks nothing: it is open, and down.
 */
#ifndef CHAIN_HEALTH_H
#define CHAIN_HEALTH_H

#include "chain/zone.h"
#include "conf/conf.h"
#include "util/text.h"

struct device;
struct health;			/* the thread */
struct health_watch;		/* of one device */

/* After privileges were dropped. Returns 0, or ERR_SYS with a line in why. */
int	health_start(struct health **, struct text *why);

/*
 * Main thread. Watch a device that runs (conf_device.running) and has its zone,
 * and keep a reference to it until health_forget(). Copies the settings, and
 * reads the file of must-block. Returns at once.
 */
struct health_watch *health_watch(struct health *, struct zone *,
	    const struct conf_device *);
/* Main thread. The settings (health.*) of a reload. */
void	health_change(struct health_watch *, const struct conf_device *);
/*
 * Main thread. The probes end, and the device is let go, which may be its last
 * reference. The watch can still be told of sessions until health_free().
 */
void	health_forget(struct health_watch *);
/* Any thread, after health_forget(). NULL is fine. */
void	health_free(struct health_watch *);

/*
 * Any thread. A session could not connect through the device, or it could. Some
 * failures in a row make it suspect, and are the reason for a probe at once.
 */
void	health_failed(struct health_watch *);
void	health_connected(struct health_watch *);

/* Any thread. A session waits: probe soon, with one that begins from now on. */
void	health_ask(struct health_watch *);

/* After all health_forget(). NULL is fine. */
void	health_stop(struct health *);

#endif
