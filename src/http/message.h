/*
 * One message of an exchange, for every version of HTTP: its head, the part of
 * its body that is still needed, its trailers. A codec (h1.h) fills it as bytes
 * come. None of it is in a connection's buffer, so one message can be held
 * while others go on.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "codec/http.h"
#include "http/spool.h"
#include "util/text.h"

struct http_message {
	struct http_head *head;		/* NULL: not here yet */
	struct text	 bytes;		/* the head points into them */
	struct text	 trailers;	/* lines, each with its CRLF */
	struct spool	*body;		/* owned: the part kept; or NULL */
	uint64_t	 length;	/* bytes of body that came */
	/* Keep no more than this for now; and no more than a service wants
	 * first, before it has seen anything. */
	uint64_t	 max, wants;
	/* Also gets the whole body, or what goes through the tunnel behind
	 * the message; or NULL. */
	void		(*seen)(void *arg, struct slice);
	void		*arg;
	unsigned	 bodied:1;	/* a body follows the head */
	unsigned	 tunnel:1;	/* the bytes after it are not HTTP */
	unsigned	 ended:1;	/* it is whole */
	unsigned	 cut:1;		/* it broke off */
	unsigned	 lost:1;	/* a byte of it could not be kept */
	unsigned	 began:1;	/* a byte of it, or of what goes in its
					   place, may have gone on */
	unsigned	 sent:1;	/* so has the end of that, unless it
					   passed unchanged */
	const char	*bad;		/* its framing broke; or NULL */
};

/* Copy a head, and the bytes that it was read from, into the message. */
void	 message_head(struct http_message *, const struct http_head *,
	    const char *data, size_t len);
/* Content came. Keep it, if there is a body to keep it in. */
void	 message_data(struct http_message *, struct slice);
/* The message is whole; or its connection ended before that. */
void	 message_end(struct http_message *, int whole);
/* Whether more of the body is kept than should be. */
int	 message_over(const struct http_message *);
/* The bytes of the body wanted now. first: no more than `wants`. */
size_t	 message_window(const struct http_message *, int first);
/* Neither the kept part nor the rest is needed. */
void	 message_forget(struct http_message *);
/* Make it empty, for the next one. */
void	 message_reset(struct http_message *);

#endif
