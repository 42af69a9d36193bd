/*
 * Lines and their text are appended to two arrays. When one is full, what lives
 * moves to the front of both. They grow to a third more than lives at least, so
 * that a byte is moved three times at most.
 */
#include "codec/hpack_table.h"

#include <stdlib.h>

#include "util/err.h"
#include "util/mem.h"

#define TEXT_LEAST	512
#define LINES_LEAST	16

#define S(s)	{ s, sizeof(s) - 1 }
static const struct {
	struct slice	 name, value;
} fixed[HPACK_STATIC] = {
	{ S(":authority"), S("") },
	{ S(":method"), S("GET") },
	{ S(":method"), S("POST") },
	{ S(":path"), S("/") },
	{ S(":path"), S("/index.html") },
	{ S(":scheme"), S("http") },
	{ S(":scheme"), S("https") },
	{ S(":status"), S("200") },
	{ S(":status"), S("204") },
	{ S(":status"), S("206") },
	{ S(":status"), S("304") },
	{ S(":status"), S("400") },
	{ S(":status"), S("404") },
	{ S(":status"), S("500") },
	{ S("accept-charset"), S("") },
	{ S("accept-encoding"), S("gzip, deflate") },
	{ S("accept-language"), S("") },
	{ S("accept-ranges"), S("") },
	{ S("accept"), S("") },
	{ S("access-control-allow-origin"), S("") },
	{ S("age"), S("") },
	{ S("allow"), S("") },
	{ S("authorization"), S("") },
	{ S("cache-control"), S("") },
	{ S("content-disposition"), S("") },
	{ S("content-encoding"), S("") },
	{ S("content-language"), S("") },
	{ S("content-length"), S("") },
	{ S("content-location"), S("") },
	{ S("content-range"), S("") },
	{ S("content-type"), S("") },
	{ S("cookie"), S("") },
	{ S("date"), S("") },
	{ S("etag"), S("") },
	{ S("expect"), S("") },
	{ S("expires"), S("") },
	{ S("from"), S("") },
	{ S("host"), S("") },
	{ S("if-match"), S("") },
	{ S("if-modified-since"), S("") },
	{ S("if-none-match"), S("") },
	{ S("if-range"), S("") },
	{ S("if-unmodified-since"), S("") },
	{ S("last-modified"), S("") },
	{ S("link"), S("") },
	{ S("location"), S("") },
	{ S("max-forwards"), S("") },
	{ S("proxy-authenticate"), S("") },
	{ S("proxy-authorization"), S("") },
	{ S("range"), S("") },
	{ S("referer"), S("") },
	{ S("refresh"), S("") },
	{ S("retry-after"), S("") },
	{ S("server"), S("") },
	{ S("set-cookie"), S("") },
	{ S("strict-transport-security"), S("") },
	{ S("transfer-encoding"), S("") },
	{ S("user-agent"), S("") },
	{ S("vary"), S("") },
	{ S("via"), S("") },
	{ S("www-authenticate"), S("") }
};

void
hpack_table_clear(struct hpack_table *t)
{
	free(t->text);
	free(t->entry);
	memset(t, 0, sizeof(*t));
}

/* Until it has at most size bytes. */
static void
forget(struct hpack_table *t, uint32_t size)
{
	const struct hpack_entry *e;

	while (t->size > size) {
		e = &t->entry[t->oldest++];
		t->size -= e->name + e->value + HPACK_LINE;
	}
}

void
hpack_table_resize(struct hpack_table *t, uint32_t max)
{
	t->max = max;
	forget(t, max);
}

/* What lives moves to the front. */
static void
pack(struct hpack_table *t)
{
	size_t n = t->next - t->oldest, i;
	uint32_t from;

	if (t->oldest == 0)
		return;
	from = n > 0 ? t->entry[t->oldest].at : (uint32_t)t->end;
	memmove(t->text, t->text + from, t->end - from);
	memmove(t->entry, t->entry + t->oldest, n * sizeof(*t->entry));
	for (i = 0; i < n; i++)
		t->entry[i].at -= from;
	t->end -= from;
	t->oldest = 0;
	t->next = n;
}

/* Room for n elements where there is some for have. */
static size_t
grown(size_t n, size_t have, size_t least)
{
	if (n <= have / 4 * 3)
		return have;
	return n * 2 < least ? least : n * 2;
}

/* Room for a line of n bytes of text. */
static void
make_room(struct hpack_table *t, size_t n)
{
	if (t->next < t->nroom && t->end + n <= t->room)
		return;
	pack(t);
	t->nroom = grown(t->next + 1, t->nroom, LINES_LEAST);
	t->entry = xrealloc(t->entry, t->nroom * sizeof(*t->entry));
	t->room = grown(t->end + n, t->room, TEXT_LEAST);
	t->text = xrealloc(t->text, t->room);
}

void
hpack_table_add(struct hpack_table *t, const struct hpack_line *l)
{
	size_t n = l->name.len + l->value.len;
	struct hpack_entry *e;

	if (n + HPACK_LINE > t->max) {
		forget(t, 0);
		return;
	}
	forget(t, t->max - (uint32_t)n - HPACK_LINE);
	make_room(t, n);
	e = &t->entry[t->next++];
	e->at = (uint32_t)t->end;
	e->name = (uint32_t)l->name.len;
	e->value = (uint32_t)l->value.len;
	e->known = l->known;
	if (l->name.len > 0)
		memcpy(t->text + t->end, l->name.p, l->name.len);
	if (l->value.len > 0)
		memcpy(t->text + t->end + e->name, l->value.p, l->value.len);
	t->end += n;
	t->size += (uint32_t)n + HPACK_LINE;
}

size_t
hpack_table_memory(const struct hpack_table *t)
{
	return t->room + t->nroom * sizeof(*t->entry);
}

int
hpack_table_line(const struct hpack_table *t, uint32_t index,
    struct hpack_line *l)
{
	const struct hpack_entry *e;

	if (index > 0 && index <= HPACK_STATIC) {
		l->name = fixed[index - 1].name;
		l->value = fixed[index - 1].value;
		l->known = index;
		return 0;
	}
	if (index == 0 || index - HPACK_STATIC > t->next - t->oldest)
		return ERR_NOTFOUND;
	e = &t->entry[t->next - (index - HPACK_STATIC)];
	l->name = slice_of(t->text + e->at, e->name);
	l->value = slice_of(t->text + e->at + e->name, e->value);
	l->known = e->known;
	return 0;
}
