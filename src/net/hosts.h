/*
 * /etc/hosts, for all workers: read by a thread of its own, once and again
 * when it has changed, so that no worker waits for a disk.
 */
#ifndef NET_HOSTS_H
#define NET_HOSTS_H

#include <stddef.h>

#include "net/mailbox.h"
#include "util/addr.h"

#define HOSTS_MAX	16	/* addresses of one name */

struct hosts_ask;

/* In the asker's thread, by mail. n is 0 where the file has no such name. */
typedef void (*hosts_done)(void *arg, const struct addr *, size_t n);

/* name: lower case. Never before this returned. */
struct hosts_ask *hosts_ask(const char *name, struct mailbox *, hosts_done,
		    void *arg);
/* In the asker's thread, before the mailbox goes: done will not run. */
void		 hosts_cancel(struct hosts_ask *);

#endif
