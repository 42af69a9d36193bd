/*
 * Frames of HTTP/2 (RFC 9113, 4 and 6): the head of one, and what stands before
 * its content. Only what can be said of a frame by itself is checked here, and
 * only what is an error of the connection.
 */
#ifndef CODEC_H2FRAME_H
#define CODEC_H2FRAME_H

#include <stddef.h>
#include <stdint.h>

/* What the client sends first (3.4). */
#define H2FRAME_PREFACE	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#define H2FRAME_HEAD	9		/* bytes of a head */
#define H2FRAME_PREFIX	6		/* bytes before content, at most */
#define H2FRAME_SETTING	6		/* bytes of one */
#define H2FRAME_SIZE	16384		/* SETTINGS_MAX_FRAME_SIZE at first */

enum h2frame_type {
	H2FRAME_DATA,
	H2FRAME_HEADERS,
	H2FRAME_PRIORITY,
	H2FRAME_RST_STREAM,
	H2FRAME_SETTINGS,
	H2FRAME_PUSH_PROMISE,
	H2FRAME_PING,
	H2FRAME_GOAWAY,
	H2FRAME_WINDOW_UPDATE,
	H2FRAME_CONTINUATION		/* types above it are unknown */
};

enum {					/* flags, by type */
	H2FRAME_END_STREAM = 0x1,	/* DATA, HEADERS */
	H2FRAME_ACK = 0x1,		/* SETTINGS, PING */
	H2FRAME_END_HEADERS = 0x4,	/* those with field lines */
	H2FRAME_PADDED = 0x8,
	H2FRAME_PRIORITIZED = 0x20	/* HEADERS */
};

enum {					/* settings that a reader follows */
	H2FRAME_HEADER_TABLE_SIZE = 1,
	H2FRAME_MAX_FRAME_SIZE = 5
};

struct h2frame {
	uint32_t	 len;		/* bytes that follow the head */
	uint8_t		 type;		/* enum h2frame_type, or unknown */
	uint8_t		 flags;
	uint32_t	 stream;	/* 0: the connection */
	uint8_t		 prefix;	/* bytes before the content: the length
					   of padding, a priority, a promised
					   stream */
	uint8_t		 pad;		/* bytes behind it: of the prefix */
	uint32_t	 promised;	/* PUSH_PROMISE: of the prefix */
};

/*
 * The head of a frame of at most max bytes. 0; or ERR_FORMAT with *why
 * (static): too long, too short or not as long as its type is; on the
 * connection though it is a stream's, or the other way round.
 */
int	h2frame_head(struct h2frame *, const uint8_t [H2FRAME_HEAD],
	    uint32_t max, const char **why);
/*
 * The f->prefix bytes at p, which follow the head. 0; or ERR_FORMAT with *why:
 * more padding than there is room, or no stream was promised.
 */
int	h2frame_prefix(struct h2frame *f, const uint8_t *p, const char **why);
/* Bytes of HTTP2-Settings that are read, as many as anybody needs. */
#define H2FRAME_UPGRADE	(32 * H2FRAME_SETTING)
/*
 * The settings of a client that asks for HTTP/2 by Upgrade (RFC 7540, 3.2.1):
 * the value of HTTP2-Settings, base64url, becomes the content of a frame of
 * SETTINGS. Its length in bytes; or ERR_FORMAT.
 */
int	h2frame_upgrade(const char *, size_t len, uint8_t [H2FRAME_UPGRADE]);
/* Bytes of content, once the prefix is read (or there is none). */
static inline uint32_t
h2frame_content(const struct h2frame *f)
{
	return f->len - f->prefix - f->pad;
}

#endif
