/*
 * One message of an exchange, whatever version of HTTP carries it: its head,
 * as much of its body as somebody still needs, its trailers. A codec fills it
 * in as bytes come (h1.h); nothing here lies in a connection's buffer, so that
 * one message can be held while others go on.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "codec/http.h"
#include "http/spool.h"
#include "util/text.h"

struct http_message {
	struct http_head *head;		/* NULL: not here yet */
	struct text	 bytes;		/* what the head points into */
	struct text	 trailers;	/* lines, each with its CRLF */
	struct spool	*body;		/* owned: what is kept of it; or NULL */
	uint64_t	 length;	/* bytes of body that came */
	/* Keep no more than this for now; and of a body of which a service
	 * has seen nothing yet, no more than what it wants to see first. */
	uint64_t	 max, wants;
	/* Is shown all of the body, too; or NULL. */
	void		(*seen)(void *arg, struct slice);
	void		*arg;
	unsigned	 bodied:1;	/* a body follows the head */
	unsigned	 tunnel:1;	/* ... and it is no HTTP any more */
	unsigned	 ended:1;	/* its end was seen, and it is whole */
	unsigned	 cut:1;		/* it ended before that */
	unsigned	 lost:1;	/* a byte of it could not be kept */
	const char	*bad;		/* its framing broke; or NULL */
};

/* The head that was read from these bytes is the message's, in a copy. */
void	 message_head(struct http_message *, const struct http_head *,
	    const char *data, size_t len);
/* Content came; it is kept, if there is a body to keep it in. */
void	 message_data(struct http_message *, struct slice);
/* The message is complete; or its connection ended before that. */
void	 message_end(struct http_message *);
void	 message_cut(struct http_message *);
/* More of the body is kept than is to be. */
int	 message_over(const struct http_message *);
/* How many bytes of the body are wanted now. first: no more than `wants`. */
size_t	 message_window(const struct http_message *, int first);
/* What was kept is not needed, nor what follows. */
void	 message_forget(struct http_message *);
/* Empty again, for the next. */
void	 message_reset(struct http_message *);

#endif
