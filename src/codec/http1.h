/*
 * HTTP/1 messages (RFC 9112): how a body is framed, and a follower that finds
 * its end while the bytes pass. Nothing is copied. Like the reader of heads
 * (codec/http.h) it is strict on purpose: what two readers could take for two
 * different messages is refused, with the reason.
 */
#ifndef CODEC_HTTP1_H
#define CODEC_HTTP1_H

#include <stddef.h>
#include <stdint.h>

#include "codec/http.h"
#include "codec/slice.h"
#include "util/text.h"

/* Whether the connection may carry another message (RFC 9112, 9.3). */
int	http1_keeps_alive(const struct http_head *);

enum http1_kind {
	HTTP1_NONE,		/* no body */
	HTTP1_LENGTH,		/* so many bytes */
	HTTP1_CHUNKED,		/* chunks, then trailers */
	HTTP1_CLOSE,		/* all until the connection ends */
	HTTP1_TUNNEL		/* no HTTP any more: CONNECT, or Upgrade */
};

#define HTTP1_EXT	64	/* bytes kept of a chunk's extensions */

struct http1_body {
	enum http1_kind	 kind;
	int		 state;		/* private */
	uint64_t	 left;		/* of the length or the chunk */
	uint64_t	 payload;	/* bytes of content so far */
	size_t		 line;		/* private: length of the line so far */
	const char	*why;		/* the reason of an ERR_*, static */
	int		 icap;		/* see http1_body_init_icap() */
	int		 response;	/* blanks may stand behind a size, as
					   some servers fill them up */
	size_t		 ext_len;	/* over HTTP1_EXT: it was too long */
	char		 ext[HTTP1_EXT];
	/* Or NULL: the trailers' lines are added to it, with their CRLF. */
	struct text	*trailers;
};

/*
 * Whether it is a response without a body, whatever its fields say. to_head: it
 * answers HEAD. (What follows a 101 is no body, but a tunnel.)
 */
int	http1_has_no_body(const struct http_head *, int to_head);
/*
 * How the body after this head is framed (RFC 9112, 6.3). method: of the
 * request that a response answers; not looked at for a request. A CONNECT
 * request has no body; it is the 2xx to it that opens the tunnel.
 */
enum http1_kind http1_body_of(const struct http_text *, struct slice method);
/* Make ready to follow that body. */
void	http1_body_init(struct http1_body *, const struct http_text *,
	    struct slice method);
/* ... or all bytes until the connection ends: HTTP1_CLOSE. */
void	http1_body_init_close(struct http1_body *);

/*
 * Make ready to follow chunks as ICAP has them: the extensions of the chunk
 * under way (after its end: of the last chunk) are in ext, from their ';' on;
 * blanks may stand before them, and their line may be 4 KiB.
 */
void	http1_body_init_icap(struct http1_body *);

/*
 * Take bytes from the front of *in. Returns 1 with the next stretch of
 * content in *payload (never empty; call again); 0 at the body's end, with
 * *in at what comes after; ERR_SHORT when in is used up and the body goes on;
 * ERR_FORMAT, from then on always, with why.
 */
int	http1_body_next(struct http1_body *, struct slice *in,
	    struct slice *payload);
/* The connection ended here: 0 if the body may, ERR_SHORT if it was cut off. */
int	http1_body_eof(const struct http1_body *);
int	http1_body_ended(const struct http1_body *);

#endif
