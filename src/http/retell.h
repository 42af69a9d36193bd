/*
 * Retells a stream of HTTP/2 as a conversation of HTTP/1.1, for readers that
 * know no other version (RFC 9112). What it has no words for is said in those
 * that come nearest: an extended CONNECT (RFC 8441) as a switch of protocols by
 * 101, trailers behind the last chunk, a length only where it was given. What
 * could be read there as more or less than it was in the stream (a byte that
 * ends a line, content beside its length) is refused, and the conversation is
 * to be cut visibly. It keeps no bytes: all goes out in the call.
 */
#ifndef HTTP_RETELL_H
#define HTTP_RETELL_H

#include <stdint.h>

#include "codec/http.h"
#include "stream/tap.h"
#include "util/text.h"

enum retell_body {
	RETELL_NONE,		/* no content may come (yet) */
	RETELL_LENGTH,
	RETELL_CHUNKED,
	RETELL_TUNNEL		/* bytes of another protocol; its direction
				   ends by FIN */
};

#define RETELL_PROTOCOL	22	/* "websocket" and the like, and a NUL */

struct retell {			/* of one stream; all zero at first */
	const char	*why;		/* of the last ERR_FORMAT; static */
	uint64_t	 left[2];	/* of RETELL_LENGTH; by enum flow_dir */
	uint8_t		 body[2];	/* enum retell_body */
	uint8_t		 head;		/* the method is HEAD ... */
	uint8_t		 connect;	/* ... or CONNECT */
	char		 protocol[RETELL_PROTOCOL];	/* ... with this; "" */
};

/*
 * The calls append to out what is to be shown next in that direction. 0, or
 * ERR_FORMAT with why: nothing was appended, and the conversation is to be cut.
 *
 * retell_request and retell_response take heads as h2_read shows them. last:
 * the message ends with its head.
 */
int	retell_request(struct retell *, const struct http_head *, int last,
	    struct text *out);
int	retell_response(struct retell *, const struct http_head *, int last,
	    struct text *out);
/*
 * *data is content, and afterwards what is to be shown: it, or all of out,
 * which was empty.
 */
int	retell_data(struct retell *, enum flow_dir, struct slice *data,
	    struct text *out);
/*
 * The message is whole. trailers: lines with CRLF, or NULL; those of a message
 * with a length are left out, as HTTP/1 has no place for them.
 */
int	retell_end(struct retell *, enum flow_dir, const struct text *trailers,
	    struct text *out);

#endif
