/*
 * The page that a session is to say in place of the server.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http/page.h"
#include "proxy/inner.h"

void
page_set(struct session *s, int status, const char *why)
{
	char reference[32];

	snprintf(reference, sizeof(reference), "session %llu",
	    (unsigned long long)s->rec.id);
	free(s->page);
	s->page = page_http(status, why, reference, &s->page_len);
	s->rec.answer = "page";
	s->rec.status = status;
}
