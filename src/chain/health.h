/*
 * The health of the devices: a thread of its own that watches the links of
 * their ports, sends probes through them, and counts what sessions met. What
 * it finds goes to chain/device: up, down, suspect, open.
 *
 * A probe is a connection from the inside zone to the outside one, through the
 * device, with 64 bytes that must come back. After health.down misses in a row
 * the device is down; after health.up hits in a row, and health.hold ms of
 * nothing but hits, it is up again. A port without a link is down at once. A
 * new device is up with its first health.up hits, without the hold.
 *
 * With health.must-block, the contents of a file are sent now and then as the
 * answer to an HTTP request through the device. If all of it comes out, the
 * device blocks nothing: it is open, and counts as down.
 */
#ifndef CHAIN_HEALTH_H
#define CHAIN_HEALTH_H

#include "chain/zone.h"
#include "conf/conf.h"
#include "util/text.h"

struct health;			/* the thread */
struct health_watch;		/* of one device */

/* Returns 0, or ERR_SYS with a line in why. */
int	health_start(struct health **, struct text *why);

/*
 * Main thread. Watch a device whose zones are open and which runs
 * (conf_device.running); takes a reference to that, and copies the settings.
 * The zone must stay open until health_forget(). Returns at once.
 */
struct health_watch *health_watch(struct health *, struct zone *,
	    const struct conf_device *);
/* Main thread. The settings (health.*) of a reload. */
void	health_change(struct health_watch *, const struct conf_device *);
/* Main thread. Waits until the thread has let go. NULL is fine. */
void	health_forget(struct health_watch *);

/*
 * Any thread. A session could not connect through the device, or it could. A
 * few failures in a row make it suspect, and are the reason for a probe at
 * once.
 */
void	health_failed(struct health_watch *);
void	health_connected(struct health_watch *);

/* After all health_forget(). NULL is fine. */
void	health_stop(struct health *);

#endif
