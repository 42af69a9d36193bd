/*
 * The head of a message of HTTP/2, from its field lines as HPACK yields them
 * (RFC 9113, 8.2 and 8.3; RFC 8441). The result is a struct http_head like
 * that of any other version: method, target, authority and path are set, a
 * request has a Host field (from :authority if it came without one), and the
 * pieces of Cookie are joined (8.2.3). What the RFC calls malformed is refused
 * here and nowhere else: a pseudo-header that is unknown, twice, missing, or
 * behind a field; an upper-case name; CR, LF or NUL in a value; blanks around
 * it; connection-specific fields; `te` other than "trailers"; two lengths that
 * differ; a path with blanks; and a Host that is not the :authority. What
 * HTTP/1 could not carry (other control characters, a name that is no token)
 * is refused as it is there.
 *
 * Field lines to send are made of a head in http/h2_lines.h.
 */
#ifndef HTTP_H2_HEAD_H
#define HTTP_H2_HEAD_H

#include "codec/http.h"
#include "util/text.h"

/* The fields that a peer's head may have, after its cookies are joined. */
#define H2_FIELDS	1024

enum h2_kind {
	H2_REQUEST,
	H2_RESPONSE,
	H2_TRAILERS
};

struct h2_head;			/* a head that is being read */

/*
 * limit: bytes of all names and values, with 32 for each line (RFC 9113,
 * 10.5.1). NULL is never returned. A head can be read into again: it keeps its
 * memory.
 */
struct h2_head	*h2_head_new(enum h2_kind, size_t limit);
void		 h2_head_again(struct h2_head *, enum h2_kind);
void		 h2_head_free(struct h2_head *);
/*
 * A field line; never: it came as one never to be indexed. 0; ERR_FORMAT: the
 * message is malformed, which is a matter of its stream; ERR_LIMIT: it is too
 * large. Either holds for all further calls.
 */
int		 h2_head_add(struct h2_head *, struct slice name,
		    struct slice value, int never);
/* The same, where the name is that of a line of HPACK's static table. */
int		 h2_head_add_known(struct h2_head *, unsigned known,
		    struct slice name, struct slice value, int never);
/* There is no memory for it: ERR_MEM, unless something was wrong before. */
void		 h2_head_drop(struct h2_head *);
/*
 * The lines are all here. 0, with a head of its own for free(), whose slices
 * point into *bytes, which is empty (see http_copy()); of trailers *head is
 * NULL, and *bytes has lines, each with its CRLF. Or ERR_* as above.
 */
int		 h2_head_end(struct h2_head *, struct http_head **head,
		    struct text *bytes);
/*
 * The same of a request or a response, with a head that stays here, and is good
 * until another is read.
 */
int		 h2_head_view(struct h2_head *, const struct http_head **);
/* Why there is an error; NULL: there is none. */
const char	*h2_head_why(const struct h2_head *);

#endif
