/*
 * Makes ClientHellos for tests: a message from its parts, records from a
 * message, and those captured from real clients.
 */
#ifndef HELLO_MAKE_H
#define HELLO_MAKE_H

#include <stdio.h>
#include <string.h>

#include "util/text.h"
#include "util/cursor.h"

#define LIT(s)		(s), sizeof(s) - 1

struct parts {
	uint16_t	 version;	/* 0: 0x0303 */
	const char	*suites;	/* NULL: two of TLS 1.3, two of 1.2 */
	size_t		 suites_len;
	struct text	 exts;
};

static inline void
add_u16(struct text *t, size_t v)
{
	char b[2] = { (char)(v >> 8), (char)v };

	text_add(t, b, 2);
}

/* An extension with this body as it is. */
static inline void
add_ext(struct text *t, uint16_t type, const char *body, size_t len)
{
	add_u16(t, type);
	add_u16(t, len);
	text_add(t, body, len);
}

static inline void
add_sni(struct text *t, const char *name, size_t len)
{
	struct text b = { NULL, 0, 0 };

	add_u16(&b, len + 3);
	text_add(&b, "", 1);
	add_u16(&b, len);
	text_add(&b, name, len);
	add_ext(t, 0, b.s, b.len);
	text_free(&b);
}

/* A message, its header included; frees the extensions. */
static inline void
make_message(struct text *out, struct parts *p)
{
	struct text b = { NULL, 0, 0 };
	char random[32];
	size_t i;

	for (i = 0; i < 32; i++)
		random[i] = (char)i;
	add_u16(&b, p->version != 0 ? p->version : 0x0303);
	text_add(&b, random, 32);
	text_add(&b, "\3sid", 4);
	if (p->suites == NULL) {
		p->suites = "\x13\1\x13\3\xc0\x2b\xc0\x2f";
		p->suites_len = 8;
	}
	add_u16(&b, p->suites_len);
	text_add(&b, p->suites, p->suites_len);
	text_add(&b, "\1\0", 2);
	if (p->exts.s != NULL) {
		add_u16(&b, p->exts.len);
		text_add(&b, p->exts.s, p->exts.len);
	}
	text_free(&p->exts);
	text_add(out, "\1\0", 2);
	add_u16(out, b.len);
	text_add(out, b.s, b.len);
	text_free(&b);
}

/* As records of at most size bytes each. */
static inline void
make_records(struct text *out, const struct text *msg, size_t size)
{
	size_t at, n;

	for (at = 0; at < msg->len; at += n) {
		n = msg->len - at < size ? msg->len - at : size;
		text_add(out, "\x16\3\1", 3);
		add_u16(out, n);
		text_add(out, msg->s + at, n);
	}
}

/* One in a single record; frees the extensions. */
static inline void
make_hello(struct text *out, struct parts *p)
{
	struct text msg = { NULL, 0, 0 };

	make_message(&msg, p);
	make_records(out, &msg, 16384);
	text_free(&msg);
}

/* A captured one, out of the corpus. Tests run in the top directory. */
static inline void
load_hello(struct text *out, const char *name)
{
	char path[256], buf[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/corpus/hello/%s", name);
	ck_assert_ptr_nonnull(f = fopen(path, "rb"));
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		text_add(out, buf, n);
	fclose(f);
}

#endif
