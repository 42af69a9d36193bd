/*
 * A message body, kept for as long as it may be needed again (retry, 204,
 * fail-open): in memory first, then in an unlinked file. It is written at its
 * end, read at any offset by any number of readers, and dropped from the front
 * when nobody needs it any more. For one worker's thread only.
 */
#ifndef HTTP_SPOOL_H
#define HTTP_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPOOL_MEMORY	(256 * 1024)	/* then a file (O_TMPFILE in TMPDIR) */

struct spool;

/* Set at start, for all spools of the process; otherwise 256 MiB and 8 GiB. */
void		 spool_budget(uint64_t memory, uint64_t disk);
uint64_t	 spool_disk(void);	/* bytes on it now; any thread */

/* max: bytes it may keep at once (max-body). NULL is never returned. */
struct spool	*spool_new(uint64_t max);
void		 spool_free(struct spool *);

/*
 * Take all n bytes and return 0, or none: ERR_LIMIT, more than max would be
 * kept; ERR_MEM, the process's budget of disk is used up (if only the budget of
 * memory is, bodies go to the disk early); or ERR_SYS (the disk: errno).
 */
int		 spool_add(struct spool *, const void *, size_t n);
/* The body is whole; or it was cut off and never will be. What is said
 * first holds. */
void		 spool_end(struct spool *, int whole);
int		 spool_ended(const struct spool *);	/* 1; -1 cut; 0 */
uint64_t	 spool_size(const struct spool *);	/* bytes added */

/*
 * A pointer to bytes from offset on, in one piece of at most *len, which lives
 * until the next call on this spool. Returns 0; ERR_EOF at the present end;
 * ERR_NOTFOUND if they were dropped; or ERR_SYS.
 */
int		 spool_at(struct spool *, uint64_t offset,
		    const uint8_t **, size_t *len);
/* Bytes before offset will not be asked for again. */
void		 spool_drop(struct spool *, uint64_t offset);
uint64_t	 spool_first(const struct spool *);	/* oldest byte kept */

#endif
