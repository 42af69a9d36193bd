/*
 * The messages of one direction of a gRPC call ("gRPC over HTTP2",
 * Length-Prefixed-Message): a byte of flags, the length in four bytes, and as
 * many bytes. gRPC-Web has the same, and its trailers as the last message of
 * the server, with a flag of their own.
 */
#ifndef CODEC_GRPC_H
#define CODEC_GRPC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "codec/slice.h"

#define GRPC_PREFIX	5		/* bytes before a message */

#define GRPC_COMPRESSED	0x01		/* as Grpc-Encoding says */
#define GRPC_TRAILERS	0x80		/* gRPC-Web: lines of HTTP/1 */

enum grpc_kind {			/* by Content-Type */
	GRPC_NONE,
	GRPC_HTTP2,			/* application/grpc, .../grpc+proto */
	GRPC_WEB			/* application/grpc-web; the variant in
					   base64 (-text) is GRPC_NONE */
};
enum grpc_kind grpc_kind(struct slice content_type);

/* Write the prefix of a message. */
void	grpc_put(uint8_t out[GRPC_PREFIX], unsigned flags, uint32_t length);

/* What grpc_read() tells. */
struct grpc_user {
	void	(*begin)(void *arg, unsigned flags, uint32_t length);
	void	(*payload)(void *arg, const uint8_t *, size_t);
	/* It is whole. 1: read no further for now. */
	int	(*end)(void *arg);
};

/* Zeroed, with web set, it is ready. */
struct grpc_reader {
	int		 web;		/* GRPC_TRAILERS may come */
	uint8_t		 prefix[GRPC_PREFIX];
	unsigned	 nprefix;	/* bytes of it; all: inside a message */
	uint32_t	 left;		/* of that */
};

/*
 * The next bytes. Returns how many were read: all, unless the user stopped; or
 * ERR_FORMAT: flags that are not defined; the reader is of no use any more.
 */
ssize_t	grpc_read(struct grpc_reader *, const uint8_t *, size_t,
	    const struct grpc_user *, void *arg);
/* Whether no message is incomplete. */
int	grpc_between(const struct grpc_reader *);

#endif
