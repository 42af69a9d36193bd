/*
 * The codec of HTTP/2 (RFC 9113, by libnghttp2), at the place of a tap in two
 * flows. It ends the protocol on both sides: to the client it is a server, to
 * the server a client. Each stream of the client's is an exchange and has one
 * stream on the server's side, whose id may differ (a held request must not
 * stop those behind it). Settings, windows, PING and HPACK are each side's own;
 * priorities (RFC 9218), GOAWAY, RST_STREAM, interim responses and trailers are
 * carried over. Nothing pushed is accepted.
 *
 * Flow control is by stream: what a side has sent is given back to its window
 * when the other side has taken it, or the exchange has. So a message that is
 * held stops itself, and no other. The window of the connection is given back
 * at once; what one connection may keep is bounded by streams times window, and
 * counts in limits.memory.
 */
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include "http/exchange.h"
#include "http/message.h"
#include "stream/flow.h"

struct h2;			/* a connection of a client and a server */
struct h2_stream;		/* the conn of h2_codec */

/* What a peer did that is bounded; each has a counter. */
enum h2_abuse {
	H2_RAPID_RESET,		/* streams opened and reset (CVE-2023-44487) */
	H2_CONTINUATION,	/* a head without end (CVE-2024-27316 ff.) */
	H2_HPACK_BOMB,		/* a head larger than limits.head */
	H2_EMPTY_FRAMES,	/* frames without content (CVE-2019-9518) */
	H2_PING_FLOOD,		/* (CVE-2019-9512) */
	H2_SETTINGS_FLOOD,	/* (CVE-2019-9515) */
	H2_RESET_FLOOD,		/* streams that make us reset (CVE-2019-9514) */
	H2_SLOW_WINDOW,		/* bytes wait for a window that does not open
				   (CVE-2019-9511, 9517) */
	H2_PROTOCOL,		/* any other error of the connection */
	H2_ABUSE_MAX
};

struct h2_user {
	/*
	 * A request's head has come; it is in the message once this returns.
	 * Returns the stream's exchange: the caller's, with user and arg set.
	 * The codec sets its codec, conn, and fills its messages.
	 */
	struct exchange *(*begin)(void *arg, struct h2_stream *);
	/*
	 * A message's head is in x->msg[dir]. Behind that of an interim
	 * response `more` follows at once, in which exchange_again() is due.
	 */
	void	(*head)(struct exchange *, enum flow_dir);
	/*
	 * Body or an end came, or there is room to send. Of a message that
	 * passes, only its end is told.
	 */
	void	(*more)(struct exchange *, enum flow_dir);
	/*
	 * The stream is over, and the exchange is the caller's to free. why:
	 * it did not end in order (static); else NULL.
	 */
	void	(*over)(struct exchange *, const char *why);
	/* A peer did that; the connection ends if it is an error of it. */
	void	(*abuse)(void *arg, enum flow_dir from, enum h2_abuse);
	/* Pump again soon: there is something to write. */
	void	(*wake)(void *arg);
	/* Whether a client may leave HTTP in a stream, if the server lets it
	 * (RFC 8441). NULL: it may. */
	int	(*extends)(void *arg);
};

/* The codec's table for exchanges; its conn is a struct h2_stream. */
extern const struct http_codec h2_codec;

/*
 * head_max: bytes of a head (limits.head). NULL is never returned. The preface
 * of the client is yet to be read; that to the server is sent.
 */
struct h2	*h2_new(struct tap *, struct flow *up, struct flow *down,
		    size_t head_max, const struct h2_user *, void *arg);
void		 h2_free(struct h2 *);

/*
 * To be called first, if the connection began by an upgrade of HTTP/1 (RFC
 * 7540, 3.2). `asked` has gone on in HTTP/1, with the settings that H2_UPGRADE
 * stands for; `settings` are the client's. Stream 1 is there on both sides, for
 * the response alone. Returns its exchange, as `begin` does.
 */
#define H2_UPGRADE	"AAIAAAAAAAkAAAAB"	/* base64url */
struct exchange	*h2_upgraded(struct h2 *, const struct http_head *asked,
		    const uint8_t *settings, size_t len);
/*
 * Bytes of that direction, at the tap's position, which are taken out of the
 * flow. What goes on is put in their place, and let go. 0; or ERR_FORMAT: the
 * connection has an error. GOAWAY waits to be written then, and both directions
 * end when no stream is left.
 */
int		 h2_input(struct h2 *, enum flow_dir, size_t len,
		    const uint8_t *);
/*
 * For the tap's `room`: gives turns to streams, and writes what waits as far as
 * there is room. 1: nothing waits any more.
 */
int		 h2_flush(struct h2 *, enum flow_dir);
/* The peer of that direction ended it. */
void		 h2_eof(struct h2 *, enum flow_dir);
/* Whether something waits, or will come with an answer. */
int		 h2_busy(const struct h2 *, enum flow_dir);
/* Take no new stream, end those that run, and then both directions. */
void		 h2_drain(struct h2 *);

uint32_t	 h2_id(const struct h2_stream *);	/* client's */
/* Wake one stream: its `more` is called in the next turn. */
void		 h2_wake(struct h2_stream *);
/*
 * Cut a stream off, for both peers: RST_STREAM with this code, or with that of
 * the server, if it had reset the stream. `over` comes with the next turn.
 */
void		 h2_reset(struct h2_stream *, uint32_t code);

#endif
