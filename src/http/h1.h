/*
 * HTTP/1 (RFC 9112) between two connections, at a tap's place in their flows:
 * bytes become the messages of one exchange at a time, and what goes
 * on of them becomes bytes. What belongs to the connection is decided here and
 * nowhere else: framing, the fields of one hop, what HTTP/1.0 cannot take,
 * whether the connection may carry another exchange.
 *
 * A message that goes on as it came is not copied: its bytes lie in the flow
 * until they may pass. Once more of it is wanted than the flow holds, or
 * something else goes in its place, it is taken out and framed anew.
 */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "codec/http1.h"
#include "http/message.h"
#include "http/exchange.h"
#include "stream/flow.h"

/*
 * Fields of a peer's head: a service may add some, and the answer is read (up
 * to HTTP_FIELDS).
 */
#define H1_FIELDS	1024
/* The longest head that fits into a flow, with room to put something in. */
#define H1_HEAD		(POOL_BUF - 8 * 1024)
#define H1_ROOM		1024	/* in a flow: then something goes */

enum h1_mode {
	H1_HOLD,	/* bytes lie in the flow; the body is copied as far as
			   the message wants it first */
	H1_TAKE,	/* out of the flow, the body into the message */
	H1_PASS,	/* on as they are */
	H1_DROP		/* out of the flow, and forgotten */
};

/* One direction: the message that comes, and what goes on in its place. */
struct h1_dir {
	struct flow	*flow;
	struct tap	*tap;
	struct http_message *m;		/* of the exchange */

	/* Reading. */
	enum h1_mode	 mode;
	size_t		 limit;		/* bytes of a head */
	struct text	 piece;		/* of a head too long for the flow */
	size_t		 charged;	/* to the budget, for such a head */
	size_t		 scanned;	/* of a head that is not all here */
	size_t		 wire;		/* bytes of the head in the flow; 0 for
					   a long one */
	size_t		 held;		/* looked at and still in the flow */
	struct http1_body body;		/* follows what was looked at */
	unsigned	 edited:1;	/* the head is not what lies there */
	unsigned	 passed:1;	/* some of it went as it is */
	unsigned	 eof:1;		/* the peer ended the stream */

	/* Writing. */
	struct text	 pend;		/* ours, waiting for room */
	size_t		 pend_off;
	size_t		 revocable;	/* so much of its end is held back */
	enum http1_kind	 framing;	/* CLOSE: until the end */
	uint64_t	 left;		/* of HTTP1_LENGTH */
	uint64_t	 sent;		/* bytes of body since its head */
	unsigned	 ended:1;
	unsigned	 began:1;	/* a byte may have been committed */
};

struct h1 {
	struct h1_dir	 dir[2];	/* by enum flow_dir */
	/* The present request's method, as it came and as it went. */
	struct text	 method, asked;
	unsigned	 ends:1;	/* the connections end when HTTP says
					   so; else that is the peers' */
	unsigned	 old_client:1;	/* HTTP/1.0 */
	unsigned	 closing:1;	/* no exchange after this one */
};

/* What an exchange does with this codec; its conn is a struct h1. */
extern const struct http_codec h1_codec;

/* Fills the exchange's messages. limit: bytes of a head that are taken; ends:
 * see struct h1. */
void	 h1_init(struct h1 *, struct tap *, struct flow *up, struct flow *down,
	    struct exchange *, size_t limit, int ends);
void	 h1_done(struct h1 *);
/* One direction is ready for the next message. */
void	 h1_next(struct h1 *, enum flow_dir);

/*
 * Look for the message's head in data, the bytes at the tap's position. 0;
 * ERR_SHORT; ERR_* with *why. A head that is longer than H1_HEAD is taken out
 * of the flow piece by piece, where the limit lets it be.
 */
int	 h1_head(struct h1 *, enum flow_dir, const uint8_t *, size_t len,
	    const char **why);
/* A piece of such a head was taken. */
int	 h1_in_head(const struct h1 *, enum flow_dir);
/* Bytes at the tap's position, with the head. How many to let go. */
size_t	 h1_data(struct h1 *, enum flow_dir, const uint8_t *, size_t len);
/* The peer ended the direction. */
void	 h1_eof(struct h1 *, enum flow_dir);
/* All that lies there is taken out, whatever it is. */
void	 h1_discard(struct h1 *, enum flow_dir);

/* All of the message was read, or it broke off, and none of it lies there. */
int	 h1_over(const struct h1 *, enum flow_dir);
/* So much of the response is still to come that reading it to its end is not
 * worth the connection. */
int	 h1_endless(const struct h1 *);
/* No exchange follows: both directions end behind what was said. */
void	 h1_finish(struct h1 *);
/* 1 when nothing waits for room. */
int	 h1_flush(struct h1 *, enum flow_dir);
/* Something waits for room, or is held back. */
int	 h1_waits(const struct h1 *, enum flow_dir);

/* What struct http_codec (http/exchange.h) says of each. */
void	 h1_edit(void *, enum flow_dir, struct http_edit *, size_t n);
int	 h1_pass(void *, enum flow_dir);
void	 h1_take(void *, enum flow_dir);
void	 h1_drop(void *, enum flow_dir);
int	 h1_send_head(void *, enum flow_dir, const struct http_head *, int body,
	    int64_t length, unsigned flags);
size_t	 h1_send_data(void *, enum flow_dir, const uint8_t *, size_t, int *bad);
int	 h1_send_end(void *, enum flow_dir, const struct text *trailers);
void	 h1_go_ahead(void *);
void	 h1_revoke(void *, enum flow_dir);
int	 h1_commit(void *, enum flow_dir);
int	 h1_began(const void *, enum flow_dir);
int	 h1_ended(const void *, enum flow_dir);
int	 h1_room(void *, enum flow_dir);
int	 h1_blocked(void *, enum flow_dir);
/* Text as it is. */
void	 h1_text(struct h1_dir *, const char *, size_t);

#endif
