/*
 * Two peers of HTTP/2 over memory (nghttp2), and who reads between them: what
 * each sends is shown first, in pieces of any size. The server answers as the
 * path asks for it.
 */
#ifndef H2_PEERS_H
#define H2_PEERS_H

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/tap.h"
#include "util/mem.h"
#include "util/text.h"

struct h2_peers {
	nghttp2_session	*s[2];		/* that sends up: the client; down */
	/* Shows bytes on their way. */
	void		(*shown)(void *arg, enum flow_dir, const uint8_t *,
			    size_t);
	void		*arg;
	size_t		 piece;		/* bytes at a time; 0: all */
	/* What the server does with a request: nghttp2_submit_response(). */
	void		(*asked)(struct h2_peers *, int32_t id,
			    const char *path);
	char		 path[64];	/* of the request at hand */
	size_t		 pad;		/* bytes of padding */
	int		 asks_ahead;	/* the answer does not wait for the
					   end of the request */
};

#define NV(n, v)	{ (uint8_t *)(uintptr_t)(n),			\
	    (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0 }

static int
peers_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
    size_t namelen, const uint8_t *value, size_t valuelen, uint8_t flags,
    void *arg)
{
	struct h2_peers *p = arg;

	if (s == p->s[DIR_DOWN] && namelen == 5 &&
	    memcmp(name, ":path", 5) == 0)
		snprintf(p->path, sizeof(p->path), "%.*s", (int)valuelen,
		    value);
	return 0;
}

static int
peers_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	struct h2_peers *p = arg;

	if (s == p->s[DIR_DOWN] && (f->hd.type == NGHTTP2_HEADERS ||
	    f->hd.type == NGHTTP2_DATA) && p->asked != NULL &&
	    ((f->hd.flags & NGHTTP2_FLAG_END_STREAM) || (p->asks_ahead &&
	    f->hd.type == NGHTTP2_HEADERS)))
		p->asked(p, f->hd.stream_id, p->path);
	return 0;
}

static ssize_t
peers_pad(nghttp2_session *s, const nghttp2_frame *f, size_t max, void *arg)
{
	struct h2_peers *p = arg;

	return (ssize_t)(f->hd.length + p->pad < max ? f->hd.length + p->pad :
	    max);
}

static void
peers_new(struct h2_peers *p)
{
	nghttp2_session_callbacks *c;
	nghttp2_option *o;

	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_header_callback(c, peers_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, peers_frame);
	nghttp2_session_callbacks_set_select_padding_callback(c, peers_pad);
	nghttp2_option_new(&o);
	nghttp2_option_set_max_deflate_dynamic_table_size(o, 65536);
	nghttp2_session_client_new2(&p->s[DIR_UP], c, p, o);
	nghttp2_session_server_new2(&p->s[DIR_DOWN], c, p, o);
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(c);
}

static void
peers_free(struct h2_peers *p)
{
	nghttp2_session_del(p->s[DIR_UP]);
	nghttp2_session_del(p->s[DIR_DOWN]);
}

/* What one of them sends now goes to the other. How much that was. */
static size_t
peers_send(struct h2_peers *p, enum flow_dir dir)
{
	const uint8_t *b;
	ssize_t len, n;
	size_t all = 0;

	while ((len = nghttp2_session_mem_send(p->s[dir], &b)) > 0)
		for (; len > 0; b += n, len -= n) {
			n = p->piece == 0 || (size_t)len < p->piece ? len :
			    (ssize_t)p->piece;
			p->shown(p->arg, dir, b, (size_t)n);
			nghttp2_session_mem_recv(p->s[!dir], b, (size_t)n);
			all += (size_t)n;
		}
	return all;
}

static void
peers_run(struct h2_peers *p)
{
	while (peers_send(p, DIR_UP) + peers_send(p, DIR_DOWN) > 0)
		;
}

/* A body of so many bytes, which are a pattern; with trailers if `then`. */
struct h2_body {
	size_t		 left;
	const nghttp2_nv *then;
};

static ssize_t
peers_body(nghttp2_session *s, int32_t id, uint8_t *buf, size_t len,
    uint32_t *flags, nghttp2_data_source *src, void *arg)
{
	struct h2_body *b = src->ptr;
	size_t i, n = b->left < len ? b->left : len;

	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)('a' + (b->left - i) % 26);
	if ((b->left -= n) > 0)
		return (ssize_t)n;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (b->then != NULL) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(s, id, b->then, 1);
	}
	return (ssize_t)n;
}

#endif
