/*
 * The status of the first answer that a server gives on a connection, in HTTP/1
 * (RFC 9112, 4) or HTTP/2 (RFC 9113, 8.3.2): read as its bytes pass, of which
 * none but a few are kept. Informational answers before it are left out in
 * HTTP/1; in HTTP/2, where the next one depends on them (RFC 7541), there must
 * be none.
 */
#ifndef CODEC_REPLY_H
#define CODEC_REPLY_H

#include <stddef.h>
#include <stdint.h>

#define REPLY_KEEPS	40	/* a prefix, two updates of the table's size,
				 * and a status with its name in full */

enum reply_at {
	REPLY_OVER,		/* all zero: nothing is read */
	REPLY_LINE,		/* HTTP/1: the status line */
	REPLY_FIELDS,		/* ... what follows one of 1xx */
	REPLY_FRAME,		/* HTTP/2: the head of a frame */
	REPLY_CONTENT,		/* ... the content of a frame of others */
	REPLY_BLOCK		/* ... the first bytes of the field lines */
};

struct reply {
	enum reply_at	 at;
	size_t		 want, have;	/* bytes, of those below */
	uint8_t		 kept[REPLY_KEEPS];
	uint8_t		 head[9];	/* of the frame */
	uint32_t	 skip;		/* bytes that are not looked at */
	int		 empty;		/* the line, so far */
};

/* From the first byte of an answer, or of the connection in HTTP/2, on. */
void	reply_begin(struct reply *, int http2);
/* The next bytes. The status, once, from 101 and 200 up; 0: not yet, or it was
 * told; ERR_FORMAT, once: it cannot be told. Keeps no pointer. */
int	reply_read(struct reply *, const uint8_t *, size_t len);

#endif
