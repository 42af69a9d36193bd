/*
 * A head as HTTP/1 and ICAP have it (RFC 9112, 2.2 and 5; RFC 3507, 4.3): a
 * first line, field lines, a blank line. It is looked through byte by byte as
 * it comes, only for its end and for bytes that may not be in one; it is cut
 * into lines and fields once, when it is all there.
 */
#ifndef CODEC_FIELDS_H
#define CODEC_FIELDS_H

#include "codec/slice.h"

/*
 * Look on for the end of a head of at most max bytes, from *scanned on, which
 * is 0 at first and kept between the calls. lf: lines may end in a bare LF. 0,
 * with *scanned the head's length; ERR_SHORT; or ERR_LIMIT or ERR_FORMAT with a
 * reason in *why.
 */
int	fields_end(const char *data, size_t len, size_t max, int lf,
	    size_t *scanned, const char **why);

/* The next line without its end, of a head that has one. */
struct slice fields_line(struct slice *in);

/* A field line that is not empty. 0, or ERR_FORMAT with a reason. */
int	fields_cut(struct slice line, struct slice *name, struct slice *value,
	    const char **why);

#endif
