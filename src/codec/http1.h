/*
 * HTTP/1 messages (RFC 9112): the head of a request or a response, how its
 * body is framed, and a follower that finds the body's end while the bytes
 * pass. Nothing is copied. Strict on purpose: what two readers could take
 * for two different messages is refused, with the reason.
 */
#ifndef CODEC_HTTP1_H
#define CODEC_HTTP1_H

#include <stddef.h>
#include <stdint.h>

#include "codec/http.h"
#include "codec/slice.h"
#include "util/text.h"

/*
 * The longest head that is read, in a service's answer. A peer's head must be
 * shorter (limits.head), so that we accept what a service adds to it.
 */
#define HTTP1_HEAD_MAX	(1280 * 1024)	/* bytes of a head */

/* A head as its bytes came. */
struct http1_head {
	size_t		 len;		/* bytes, the blank line included */
	/* the last transfer coding is chunked */
	int		 chunked;
	int		 coded;		/* there is a Transfer-Encoding */
	const char	*why;		/* the reason of an ERR_*, static */
	size_t		 scanned;	/* private: looked through so far */
	struct http_head head;		/* last: it is long */
};

/*
 * Read a head from the start of data. Zero the struct before the first call
 * (scanned alone is enough); while the answer is ERR_SHORT call again with the
 * same struct and more bytes (data may have moved). Slices point into data.
 * Returns 0; ERR_SHORT; ERR_LIMIT (a head over HTTP1_HEAD_MAX, too many field
 * lines, or options of Connection); ERR_FORMAT; or ERR_UNSUPPORTED (HTTP, but
 * not 1.x, so also the preface of HTTP/2; or a target that is no http URL).
 * A request may be preceded by one empty line (RFC 9112, 2.2).
 */
int	http1_request(struct http1_head *, const char *data, size_t len);
int	http1_response(struct http1_head *, const char *data, size_t len);

/*
 * Whether the first line of a connection is a request's, for a port where any
 * protocol may come: 1, 0, or ERR_SHORT while it may still be one. It is a
 * request when a token and a blank are followed by what could be a target: by
 * anything where the method is well known, else by a '/', a '*', a URL, or
 * later in the line "HTTP/". Servers skip blanks and empty lines before it, so
 * these are skipped. Stricter readers refuse some of what is told apart here
 * (http1_request), and nobody reads as HTTP what is not.
 *
 * The struct is zeroed before the first bytes; each call takes those that
 * follow. http1_starts_request() takes them all at once.
 */
struct http1_first {
	int		 state;
	size_t		 n;		/* bytes of the word so far */
	char		 word[16];
	char		 last[2];
};

int	http1_first(struct http1_first *, const char *data, size_t len);
int	http1_starts_request(const char *data, size_t len);

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
 * How the body after this head is framed (RFC 9112, 6.3). method: of the
 * request that a response answers; not looked at for a request. A CONNECT
 * request has no body; it is the 2xx to it that opens the tunnel.
 */
enum http1_kind http1_body_of(const struct http1_head *, struct slice method);
/* Make ready to follow that body. */
void	http1_body_init(struct http1_body *, const struct http1_head *,
	    struct slice method);

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
/*
 * The same without looking at the content: *used is how many of the len
 * bytes belong to the body. 0 (it ends there), ERR_SHORT (all do, and more
 * will come), or ERR_FORMAT.
 */
int	http1_body_follow(struct http1_body *, const char *data, size_t len,
	    size_t *used);
/* The connection ended here: 0 if the body may, ERR_SHORT if it was cut off. */
int	http1_body_eof(const struct http1_body *);
int	http1_body_ended(const struct http1_body *);

/*
 * Before a stretch of n bytes of a chunked body: "size CRLF" into buf. Returns
 * its length. CRLF follows the bytes.
 */
#define HTTP1_CHUNK_MAX	18
size_t	http1_chunk(char buf[HTTP1_CHUNK_MAX], size_t n);

#endif
