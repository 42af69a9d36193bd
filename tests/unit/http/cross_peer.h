/*
 * The crossing between versions in memory: a peer of HTTP/2 (nghttp2's) on one
 * side, bytes of HTTP/1 on the other. For one file each.
 */
#ifndef CROSS_PEER_H
#define CROSS_PEER_H

#include "http/cross.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "nv.h"
#include "test.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

/* The transport below, to the server. */
static struct {
	struct text	 in, out;	/* from the server; to it */
	size_t		 off;		/* of in: read */
	enum end	 ends, told;	/* behind in */
	int		 blocked;	/* it takes nothing */
	enum end	 shut;
} below;

static struct sock		 sock;
static struct cross		*cross;
static unsigned			 abuses[H2_ABUSE_MAX];
static struct text		 near_out;	/* what the client got */
static enum end			 near_end;

/* The peer of HTTP/2: the client, or the server. */
static struct {
	nghttp2_session	*ng;
	struct text	 fields[32], body[32];	/* by half the id */
	int		 ended[32];
	int64_t		 reset[32], goaway;
	const char	*out[32];
	size_t		 left[32];
	const nghttp2_nv *trailers;
	int		 deaf;		/* it gives no window back */
	int		 holds;		/* END_STREAM does not come */
} h2;

static ssize_t
below_read(void *arg, uint8_t *p, size_t len, enum end *how)
{
	if (len > below.in.len - below.off)
		len = below.in.len - below.off;
	if (len == 0 && below.told < below.ends) {
		*how = below.told = below.ends;
		return ERR_EOF;
	}
	if (len == 0)
		return ERR_AGAIN;
	memcpy(p, below.in.s + below.off, len);
	below.off += len;
	return (ssize_t)len;
}

static ssize_t
below_write(void *arg, const uint8_t *p, size_t len)
{
	if (below.blocked)
		return ERR_AGAIN;
	text_add(&below.out, (const char *)p, len);
	return (ssize_t)len;
}

static int
below_flush(void *arg)
{
	return 0;
}

static int
below_shut(void *arg, enum end how)
{
	below.shut = how;
	return 0;
}

static int
below_pending(void *arg)
{
	return below.off < below.in.len || below.told < below.ends;
}

static void
below_free(void *arg)
{
}

static const struct transport_ops below_ops = { below_read, below_write,
    below_flush, below_shut, below_pending, below_free };

static size_t
at(int32_t id)
{
	ck_assert_int_lt(id / 2, 32);
	return (size_t)id / 2;
}

static ssize_t
peer_read(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	size_t i = at(id);

	if (len > h2.left[i])
		len = h2.left[i];
	if (len == 0 && h2.holds)
		return NGHTTP2_ERR_DEFERRED;
	memcpy(buf, h2.out[i], len);
	h2.out[i] += len;
	h2.left[i] -= len;
	if (h2.left[i] == 0 && !h2.holds) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (h2.trailers != NULL) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			nghttp2_submit_trailer(ng, id, h2.trailers, 1);
		}
	}
	return (ssize_t)len;
}

static const nghttp2_data_provider provider = { .read_callback = peer_read };

static int
peer_frame(nghttp2_session *ng, const nghttp2_frame *f, void *arg)
{
	if (f->hd.type == NGHTTP2_RST_STREAM)
		h2.reset[at(f->hd.stream_id)] = f->rst_stream.error_code;
	if (f->hd.type == NGHTTP2_GOAWAY)
		h2.goaway = f->goaway.last_stream_id;
	if ((f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM))
		h2.ended[at(f->hd.stream_id)] = 1;
	return 0;
}

static int
peer_field(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name,
    size_t nlen, const uint8_t *value, size_t vlen, uint8_t flags, void *arg)
{
	text_printf(&h2.fields[at(f->hd.stream_id)], "%.*s: %.*s\n",
	    (int)nlen, (const char *)name, (int)vlen, (const char *)value);
	return 0;
}

static int
peer_content(nghttp2_session *ng, uint8_t flags, int32_t id,
    const uint8_t *p, size_t len, void *arg)
{
	text_add(&h2.body[at(id)], (const char *)p, len);
	if (!h2.deaf)
		nghttp2_session_consume(ng, id, len);
	return 0;
}

