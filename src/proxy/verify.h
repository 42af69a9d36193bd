/*
 * Passwords are checked in threads of their own: a good hash takes a tenth of a
 * second of CPU on purpose, and a worker has other sessions. The threads start
 * with the first check and are shared by all workers.
 */
#ifndef PROXY_VERIFY_H
#define PROXY_VERIFY_H

struct mailbox;
struct verify;

/* Runs in the mailbox's thread, once, unless it was cancelled; the check is
 * gone afterwards. */
typedef void (*verify_done)(void *arg, int ok);

/* NULL: too many are waiting, or there is no thread. Both texts are copied. */
struct verify	*verify_start(struct mailbox *, const char *hash,
		    const char *password, verify_done, void *arg);
/* In the mailbox's thread, before the mailbox is freed. NULL is allowed. */
void		 verify_cancel(struct verify *);

#endif
