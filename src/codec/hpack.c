/*
 * Field lines. One is decoded when all of its bytes are here: its strings are
 * found first, and those in Huffman's code are then decoded side by side.
 */
#include "codec/hpack.h"

#include <stdlib.h>

#include "codec/huffman.h"
#include "util/err.h"
#include "util/mem.h"

#define ROOM_LEAST	512

struct hpack {
	struct hpack_table table;
	uint32_t	 allowed;
	int		 owed;		/* an update, of the table's size or
					   less */
	int		 begun;		/* the block: no update any more */
	char		*text;		/* of the line at hand */
	size_t		 room;
};

/* A string as it comes. */
struct string {
	const uint8_t	*p;
	size_t		 len;
	int		 coded;
};

struct hpack *
hpack_new(void)
{
	struct hpack *h = xcalloc(1, sizeof(*h));

	huffman_init();
	h->allowed = HPACK_TABLE;
	hpack_table_resize(&h->table, HPACK_TABLE);
	return h;
}

void
hpack_free(struct hpack *h)
{
	if (h == NULL)
		return;
	hpack_table_clear(&h->table);
	free(h->text);
	free(h);
}

void
hpack_allow(struct hpack *h, uint32_t size)
{
	h->allowed = size;
	if (h->table.max <= size)
		return;
	hpack_table_resize(&h->table, size);
	h->owed = 1;
}

/* The rest of an integer, when the bits of its first byte are not enough. */
static int64_t
long_number(struct cursor *w, uint32_t n)
{
	uint64_t v = n;
	unsigned shift;
	uint8_t c = 0x80;

	for (shift = 0; c & 0x80; shift += 7) {
		if (shift > 28)
			return ERR_FORMAT;
		c = cursor_u8(w);
		v += (uint64_t)(c & 0x7f) << shift;
	}
	if (w->bad)
		return ERR_SHORT;
	return v > UINT32_MAX ? ERR_FORMAT : (int64_t)v;
}

/* An integer, whose first bits are the rest of the byte at hand: 5.1. */
static inline int64_t
read_number(struct cursor *w, unsigned bits)
{
	uint32_t most = (1u << bits) - 1, n = *w->p++ & most;

	return n < most ? n : long_number(w, n);
}

/* 5.2 */
static int
read_string(struct cursor *w, struct string *s)
{
	int64_t len;

	if (cursor_left(w) == 0)
		return ERR_SHORT;
	s->coded = *w->p & 0x80;
	if ((len = read_number(w, 7)) < 0)
		return (int)len;
	if (len > HPACK_STRING)
		return ERR_FORMAT;
	s->len = (size_t)len;
	s->p = cursor_bytes(w, s->len);
	return s->p == NULL ? ERR_SHORT : 0;
}

/* The text of a string, which may lie at to. */
static int
decode(const struct string *s, char *to, struct slice *text)
{
	ssize_t n;

	if (!s->coded) {
		*text = slice_of(s->p, s->len);
		return 0;
	}
	if ((n = huffman_decode(to, s->p, s->len)) < 0)
		return ERR_FORMAT;
	*text = slice_of(to, (size_t)n);
	return 0;
}

/* Room for n bytes of text. */
static void
make_room(struct hpack *h, size_t n)
{
	if (n <= h->room)
		return;
	h->room = n < ROOM_LEAST ? ROOM_LEAST : n;
	h->text = xrealloc(h->text, h->room);
}

/*
 * A literal line, with the name of this index, or with one of its own. What the
 * table is to keep must not be of the table.
 */
static int
read_literal(struct hpack *h, struct cursor *w, uint32_t name, int keep,
    struct hpack_line *l)
{
	struct string n = { NULL, 0, 0 }, v;
	size_t first;
	int rv;

	if (name == 0 ? (rv = read_string(w, &n)) != 0 :
	    (rv = hpack_table_line(&h->table, name, l)) != 0)
		return rv;
	if ((rv = read_string(w, &v)) != 0)
		return rv;
	first = name == 0 ? HUFFMAN_ROOM(n.len) : l->name.len;
	make_room(h, first + HUFFMAN_ROOM(v.len));
	if (name == 0)
		rv = decode(&n, h->text, &l->name);
	else if (keep && name > HPACK_STATIC)
		l->name.p = memcpy(h->text, l->name.p, first);
	if (rv == 0)
		rv = decode(&v, h->text + first, &l->value);
	if (rv == 0 && keep)
		hpack_table_add(&h->table, l);
	return rv;
}

/* 6.3 */
static int
read_update(struct hpack *h, struct cursor *w)
{
	int64_t size = read_number(w, 5);

	if (size < 0)
		return (int)size;
	if (h->begun || size > (h->owed ? h->table.max : h->allowed))
		return ERR_FORMAT;
	hpack_table_resize(&h->table, (uint32_t)size);
	h->owed = 0;
	return 0;
}

/* Section 6. */
static int
read_line(struct hpack *h, struct cursor *w, struct hpack_line *l)
{
	uint8_t kind = *w->p;
	int64_t index = read_number(w, kind & 0x80 ? 7 : kind & 0x40 ? 6 : 4);
	int rv;

	if (index < 0)
		return (int)index;
	if (h->owed)
		return ERR_FORMAT;
	l->known = 0;
	l->never = (kind & 0xf0) == 0x10;
	if (kind & 0x80)
		rv = hpack_table_line(&h->table, (uint32_t)index, l);
	else
		rv = read_literal(h, w, (uint32_t)index, kind & 0x40, l);
	h->begun |= rv == 0;
	return rv;
}

int
hpack_next(struct hpack *h, struct cursor *w, struct hpack_line *l)
{
	const uint8_t *from;
	int rv, update;

	do {
		if (cursor_left(w) == 0)
			return 0;
		from = w->p;
		update = (*from & 0xe0) == 0x20;
		rv = update ? read_update(h, w) : read_line(h, w, l);
	} while (update && rv == 0);
	if (rv != ERR_SHORT)
		return rv == 0 ? 1 : ERR_FORMAT;
	w->p = from;
	w->bad = 0;
	return ERR_SHORT;
}

int
hpack_end(struct hpack *h)
{
	h->begun = 0;
	return h->owed ? ERR_FORMAT : 0;
}

size_t
hpack_memory(const struct hpack *h)
{
	return hpack_table_memory(&h->table) + h->room;
}
