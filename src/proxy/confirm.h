/*
 * Whose certificate is at an address under a name, and who asks just now: of
 * one worker.
 */
#ifndef PROXY_CONFIRM_H
#define PROXY_CONFIRM_H

struct confirm;

struct confirm	*confirm_new(void);
/* Other servers are trusted now: what is known counts no more. */
void		 confirm_forget(struct confirm *);
/* When no session waits any more. */
void		 confirm_free(struct confirm *);

#endif
