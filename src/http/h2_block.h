/*
 * The heads that come in one direction of a connection of HTTP/2, as blocks of
 * HPACK (RFC 7541, by codec/hpack) in pieces. A head that is not wanted, or is
 * too large or malformed, is decoded all the same: the next ones need its part
 * of the table. Nothing of a block is kept but the lines of its head, and one
 * that is not whole yet. Bytes that gRPC sends as they are become base64, as
 * they are everywhere else.
 */
#ifndef HTTP_H2_BLOCK_H
#define HTTP_H2_BLOCK_H

#include "http/h2_head.h"

/*
 * The largest table that is followed: browsers allow 65536. If a peer makes use
 * of a larger one, its heads cannot be read. What is kept of blocks beyond
 * 16 KiB counts in limits.memory.
 */
#define H2_TABLE_MAX	65536

struct h2_block;

/* limit: bytes of a head. NULL is never returned. */
struct h2_block	*h2_block_new(size_t limit);
void		 h2_block_free(struct h2_block *);
/*
 * The reader of these heads has allowed a table of that size (SETTINGS, as they
 * are acknowledged). Between blocks only.
 */
void		 h2_block_table(struct h2_block *, uint32_t size);
/* A block begins; wanted: as a head of this kind. */
void		 h2_block_begin(struct h2_block *, int wanted, enum h2_kind);
/*
 * Its next bytes; last: it is whole with them. 0; or ERR_FORMAT or ERR_LIMIT
 * with *why (static): no head can be read from here on.
 */
int		 h2_block_add(struct h2_block *, const uint8_t *, size_t,
		    int last, const char **why);
/* Of a block that is whole: see h2_head_view(); or, of trailers,
 * h2_head_end(); and its reason. */
int		 h2_block_head(struct h2_block *, const struct http_head **,
		    const char **why);
int		 h2_block_trailers(struct h2_block *, struct text *,
		    const char **why);

#endif
