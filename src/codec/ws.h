/*
 * WebSocket (RFC 6455, 5): frames, and the messages of one direction. A
 * message is one frame or several; control frames may come between those of a
 * message, and are messages of their own. With permessage-deflate (RFC 7692)
 * a message whose first frame has RSV1 is compressed.
 */
#ifndef CODEC_WS_H
#define CODEC_WS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WS_HEAD_MAX	14		/* bytes of a frame's head */

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10
};

struct ws_frame {
	enum ws_opcode	 opcode;
	int		 fin;		/* the last of its message */
	int		 deflated;	/* RSV1 */
	int		 masked;
	uint8_t		 key[4];	/* of the mask */
	uint64_t	 length;	/* of the payload that follows */
};

/*
 * Read a frame's head. Returns its length; ERR_SHORT; or ERR_FORMAT: an opcode
 * or a bit that no RFC defines, a length that is not the shortest form or above
 * 2^63, a control frame that is longer than 125 bytes or not the last.
 */
int	ws_frame(struct ws_frame *, const uint8_t *, size_t len);
/* Write the head of a frame. Returns its length. */
size_t	ws_frame_put(uint8_t out[WS_HEAD_MAX], const struct ws_frame *);
/* Mask, or unmask, n bytes that begin at this offset of the payload. */
void	ws_mask(uint8_t *, size_t n, const uint8_t key[4], uint64_t offset);

/* What ws_read() tells; any member may be NULL. */
struct ws_user {
	/* Payload of the message, unmasked. */
	void	(*payload)(void *arg, enum ws_opcode, const uint8_t *,
		    size_t);
	/* A message is whole: its length as it came, and whether that is
	 * compressed. 1: read no further for now. */
	int	(*message)(void *arg, enum ws_opcode, uint64_t length,
		    int deflated);
};

/* One direction. Zeroed, with client set, it is ready. */
struct ws_reader {
	int		 client;	/* of the client: frames are masked */
	uint8_t		 head[WS_HEAD_MAX];
	unsigned	 nhead;		/* bytes of a head that is not whole */
	int		 inside;	/* of the payload of frame */
	struct ws_frame	 frame;
	uint64_t	 done;		/* bytes of its payload */
	enum ws_opcode	 opcode;	/* of the message; 0: none has begun */
	uint64_t	 length;	/* of its frames before this one */
	int		 deflated;
};

/*
 * The next bytes. Returns how many were read: all, unless the user stopped; or
 * ERR_FORMAT: they are not WebSocket, and the reader is of no use any more.
 */
ssize_t	ws_read(struct ws_reader *, const uint8_t *, size_t,
	    const struct ws_user *, void *arg);

#endif
