/*
 * Decodes HPACK (RFC 7541): blocks of field lines of HTTP/2, one direction of a
 * connection. It takes no memory for a line but what its table keeps.
 *
 * Elsewhere libnghttp2 does this. The reader of what passes has this of its
 * own, as its cost is bounded by what passing itself costs: docs/performance.md
 * has the figures.
 */
#ifndef CODEC_HPACK_H
#define CODEC_HPACK_H

#include "codec/hpack_table.h"
#include "util/cursor.h"

#define HPACK_TABLE	4096	/* SETTINGS_HEADER_TABLE_SIZE at first */
#define HPACK_STRING	65536	/* bytes of a name or a value as it comes */

struct hpack;

struct hpack	*hpack_new(void);	/* NULL is never returned */
void		 hpack_free(struct hpack *);
/*
 * The decoder's end has allowed a table of that size; between blocks only. If
 * the table was larger, the next block must begin with an update of its size
 * (4.2).
 */
void		 hpack_allow(struct hpack *, uint32_t size);
/*
 * The next line of a block, good until the next call. 1, and the cursor stands
 * behind it; 0: the cursor's bytes are used up, and the block may end there;
 * ERR_SHORT: the cursor stands where a line begins that has more bytes, so ask
 * again with them too (it has two strings of HPACK_STRING at most); ERR_FORMAT:
 * nothing can be decoded from here on.
 */
int		 hpack_next(struct hpack *, struct cursor *,
		    struct hpack_line *);
/* The block is over. 0, or ERR_FORMAT: an update that it owed has not come. */
int		 hpack_end(struct hpack *);
/* Bytes that it has of the heap, besides the first few. */
size_t		 hpack_memory(const struct hpack *);

#endif
