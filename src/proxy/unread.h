/*
 * What of a session nobody reads.
 */
#ifndef PROXY_UNREAD_H
#define PROXY_UNREAD_H

#include <stddef.h>

#include "policy/facts.h"
#include "proxy/record.h"
#include "stream/tap.h"

struct session;

/* It passes unread by anybody, for this reason (static). The first counts. */
void	session_unread(struct session *, enum undecrypted, const char *why);

/* No service of the rule's saw it: counted; and in the record, with its name,
 * unless protocol is NULL. And so many bytes of it went on. */
struct slice;
void	unread_note(struct session *, enum unread, int blocked,
	    const struct slice *protocol);
void	unread_passed(struct session *, enum flow_dir, size_t);
/* It is HTTP/2, and not all of it is read: counted; and logged, if why is not
 * NULL. */
void	unread_http2(struct session *, enum unread_http2, const char *why);

/* At the session's end. */
void	unread_over(struct session *);

#endif
