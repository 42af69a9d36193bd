/*
 * What a client says of its priorities (RFC 9218): the field of its request is
 * for what we send, and nghttp2 follows PRIORITY_UPDATE by itself. The server
 * is told that frame too, once it has the request: what was said while that was
 * held, or before it came (7.1), is kept.
 */
#include <string.h>

#include "http/h2_inner.h"

static void
prefer(const struct h2_stream *s, const struct http_head *head)
{
	struct slice list = http_value(head, "priority"), item;
	nghttp2_extpri pri = { NGHTTP2_EXTPRI_DEFAULT_URGENCY, 0 };

	if (list.len == 0)
		return;
	while (slice_item(&list, &item))
		if (item.len == 3 && memcmp(item.p, "u=", 2) == 0 &&
		    item.p[2] >= '0' && item.p[2] <= '7')
			pri.urgency = (uint32_t)(item.p[2] - '0');
		else if (slice_eq(item, "i") || slice_eq(item, "i=?1"))
			pri.inc = 1;
	nghttp2_session_change_extpri_stream_priority(
	    s->h2->side[DIR_UP].ng, s->id[DIR_UP], &pri, 0);
}

/* The place of an update for a stream that is not there yet. */
static struct h2_wish *
early_of(struct h2 *h2, int32_t id)
{
	struct h2_wish *w;

	for (w = h2->early; w < &h2->early[H2_EARLY]; w++)
		if (w->id == id)
			return w;
	return NULL;
}

void
h2_priority_begin(struct h2_stream *s, const struct http_head *head)
{
	struct h2_wish *w = early_of(s->h2, s->id[DIR_UP]);

	if (w != NULL) {	/* it is newer than the request */
		s->wish = *w;
		memset(w, 0, sizeof(*w));
	} else
		prefer(s, head);
}

void
h2_priority_send(struct h2_stream *s)
{
	struct h2_side *side = &s->h2->side[DIR_DOWN];

	if (s->wish.len == 0 || !s->asked)
		return;
	if (!s->closed[DIR_DOWN] && !h2_is_clogged(side->ng))
		nghttp2_submit_priority_update(side->ng, NGHTTP2_FLAG_NONE,
		    s->id[DIR_DOWN], (const uint8_t *)s->wish.value,
		    s->wish.len);
	s->wish.len = 0;
}

/* One that is of no stream yet: the oldest such give way. */
static struct h2_wish *
early_new(struct h2_side *side, int32_t id)
{
	struct h2 *h2 = side->h2;
	struct h2_wish *w = early_of(h2, id);

	if (id <= nghttp2_session_get_last_proc_stream_id(side->ng))
		return NULL;	/* it is over */
	if (w == NULL) {
		w = &h2->early[h2->nearly++ % H2_EARLY];
		w->id = id;
	}
	return w;
}

void
h2_priority_update(struct h2_side *side, const nghttp2_ext_priority_update *u)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(side->ng,
	    u->stream_id);
	struct h2_wish *w;

	if (u->field_value_len > sizeof(w->value))
		return;
	w = s != NULL ? &s->wish : early_new(side, u->stream_id);
	if (w == NULL)
		return;
	memcpy(w->value, u->field_value, u->field_value_len);
	w->len = (uint8_t)u->field_value_len;
	if (s != NULL)
		h2_priority_send(s);
}
