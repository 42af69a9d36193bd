/*
 * Reads HTTP/2 beside a connection that passes it (RFC 9113; HPACK by
 * codec/hpack): frames and heads of both directions become events of streams.
 * It edits and holds nothing, keeps no body, and has no socket. It is for who
 * is shown bytes that go on anyway: the `http` events of sessions without
 * services, and mirrors that show a stream as a conversation of HTTP/1.
 */
#ifndef HTTP_H2_READ_H
#define HTTP_H2_READ_H

#include <stddef.h>
#include <stdint.h>

#include "codec/http.h"
#include "stream/tap.h"
#include "util/text.h"

struct h2_read;

struct h2_read_user {
	/*
	 * A request came on this stream, or was promised (PUSH_PROMISE):
	 * returns what the other calls get as `stream`, or NULL: it is of no
	 * interest. The head is good for the call. last: its frame ended the
	 * stream's direction (END_STREAM), and `end` is called next.
	 */
	void	*(*begin)(void *arg, uint32_t id, const struct http_head *,
		    int last);
	/* A response's head; those before the last are interim (1xx). */
	void	 (*head)(void *stream, const struct http_head *, int last);
	/* Content, without padding. */
	void	 (*data)(void *stream, enum flow_dir, const uint8_t *, size_t);
	/* The message is whole; trailers: lines with CRLF, or NULL. */
	void	 (*end)(void *stream, enum flow_dir,
		    const struct text *trailers);
	/*
	 * The stream is over, and `stream` is given back. code: of RST_STREAM,
	 * which came in direction dir; -1: both messages were whole; -2: the
	 * connection or the reading ended before that.
	 */
	void	 (*over)(void *stream, enum flow_dir, int64_t code);
	/*
	 * Instead of `over`: a head or trailers that came in direction dir are
	 * malformed (why, of http/h2_head), and no more of the stream is read.
	 * stream: NULL if that was the request, or it was of no interest.
	 */
	void	 (*bad)(void *arg, uint32_t id, void *stream, enum flow_dir,
		    const char *why);
};

/*
 * limit: bytes of a head. first: the connection began by an upgrade of HTTP/1
 * (RFC 7540, 3.2), so that stream 1 is half-closed and its request was this;
 * else NULL.
 */
struct h2_read	*h2_read_new(const struct h2_read_user *, void *arg,
		    size_t limit, const struct http_head *first);
void		 h2_read_free(struct h2_read *);
/*
 * The next bytes of that direction. 0; or ERR_FORMAT or ERR_LIMIT with *why
 * (static): from there on nothing more can be read of either direction, and
 * all streams are over.
 */
int		 h2_read(struct h2_read *, enum flow_dir, const uint8_t *,
		    size_t, const char **why);

#endif
