/*
 * The key log: lines in the NSS format, for Wireshark. A thread of its own
 * writes them.
 */
#ifndef TLS_KEYLOG_H
#define TLS_KEYLOG_H

#include "util/text.h"

struct keylog;

/*
 * Append to the file. It is created 0600; an existing file must be root's or
 * ours. On failure returns NULL with a line in errors.
 */
struct keylog	*keylog_new(const char *path, struct text *errors);
void		 keylog_free(struct keylog *);
/* Log a line, without its end, from any thread. It never blocks: a line that
 * does not fit is lost, and a warning has their number. */
void		 keylog_put(struct keylog *, const char *line);

#endif
