/*
 * Pages of our own.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include <stddef.h>

#include "util/text.h"

/*
 * A whole HTTP/1.1 response that says what happened; malloc'ed. The person who
 * sees it can report the reference, and the operator finds it in the event log.
 */
char	*page_http(int status, const char *why, const char *reference,
	    size_t *len);
/* A whole response with this body, which is freed; malloc'ed. */
char	*page_whole(int status, const char *type, struct text *body,
	    size_t *len);

#endif
