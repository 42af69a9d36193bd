/*
 * ICAP (RFC 3507) as bytes, seen from its client: the heads of requests to
 * write, the heads of responses to read, the chunked bodies both ways. What
 * a server says is read strictly where two readers could differ, and with
 * patience where servers in the field are known to be untidy (the field
 * order, ISTag without quotes, folded lines, bare LF).
 */
#ifndef CODEC_ICAP_H
#define CODEC_ICAP_H

#include <stddef.h>
#include <stdint.h>

#include "codec/http1.h"
#include "codec/slice.h"
#include "util/text.h"

#define ICAP_PORT	1344
#define ICAPS_PORT	11344
#define ICAP_HEAD_MAX	65536	/* bytes of a response's ICAP head */
#define ICAP_HEADERS	96	/* field lines of it */

enum icap_method {
	ICAP_OPTIONS,
	ICAP_REQMOD,
	ICAP_RESPMOD
};

enum icap_section {		/* what Encapsulated names (4.4.1) */
	ICAP_NONE,		/* there is no such section */
	ICAP_REQ_HDR,		/* the head of an HTTP request */
	ICAP_RES_HDR,		/* the head of an HTTP response */
	ICAP_REQ_BODY,
	ICAP_RES_BODY,
	ICAP_OPT_BODY,
	ICAP_NULL_BODY		/* written out that there is no body */
};

struct icap_head {
	size_t		 len;		/* bytes, the blank line included */
	int		 status;	/* 100 to 599 */
	struct slice	 reason;
	size_t		 n;
	struct http_field h[ICAP_HEADERS];
	struct slice	 istag;		/* without quotes; empty: none */
	int		 close;		/* Connection: close */
	int64_t		 retry_after;	/* seconds; -1: none, or a date */
	enum icap_section hdr;		/* the HTTP head that follows: _REQ_HDR,
					 * _RES_HDR or _NONE */
	size_t		 hdr_len;	/* ... its bytes, 0 with _NONE */
	enum icap_section body;		/* the chunked body behind it, or
					 * ICAP_NONE; never _NULL_BODY */
	const char	*why;		/* the reason of an ERR_*, static */
	size_t		 scanned;	/* private: looked through so far */
};

/*
 * Read the head of a response to that method from the start of data. Zero
 * the struct before the first call (scanned alone is enough); while the answer
 * is ERR_SHORT call again with the same struct and more bytes (data may have
 * moved). Slices point into data, where folds are overwritten with blanks.
 * Returns 0; ERR_SHORT; ERR_LIMIT (over ICAP_HEAD_MAX, ICAP_HEADERS, or an
 * HTTP head announced with more than HTTP_HEAD_MAX); or ERR_FORMAT.
 *
 * 0 promises: a 200, 201 or 206 has an HTTP head of a kind its method allows,
 * a 206 has a body, 1xx and 204 have neither head nor body. Any other status
 * may have any legal form.
 */
int	icap_response(struct icap_head *, enum icap_method, char *data,
	    size_t len);

/* The first field of this name, in any case, or an empty slice. */
struct slice icap_value(const struct icap_head *, const char *name);
/*
 * What the server says it found, for the log, not for the verdict: the first
 * there is of X-Infection-Found (the Threat alone), X-Virus-ID,
 * X-Violations-Found, X-Blocked, X-Response-Desc, X-Response-Info; runs of
 * blanks made one. Appends to out; 1, or 0 if there is none.
 */
int	icap_finding(const struct icap_head *, struct text *out);

/*
 * Read the encapsulated HTTP head (_REQ_HDR or _RES_HDR), as strictly as one
 * from the wire; it must fill its section exactly. 0 or ERR_* with http->why.
 */
int	icap_http_head(struct http_text *http, enum icap_section,
	    const char *data, size_t len);

/*
 * A chunked body from the server. original: with the last chunk's
 * `use-original-body=N` (206), N; else -1.
 */
struct icap_body {
	struct http1_body	chunks;
	int64_t			original;
	const char		*why;	/* the reason of an ERR_*, static */
};

void	icap_body_init(struct icap_body *);
/* As http1_body_next(); trailers are stepped over. */
int	icap_body_next(struct icap_body *, struct slice *in,
	    struct slice *payload);

/*
 * Requests.
 */
enum {				/* icap_request.allow */
	ICAP_ALLOW_204	= 1 << 0,	/* outside the preview */
	ICAP_ALLOW_206	= 1 << 1	/* in it; with 204 also outside */
};

struct icap_request {
	enum icap_method method;
	const char	*uri;		/* as configured, byte for byte */
	const char	*host;		/* host:port */
	unsigned	 allow;
	int64_t		 preview;	/* bytes of Preview, or -1 */
	int		 close;		/* say Connection: close */
	const char	*client_ip;	/* X-Client-IP; NULL: not told */
	uint16_t	 client_port;	/* X-Client-Port; 0: not told */
	const char	*server_ip;	/* X-Server-IP; NULL: not told */
	/* Further fields, each with its CRLF, made with icap_field(); or NULL:
	 * of all messages, and of this one. */
	const char	*fields, *more;
	size_t		 req_hdr;	/* bytes of the request's head, or 0 */
	size_t		 res_hdr;	/* bytes of the response's, or 0 */
	int		 body;		/* a body follows, maybe an empty one */
};

/* Append the ICAP head; the HTTP heads follow it, in that order. */
void	icap_put_request(struct text *out, const struct icap_request *);

/*
 * Append a field. ERR_FORMAT, and nothing appended, if the name is no token or
 * the value has a control character.
 */
int	icap_field(struct text *out, const char *name, struct slice value);
/* Append `Authorization: Basic` for "user:password". */
void	icap_field_basic(struct text *out, struct slice user_password);
/*
 * Append the Proxy-Authenticate and Proxy-Authorization fields of an HTTP
 * head, which may go to the server only in the ICAP head (4.4.2).
 */
void	icap_field_proxy_auth(struct text *out, const struct http_head *);

/*
 * Append an HTTP head as it is encapsulated: without the fields of one hop
 * and without transfer coding; a request in absolute-form with that scheme,
 * Host (else authority) naming the host. Upgrade stays in. 0; ERR_FORMAT (no
 * host); ERR_UNSUPPORTED for a transfer coding other than chunked, whose body
 * ICAP cannot carry. Nothing is appended but with 0.
 */
int	icap_put_http(struct text *out, const struct http_head *,
	    const char *scheme, struct slice authority);

/* Behind the last stretch of body (http_chunk()): one of these. */
#define ICAP_CRLF	"\r\n"
#define ICAP_END	"0\r\n\r\n"
#define ICAP_END_IEOF	"0; ieof\r\n\r\n"	/* c-icap reads only this */

#endif
