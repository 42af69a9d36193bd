/*
 * Capture files on disk. A strftime(3) pattern names them; their mode is 0600.
 * They rotate by size and time, and the oldest of the same pattern are removed.
 * One thread uses this, and may block in it.
 */
#ifndef SINK_CAPFILE_H
#define SINK_CAPFILE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "util/text.h"

struct capfile;

/*
 * Check the directory as capfile_look() does, and return the same. The first
 * file is opened when there is something to write.
 */
int	capfile_new(const struct conf_mirror *, struct capfile **,
	    struct text *why);
/*
 * Check that the directory exists, and that our current user may write in it.
 * Returns 0, or ERR_USAGE or ERR_DENIED with why.
 */
int	capfile_look(const struct capfile *, struct text *why);
/*
 * Write whole packets to the current file, or to the next if this one is full
 * or old. Returns 0, or ERR_SYS if none was written; the file then ends with
 * the last whole packet before them, and the next call tries again.
 */
int	capfile_write(struct capfile *, const uint8_t *, size_t);
/* Close the file if it is too old. Call it now and then. */
void	capfile_tick(struct capfile *);
void	capfile_free(struct capfile *);
/* The file being written, or last tried; for the log. */
const char *capfile_name(const struct capfile *);

#endif
