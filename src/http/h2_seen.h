/*
 * The streams that a reader of HTTP/2 knows (http/h2_read): what it sees of
 * each becomes calls of its user, in an order that makes sense, or the stream
 * is bad and forgotten. What comes of other streams is nothing.
 */
#ifndef HTTP_H2_SEEN_H
#define HTTP_H2_SEEN_H

#include "http/h2_read.h"

#define H2_SEEN_BUCKETS	64

struct h2_seen_stream;

struct h2_seen {
	const struct h2_read_user *user;
	void		*arg;
	struct h2_seen_stream *bucket[H2_SEEN_BUCKETS];
	size_t		 n;
	struct h2_seen_stream *spare;	/* memory of some that are over */
};

enum h2_known {
	H2_UNKNOWN,
	H2_HEADLESS,			/* the message's head is to come */
	H2_HEADED
};
enum h2_known	 h2_seen_known(struct h2_seen *, enum flow_dir, uint32_t id);

/* The head of a request, or of one that is promised; of a response; and of
 * trailers. last: nothing follows it. */
void	 h2_seen_request(struct h2_seen *, uint32_t id,
	    const struct http_head *, int last);
void	 h2_seen_response(struct h2_seen *, uint32_t id,
	    const struct http_head *, int last);
void	 h2_seen_trailers(struct h2_seen *, enum flow_dir, uint32_t id,
	    const struct text *, int last);
void	 h2_seen_data(struct h2_seen *, enum flow_dir, uint32_t id,
	    const uint8_t *, size_t);
void	 h2_seen_end(struct h2_seen *, enum flow_dir, uint32_t id);
void	 h2_seen_reset(struct h2_seen *, enum flow_dir, uint32_t id,
	    uint32_t code);
/* It is malformed: a request, which begins no stream; any other message. */
void	 h2_seen_unread(struct h2_seen *, enum flow_dir, uint32_t id,
	    const char *why);
void	 h2_seen_bad(struct h2_seen *, enum flow_dir, uint32_t id,
	    const char *why);
/* All streams are over, and forgotten; nothing is left to free. */
void	 h2_seen_over(struct h2_seen *);

#endif
