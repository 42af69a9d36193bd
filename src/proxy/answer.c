#include "proxy/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/page.h"
#include "proxy/session.h"
#include "util/mem.h"

static void
answer_set(struct session *s, const char *how, int status, char *text,
    size_t len)
{
	free(s->page);
	s->page = text;
	s->page_len = len;
	s->rec.answer = how;
	s->rec.status = status;
}

void
answer_http(struct session *s, int status, char *text, size_t len)
{
	answer_set(s, "page", status, text, len);
}

void
answer_page(struct session *s, int status, const char *why)
{
	char reference[32], *text;
	size_t len;

	snprintf(reference, sizeof(reference), "session %llu",
	    (unsigned long long)s->rec.id);
	text = page_http(status, why, reference, &len);
	answer_http(s, status, text, len);
}

void
answer_alert(struct session *s, uint8_t alert)
{
	uint8_t record[] = { 21, 3, 3, 0, 2, 2, alert };

	answer_set(s, "alert", 0, xmemdup(record, sizeof(record)),
	    sizeof(record));
}
