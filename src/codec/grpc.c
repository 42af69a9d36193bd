/*
 * Reads and writes the messages of gRPC.
 */
#include "codec/grpc.h"

#include <string.h>

#include "util/err.h"

static int
begins(struct slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->len < n || strncasecmp(s->p, text, n) != 0)
		return 0;
	*s = slice_of(s->p + n, s->len - n);
	return 1;
}

/* The rest of a media type: nothing, a format, or parameters. */
static int
is_end(struct slice s)
{
	return s.len == 0 || s.p[0] == '+' || s.p[0] == ';' ||
	    is_blank(s.p[0]);
}

enum grpc_kind
grpc_kind(struct slice type)
{
	if (!begins(&type, "application/grpc"))
		return GRPC_NONE;
	if (is_end(type))
		return GRPC_HTTP2;
	return begins(&type, "-web") && is_end(type) ? GRPC_WEB : GRPC_NONE;
}

void
grpc_put(uint8_t out[GRPC_PREFIX], unsigned flags, uint32_t length)
{
	out[0] = (uint8_t)flags;
	out[1] = (uint8_t)(length >> 24);
	out[2] = (uint8_t)(length >> 16);
	out[3] = (uint8_t)(length >> 8);
	out[4] = (uint8_t)length;
}

static int
is_known(const struct grpc_reader *r, unsigned flags)
{
	return (flags & ~(GRPC_COMPRESSED | (r->web ? GRPC_TRAILERS : 0u))) ==
	    0;
}

/* Take bytes of a prefix. Returns how many, or ERR_FORMAT. */
static ssize_t
prefix_more(struct grpc_reader *r, const uint8_t *p, size_t len,
    const struct grpc_user *user, void *arg)
{
	const uint8_t *b = r->prefix;
	size_t n = GRPC_PREFIX - r->nprefix;

	n = len < n ? len : n;
	memcpy(r->prefix + r->nprefix, p, n);
	r->nprefix += (unsigned)n;
	if (!is_known(r, b[0]))
		return ERR_FORMAT;
	if (r->nprefix < GRPC_PREFIX)
		return (ssize_t)n;
	r->left = (uint32_t)b[1] << 24 | (uint32_t)b[2] << 16 |
	    (uint32_t)b[3] << 8 | b[4];
	user->begin(arg, b[0], r->left);
	return (ssize_t)n;
}

ssize_t
grpc_read(struct grpc_reader *r, const uint8_t *p, size_t len,
    const struct grpc_user *user, void *arg)
{
	size_t at = 0;
	ssize_t n;

	while (at < len) {
		if (r->nprefix < GRPC_PREFIX) {
			n = prefix_more(r, p + at, len - at, user, arg);
			if (n < 0)
				return n;
		} else {
			n = (ssize_t)(len - at < r->left ? len - at : r->left);
			user->payload(arg, p + at, (size_t)n);
			r->left -= (uint32_t)n;
		}
		at += (size_t)n;
		if (r->nprefix < GRPC_PREFIX || r->left > 0)
			continue;
		r->nprefix = 0;
		if (user->end(arg))
			break;
	}
	return (ssize_t)at;
}

int
grpc_between(const struct grpc_reader *r)
{
	return r->nprefix == 0;
}
