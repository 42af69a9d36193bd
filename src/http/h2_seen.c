/*
 * Streams that pass. One is known from its request's head until both of its
 * messages are whole, it is reset or found malformed.
 */
#include "http/h2_seen.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/*
 * Streams at once. Servers allow 100 to 250, and few any number: those beyond
 * it are not read.
 */
#define STREAMS_MAX	1024

struct h2_seen_stream {
	struct h2_seen_stream *next;	/* in its bucket */
	uint32_t	 id;
	void		*user;
	int		 unsized;	/* its response has no content of that
					   length: to HEAD, to CONNECT */
	struct {
		int	 headed, ended;
		int64_t	 left;		/* of Content-Length; -1: not said */
	} msg[2];			/* by enum flow_dir */
};

static const char late[] = "a frame behind the end of its message";

static struct h2_seen_stream **
place_of(struct h2_seen *k, uint32_t id)
{
	struct h2_seen_stream **s = &k->bucket[id / 2 % H2_SEEN_BUCKETS];

	while (*s != NULL && (*s)->id != id)
		s = &(*s)->next;
	return s;
}

static struct h2_seen_stream *
find(struct h2_seen *k, uint32_t id)
{
	return *place_of(k, id);
}

static void
forget(struct h2_seen *k, struct h2_seen_stream *s)
{
	*place_of(k, s->id) = s->next;
	k->n--;
	s->next = k->spare;
	k->spare = s;
}

static struct h2_seen_stream *
new_stream(struct h2_seen *k)
{
	struct h2_seen_stream *s = k->spare;

	if (s == NULL)
		return xcalloc(1, sizeof(*s));
	k->spare = s->next;
	memset(s, 0, sizeof(*s));
	return s;
}

static void
over(struct h2_seen *k, enum flow_dir dir, struct h2_seen_stream *s,
    int64_t code)
{
	k->user->over(s->user, dir, code);
	forget(k, s);
}

void
h2_seen_unread(struct h2_seen *k, enum flow_dir dir, uint32_t id,
    const char *why)
{
	k->user->bad(k->arg, id, NULL, dir, why);
}

void
h2_seen_bad(struct h2_seen *k, enum flow_dir dir, uint32_t id,
    const char *why)
{
	struct h2_seen_stream *s = find(k, id);

	if (s == NULL)
		return;
	k->user->bad(k->arg, id, s->user, dir, why);
	forget(k, s);
}

void
h2_seen_over(struct h2_seen *k)
{
	struct h2_seen_stream *s;
	size_t i;

	for (i = 0; i < H2_SEEN_BUCKETS; i++)
		while (k->bucket[i] != NULL)
			over(k, DIR_UP, k->bucket[i], -2);
	while ((s = k->spare) != NULL) {
		k->spare = s->next;
		free(s);
	}
}

enum h2_known
h2_seen_known(struct h2_seen *k, enum flow_dir dir, uint32_t id)
{
	struct h2_seen_stream *s = find(k, id);

	return s == NULL ? H2_UNKNOWN : s->msg[dir].headed ? H2_HEADED :
	    H2_HEADLESS;
}

/* A message is whole. */
static void
ended(struct h2_seen *k, enum flow_dir dir, struct h2_seen_stream *s,
    const struct text *trailers)
{
	if (s->msg[dir].left > 0) {
		h2_seen_bad(k, dir, s->id,
		    "content is shorter than Content-Length");
		return;
	}
	s->msg[dir].ended = 1;
	k->user->end(s->user, dir, trailers);
	if (s->msg[!dir].ended)
		over(k, dir, s, -1);
}

void
h2_seen_request(struct h2_seen *k, uint32_t id, const struct http_head *h,
    int last)
{
	struct h2_seen_stream *s;
	void *user;

	if (k->n == STREAMS_MAX) {
		h2_seen_unread(k, DIR_UP, id, "too many streams at once");
		return;
	}
	if ((user = k->user->begin(k->arg, id, h, last)) == NULL)
		return;
	*place_of(k, id) = s = new_stream(k);
	k->n++;
	s->id = id;
	s->user = user;
	s->unsized = slice_eq(h->method, "HEAD") ||
	    slice_eq(h->method, "CONNECT");
	s->msg[DIR_UP].headed = 1;
	s->msg[DIR_UP].left = h->version == 20 ? h->length : -1;
	if (last)
		ended(k, DIR_UP, s, NULL);
}

void
h2_seen_response(struct h2_seen *k, uint32_t id, const struct http_head *h,
    int last)
{
	struct h2_seen_stream *s = find(k, id);
	int interim = h->status < 200;

	if (s == NULL)
		return;
	if (interim && last) {
		h2_seen_bad(k, DIR_DOWN, id,
		    "an interim response ends its stream");
		return;
	}
	s->msg[DIR_DOWN].headed = !interim;
	s->msg[DIR_DOWN].left = interim || s->unsized || h->status == 304 ?
	    -1 : h->length;
	k->user->head(s->user, h, last);
	if (last)
		ended(k, DIR_DOWN, s, NULL);
}

/*
 * The stream, if its message is under way in that direction: then what comes is
 * a part of it. Otherwise the stream is bad; early: what comes, before a head.
 */
static struct h2_seen_stream *
under_way(struct h2_seen *k, enum flow_dir dir, uint32_t id,
    const char *early)
{
	struct h2_seen_stream *s = find(k, id);

	if (s == NULL || (s->msg[dir].headed && !s->msg[dir].ended))
		return s;
	h2_seen_bad(k, dir, id, s->msg[dir].ended ? late : early);
	return NULL;
}

void
h2_seen_trailers(struct h2_seen *k, enum flow_dir dir, uint32_t id,
    const struct text *trailers, int last)
{
	struct h2_seen_stream *s = under_way(k, dir, id, late);

	if (s == NULL)
		return;
	if (last)
		ended(k, dir, s, trailers);
	else
		h2_seen_bad(k, dir, id,
		    "trailers that do not end the message");
}

void
h2_seen_data(struct h2_seen *k, enum flow_dir dir, uint32_t id,
    const uint8_t *p, size_t len)
{
	struct h2_seen_stream *s = under_way(k, dir, id,
	    "content before the head");
	int64_t *left;

	if (s == NULL)
		return;
	left = &s->msg[dir].left;
	if (*left >= 0 && len > (uint64_t)*left) {
		h2_seen_bad(k, dir, id,
		    "content is longer than Content-Length");
		return;
	}
	*left -= *left >= 0 ? (int64_t)len : 0;
	k->user->data(s->user, dir, p, len);
}

void
h2_seen_end(struct h2_seen *k, enum flow_dir dir, uint32_t id)
{
	struct h2_seen_stream *s = under_way(k, dir, id,
	    "an end before the head");

	if (s != NULL)
		ended(k, dir, s, NULL);
}

void
h2_seen_reset(struct h2_seen *k, enum flow_dir dir, uint32_t id,
    uint32_t code)
{
	struct h2_seen_stream *s = find(k, id);

	if (s != NULL)
		over(k, dir, s, code);
}
