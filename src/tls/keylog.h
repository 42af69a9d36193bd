/*
 * The key log: lines of the NSS format, for Wireshark, written by a thread
 * of their own.
 */
#ifndef TLS_KEYLOG_H
#define TLS_KEYLOG_H

#include "util/text.h"

struct keylog;

/*
 * Appends to the file, made 0600; one that is there must be root's or ours.
 * NULL and a line in errors.
 */
struct keylog	*keylog_new(const char *path, struct text *errors);
void		 keylog_free(struct keylog *);
/* One line without its end. Never blocks: what does not fit is lost, and a
 * warning says how many. Any thread. */
void		 keylog_put(struct keylog *, const char *line);

#endif
