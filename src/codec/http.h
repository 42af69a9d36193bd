/*
 * The head of an HTTP message, whatever version carried it: what a request
 * asks of whom, or how a response answers, and the fields; and its text, in
 * the form that connections of HTTP/1 and bodies of ICAP have (RFC 9112, 10.1).
 * What frames a message on a connection of HTTP/1 is in codec/http1.h.
 */
#ifndef CODEC_HTTP_H
#define CODEC_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "codec/slice.h"
#include "util/text.h"

#define HTTP_FIELDS	1152		/* field lines of a head */
#define HTTP_OPTIONS	64		/* items of all its Connection fields */

/*
 * What SSTP says, 2^64-1 (MS-SSTP, 3.2.4.1): a length without end.
 */
#define HTTP_ENDLESS	INT64_MAX

struct http_field {
	struct slice	name;
	struct slice	value;		/* without white space around it */
};

/* Of n fields the first of this name, in any case; NULL if there is none. */
const struct http_field *http_field_find(const struct http_field *, size_t n,
	    const char *name);
/* Whether any of n fields is of this name and lists the token. */
int	http_field_lists(const struct http_field *, size_t n, const char *name,
	    const char *token);

/* Slices point into the bytes that the head was read from. */
struct http_head {
	int		 response;	/* else a request */
	int		 version;	/* of its connection: 10, 11, 20 */
	struct slice	 method;	/* of a request; case matters */
	struct slice	 target;	/* of a request, as it came: for logs;
					   of HTTP/2 the path, or what CONNECT
					   names */
	struct slice	 scheme;	/* empty: not said */
	struct slice	 authority;	/* whom it is for, with the port if that
					   came: of the target, else of Host */
	struct slice	 protocol;	/* of extended CONNECT (RFC 8441), or
					   empty */
	struct slice	 path;		/* with the query, or "*"; empty with
					   CONNECT, and where a URL has none */
	int		 status;	/* of a response: 100 to 999 */
	struct slice	 reason;	/* of a response; may be empty */
	struct slice	 never;		/* a list of the fields that HPACK must
					   never index (RFC 7541, 7.1.3) */
	int64_t		 length;	/* Content-Length, or -1 */
	size_t		 n;
	struct http_field h[HTTP_FIELDS];	/* last: see http_keep() */
};

/*
 * A head of its own, for free(): a copy of m, which was read from the len
 * bytes at data, with the bytes copied to an empty *bytes, which must outlive
 * it as it is. Only the fields it has take memory: it cannot be read into.
 */
struct http_head *http_keep(const struct http_head *m, const char *data,
	    size_t len, struct text *bytes);
/* The same of a head whose bytes lie anywhere: its words are copied. */
struct http_head *http_copy(const struct http_head *m, struct text *bytes);

/* The first field of this name, in any case; NULL if there is none. */
const struct http_field *http_find(const struct http_head *,
	    const char *name);
/*
 * What the Connection fields list, for the walk over all fields that asks of
 * each whether it is among them: the lists are cut up once.
 */
struct http_options {
	size_t		 n;
	struct slice	 v[HTTP_OPTIONS];
};
void	http_options_read(struct http_options *, const struct http_head *);
int	http_options_have(const struct http_options *, struct slice name);

/*
 * Whether both say the same, but for what is added or changed on the way: Via,
 * Date, the framing, and fields of the hop. The order of fields counts.
 */
int	http_same(const struct http_head *, const struct http_head *);

/* Its value, or an empty slice. */
struct slice http_value(const struct http_head *, const char *name);
/* Whether any field of this name lists the token: ("connection", "close"). */
int	http_has_token(const struct http_head *, const char *name,
	    const char *token);
struct http_url {
	struct slice	 scheme;	/* empty in authority-form */
	struct slice	 authority;	/* host, with the port if it came */
	struct slice	 host;		/* v6 without its brackets */
	uint16_t	 port;		/* given, or the scheme's */
	int		 v6;		/* host is an IPv6 address */
	struct slice	 path;		/* with the query; may be empty or begin
					 * with '?' */
};

/*
 * Cut up "http://host[:port]/path?query" (absolute-form). A user in front of
 * the host is refused (RFC 9110, 4.2.4), so is a port that is none. 0,
 * ERR_FORMAT, or ERR_UNSUPPORTED for a scheme other than http, https, ws, wss.
 */
int	http_absolute(struct slice target, struct http_url *);
/*
 * Cut up "host:port", "[v6]:port" (authority-form, Host). Without a port it
 * gets port, unless that is 0: then it must be there. 0 or ERR_FORMAT.
 */
int	http_authority(struct slice, uint16_t port, struct http_url *);

#define HTTP_NAME_MAX	256

/*
 * The name or address that a request is for: that of an absolute-form target,
 * or of CONNECT's, else of Host (RFC 9112, 3.2 and 3.3). In lower case and
 * without its final dot; an address in its shortest form, without brackets;
 * and always without its port, so that equal ones compare equal. 0, or
 * ERR_NOTFOUND with out empty when it says none.
 */
int	http_name(const struct http_head *, char out[HTTP_NAME_MAX]);

/*
 * The longest head that is read, in a service's answer. A peer's head must be
 * shorter (limits.head), so that we accept what a service adds to it.
 */
#define HTTP_HEAD_MAX	(1280 * 1024)	/* bytes of a head */

/* A head that is read from its text. */
struct http_text {
	size_t		 len;		/* bytes, the blank line included */
	int		 chunked;	/* the last transfer coding is that */
	int		 coded;		/* there is a Transfer-Encoding */
	const char	*why;		/* the reason of an ERR_*, static */
	size_t		 scanned;	/* private: looked through so far */
	struct http_head head;		/* last: it is long */
};

/*
 * Read a head from the start of data. Zero the struct before the first call
 * (scanned alone is enough); while the answer is ERR_SHORT call again with the
 * same struct and more bytes (data may have moved). Slices point into data.
 * Returns 0; ERR_SHORT; ERR_LIMIT (a head over HTTP_HEAD_MAX, too many field
 * lines, or options of Connection); ERR_FORMAT; or ERR_UNSUPPORTED (HTTP, but
 * not 1.x, so also the preface of HTTP/2; or a target that is no http URL).
 * A request may be preceded by one empty line (RFC 9112, 2.2).
 */
int	http_request(struct http_text *, const char *data, size_t len);
int	http_response(struct http_text *, const char *data, size_t len);

/*
 * Whether the first line of a connection is a request's, for a port where any
 * protocol may come: 1, 0, or ERR_SHORT while it may still be one. It is a
 * request when a token and a blank are followed by what could be a target: by
 * anything where the method is well known, else by a '/', a '*', a URL, or
 * later in the line "HTTP/". Servers skip blanks and empty lines before it, so
 * these are skipped. Stricter readers refuse some of what is told apart here
 * (http_request), and nobody reads as HTTP what is not.
 *
 * The struct is zeroed before the first bytes; each call takes those that
 * follow. http_starts_request() takes them all at once.
 */
struct http_first {
	int		 state;
	size_t		 n;		/* bytes of the word so far */
	char		 word[16];
	char		 last[2];
};

int	http_first(struct http_first *, const char *data, size_t len);
int	http_starts_request(const char *data, size_t len);

/* Add a field line, with its CRLF. */
void	http_put_field(struct text *, struct slice name, struct slice value);

/*
 * Before a stretch of n bytes of a chunked body: "size CRLF" into buf. Returns
 * its length. CRLF follows the bytes.
 */
#define HTTP_CHUNK_MAX	18
size_t	http_chunk(char buf[HTTP_CHUNK_MAX], size_t n);

#endif
