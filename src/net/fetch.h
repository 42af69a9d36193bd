/*
 * A fetch gets one small thing by HTTP: a GET of an http URL on port 80. It
 * follows no redirection, sends no cookie and no credential. What answers is
 * hostile: it has so many bytes and so much time, in all.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "net/names.h"
#include "util/addr.h"

struct event_base;
struct fetch;

/* fetch_start() copies the URL. */
struct fetch_want {
	const char	*url;
	size_t		 max;		/* bytes of the answer's content */
	uint64_t	 timeout;	/* ms, in all */
	/* As in struct dial_want. */
	int		(*allow)(void *arg, const struct addr *);
	void		*arg;		/* ... of allow */
};

/*
 * With status 200 its content, which may be empty, and why NULL. Otherwise
 * data is NULL, and why says what went wrong. Both are good for the call. It
 * runs once, after fetch_start() has returned; the fetch is gone by then.
 */
typedef void (*fetch_done)(void *arg, const uint8_t *data, size_t len,
    const char *why);

/* NULL if the URL is not one that is fetched. */
struct fetch	*fetch_start(struct event_base *, struct names *,
		    const struct fetch_want *, fetch_done, void *arg);
void		 fetch_cancel(struct fetch *);	/* done will not run */

#endif
