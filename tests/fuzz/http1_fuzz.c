/*
 * HTTP/1: a head, then its body. Held to: a head read as it comes is the one
 * read at once; a body followed byte by byte ends where one followed at once
 * does, with as much content and the same trailers, which frame a body again;
 * a head kept is the head; a request written again for the origin reads as a
 * request with the same framing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1_write.h"
#include "../unit/codec/http1_follow.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

typedef int read_head(struct http_text *, const char *, size_t);

static void
check_split(read_head *read, const struct http_text *whole, int e,
    const char *data, size_t len)
{
	static struct http_text part;
	size_t i, step = len > 2000 ? len / 1000 : 1;
	int got = ERR_SHORT;

	part.scanned = 0;
	for (i = 0; i < len && got == ERR_SHORT; i += step)
		got = read(&part, data, i);
	if (got == ERR_SHORT)
		got = read(&part, data, len);
	assert(got == e);
	if (e == 0)
		assert(part.len == whole->len && part.head.n == whole->head.n &&
		    part.head.length == whole->head.length &&
		    part.chunked == whole->chunked);
	else if (e != ERR_SHORT)
		assert(part.why == whole->why && part.why != NULL);
}

/* Trailers that were taken over end a body of ours, and no more than it. */
static void
check_trailers(const struct text *trailers)
{
	struct http_text m = { .chunked = 1, .coded = 1,
	    .head.length = -1 };
	struct text t = { NULL, 0, 0 };
	struct http1_body b;
	size_t used;

	text_puts(&t, "0\r\n");
	text_add(&t, trailers->s, trailers->len);
	text_puts(&t, "\r\n");
	http1_body_init(&b, &m, slice_of("GET", 3));
	assert(http1_body_follow(&b, t.s, t.len, &used) == 0);
	assert(used == t.len);
	text_free(&t);
}

static void
check_keep(const struct http_head *m, const char *data, size_t len)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *own = http_keep(m, data, len, &bytes);
	size_t i;

	assert(own->n == m->n && bytes.len == len);
	for (i = 0; i < m->n; i++) {
		assert(own->h[i].name.len == m->h[i].name.len);
		assert(memcmp(own->h[i].name.p, m->h[i].name.p,
		    m->h[i].name.len) == 0);
		assert(own->h[i].value.p - bytes.s == m->h[i].value.p - data);
	}
	free(own);
	text_free(&bytes);
}

static void
check_body(const struct http_text *m, const char *data, size_t len)
{
	struct text all = { NULL, 0, 0 }, each = { NULL, 0, 0 };
	struct http1_body once, bytes;
	size_t used, n, i;
	int e, got = ERR_SHORT;

	http1_body_init(&once, m, slice_of("GET", 3));
	bytes = once;
	once.trailers = &all;
	bytes.trailers = &each;
	e = http1_body_follow(&once, data, len, &used);
	assert(used <= len);
	assert(e != ERR_SHORT || used == len);
	assert(once.payload <= used);
	for (i = 0; i < len && got == ERR_SHORT; i++) {
		got = http1_body_follow(&bytes, data + i, 1, &n);
		if (got == 0 && n == 0)
			break;
	}
	if (got == ERR_SHORT)
		got = http1_body_follow(&bytes, data + len, 0, &n);
	assert(got == e);
	if (e == 0)
		assert(i == used);
	assert(once.payload == bytes.payload && once.why == bytes.why);
	assert(http1_body_ended(&once) == (e == 0));
	assert(all.len == each.len && all.len <= 2 * 16384);
	if (e == 0 && all.len > 0) {
		assert(memcmp(all.s, each.s, all.len) == 0);
		check_trailers(&all);
	}
	text_free(&all);
	text_free(&each);
}

/* Written again, it is for the same; and the name is in its one spelling. */
static void
check_name(const struct http_head *m, const char *again, size_t len)
{
	static struct http_text other;
	char name[HTTP_NAME_MAX], same[HTTP_NAME_MAX];
	size_t n;
	int rv = http_name(m, name);

	n = strlen(name);
	assert((rv == 0) == (n > 0));
	assert(n == 0 || name[n - 1] != '.');
	assert(strpbrk(name, "[]/@ ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	other.scanned = 0;
	if (http_request(&other, again, len) == 0) {
		http_name(&other.head, same);
		assert(strcmp(name, same) == 0);
	}
}

static void
check_rewrite(const struct http_text *m)
{
	static struct http_text again;
	struct text t = { NULL, 0, 0 };

	if (http1_origin_form(&t, &m->head) == 0) {
		check_name(&m->head, t.s, t.len);
		again.scanned = 0;
		assert(http_request(&again, t.s, t.len) == 0 ||
		    again.head.n == HTTP_FIELDS || t.len > HTTP_HEAD_MAX);
		if (t.len <= HTTP_HEAD_MAX && again.head.n < HTTP_FIELDS) {
			assert(again.len == t.len);
			assert(again.head.length == m->head.length);
			assert(again.chunked == m->chunked);
			assert(again.head.target.p[0] == '/' ||
			    slice_eq(again.head.target, "*"));
		}
	}
	text_free(&t);
}

static int
one(read_head *read, const char *data, size_t len)
{
	static struct http_text m;
	int e;

	m.scanned = 0;
	e = read(&m, data, len);
	check_split(read, &m, e, data, len);
	if (e != 0)
		return e;
	assert(m.len <= len && m.head.n <= HTTP_FIELDS);
	http1_keeps_alive(&m.head);
	check_keep(&m.head, data, m.len);
	check_body(&m, data + m.len, len - m.len);
	if (!m.head.response)
		check_rewrite(&m);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_url u;
	const char *text = (const char *)data;
	size_t i;
	int e, got;

	one(http_request, text, len);
	one(http_response, text, len);
	http_authority(slice_of(text, len), 0, &u);
	http_absolute(slice_of(text, len), &u);
	e = http_starts_request(text, len);
	for (i = 0; i < len && i < 300; i++)
		if ((got = http_starts_request(text, i)) != ERR_SHORT)
			assert(got == e);
	return 0;
}
