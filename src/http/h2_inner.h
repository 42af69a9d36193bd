/*
 * Inside the codec of HTTP/2. Calls go one way: h2.c (the connection) and
 * h2_side.c (what nghttp2 reads) call h2_codec.c (an exchange's calls) and
 * h2_stream.c (a stream's course), and these h2_write.c (bytes into flows) and
 * h2_queue.c. What nghttp2 calls while it reads or writes only changes streams
 * and marks them; their turn, in which the user is called, comes afterwards,
 * but for a head, which is decided on at once.
 */
#ifndef HTTP_H2_INNER_H
#define HTTP_H2_INNER_H

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "http/h2.h"
#include "http/h2_abuse.h"
#include "http/h2_head.h"
#include "http/h2_lines.h"
#include "http/h2_queue.h"
#include "http/h2_session.h"

#define H2_STREAMS	100		/* of a client, at once */
#define H2_FRAME	9		/* bytes before a frame's payload */

enum h2_mode {			/* see enum h1_mode */
	H2_HOLD,
	H2_TAKE,
	H2_PASS,
	H2_DROP
};

/* One direction of a stream: as it is read, and as it is written. */
struct h2_half {
	struct h2_stream *s;
	enum flow_dir	 dir;

	/* Reading. */
	enum h2_mode	 mode;
	struct h2_queue	 in;		/* came, and has not gone on */
	size_t		 shown;		/* bytes of it that the message knows */
	uint64_t	 came;		/* bytes of content */
	int64_t		 length;	/* Content-Length, or -1 */
	unsigned	 ended:1;	/* END_STREAM came */
	unsigned	 cut:1;		/* it never will */
	unsigned	 news:1;	/* for the user */
	unsigned	 tunnel:1;	/* of CONNECT: no message's */
	unsigned	 interim:1;	/* the head that is here is */

	/* Writing. */
	struct http_head *head;		/* waits: for its body, or its turn */
	struct text	 head_bytes;
	int64_t		 say_length;	/* ... with this Content-Length */
	unsigned	 say_changed:1;
	unsigned	 held:1;	/* it waits for content */
	struct h2_queue	 out;		/* of our own, or an exchange's */
	struct text	 trailers;
	size_t		 revocable;	/* bytes held back at its end */
	int64_t		 left;		/* of the length, or -1 */
	unsigned	 gone:1;	/* the head was given to nghttp2 */
	unsigned	 bodiless:1;	/* no content may be sent */
	unsigned	 out_end:1;	/* that is all */
	unsigned	 sent:1;	/* with its end, by nghttp2 */
	unsigned	 idle:1;	/* nghttp2 waits to be told of more */
	unsigned	 lost:1;	/* there was no memory for it */
	uint64_t	 moved;		/* when content was last written */
};

/* What PRIORITY_UPDATE says; longer ones say nothing that is known. */
#define H2_EARLY	16		/* that come before their requests */
struct h2_wish {
	int32_t		 id;		/* of the client's stream */
	uint8_t		 len;		/* 0: nothing */
	char		 value[32];
};

struct h2_stream {
	struct h2	*h2;
	struct exchange	*x;		/* the user's; NULL once it is over */
	int32_t		 id[2];		/* by side; 0: none */
	struct h2_half	 half[2];
	TAILQ_ENTRY(h2_stream) all, turn, wait;
	const char	*why;		/* it ends early */
	uint32_t	 code;		/* of the server's RST_STREAM */
	struct h2_wish	 wish;		/* the server does not know it yet */
	size_t		 charged;	/* to limits.memory, for heads */
	unsigned char	 closed[2];	/* by side: nghttp2 has forgotten it */
	unsigned char	 rst[2];	/* by side: RST_STREAM is to be sent */
	uint8_t		 interims;	/* responses before the last */
	unsigned	 marked:1;	/* a turn is due */
	unsigned	 waits:1;	/* for a place at the server */
	unsigned	 reset:1;	/* by the client, or by us */
	unsigned	 enough:1;	/* the client need not send the rest */
	unsigned	 to_head:1;	/* the server was sent HEAD */
	unsigned	 refused:1;	/* the server has not seen it */
	unsigned	 asked:1;	/* the server was sent its head */
};

TAILQ_HEAD(h2_list, h2_stream);

/* What we are to a peer: to the client a server, to the server a client. */
struct h2_side {
	struct h2	*h2;
	enum flow_dir	 dir;		/* of what it reads */
	nghttp2_session	*ng;
	struct h2_head	*head;		/* that is read */
	size_t		 charged;	/* to limits.memory, for a long one */
	unsigned	 open;		/* streams that we opened there */
	struct h2_meter	 meter;		/* it may have failed */
	unsigned	 leaving:1;	/* it sent GOAWAY */
	unsigned	 lost:1;	/* and its streams are stopped */
	unsigned	 ended:1;	/* nothing comes from it any more */
	unsigned	 connects:1;	/* extended CONNECT was agreed on */
};

/* Content in the flow that is to go on in the same flow. */
struct h2_loan {
	struct h2_half	*half;		/* NULL: there is none */
	uint8_t		*p;
	size_t		 len;
};

