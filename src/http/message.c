/*
 * What is known and kept of a message.
 */
#include "http/message.h"

#include <stdlib.h>
#include <string.h>

void
message_head(struct http_message *m, const struct http_head *h,
    const char *data, size_t len)
{
	free(m->head);
	text_clear(&m->bytes);
	m->head = http_keep(h, data, len, &m->bytes);
}

void
message_data(struct http_message *m, struct slice payload)
{
	if (m->seen != NULL)
		m->seen(m->arg, payload);
	if (m->body == NULL || m->lost)
		return;
	if (spool_add(m->body, payload.p, payload.len) == 0)
		return;
	m->lost = 1;
	spool_end(m->body, 0);	/* who reads it must see no end */
}

void
message_end(struct http_message *m, int whole)
{
	if (whole)
		m->ended = 1;
	else
		m->cut = 1;
	if (m->body != NULL)
		spool_end(m->body, whole);
}

int
message_over(const struct http_message *m)
{
	return m->body != NULL && spool_size(m->body) > m->max;
}

size_t
message_window(const struct http_message *m, int first)
{
	uint64_t size;

	if (m->body == NULL)
		return SIZE_MAX;
	size = spool_size(m->body);
	if (size > m->max)
		return 0;
	if (!first)
		return SIZE_MAX;
	return size < m->wants ? (size_t)(m->wants - size) : 0;
}

void
message_forget(struct http_message *m)
{
	spool_free(m->body);
	m->body = NULL;
}

void
message_reset(struct http_message *m)
{
	message_forget(m);
	text_free(&m->bytes);
	text_free(&m->trailers);
	free(m->head);
	memset(m, 0, sizeof(*m));
}