/* What of it goes into the crossing, from above or from below. */
static int
peer_says(enum cross_to to)
{
	const uint8_t *p;
	ssize_t n;

	if ((n = nghttp2_session_mem_send(h2.ng, &p)) <= 0)
		return 0;
	if (to == CROSS_TO_2) {
		text_add(&below.in, (const char *)p, (size_t)n);
		return 1;
	}
	ck_assert_int_eq(transport_cross.write(cross, p, (size_t)n), n);
	return 1;
}

static int
near_read(enum cross_to to)
{
	static uint8_t buf[5000];
	enum end how = END_NONE;
	ssize_t n = transport_cross.read(cross, buf, sizeof(buf), &how);

	if (n == ERR_EOF) {
		near_end = how;
		return 1;
	}
	if (n <= 0)
		return 0;
	if (to == CROSS_TO_1)
		ck_assert_int_eq(nghttp2_session_mem_recv(h2.ng, buf,
		    (size_t)n), n);
	else
		text_add(&near_out, (const char *)buf, (size_t)n);
	return 1;
}

static enum cross_to	 to_now;

/* Until nothing moves. */
static void
pump(void)
{
	int i, more = 1;

	for (i = 0; i < 20000 && more; i++) {
		more = peer_says(to_now);
		transport_cross.flush(cross);
		if (to_now == CROSS_TO_2 && below.out.len > 0) {
			nghttp2_session_mem_recv(h2.ng,
			    (uint8_t *)below.out.s, below.out.len);
			text_clear(&below.out);
			more = 1;
		}
		more |= near_read(to_now);
	}
	ck_assert_int_lt(i, 20000);
}

static void
count_abuse(void *arg, enum flow_dir from, enum h2_abuse what)
{
	ck_assert_int_eq(from, to_now == CROSS_TO_1 ? DIR_UP : DIR_DOWN);
	abuses[what]++;
}

static const struct cross_user user = {
	.head_max = 65536,
	.session = 1,
	.abuse = count_abuse,
};

/* The peer of HTTP/2 has said nothing yet. */
static void
begin_silent(enum cross_to to)
{
	nghttp2_session_callbacks *c;
	nghttp2_option *o;
	size_t i;

	budget_limit(64 * 1024 * 1024);
	memset(&below, 0, sizeof(below));
	memset(&h2, 0, sizeof(h2));
	memset(&near_out, 0, sizeof(near_out));
	near_end = END_NONE;
	memset(abuses, 0, sizeof(abuses));
	to_now = to;
	for (i = 0; i < NELEM(h2.reset); i++)
		h2.reset[i] = -1;
	h2.goaway = -1;
	cross = cross_new(to, &below_ops, NULL, &sock, &user);
	nghttp2_option_new(&o);
	nghttp2_option_set_no_http_messaging(o, 1);	/* we may be rude */
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, peer_frame);
	nghttp2_session_callbacks_set_on_header_callback(c, peer_field);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c,
	    peer_content);
	if (to == CROSS_TO_1)
		nghttp2_session_client_new2(&h2.ng, c, NULL, o);
	else
		nghttp2_session_server_new2(&h2.ng, c, NULL, o);
	nghttp2_session_callbacks_del(c);
	nghttp2_option_del(o);
}

static void
begin(enum cross_to to)
{
	begin_silent(to);
	nghttp2_submit_settings(h2.ng, 0, NULL, 0);
	pump();
}

static void
end(void)
{
	size_t i;

	transport_cross.free(cross);
	nghttp2_session_del(h2.ng);
	for (i = 0; i < NELEM(h2.body); i++) {
		text_free(&h2.fields[i]);
		text_free(&h2.body[i]);
	}
	text_free(&below.in);
	text_free(&below.out);
	text_free(&near_out);
	ck_assert_uint_eq(budget_used(), 0);
}

static const nghttp2_nv trailer[] = { NV("x-sum", "42"), NV_END };

#define LONG	200000
static char		 longer[LONG];

static void __attribute__((unused))
make_longer(void)
{
	size_t i;

	for (i = 0; i < LONG; i++)
		longer[i] = (char)('a' + i * 7 % 26 + i / 1000 % 3);
}

static const char *
got(int32_t id)
{
	return h2.body[at(id)].s != NULL ? h2.body[at(id)].s : "";
}

static int
has(int32_t id, const char *line)
{
	return h2.fields[at(id)].s != NULL &&
	    strstr(h2.fields[at(id)].s, line) != NULL;
}

#endif