/* Where bytes were read that are not needed any more: what goes on is written
 * there, so that content need not move. */
struct h2_gap {
	int		 open;
	enum flow_dir	 dir;
	uint8_t		*at, *end;
};

struct h2 {
	struct tap	*tap;
	struct flow	*flow[2];	/* by enum flow_dir */
	struct h2_side	 side[2];	/* by the direction that it reads */
	const struct h2_user *user;
	void		*arg;
	size_t		 head_max;
	struct h2_list	 all, turns, waiting;
	unsigned	 n;		/* streams in all */
	uint64_t	 swept;		/* when stalled ones were looked for */
	unsigned	 inside;	/* no need to wake */
	struct h2_wish	 early[H2_EARLY];	/* a ring */
	unsigned	 nearly;
	struct h2_loan	 loan;
	struct h2_gap	 gap;
	unsigned	 draining:1;	/* no new streams */
	unsigned	 drained:1;	/* the client was told so */
	unsigned	 finished:1;	/* both directions end */
};

/* h2_write.c */
/* Callbacks of nghttp2 that write. */
void	h2_write_calls(nghttp2_session_callbacks *);
extern const nghttp2_data_provider h2_content;
/* What a side has to say goes into its flow, as there is room. 0 or ERR_*. */
int	h2_send(struct h2_side *);
/* Content that lies in the flow: it goes on, or is queued. */
void	h2_lend(struct h2_half *, const uint8_t *, size_t);
void	h2_lent(struct h2 *);		/* ... now */
/* There is more to write of it. */
void	h2_resume(struct h2_half *);
/* These bytes that a peer sent are taken. */
void	h2_taken(struct h2_half *, size_t);
/* Nothing of it waits to be written. */
int	h2_is_dry(const struct h2_half *);

/* h2_stream.c */
struct h2_stream *h2_stream_new(struct h2_side *, int32_t id);
/* A message's head is in the exchange, and it is the user's turn. */
void	h2_stream_head(struct h2_half *, int ended);
void	h2_stream_data(struct h2_half *, const uint8_t *, size_t);
void	h2_stream_end(struct h2_half *);
/* That side's peer, or nghttp2, has ended its stream. */
void	h2_stream_closed(struct h2_stream *, enum flow_dir, uint32_t code);
/* Its message is malformed (RFC 9113, 8.1.1): the sender is told so, and the
 * stream ends. */
void	h2_stream_broke(struct h2_half *, const char *why);
/* It ends early, on both sides. */
void	h2_stream_stop(struct h2_stream *, uint32_t code, const char *why);
/* Of the request nothing more is wanted, as the server does, or an answer. */
void	h2_stream_enough(struct h2_stream *);
void	h2_leave_line(struct h2_stream *);
/* RST_STREAM on one side, if the stream is open there. */
void	h2_rst(struct h2_stream *, enum flow_dir side, uint32_t code);
/* Give the message what it wants of the queue. 1: it got something. */
int	h2_show(struct h2_half *);
void	h2_turns(struct h2 *);	/* of all streams that are marked */
void	h2_stream_free(struct h2_stream *);

/* h2_send.c */
/* Send this head, or let it wait for its turn. 0 or ERR_FORMAT. */
int	h2_send_head(struct h2_half *, const struct http_head *);
int	h2_send_kept(struct h2_half *);		/* the head that waits */
void	h2_keep_head(struct h2_half *, const struct http_head *);
void	h2_admit(struct h2 *);	/* as many requests as the server takes */

/* h2_priority.c */
/* A request has come on that stream. */
void	h2_priority_begin(struct h2_stream *, const struct http_head *);
void	h2_priority_update(struct h2_side *,
	    const nghttp2_ext_priority_update *);
/* Tell the server, if it has the request. */
void	h2_priority_send(struct h2_stream *);

/* h2_side.c */
void	h2_side_open(struct h2_side *, struct h2 *, enum flow_dir);
void	h2_side_close(struct h2_side *);
/* A request begins a stream, and owns its head and bytes. */
struct h2_stream *h2_side_begin(struct h2_side *, int32_t id,
	    struct http_head *, struct text *bytes);

/* A turn is due. */
static inline void
h2_mark(struct h2_stream *s)
{
	if (s->marked)
		return;
	s->marked = 1;
	TAILQ_INSERT_TAIL(&s->h2->turns, s, turn);
	if (!s->h2->inside)
		s->h2->user->wake(s->h2->arg);
}

static inline void
h2_news(struct h2_half *h)
{
	h->news = 1;
	h2_mark(h->s);
}

static inline int
h2_begun(const struct h2_half *h)	/* its head has come */
{
	return h->s->x != NULL && h->s->x->msg[h->dir].head != NULL;
}

/* The side that reads this direction, and the one that writes it. */
static inline struct h2_side *
h2_from(const struct h2_half *h)
{
	return &h->s->h2->side[h->dir];
}

static inline struct h2_side *
h2_to(const struct h2_half *h)
{
	return &h->s->h2->side[!h->dir];
}

#endif
