/*
 * systemd's protocol for services (sd_notify(3)): what is told to it, and
 * whether it watches us (sd_watchdog_enabled(3)).
 */
#ifndef MAIN_NOTIFY_H
#define MAIN_NOTIFY_H

#include <stdint.h>

/* "READY=1" and the like: one datagram, or nothing without NOTIFY_SOCKET. */
void	 notify(const char *state);

/* ms after which it restarts us if it has heard no "WATCHDOG=1"; 0: never. */
uint64_t notify_watchdog(void);

#endif
