/*
 * The field lines of a head of any version, as HTTP/2 sends them (RFC 9113,
 * 8.2 and 8.3): pseudo-headers first, names in lower case, cookies in pieces,
 * and nothing that is for a connection of HTTP/1 or that Connection names. Host
 * becomes :authority.
 */
#ifndef HTTP_H2_LINES_H
#define HTTP_H2_LINES_H

#include <nghttp2/nghttp2.h>

#include "codec/http.h"
#include "util/text.h"

/*
 * For nghttp2, which copies them as it takes them. The values point into the
 * head (or the trailers), the names into bytes.
 */
struct h2_lines {
	nghttp2_nv	*v;
	size_t		 n;
	char		*bytes;
};

struct h2_say {
	const char	*scheme;	/* of a request that says none */
	struct slice	 authority;	/* of a request that has none */
	int64_t		 length;	/* Content-Length, or -1 for none */
	int		 changed;	/* another body: no digest of the old */
	/* The request as it came, of which what is for this hop goes on (te,
	 * trailer, :protocol), though a service was not shown it; or NULL. */
	const struct http_head *came;
};

/*
 * 0, and to be freed by h2_lines_free(); or ERR_FORMAT: HTTP/2 cannot say it (a
 * request without a host, a CONNECT to a path, the status 101), and there is
 * nothing to free.
 */
int	h2_lines(struct h2_lines *, const struct http_head *,
	    const struct h2_say *);
/* Of trailers: lines, each with its CRLF. There may be none left. */
void	h2_lines_trailers(struct h2_lines *, const struct text *);
void	h2_lines_free(struct h2_lines *);

#endif
