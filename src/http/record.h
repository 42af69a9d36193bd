/*
 * The record of an HTTP exchange for the event log, filled as its heads are
 * read. Strings are copies as they came (perhaps not UTF-8), cut at a bound, or
 * NULL. The record owns them until http_record_next() or http_record_free().
 */
#ifndef HTTP_RECORD_H
#define HTTP_RECORD_H

#include <stdint.h>
#include <time.h>

#include "codec/http.h"
#include "codec/ws.h"
#include "stream/tap.h"

#define HTTP_RECORD_URL		8192	/* bytes kept of a target */
#define HTTP_RECORD_FIELD	1024	/* ... and of a field's value */

#define HTTP_BY_US	"gateway"	/* a page of ours */
#define HTTP_BY_SERVICE	"service"	/* an ICAP service's message */

struct http_record {
	unsigned	 number;	/* in its session, from 0 */
	struct timespec	 start;		/* the request's head; wall clock */
	struct timespec	 answered;	/* the response's; 0: none came */
	struct timespec	 end;		/* 0: not over */

	char		*method;	/* NULL: it holds no request */
	char		*url;		/* the target as it came */
	char		*host;		/* Host, else the target's; lower case,
					 * without the port */
	uint16_t	 port;		/* given with it, or 0 */
	int		 version[2];	/* 10, 11, 20: of request, response */
	uint32_t	 stream;	/* its id in HTTP/2, or 0 */
	char		*user_agent, *referer;
	char		*content_type[2];	/* without parameters */
	int		 status;	/* of the last response; 0: none */
	char		*location;	/* of a 3xx */
	uint64_t	 length[2];	/* content, by enum flow_dir, as it
					 * went on; the caller counts */
	/* Who made the response that the client got: HTTP_BY_*, or NULL for the
	 * server. Then the status of the server's own response, or 0. */
	const char	*by;
	struct {
		int	 status;
		uint64_t length;
	} origin;
	uint64_t	 trickled;	/* of the response's content, before
					 * services had answered */
	const char	*why;		/* why it failed, or was answered by
					 * us: static */
};

/* A message of a WebSocket. */
struct ws_message {
	unsigned	 tx;		/* the exchange that it began with */
	enum flow_dir	 dir;
	enum ws_opcode	 opcode;
	uint64_t	 length;	/* of its payload, as it came */
	int		 deflated;	/* (RFC 7692) */
};

/* Record a head once it has been read; now is the wall clock. */
void	http_record_request(struct http_record *, const struct http_head *,
	    const struct timespec *now);
void	http_record_response(struct http_record *, const struct http_head *,
	    const struct timespec *now);

/*
 * Another response goes on in place of the server's, or of none, with this
 * status; its length so far is 0. by: HTTP_BY_*. It may be called again, if the
 * first answer was withdrawn.
 */
void	http_record_replaced(struct http_record *, const char *by, int status);

/* The replacement was withdrawn: h is the server's own response, or NULL. */
void	http_record_restored(struct http_record *, const struct http_head *h);

/* Bytes of what it keeps. */
size_t	http_record_size(const struct http_record *);

/* Make it empty, for the next exchange of the session. */
void	http_record_next(struct http_record *);
/* Free what is inside. */
void	http_record_free(struct http_record *);

#endif
