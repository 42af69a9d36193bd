/*
 * A capture: the packets of one endpoint, of all workers in the order of time,
 * in a pcapng file of its own (0600). It grows until it ends, and then has a
 * SHA-256. For a thread that may wait for a disk.
 */
#ifndef SINK_CAPTURE_H
#define SINK_CAPTURE_H

#include <stdint.h>

#include "sink/pick.h"

#define CAPTURE_STEM	96	/* bytes of a file's name before the time */

struct capture;

struct capture_plan {
	const char	*directory;
	char		 stem[CAPTURE_STEM];	/* "case-17" */
	char		*comment;	/* on the file: whose it is, and why */
	char		*prefix;	/* of each session's comment; "" */
	uint64_t	 max;		/* bytes of the file */
	unsigned	 keep;		/* files of the directory */
};

enum capture_end {
	CAPTURE_WRITTEN,
	CAPTURE_EMPTY,		/* there were no packets, and is no file */
	CAPTURE_CUT,		/* it was full; some packets are not in it */
	CAPTURE_FAILED,		/* likewise, by an error */
	CAPTURE_ENDS
};
/* "written", ...; static. */
const char	*capture_end_str(enum capture_end);

struct capture_told {
	enum capture_end how;
	const char	*path;		/* or NULL: no file */
	uint64_t	 bytes, packets, sessions;
	uint64_t	 skipped;	/* packets that were not written */
	uint64_t	 first, last;	/* ns since 1970, of packets */
	char		 sha256[65];	/* once it has ended */
	const char	*why;		/* of CAPTURE_FAILED */
};

/* Copies the plan's strings. The file is made with the first packet. */
struct capture	*capture_new(const struct capture_plan *);
/*
 * Write what the rings have given, up to a time (ns since 1970; UINT64_MAX:
 * all). gave is told how far each of them has been read, and the picks go.
 * Returns 0; or ERR_LIMIT or ERR_SYS, when nothing more can be written.
 */
int		 capture_write(struct capture *, struct ring_pick **, size_t n,
		    uint64_t upto, void (*gave)(void *, const struct ring *,
		    uint64_t seq), void *arg);
/* No more is written. */
void		 capture_close(struct capture *);
/* So far, or in the end; good until the next call. */
const struct capture_told *capture_tells(const struct capture *);
void		 capture_free(struct capture *);	/* NULL is fine */

/* Whether our current user may make files in the directory. 0, or ERR_USAGE or
 * ERR_DENIED with why. */
int		 capture_usable(const char *directory, struct text *why);

#endif
