/*
 * One HTTP/1 message on its way through a flow, at a tap's place: its head
 * is kept, its body followed, and its bytes are held, taken out or let pass,
 * as the exchange it belongs to says.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "codec/http1.h"
#include "stream/flow.h"
#include "http/spool.h"
#include "util/text.h"

/*
 * Fields of a peer's head: a service may add some, and the answer is read (up
 * to HTTP_FIELDS).
 */
#define MESSAGE_FIELDS	1024
/* The longest head that fits into a flow, with room to put something in. */
#define MESSAGE_HEAD	(POOL_BUF - 8 * 1024)

enum message_mode {
	MESSAGE_HOLD,	/* bytes lie in the flow; the body is copied as far as
			   `wants` into the spool, if there is one */
	MESSAGE_TAKE,	/* out of the flow, the body into the spool */
	MESSAGE_PASS,	/* on as they are */
	MESSAGE_DROP	/* out of the flow, and forgotten */
};

struct message {
	struct flow	*flow;
	struct tap	*tap;
	enum message_mode mode;
	struct text	 head;		/* a copy, as it came; before http is
					   there: what was taken out so far */
	size_t		 limit;		/* bytes of a head; kept over a reset */
	size_t		 charged;	/* to the pool's budget, for a head */
	struct http_head *http;	/* of that copy; NULL: not here yet */
	size_t		 wire;		/* bytes the head takes in the flow; 0
					   for a long one: it was taken out */
	size_t		 scanned;	/* of a head that is not all here */
	struct http1_body body;		/* follows what was looked at */
	struct text	 trailers;	/* of it, as far as they came */
	struct spool	*spool;		/* owned; or NULL */
	uint64_t	 wants;		/* MESSAGE_HOLD: body bytes to copy */
	uint64_t	 max;		/* spool no more for now */
	size_t		 held;		/* looked at and still in the flow */
	size_t		 passed;	/* of those, let go so far */
	/* Is told of the body as it is looked at; or NULL. */
	void		(*seen)(void *arg, struct slice payload);
	void		*arg;
	unsigned	 ended:1;	/* the body is complete */
	unsigned	 eof:1;		/* of the stream */
	unsigned	 cut:1;		/* ... and never will be */
	unsigned	 lost:1;	/* the spool would not take a byte */
	const char	*bad;		/* its framing broke; or NULL */
};

void	 message_init(struct message *, struct flow *, struct tap *);
/*
 * Look for the head in data, the bytes at the tap's position. 0; ERR_SHORT;
 * ERR_* with *why. method: of the request that a response answers. A head that
 * is longer than MESSAGE_HEAD is taken out of the flow piece by piece, where
 * the limit lets it be; who lets the message pass then puts it back.
 */
int	 message_head(struct message *, const uint8_t *data, size_t len,
	    struct slice method, const char **why);
/* Fields of this name: one with this value in their place; NULL: none. */
struct message_edit {
	const char	*name;
	const char	*value;
};
/* Change fields of the head, in the flow and in the copy. Uses edit up. 0 or
 * ERR_* (then nothing was changed). */
int	 message_edit(struct message *, struct message_edit *edit, size_t n);
/* Whether it was taken out of the flow. */
int	 message_apart(const struct message *);
/* Bytes at the tap's position, with the head. Returns how many to let go. */
size_t	 message_data(struct message *, const uint8_t *data, size_t len);
/* More than max is in the spool. */
int	 message_over(const struct message *);
/* From holding to letting pass, or to taking out. */
void	 message_pass(struct message *);
void	 message_take(struct message *);
void	 message_drop(struct message *);
/* The stream ended. */
void	 message_eof(struct message *);
/* Take out all that is there, whatever it is. */
void	 message_discard(struct message *);
/* Ready for the next one. */
void	 message_reset(struct message *);

#endif
