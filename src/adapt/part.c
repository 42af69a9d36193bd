/*
 * Parts of an object that services see whole (`inspect: ranges: whole`). The
 * server is asked for all of it. What the services let pass is cut to the part
 * that the client asked for, and is a 206 (RFC 9110, 14). A client that wants
 * several parts, or an object of unknown length, gets it whole, as it does of
 * servers that know no ranges.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "util/mem.h"

/* The only field of that name; NULL: there is none, or more. */
static char *
field_alone(const struct http_head *h, const char *name)
{
	struct slice value = { NULL, 0 };
	size_t i, k = 0;

	for (i = 0; i < h->n; i++)
		if (slice_is(h->h[i].name, name)) {
			value = h->h[i].value;
			k++;
		}
	return k == 1 ? xstrndup(value.p, value.len) : NULL;
}

void
part_ask(struct adaptation *a)
{
	const struct http_head *h = a->x.msg[DIR_UP].head;

	part_end(&a->part);
	if (!slice_eq(h->method, "GET") || http_find(h, "range") == NULL)
		return;
	a->part.range = field_alone(h, "range");
	a->part.if_range = field_alone(h, "if-range");
	if (http_find(h, "if-range") != NULL && a->part.if_range == NULL)
		part_end(&a->part);
}

/* If-Range names this very object (RFC 9110, 13.1.5). */
static int
is_the_same(const struct part *part, const struct http_head *h)
{
	const char *name = part->if_range;

	if (name == NULL)
		return 1;
	if (strncmp(name, "W/", 2) == 0)
		return 0;
	return slice_eq(http_value(h, name[0] == '"' ? "etag" :
	    "last-modified"), name);
}

int
part_wanted(const struct adapted_message *m)
{
	const struct part *part = &m->a->part;

	return m->dir == DIR_DOWN && part->range != NULL &&
	    m->virgin->head != NULL && m->virgin->head->status == 200;
}

/* A number, and what is behind it; -1: there is none. */
static int64_t
number(const char **p)
{
	int64_t n = 0;
	int digits = 0;

	for (; **p >= '0' && **p <= '9'; ++*p) {
		if (++digits > 18)
			return -1;
		n = n * 10 + (**p - '0');
	}
	return digits > 0 ? n : -1;
}

/*
 * One range of bytes: first-, first-last, -last. 1; 0: it says something else.
 * One that has no byte of the object is empty.
 */
static int
range_parse(const char *p, uint64_t total, uint64_t *first, uint64_t *end)
{
	int64_t a, b;

	if (strncasecmp(p, "bytes=", 6) != 0)
		return 0;
	p += 6;
	a = number(&p);
	if (*p++ != '-')
		return 0;
	b = number(&p);
	if (*p != '\0' || (a < 0 && b < 0) || (a >= 0 && b >= 0 && b < a))
		return 0;
	*end = a < 0 || b < 0 || (uint64_t)b >= total ? total :
	    (uint64_t)b + 1;
	*first = a >= 0 ? (uint64_t)a : (uint64_t)b > total ? 0 :
	    total - (uint64_t)b;
	if (*first >= *end)
		*first = *end = 0;
	return 1;
}

void
part_begin(struct adapted_message *m, const struct http_head *h, int body,
    int64_t length)
{
	struct part *part = &m->a->part;

	if (m->dir != DIR_DOWN)
		return;
	part->at = 0;
	if (m->a->trickle.given != NULL)	/* the client has its head */
		return;
	part->on = 0;
	part->total = length;
	part->on = part_wanted(m) && h->status == 200 && body && length >= 0 &&
	    is_the_same(part, h) && range_parse(part->range, (uint64_t)length,
	    &part->first, &part->end);
}

static struct http_head *
part_head(const struct part *part, const struct http_head *h,
    struct text *bytes)
{
	size_t size = offsetof(struct http_head, h) + h->n * sizeof(h->h[0]);
	struct http_head *own = xcalloc(1, size + sizeof(h->h[0]));
	int none = part->first == part->end;
	const char *reason = none ? "Range Not Satisfiable" :
	    "Partial Content";

	memcpy(own, h, size);
	own->status = none ? 416 : 206;
	own->reason = slice_of(reason, strlen(reason));
	if (none)
		text_puts(bytes, "bytes */");
	else
		text_printf(bytes, "bytes %llu-%llu/",
		    (unsigned long long)part->first,
		    (unsigned long long)part->end - 1);
	text_printf(bytes, "%lld", (long long)part->total);
	own->h[own->n++] = (struct http_field){ slice_of("Content-Range", 13),
	    slice_of(bytes->s, bytes->len) };
	return own;
}

int
part_send(struct adapted_message *m, const struct http_head *h, int body,
    int64_t length, unsigned flags)
{
	const struct part *part = &m->a->part;
	struct exchange *x = &m->a->x;
	struct http_head *own = NULL;
	struct text bytes = { 0 };
	int rv;

	if (m->dir == DIR_DOWN && part->on) {
		h = own = part_head(part, h, &bytes);
		x->record.status = h->status;
		length = (int64_t)(part->end - part->first);
		flags |= HTTP_CHANGED;
	}
	rv = x->codec->head(x->conn, m->dir, h, body, length, flags);
	free(own);
	text_free(&bytes);
	if (rv != 0)
		exchange_refuse(x, 502, "what a service made of the message "
		    "cannot be sent");
	return rv;
}

size_t
part_cut(const struct part *part, size_t len, size_t *skip)
{
	uint64_t before = part->first > part->at ? part->first - part->at : 0;
	uint64_t left = part->end > part->at + before ?
	    part->end - part->at - before : 0;
	size_t n;

	*skip = before < len ? (size_t)before : len;
	n = left < len - *skip ? (size_t)left : len - *skip;
	if (n == 0)		/* nothing of them */
		*skip = len;
	return n;
}

void
part_end(struct part *part)
{
	free(part->range);
	free(part->if_range);
	memset(part, 0, sizeof(*part));
}
