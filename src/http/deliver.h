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
#include "stream/flow.h"
#include "util/text.h"

enum {				/* flags of deliver_head */
	DELIVER_NO_BODY = 1 << 0,	/* none, also what answers HEAD: the
					   length field stays as it is */
	DELIVER_UNTIL_END = 1 << 1,	/* without a length: until the end of
					   the connection, not in chunks */
	DELIVER_LAST	= 1 << 2,	/* say Connection: close */
	DELIVER_CHANGED	= 1 << 3,	/* the body is not the original's */
	DELIVER_HELD	= 1 << 4	/* goes with the first of its body, and
					   until then can be taken back */
};

#define DELIVER_ROOM	1024	/* in the flow: then something goes */

struct deliver {
	struct flow	*flow;
	struct tap	*tap;
	struct text	 pend;		/* ours, waiting for room */
	size_t		 pend_off;
	size_t		 held;		/* so much of its end is held back */
	enum http1_kind	 framing;	/* CLOSE: until the end */
	uint64_t	 left;		/* of HTTP1_LENGTH */
	uint64_t	 body;		/* bytes of it taken since its head */
	unsigned	 ended:1;
	unsigned	 began:1;	/* a byte may have been committed */
};

void	 deliver_init(struct deliver *, struct flow *, struct tap *);
/*
 * Begin with this head, and a body of length bytes, -1 if that is not known.
 * A request goes out in origin-form. fields: more, each with CRLF, or NULL.
 * 0, or ERR_* when it cannot be written (codec/http1_write.h); then nothing
 * was.
 */
int	 deliver_head(struct deliver *, const struct http_head *,
	    int64_t length, unsigned flags, const char *fields);
/* What is held is taken back: where nothing went, as if there had been no
 * message. */
void	 deliver_withdraw(struct deliver *);
/* All of the message is held: it will not be taken back. 1; 0: it is not. */
int	 deliver_commit(struct deliver *);
/* Text as it is (a page, an interim response), not framed. */
void	 deliver_text(struct deliver *, const char *, size_t);
/* Body; returns how much was taken. More than the length said is refused:
 * *bad is set. The last of it is held until the end: before that is known,
 * nothing is complete; and where that is all of it, with a held head, nothing
 * is committed. */
size_t	 deliver_body(struct deliver *, const uint8_t *, size_t, int *bad);
/* The body is complete; trailers: lines for the end of chunks, or NULL.
 * ERR_SHORT when it is less than was said. */
int	 deliver_end(struct deliver *, const struct text *trailers);
/* 1 when nothing waits for room. */
int	 deliver_flush(struct deliver *);
/* Something waits for room, or is held. */
int	 deliver_waits(const struct deliver *);
void	 deliver_free(struct deliver *);

#endif
