/*
 * /etc/hosts, for all workers. A thread of its own reads it at first and
 * whenever it has changed, so that no worker waits for a disk.
 */
#ifndef NET_HOSTS_H
#define NET_HOSTS_H

#include <stddef.h>

#include "net/mailbox.h"
#include "util/addr.h"

#define HOSTS_MAX	16	/* addresses of one name */

struct hosts_ask;

/* Runs in the asker's thread, by mail. n is 0 if the file lacks the name. */
typedef void (*hosts_done)(void *arg, const struct addr *, size_t n);

/* name is in lower case. done runs after this has returned. */
struct hosts_ask *hosts_ask(const char *name, struct mailbox *, hosts_done,
		    void *arg);
/* done will not run. Call it in the asker's thread, before the mailbox is
 * freed. */
void		 hosts_cancel(struct hosts_ask *);

#endif
