/*
 * A request of our own to a server of HTTP, for what we tell others: sent once,
 * on a connection of its own, and answered with a status. No redirection is
 * followed and no cookie kept. What answers is hostile: so much of it is read,
 * within so much time.
 */
#ifndef VERDICT_POST_H
#define VERDICT_POST_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "codec/slice.h"
#include "net/names.h"

struct event_base;
struct post;

#define POST_SAID	256	/* bytes kept of what an answer says */

struct post_want {		/* all of it is copied */
	const char	*host;
	uint16_t	 port;
	SSL_CTX		*ctx;		/* NULL: in the clear */
	const char	*method, *path;
	struct slice	 fields;	/* lines, each with its CRLF */
	struct slice	 body;
	uint64_t	 timeout;	/* ms, in all */
};

/*
 * The status (RFC 9110, 15), and the start of what came with it; or 0 and why
 * there is none. It runs once, after post_start() has returned; the post is
 * gone by then.
 */
typedef void (*post_done)(void *arg, int status, const char *said);

struct post	*post_start(struct event_base *, struct names *,
		    const struct post_want *, post_done, void *arg);
void		 post_cancel(struct post *);	/* done will not run */

#endif
