/*
 * The head of an ICAP response, for each method. Held to: a head read as it
 * comes is the one read at once; what was read has the form its header
 * promises; OPTIONS and findings can be had from any; an encapsulated HTTP
 * head that was read can be written for its next hop, and that reads again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1_write.h"
#include "codec/icap_options.h"
#include "util/err.h"
#include "util/mem.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_split(enum icap_method method, const struct icap_head *whole, int e,
    const uint8_t *data, size_t len)
{
	static struct icap_head part;
	char *copy = xmemdup(data, len + (len == 0));
	size_t i, step = len > 2000 ? len / 1000 : 1;
	int got = ERR_SHORT;

	part.scanned = 0;
	for (i = 0; i < len && got == ERR_SHORT; i += step)
		got = icap_response(&part, method, copy, i);
	if (got == ERR_SHORT)
		got = icap_response(&part, method, copy, len);
	assert(got == e);
	if (e == 0)
		assert(part.len == whole->len && part.n == whole->n &&
		    part.hdr == whole->hdr && part.hdr_len == whole->hdr_len &&
		    part.body == whole->body && part.status == whole->status);
	else if (e != ERR_SHORT)
		assert(part.why == whole->why && part.why != NULL);
	free(copy);
}

static void
check_promise(const struct icap_head *m, enum icap_method method)
{
	assert((m->hdr == ICAP_NONE) == (m->hdr_len == 0));
	assert(m->hdr_len <= HTTP_HEAD_MAX);
	assert(m->body != ICAP_NULL_BODY);
	if (m->status < 200 || m->status == 204)
		assert(m->hdr == ICAP_NONE && m->body == ICAP_NONE);
	else if (m->status < 300 && method != ICAP_OPTIONS)
		assert(m->hdr == ICAP_RES_HDR ||
		    (m->hdr == ICAP_REQ_HDR && method == ICAP_REQMOD));
	if (m->status == 206 && method != ICAP_OPTIONS)
		assert(m->body != ICAP_NONE);
}

static void
check_options(const struct icap_head *m)
{
	struct icap_options o;
	size_t i;

	if (icap_options_read(&o, m) != 0)
		return;
	for (i = 0; i < m->n; i++)
		icap_transfer(&o, m->h[i].value);
	icap_options_free(&o);
}

/* Behind the ICAP head is the HTTP head, if all of it is there. */
static void
check_http(const struct icap_head *m, const char *data, size_t len)
{
	static struct http_text h, again;
	struct http1_out o = { HTTP1_LENGTH, 7, HTTP1_CLOSE_AFTER, NULL,
	    { NULL, 0 }, NULL };
	struct text t = { NULL, 0, 0 };

	if (m->hdr == ICAP_NONE || len < m->hdr_len ||
	    icap_http_head(&h, m->hdr, data, m->hdr_len) != 0)
		return;
	assert(h.len == m->hdr_len);
	if (http1_write(&t, &h.head, &o) == 0 && t.len <= HTTP_HEAD_MAX &&
	    h.head.n + 3 < HTTP_FIELDS) {
		again.scanned = 0;
		assert((h.head.response ? http_response(&again, t.s, t.len) :
		    http_request(&again, t.s, t.len)) == 0 ||
		    slice_eq(h.head.method, "CONNECT"));
		assert(again.len == t.len && !again.coded);
	}
	text_clear(&t);
	if (icap_put_http(&t, &h.head, "https", slice_of("a.example", 9))
	    == 0 && t.len <= HTTP_HEAD_MAX && h.head.n + 1 < HTTP_FIELDS) {
		again.scanned = 0;
		assert((h.head.response ? http_response(&again, t.s, t.len) :
		    http_request(&again, t.s, t.len)) == 0);
		assert(again.len == t.len &&
		    again.head.length == h.head.length);
	}
	text_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct icap_head m;
	struct text t = { NULL, 0, 0 };
	enum icap_method method;
	char *copy;
	int e;

	for (method = ICAP_OPTIONS; method <= ICAP_RESPMOD; method++) {
		copy = xmemdup(data, len + (len == 0));
		m.scanned = 0;
		e = icap_response(&m, method, copy, len);
		check_split(method, &m, e, data, len);
		if (e == 0) {
			assert(m.len <= len && m.n <= ICAP_HEADERS);
			check_promise(&m, method);
			check_options(&m);
			icap_finding(&m, &t);
			check_http(&m, copy + m.len, len - m.len);
		}
		free(copy);
	}
	text_free(&t);
	return 0;
}
