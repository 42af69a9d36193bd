/*
 * The tables of HPACK (RFC 7541, 2.3): the static one (Appendix A), and the
 * dynamic one, which forgets its oldest lines to have room for new ones.
 */
#ifndef CODEC_HPACK_TABLE_H
#define CODEC_HPACK_TABLE_H

#include "codec/slice.h"

#define HPACK_STATIC	61	/* lines of the static table */
#define HPACK_LINE	32	/* bytes that a line takes besides its text */

struct hpack_line {
	struct slice	 name, value;
	unsigned	 known;		/* a line of the static table that has
					   this name; 0: it came as text */
	int		 never;		/* it came as one never to be indexed */
};

struct hpack_entry {
	uint32_t	 at;		/* its text: the name, then the value */
	uint32_t	 name, value;	/* bytes */
	uint32_t	 known;		/* see hpack_line */
};

/* The dynamic table; all zero: an empty one that takes nothing. */
struct hpack_table {
	uint32_t	 max, size;	/* bytes, as the RFC counts them */
	char		*text;
	size_t		 end, room;	/* bytes; those of lines begin at the
					   oldest one's */
	struct hpack_entry *entry;
	size_t		 oldest, next, nroom;
};

void	hpack_table_clear(struct hpack_table *);	/* frees what it has */
/* It takes max bytes from now on. */
void	hpack_table_resize(struct hpack_table *, uint32_t max);
/* A new line, its text not of this table; more than it takes: it is empty. */
void	hpack_table_add(struct hpack_table *, const struct hpack_line *);
/* Bytes that it has of the heap. */
size_t	hpack_table_memory(const struct hpack_table *);
/*
 * The line of that index, in either table, all but never. It is good until the
 * dynamic table changes. 0; or ERR_NOTFOUND.
 */
int	hpack_table_line(const struct hpack_table *, uint32_t index,
	    struct hpack_line *);

#endif
