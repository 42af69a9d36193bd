/*
 * Delivery: an HTTP/1 message of ours written into a flow at a tap's place,
 * as far as there is room at a time. The framing is made anew: what frames
 * the original is never passed through (RFC 9112, 6).
 */
#ifndef HTTP_DELIVER_H
#define HTTP_DELIVER_H

#include <stddef.h>
#include <stdint.h>

#include "codec/http1.h"
#include "proxy/flow.h"
#include "util/text.h"

enum deliver_framing {
	DELIVER_NONE,		/* no body (also what answers HEAD) */
	DELIVER_LENGTH,
	DELIVER_CHUNKED,
	DELIVER_CLOSE		/* to an HTTP/1.0 receiver: until the end */
};

struct deliver {
	struct flow	*flow;
	struct tap	*tap;
	struct text	 pend;		/* ours, waiting for room */
	size_t		 pend_off;
	enum deliver_framing framing;
	uint64_t	 left;		/* of DELIVER_LENGTH */
	struct slice	 upgrade;	/* a request's, to be said anew */
	char		 last;		/* (kept) byte: waits for the end */
	unsigned	 kept:1;
	unsigned	 ended:1;
	unsigned	 began:1;	/* a byte may have been committed */
};

void	 deliver_init(struct deliver *, struct flow *, struct tap *);
/*
 * Begin with this head. length: what Content-Length shall say, or -1. A
 * response to HEAD, or with a status that has no body, keeps its own length
 * field and gets none: say none = 1. old: the receiver speaks HTTP/1.0.
 * close: say Connection: close. A request goes out in origin-form.
 */
void	 deliver_head(struct deliver *, const struct http1_head *,
	    int64_t length, int none, int old, int close);
/* Text as it is (a page, an interim response), not framed. */
void	 deliver_text(struct deliver *, const char *, size_t);
/* Body; returns how much was taken. More than the length said is refused:
 * *bad is set. The last byte goes with the end: before it is known, nothing is
 * complete. */
size_t	 deliver_body(struct deliver *, const uint8_t *, size_t, int *bad);
/* The body is complete. ERR_SHORT when it is less than was said. */
int	 deliver_end(struct deliver *);
/* 1 when nothing waits for room. */
int	 deliver_flush(struct deliver *);
void	 deliver_free(struct deliver *);

#endif
