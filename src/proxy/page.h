/*
 * Pages of our own: whole HTTP responses, malloc'ed.
 */
#ifndef PROXY_PAGE_H
#define PROXY_PAGE_H

#include <stddef.h>

#include "util/text.h"

/*
 * Says why. reference: what the person it is shown to can tell, and the
 * operator finds in the event log.
 */
char	*page_http(int status, const char *why, const char *reference,
	    size_t *len);
/* The head of one. */
void	 page_head(struct text *, int status, const char *type, size_t len);

#endif
