/*
 * Capture files on disk: named by a strftime(3) pattern, 0600, rotated by
 * size and time, the oldest of the same pattern removed. Used by one thread,
 * which may block in it.
 */
#ifndef SINK_CAPFILE_H
#define SINK_CAPFILE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "util/text.h"

struct capfile;

/*
 * Looks as capfile_look() does; opens no file until there is something to
 * write. 0, or as that.
 */
int	capfile_new(const struct conf_mirror *, struct capfile **,
	    struct text *why);
/*
 * Whether the directory is there, and we, as the user we are now, may write
 * in it. 0, or ERR_USAGE or ERR_DENIED with why.
 */
int	capfile_look(const struct capfile *, struct text *why);
/*
 * Whole packets, into the current file or, when it is full or old, the next.
 * 0, or ERR_SYS when none of them got there; the file then ends with the
 * last whole packet before, and the next call tries again.
 */
int	capfile_write(struct capfile *, const uint8_t *, size_t);
/* Close the file if it is too old. Now and then. */
void	capfile_tick(struct capfile *);
void	capfile_free(struct capfile *);
/* The file being written, or that was last tried; for the log. */
const char *capfile_name(const struct capfile *);

#endif
