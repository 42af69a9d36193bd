/*
 * Inside the crossing. Calls go one way: cross.c (the transport) calls
 * cross_h1.c (HTTP/1 read and written), and that cross_h2.c (frames read and
 * written); these two call cross_ws.c (how a WebSocket opens), and all of them
 * cross_way.c (an exchange's course, and the end).
 */
#ifndef HTTP_CROSS_INNER_H
#define HTTP_CROSS_INNER_H

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "codec/http1.h"
#include "http/cross.h"
#include "http/h2_abuse.h"
#include "http/h2_head.h"
#include "http/h2_queue.h"

#define CROSS_QUEUE	(64 * 1024)	/* bytes of a body that is read */
#define CROSS_OUT	(32 * 1024)	/* of HTTP/1 that is written */

enum cross_tunnel {		/* a WebSocket */
	CROSS_NONE,		/* it is none, or was refused */
	CROSS_ASKED,		/* the server has not answered */
	CROSS_OPEN		/* bytes, both ways, to either end */
};

/* An exchange. Of its messages one comes in frames, and is written as HTTP/1
 * (to the server, or to the client); the other is read as HTTP/1. */
struct cross_x {
	TAILQ_ENTRY(cross_x) line;
	struct cross	*c;
	int32_t		 id;		/* its stream */
	struct http_head *asked;	/* the request */
	struct text	 asked_bytes;
	size_t		 charged;	/* to limits.memory, for heads */
	enum cross_tunnel tunnel;
	struct text	 accept;	/* Sec-WebSocket-Accept, in HTTP/1 */
	unsigned	 closed:1;	/* nghttp2 has forgotten the stream */

	/* From frames to HTTP/1. */
	struct http_head *head;		/* of a response; or NULL */
	struct text	 head_bytes;
	struct h2_queue	 in;
	struct text	 in_trailers;
	enum http1_kind	 kind;
	uint64_t	 left;		/* of HTTP1_LENGTH */
	unsigned	 interims;
	unsigned	 ended:1;	/* END_STREAM came */
	unsigned	 cut:1;		/* ... and never will */
	unsigned	 begun:1;	/* its head is written */
	unsigned	 written:1;	/* all of it is */

	/* From HTTP/1 to frames. */
	struct h2_queue	 out;
	struct text	 out_trailers;
	uint64_t	 dropped;	/* bytes that nobody wants */
	unsigned	 headed:1;	/* its head was given to nghttp2 */
	unsigned	 read:1;	/* it is here to its end */
	unsigned	 torn:1;	/* which will never come */
	unsigned	 idle:1;	/* nghttp2 waits to be told of more */
	unsigned	 sent:1;	/* END_STREAM went */
	unsigned	 drop:1;	/* the rest is read and forgotten */
};

TAILQ_HEAD(cross_line, cross_x);

struct cross {
	enum cross_to	 to;
	const struct transport_ops *ops;	/* below */
	void		*tp;
	struct sock	*sock;
	size_t		 head_max;
	uint64_t	 session;	/* for the log */
	enum end	 told;		/* of the server's bytes */
	unsigned	 paused:1;	/* it was not read for want of room */
	unsigned	 closing:1;	/* no exchange after this one */
	unsigned	 over:1;	/* nothing more goes to the server */
	unsigned	 torn:1;	/* the end is no orderly one */

	struct cross_line line;		/* they wait */
	struct cross_x	*now;		/* is at work; or NULL */

	/* HTTP/2. */
	nghttp2_session	*ng;
	struct h2_meter	 meter;		/* of who speaks it */
	struct h2_head	*lines;		/* of a head that is read */
	unsigned	 settled:1;	/* the server's SETTINGS have come */
	int32_t		 last;		/* stream that went to the server */
	struct h2_queue	 frames;	/* packed, and not yet taken */

	/* HTTP/1. */
	struct h2_queue	 out;		/* written, and not yet taken */
	struct text	 head;		/* the part of one that is here */
	size_t		 scanned;	/* bytes of it */
	size_t		 charged;	/* to limits.memory, for a long one */
	struct http1_body body;		/* follows the one that is read */
	unsigned	 in_body:1;
	unsigned	 waits:1;	/* a whole head, for the SETTINGS */
};

/* cross_way.c */
/* An exchange begins; the head and its bytes are its own. NULL: no memory. */
struct cross_x	*cross_begin(struct cross *, int32_t id, struct http_head *,
		    struct text *bytes);
void		 cross_free_x(struct cross_x *);
/* Heads count in limits.memory. 0 or ERR_MEM. */
int		 cross_charge(struct cross_x *, const struct http_head *,
		    const struct text *bytes);
/* Nothing more goes to the server; torn: as it broke off. */
void		 cross_leave(struct cross *, int torn);
/* RST_STREAM, unless the stream is closed. */
void		 cross_reset(struct cross_x *, uint32_t code);
/* HTTP/1 to be taken. */
void		 cross_put(struct cross *, const void *, size_t);
/* An interim response; nothing for HTTP/1.0. */
void		 cross_put_interim(struct cross_x *, const struct http_head *);
/* What is over makes room for the next. */
void		 cross_settle(struct cross *);

/* cross_h2.c */
void		 cross_h2_open(struct cross *);
void		 cross_h2_close(struct cross *);
/* All of them. */
void		 cross_h2_read(struct cross *, const uint8_t *, size_t);
/* As there are some, into frames: how many bytes these have. */
size_t		 cross_h2_pack(struct cross *);
int		 cross_h2_waits(const struct cross *);	/* to be packed */
/* The head of what is read as HTTP/1 goes on. body: content may follow. 0 or
 * ERR_FORMAT. */
int		 cross_h2_head(struct cross_x *, const struct http_head *,
		    int body, int64_t length);
/* There is content, or its end. */
void		 cross_h2_more(struct cross_x *);

/* cross_ws.c: WebSockets */
/* Whether a request of HTTP/1 asks for one. */
int		 cross_ws_asked(const struct http_head *);
/* The request, as HTTP/2 says it; or the fields more for HTTP/1. */
void		 cross_ws_to_2(struct cross_x *, struct http_head *);
void		 cross_ws_to_1(struct cross_x *, struct text *fields);
/* The answer that is read, as the other version says it, and what it means. */
void		 cross_ws_answered_1(struct cross_x *, struct http_head *);
void		 cross_ws_answered_2(struct cross_x *, struct http_head *);
/* The fields more of the 101. */
void		 cross_ws_fields(const struct cross_x *, struct text *fields);

/* cross_h1.c */
/* Returns the bytes taken: fewer, where an exchange has to end first. */
size_t		 cross_h1_read(struct cross *, const uint8_t *, size_t);
void		 cross_h1_eof(struct cross *, enum end);
void		 cross_h1_write(struct cross *);	/* what there is */
/* The server's SETTINGS have come: a head that waited for them is read. */
void		 cross_h1_settled(struct cross *);
/* How many bytes may be read now. */
size_t		 cross_h1_room(const struct cross *);

#endif
