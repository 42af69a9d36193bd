/*
 * Heads of HTTP/1 written again for their next hop, with a framing the writer
 * chose: for a message whose body was adapted, or whose transfer coding was
 * taken off on the way. Give it only heads that http_request() or
 * http_response() have read.
 */
#ifndef CODEC_HTTP1_WRITE_H
#define CODEC_HTTP1_WRITE_H

#include "codec/http1.h"

enum {				/* http1_out.flags */
	HTTP1_CLOSE_AFTER = 1 << 0,	/* say Connection: close */
	HTTP1_CHANGED	= 1 << 1,	/* another body: no digest of the old */
	HTTP1_AS_11	= 1 << 2,	/* a request that was HTTP/1.0, too */
	/*
	 * For ICAP: no Connection, a request in absolute-form; Upgrade, the
	 * Content-Length and the version stay as they came. kind is not used.
	 */
	HTTP1_ENCAPSULATED = 1 << 3,
	/* See http1_origin_form(): the framing, TE, Upgrade and Expect stay. */
	HTTP1_ORIGIN	= 1 << 4
};

struct http1_out {
	/*
	 * HTTP1_NONE: no body. A request gets no framing field; a response
	 * keeps the Content-Length of a HEAD or a 304. HTTP1_LENGTH: that many
	 * bytes, 0 too. HTTP1_CHUNKED. HTTP1_CLOSE: a response's, says close.
	 */
	enum http1_kind	 kind;
	uint64_t	 length;
	unsigned	 flags;
	const char	*scheme;	/* for HTTP1_ENCAPSULATED */
	struct slice	 authority;	/* for a request without Host; may be
					 * empty */
	const char	*fields;	/* more, each with CRLF; or NULL */
};

/*
 * Append the head, of any version. An extended CONNECT (RFC 8441) becomes a GET
 * with Upgrade: Connection, and the fields of its protocol, are the caller's.
 * Left out: Connection and what it names, Keep-Alive, TE,
 * Trailer, Upgrade, Expect, Proxy-*; the framing fields are new. A request
 * keeps its version, gets origin-form and one Host; a response is HTTP/1.1. 0;
 * ERR_FORMAT if it cannot be said so (chunked to HTTP/1.0, no host for an
 * absolute-form); ERR_UNSUPPORTED for a transfer coding other than chunked.
 * Nothing is appended but with 0.
 */
int	http1_write(struct text *out, const struct http_head *,
	    const struct http1_out *);

/*
 * Write a request's head as an origin server wants it: origin-form, Host from
 * an absolute-form target (RFC 9112, 3.2.2), the fields between client and
 * proxy left out (Proxy-*, Keep-Alive, those Connection names); Connection,
 * Upgrade, TE, Expect and the framing fields stay. 0 or ERR_FORMAT.
 */
int	http1_origin_form(struct text *out, const struct http_head *);

#endif
