/*
 * The codec of HTTP/1 (RFC 9112), at the place of a tap in two flows. It turns
 * bytes into the messages of one exchange at a time, and turns messages that go
 * on into bytes. Everything about the connection is decided here and nowhere
 * else: framing, hop-by-hop fields, the limits of HTTP/1.0, and whether the
 * connection may carry another exchange.
 *
 * A message that goes on unchanged is not copied: its bytes stay in the flow
 * until they may pass. If more of it is wanted than the flow holds, or another
 * message goes in its place, it is taken out and framed again.
 */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "codec/http1.h"
#include "http/message.h"
#include "http/exchange.h"
#include "stream/flow.h"

/*
 * The fields that a peer's head may have. A service may add more, up to
 * HTTP_FIELDS.
 */
#define H1_FIELDS	1024
/* The longest head that fits into a flow, with room to add something. */
#define H1_HEAD		(POOL_BUF - 8 * 1024)
/* No longer head is ever held in a flow. If the limit of heads is not above it,
 * a head stays in the flow until the message goes on. */
#define H1_IN_FLOW	(POOL_BUF - 4096)
#define H1_ROOM		1024	/* in a flow: enough to send something */

enum h1_mode {
	H1_HOLD,	/* bytes stay in the flow; the start of the body that
			   the message wants is copied */
	H1_TAKE,	/* bytes leave the flow, the body for the message */
	H1_PASS,	/* bytes go on unchanged */
	H1_DROP		/* bytes leave the flow and are forgotten */
};

/* One direction: the message that is read, and the one that is written. */
struct h1_dir {
	struct flow	*flow;
	struct tap	*tap;
	struct http_message *m;		/* of the exchange */

	/* Reading. */
	enum h1_mode	 mode;
	size_t		 limit;		/* bytes of a head */
	struct text	 piece;		/* of a head too long for the flow */
	size_t		 charged;	/* to the budget, for such a head */
	size_t		 scanned;	/* bytes of an incomplete head */
	size_t		 wire;		/* bytes of the head in the flow; 0 for
					   a long one */
	size_t		 held;		/* bytes read and still in the flow */
	struct http1_body body;		/* follows the bytes read */
	unsigned	 edited:1;	/* the head differs from the flow's */
	unsigned	 eof:1;		/* the peer ended the stream */

	/* Writing. */
	struct text	 pend;		/* ours, waiting for room */
	size_t		 pend_off;
	size_t		 revocable;	/* bytes held back at its end */
	enum http1_kind	 framing;	/* CLOSE: until the end */
	uint64_t	 left;		/* of HTTP1_LENGTH */
};

struct h1 {
	struct h1_dir	 dir[2];	/* by enum flow_dir */
	struct text	 asked;		/* the request's method, as it went */
	unsigned	 ends:1;	/* HTTP decides when the connections
					   end, not the peers */
	unsigned	 closing:1;	/* no exchange after this one */
};

/* The codec's table for exchanges; its conn is a struct h1. */
extern const struct http_codec h1_codec;

/* Fill the messages of this exchange. limit: the longest head; ends: see struct
 * h1. */
void	 h1_init(struct h1 *, struct tap *, struct flow *up, struct flow *down,
	    struct exchange *, size_t limit, int ends);
void	 h1_done(struct h1 *);

/*
 * Look for the message's head in data, the bytes at the tap's position. Returns
 * 0; ERR_SHORT; or ERR_* with *why. A head longer than H1_HEAD is taken out of
 * the flow piece by piece, within the limit.
 */
int	 h1_head(struct h1 *, enum flow_dir, const uint8_t *, size_t len,
	    const char **why);
/* The request goes on as an origin server wants it: http1_origin_form(). */
void	 h1_origin_form(struct h1 *);
/* Whether a piece of such a head was taken. */
int	 h1_in_head(const struct h1 *, enum flow_dir);
/* Read bytes at the tap's position, with the head. Returns how many may go. */
size_t	 h1_data(struct h1 *, enum flow_dir, const uint8_t *, size_t len);
/* The peer ended the direction. */
void	 h1_eof(struct h1 *, enum flow_dir);
/* Take everything out of the flow, whatever it is. */
void	 h1_discard(struct h1 *, enum flow_dir);

/* Whether the message was read whole, or broke off, and has left the flow. */
int	 h1_over(const struct h1 *, enum flow_dir);
/* Whether the rest of the response is so long that reading it is not worth the
 * connection. */
int	 h1_endless(const struct h1 *);
/* No exchange follows: both directions end after what was sent. */
void	 h1_finish(struct h1 *);
/* Write what waits. Returns 1 if nothing waits for room any more. */
int	 h1_flush(struct h1_dir *);
/* Whether something waits for room, or is held back. */
int	 h1_waits(const struct h1 *, enum flow_dir);

/* Members of h1_codec (http/exchange.h). */
void	 h1_edit(void *, enum flow_dir, struct http_edit *, size_t n);
void	 h1_take(void *, enum flow_dir);
void	 h1_drop(void *, enum flow_dir);

#endif
