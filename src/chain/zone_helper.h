/*
 * The zone helper: the process that keeps the privileges for namespaces. It has
 * one thread and one descriptor, and does what comes over that
 * (chain/zone_wire.h) until the other end is closed.
 */
#ifndef CHAIN_ZONE_HELPER_H
#define CHAIN_ZONE_HELPER_H

/* Its name, and its argument (util/helper.h). */
#define ZONE_HELPER_NAME "clearspan-zones"	/* comm (proc(5)) */
#define ZONE_HELPER_ARG	"--zone-helper"

/* What the systemd unit lacks for devices, in words for the operator; the same
 * lines are in docs/devices.md. */
#define ZONE_UNIT	"systemctl edit clearspan, with the lines [Service], " \
	"AmbientCapabilities=CAP_SYS_ADMIN, "				\
	"CapabilityBoundingSet=CAP_SYS_ADMIN, RestrictNamespaces=net, "	\
	"ProtectKernelTunables=no"

/*
 * Serve on fd until the daemon has gone; then take all ports down and give them
 * back. Closes every other descriptor except stderr, gives up all capabilities
 * that it does not need, and ignores the signals that stop the daemon. Returns
 * the exit status; at once if fd is no such socketpair.
 */
int	zone_helper(int fd);

#endif
