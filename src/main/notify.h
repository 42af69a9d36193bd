/*
 * systemd's protocol for services: what we tell it (sd_notify(3)), and whether
 * it watches us (sd_watchdog_enabled(3)).
 */
#ifndef MAIN_NOTIFY_H
#define MAIN_NOTIFY_H

#include <stdint.h>

/* Send "READY=1" or the like; does nothing without NOTIFY_SOCKET. */
void	 notify(const char *state);

/* The ms after which systemd restarts us unless it has got "WATCHDOG=1"; 0:
 * never. */
uint64_t notify_watchdog(void);

#endif
