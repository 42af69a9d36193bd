/*
 * JSON (RFC 8259), written straight into a text: no tree is made of it. Members
 * of an object are written in turn, each with its key, which is of letters and
 * "_"; elements of an array, and the whole, have none (NULL). What stands
 * between two of them comes by itself.
 */
#ifndef SINK_JTEXT_H
#define SINK_JTEXT_H

#include <time.h>

#include "util/text.h"

/* Of an object '{' and '}', of an array '[' and ']'. */
void	jtext_open(struct text *, const char *key, char bracket);
void	jtext_close(struct text *, char bracket);

/* Text from anywhere: a byte that is not UTF-8 becomes \xNN. */
void	jtext_string(struct text *, const char *key, const char *);
/* The words of "a,b", which it cuts up, as an array; nothing if there are none
 * ("" or NULL). */
void	jtext_words(struct text *, const char *key, char *words);
void	jtext_count(struct text *, const char *key, uint64_t);
void	jtext_bool(struct text *, const char *key, int);
/* With three digits behind the point. */
void	jtext_ms(struct text *, const char *key, double);
/* RFC 3339 in UTC with microseconds. */
void	jtext_time(struct text *, const char *key, const struct timespec *);
/* JSON as it is. */
void	jtext_raw(struct text *, const char *key, const char *);

/* The text of jtext_time() into out. */
#define JTEXT_TIME	sizeof("2026-11-28T20:00:00.000000+00:00")
void	jtext_time_str(char out[JTEXT_TIME], const struct timespec *);

#endif
