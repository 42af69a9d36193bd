/*
 * Follows a body without looking at its content, for tests: *used is how many
 * of the len bytes belong to it. Returns what http1_body_next() does at the
 * last of them: 0 (it ends there), ERR_SHORT (more will come), or ERR_FORMAT.
 */
#ifndef TESTS_HTTP1_FOLLOW_H
#define TESTS_HTTP1_FOLLOW_H

#include "codec/http1.h"

static inline int
http1_body_follow(struct http1_body *b, const char *data, size_t len,
    size_t *used)
{
	struct slice in = slice_of(data, len), payload;
	int e;

	do
		e = http1_body_next(b, &in, &payload);
	while (e == 1);
	*used = len - in.len;
	return e;
}

#endif
