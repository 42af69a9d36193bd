/*
 * The crossing between two versions of HTTP, and two peers that say anything.
 * The first byte of the input says which way it goes; then come orders: bytes
 * of either peer, ends, and peers that take nothing. Held to: what a server of
 * HTTP/1.1 gets are requests, and what a client of HTTP/1 gets are responses,
 * as strict readers read them; nothing runs for ever; and in the end no memory
 * is held.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "http/cross.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MEMORY	(16 * 1024 * 1024)
#define HEAD	20000

/* What is written as HTTP/1, and its reader. */
struct reader {
	int		 response, in_body, lost;
	struct text	 bytes;
	struct http1_body body;
};

static const uint8_t	*at, *end;	/* the orders */
static struct text	 far_in;
static size_t		 far_off;
static enum end		 far_end, far_told;
static int		 far_blocked;
static struct reader	 reader;
static enum cross_to	 to;
static struct sock	 sock;
static struct cross	*cross;

static unsigned
byte(void)
{
	return at < end ? *at++ : 0;
}

/* Answers to HEAD end otherwise: such inputs are not read that strictly. */
static int
head_read(struct reader *r)
{
	struct http_text *t = xcalloc(1, sizeof(*t));
	int rv;

	rv = r->response ? http_response(t, r->bytes.s, r->bytes.len) :
	    http_request(t, r->bytes.s, r->bytes.len);
	assert(rv == 0 || rv == ERR_SHORT);
	if (rv == 0) {
		http1_body_init(&r->body, t, slice_of("GET", 3));
		r->in_body = 1;
		memmove(r->bytes.s, r->bytes.s + t->len,
		    r->bytes.len - t->len);
		r->bytes.len -= t->len;
	}
	free(t);
	return rv == 0;
}

static int
body_read(struct reader *r)
{
	struct slice in = slice_of(r->bytes.s, r->bytes.len), payload;
	int rv = 1;

	while (rv == 1)
		rv = http1_body_next(&r->body, &in, &payload);
	assert(rv == 0 || rv == ERR_SHORT);
	memmove(r->bytes.s, in.p, in.len);
	r->bytes.len = in.len;
	if (rv == 0)
		r->in_body = 0;
	return rv == 0;
}

static void
read_on(struct reader *r, const uint8_t *p, size_t len)
{
	if (r->lost)
		return;
	text_add(&r->bytes, (const char *)p, len);
	while (r->bytes.len > 0 && (r->in_body ? body_read(r) : head_read(r)))
		;
	if (r->in_body)
		body_read(r);
}

static ssize_t
far_read(void *arg, uint8_t *p, size_t len, enum end *how)
{
	if (len > far_in.len - far_off)
		len = far_in.len - far_off;
	if (len == 0 && far_told < far_end) {
		*how = far_told = far_end;
		return ERR_EOF;
	}
	if (len == 0)
		return ERR_AGAIN;
	memcpy(p, far_in.s + far_off, len);
	far_off += len;
	return (ssize_t)len;
}

static ssize_t
far_write(void *arg, const uint8_t *p, size_t len)
{
	if (far_blocked)
		return ERR_AGAIN;
	if (len > 1000)
		len = 1000;
	if (to == CROSS_TO_1)
		read_on(&reader, p, len);
	return (ssize_t)len;
}

static int
far_flush(void *arg)
{
	return 0;
}

static int
far_shut(void *arg, enum end how)
{
	return 0;
}

static int
far_pending(void *arg)
{
	return far_off < far_in.len || far_told < far_end;
}

static void
far_free(void *arg)
{
}

static const struct transport_ops far_ops = { far_read, far_write, far_flush,
    far_shut, far_pending, far_free };

/* Until nothing moves. */
static void
run(void)
{
	static uint8_t buf[4000];
	enum end how, told = END_NONE;
	ssize_t n = 1;
	int i;

	for (i = 0; i < 100000 && n > 0; i++) {
		transport_cross.flush(cross);
		how = END_NONE;
		n = transport_cross.read(cross, buf, sizeof(buf), &how);
		if (n == ERR_EOF) {
			assert(how > told);
			told = how;
			n = told == END_FIN ? 0 : 1;
		} else if (n > 0 && to == CROSS_TO_2)
			read_on(&reader, buf, (size_t)n);
	}
	assert(i < 100000);
}

static void
near_says(const uint8_t *p, size_t len)
{
	ssize_t n = 1;

	for (; len > 0 && n > 0; p += n, len -= (size_t)n) {
		n = transport_cross.write(cross, p, len);
		run();
		if (n < 0)
			break;
	}
}

static void
order(void)
{
	unsigned what = byte();
	size_t len = byte();

	if (len > (size_t)(end - at))
		len = (size_t)(end - at);
	switch (what % 6) {
	case 0:
	case 1:
		near_says(at, len);
		at += len;
		break;
	case 2:
	case 3:
		text_add(&far_in, (const char *)at, len);
		at += len;
		break;
	case 4:
		far_blocked = what & 8;
		break;
	case 5:
		if (len > 200)
			far_end = what & 8 ? END_FIN : END_NOTIFY;
		else if (len > 190)
			transport_cross.shut(cross, END_NOTIFY);
		break;
	}
	run();
}

static void
no_abuse(void *arg, enum flow_dir from, enum h2_abuse what)
{
}

static const struct cross_user user = {
	.head_max = HEAD,
	.session = 1,
	.abuse = no_abuse,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	    "\0\0\0\4\0\0\0\0";
	unsigned first;

	log_level = LOG_LVL_ERROR;
	budget_limit(MEMORY);
	at = data;
	end = data + size;
	first = byte();
	to = first & 1 ? CROSS_TO_2 : CROSS_TO_1;
	reader.response = to == CROSS_TO_2;
	reader.lost = to == CROSS_TO_2 && size > 3 &&
	    memmem(data, size, "HEAD", 4) != NULL;
	cross = cross_new(to, &far_ops, NULL, &sock, &user);
	if (to == CROSS_TO_1 && !(first & 2))
		near_says((const uint8_t *)preface, sizeof(preface));
	while (at < end)
		order();
	transport_cross.free(cross);
	text_free(&far_in);
	text_free(&reader.bytes);
	memset(&reader, 0, sizeof(reader));
	far_off = 0;
	far_end = far_told = END_NONE;
	far_blocked = 0;
	assert(budget_used() == 0);
	return 0;
}
