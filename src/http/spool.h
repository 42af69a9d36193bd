/*
 * A message body kept for as long as it may be needed again (retry, 204,
 * fail-open): in memory first, then in an unlinked file. Written at its end,
 * read at any offset by any number of readers, dropped from the front when
 * nobody will want it again. One worker's thread only.
 */
#ifndef HTTP_SPOOL_H
#define HTTP_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPOOL_MEMORY	(256 * 1024)	/* then a file (O_TMPFILE in TMPDIR) */

struct spool;

/* For all spools of the process; at start. 256 MiB and 8 GiB unless set. */
void		 spool_budget(uint64_t memory, uint64_t disk);
void		 spool_used(uint64_t *memory, uint64_t *disk);	/* any thread */

/* max: bytes it may keep at once (max-body). NULL is never returned. */
struct spool	*spool_new(uint64_t max);
void		 spool_free(struct spool *);

/*
 * All n bytes are taken, or none: ERR_LIMIT when more than max would be kept;
 * ERR_MEM when the process's budget on disk is spent (one in memory that is
 * spent sends bodies to the disk early); ERR_SYS (the disk: errno).
 */
int		 spool_add(struct spool *, const void *, size_t n);
/* The body is complete; or it was cut off and never will be. */
void		 spool_end(struct spool *);
void		 spool_cut(struct spool *);
int		 spool_ended(const struct spool *);	/* 1; -1 cut; 0 */
uint64_t	 spool_size(const struct spool *);	/* bytes added */

/*
 * Bytes from offset on, in one piece: a pointer that lives until the next
 * call on this spool, *len at the most. 0; ERR_EOF at the present end;
 * ERR_NOTFOUND when they were dropped; ERR_SYS.
 */
int		 spool_at(struct spool *, uint64_t offset,
		    const uint8_t **, size_t *len);
/* Bytes before offset will not be asked for again. */
void		 spool_drop(struct spool *, uint64_t offset);
uint64_t	 spool_first(const struct spool *);	/* oldest byte kept */

#endif
