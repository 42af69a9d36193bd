/*
 * Inside the room: the services that look at the messages of an exchange, and
 * a message's way through them.
 *
 * Calls go one way: engine.c (HTTP/1) and streams.c (HTTP/2) read messages, ask
 * head.c whether they may go on, and begin their way (adapt.c), which asks
 * content.c, shows them as input.c says, and sends on what came of it; plan.c
 * knows what the rule wants. ws.c and grpc.c take long streams apart (scan.c),
 * and each message of theirs goes that way, too.
 */
#ifndef ADAPT_ADAPT_H
#define ADAPT_ADAPT_H

#include <event2/event_struct.h>
#include <event2/util.h>

#include "adapt/engine.h"
#include "http/exchange.h"
#include "http/h1.h"
#include "proxy/engine.h"

/* What the session's rule wants done with its messages: plan.c. */
struct plan {
	const struct engine_env *env;
	const struct record *rec;
	struct engine_host host;
	struct icap_client **clients;	/* by number of the service */
	const size_t	*row;		/* the rule's services, in order */
	size_t		 nrow;
	size_t		 nmonitors;	/* of them */
	int		 judged;	/* some service may hold and change
					   what passes, or rules judge it */
	struct event_base *base;	/* NULL: messages do not trickle */
};

struct adaptation;
struct adapted_message;
struct copy;

/* Whose an ICAP transaction is: the first member of what icap_start() and the
 * log are given. */
struct asker {
	const struct record *rec;
	const struct http_record *http;	/* NULL: a monitor's copy */
};

/* One message on its way through the services. */
struct adapted_message {
	struct asker	 asker;
	struct adaptation *a;
	enum flow_dir	 dir;
	struct http_message *virgin;	/* of the exchange */

	/* The service that looks at it, by its number in the row. */
	size_t		 k;
	struct icap_txn	*txn;
	struct icap_input input;
	struct adapted_message *to;	/* where the answer's body goes */

	/* As it stands: the virgin one, or what a service made of it. */
	struct http_message *now;
	struct http_message made;
	/* What the present service makes of it, while that is collected. */
	struct http_message making;

	struct copy	*copies;	/* for monitors: monitor.c */

	uint64_t	 sent;		/* of the body as it stands */
	unsigned	 sends:1;	/* that goes on; its end is the end */
	unsigned	 as_is:1;	/* it goes on as it came */
	unsigned	 alike:1;	/* what a service made is not a page,
					   and keeps the trailers */
	unsigned	 waits:1;	/* for those */
	unsigned	 parted:1;	/* services with `grpc: message` see its
					   messages, and not the whole */
};

/* The part of its answer that the client asked for, where services see the
 * whole: part.c. */
struct part {
	char		*range;		/* the client's field, or NULL */
	char		*if_range;	/* ... or NULL */
	unsigned	 on:1;		/* it goes on in place of the whole: */
	uint64_t	 first, end;	/* of the content */
	uint64_t	 at;		/* so much has been dealt with */
	int64_t		 total;
};

/* What the client has of a response that services still hold: trickle.c. */
struct trickle {
	struct event	 timer;
	struct spool	*given;		/* content; NULL: its head has not gone
					   on either */
	uint64_t	 again;		/* bytes of it that the answer has */
	unsigned	 timed:1;	/* there is a timer */
	unsigned	 past:1;	/* more of the answer has gone on */
};

/* An exchange, and what services make of it. */
struct adaptation {
	struct exchange	 x;
	const struct plan *plan;	/* the session's */
	struct text	*echo;		/* by place in the row: lines of the
					   answer to REQMOD for its RESPMOD */
	struct adapted_message msg[2];	/* by enum flow_dir */
	struct part	 part;
	struct trickle	 trickle;
	char		*refusal;	/* by a rule: why; or NULL */
	struct grpc	*grpc;		/* a call, taken apart; or NULL */
	unsigned	 to_http2:1;	/* the request may switch to HTTP/2, and
					   that would be read */
};

/* plan.c */
void	plan_init(struct plan *, const struct engine_env *,
	    struct event_base *, struct icap_client **, const struct record *,
	    const struct engine_host *);
const struct conf_inspect *plan_inspect(const struct plan *);
/* Some service may hold and change what passes. */
int	plan_serves(const struct plan *);
struct icap_service *plan_service(const struct plan *, size_t k);
const struct conf_icap *plan_conf(const struct plan *, size_t k);
/* The next service from *k on that is shown the message and may change it; or
 * NULL. */
struct icap_service *plan_next(const struct adapted_message *, size_t *k);
/* Whether the k-th is a monitor that is shown the message. */
int	plan_watches(const struct adapted_message *, size_t k);
/* What follows is no HTTP, and goes unread, or is blocked: counted and kept
 * in the record, where some service was to see it. */
void	plan_unread(const struct plan *, enum unread, int blocked,
	    struct slice protocol);
/* Some service sees the messages of such streams. */
int	plan_scans(const struct plan *, enum conf_messages);
/* The rule blocks what is no HTTP. */
int	plan_blocks(const struct plan *);

/* content.c: each function that refuses answers the request itself. */
/*
 * A request before anybody is shown it: it has one name; parts of an object,
 * codings that the scanner does not know, and protocols that nobody reads are
 * not asked for.
 */
void	content_one_host(struct adaptation *);
void	content_request(struct adaptation *);
/* A response likewise: QUIC, which nobody reads, is not offered in it. */
void	content_response(struct adaptation *);
/* It says two different things of itself. 1: it was refused. */
int	content_ambiguous(struct adapted_message *);
/* Media that never end, or cannot be looked at (bypass-types). */
int	content_is_stream(const struct adapted_message *,
	    const struct conf_icap *);
/*
 * Whether its present service need not see this message, or cannot: told, and
 * counted as unscanned. 1; 0; or ERR_DENIED when it was refused for that.
 */
int	content_exempt(struct adapted_message *);
/* The server switches protocols: may it, and was it asked to? */
int	content_may_switch(struct adaptation *);
/* A CONNECT inside the session. 1: it was refused. */
int	content_connects(struct adaptation *);

/* input.c */
static inline enum icap_method
input_method(const struct adapted_message *m)
{
	return m->dir == DIR_UP ? ICAP_REQMOD : ICAP_RESPMOD;
}

/* What the row's k-th service is shown, into m->input. 0 or ERR_*. */
int	input_make(struct adapted_message *, size_t k);

/*
 * send.c: what goes on in a message's place, of which the client may get a
 * part, or may have the beginning. 0, or it was refused.
 */
int	send_head(struct adapted_message *, const struct http_head *,
	    int body, int64_t length, unsigned flags);
/* Returns the bytes taken; *bad: more than the length, or others than those
 * that the client has. */
size_t	send_body(struct adaptation *, enum flow_dir, const uint8_t *,
	    size_t len, int *bad);
/* 0, or ERR_SHORT. */
int	send_end(struct adaptation *, enum flow_dir,
	    const struct text *trailers);

/* trickle.c: `inspect: trickle`. */
/* Services hold the message from now on. */
void	trickle_wait(struct adapted_message *);
/* A head is to go on: 1; or the client has it already: 0, or ERR_DENIED where
 * it is another, which has broken the exchange. */
int	trickle_head(struct adapted_message *, const struct http_head *,
	    int body, int64_t length);
/* How many of the len bytes the client has already. ERR_DENIED in *bad: they
 * are others, which has broken the exchange. */
size_t	trickle_body(struct adaptation *, const uint8_t *, size_t len,
	    int *bad);
/* The answer may end: it has all that the client has. */
int	trickle_ends(const struct adaptation *);
/* Whether the client has some, and none of it from an answer; and how much. */
int	trickle_alone(const struct trickle *);
uint64_t trickle_length(const struct trickle *);
void	trickle_stop(struct trickle *);
void	trickle_end(struct trickle *);

/* part.c: `ranges: whole`. */
/* Before Range leaves the request. */
void	part_ask(struct adaptation *);
/* Whether of this response the client gets a part, if its length is known. */
int	part_wanted(const struct adapted_message *);
/* This head is to go on, with a body of that length: decide on a part. */
void	part_begin(struct adapted_message *, const struct http_head *,
	    int body, int64_t length);
/* Send a head, which is that of the part where there is one. 0, or it was
 * refused. */
int	part_send(struct adapted_message *, const struct http_head *, int body,
	    int64_t length, unsigned flags);
/* Of len bytes of content those that go on, behind *skip that do not. */
size_t	part_cut(const struct part *, size_t len, size_t *skip);
void	part_end(struct part *);

/* monitor.c: services that get a copy of a message as it passes. */
void	monitor_begin(struct adapted_message *);
void	monitor_end(struct adapted_message *);

/* adapt.c */
/* The exchange's codec and user are set. */
void	adapt_init(struct adaptation *, const struct plan *);
void	adapt_free(struct adaptation *);
/* The head is here: ask the services that want it, or let it pass. */
void	adapt_begin(struct adapted_message *);
/* Bytes came, or there is room: go on. */
void	adapt_more(struct adapted_message *);
/* No service is asked any more, nor listened to. */
void	adapt_silence(struct adaptation *);
/* Ready for the next message. */
void	adapt_reset(struct adapted_message *);

/*
 * head.c. The head of a message has come: it is recorded, and a request is
 * judged by its own name. 1: it may go on, by adapt_begin(); 0: it was answered
 * or refused.
 */
int	head_request(struct adaptation *);
int	head_response(struct adaptation *);
/* The exchange is over, or HTTP is: log what is known of it. */
void	head_over(struct adaptation *);

/* Why we end a stream whose messages are looked at. */
enum scan_why {
	SCAN_REFUSED,		/* a service, or a rule of sizes */
	SCAN_UNCHECKED,		/* a service failed, which fails closed */
	SCAN_FAILED,		/* within a message that it sent, or we did */
	SCAN_STRANGE		/* what came is not such a stream */
};

/* Where the messages go of a stream that is taken apart: scan.h. */
struct scan_out {
	/* Returns the bytes taken. */
	size_t	(*put)(void *arg, enum flow_dir, const uint8_t *, size_t);
	void	(*wake)(void *arg);	/* something waits, or may be read */
	/* We ended it; both directions end behind what waits. */
	void	(*over)(void *arg, enum scan_why, const char *why);
	void	*arg;
};

/*
 * ws.c: a WebSocket, which began with this exchange. NULL: nobody looks at it,
 * and NULL may be given to the other calls.
 */
struct ws;
struct ws *ws_begin(const struct plan *, const struct exchange *,
	    const struct scan_out *);
/* One that began with exchange tx, and passes: for its events. */
struct ws *ws_watch(const struct plan *, unsigned tx);
void	ws_free(struct ws *);
/* Whether services look at its messages, so that it has to be taken. */
int	ws_scans(const struct ws *);
/* Bytes of it pass, or are taken: returns how many. */
size_t	ws_take(struct ws *, enum flow_dir, const uint8_t *, size_t len);
/* Write what waits. 1: nothing does any more. */
int	ws_flush(struct ws *, enum flow_dir);
/* Whether something waits, or will come with an answer. */
int	ws_busy(const struct ws *, enum flow_dir);

/*
 * grpc.c: as adapt_begin() and adapt_more(), for messages that may be those of
 * a call of gRPC whose own messages services look at; and before adapt_free(),
 * or adapt_reset() for another exchange.
 */
void	grpc_begin(struct adapted_message *);
void	grpc_more(struct adapted_message *);
void	grpc_end(struct adaptation *);

/*
 * passing.c: HTTP/2 that nobody may hold or change is read beside the bytes.
 * number: of its first exchange in the session. first: see h2_read_new(). NULL
 * may be given to the other calls.
 */
struct passing;
struct passing *passing_begin(const struct plan *, unsigned number,
	    const struct http_head *first);
void	passing_free(struct passing *);
/* Bytes of it pass. */
void	passing_seen(struct passing *, enum flow_dir, const uint8_t *, size_t);

/* A session's HTTP: engine.c, and where HTTP ends, tunnel.c. */
struct engine {
	struct plan	 plan;
	struct adaptation a;		/* of the present exchange */
	struct h1	 h1;
	struct tap	*tap;
	struct event	 slow;		/* its first line takes too long */
	unsigned	 raw:1;		/* no HTTP (any more) */
	unsigned	 ahead:1;	/* that, as the server began */
	unsigned	 finished:1;	/* nothing more is read */
	unsigned	 aside:1;	/* mirrors show what the client gets, as
					   it may switch to HTTP/2 */
	unsigned	 switches:1;	/* the server has: its 101 waits */
	struct http_first first;	/* ahead: what the client then says */
	uint8_t		 lead[64];	/* ... and the server's first bytes */
	size_t		 nlead;
	size_t		 skip;		/* of raw bytes: the head before them */
	struct ws	*ws;		/* they are a WebSocket; or NULL */
	struct passing	*passing;	/* they are HTTP/2; or NULL */
	struct text	 settings;	/* of HTTP2-Settings */
};

/* From here on it is no HTTP, for that reason; or it is cut off. */
void	tunnel_begin(struct engine *, enum unread);
/* Bytes of what is not looked at. How many pass. */
size_t	tunnel_data(struct engine *, enum flow_dir, const uint8_t *,
	    size_t len);
/* There may be room for what waits. */
void	tunnel_room(struct engine *, enum flow_dir);
/* The server speaks, and nobody asked it. */
void	tunnel_unasked(struct engine *);
/* The client's first line is not whole: the time for it begins; and it is
 * over. */
void	tunnel_wait(struct engine *);
void	tunnel_slow(evutil_socket_t, short, void *);

/*
 * upgrade.c: a switch to HTTP/2 in the clear, which is read. The request's head
 * has come: whether it may be offered to the server, and how.
 */
void	upgrade_offer(struct engine *);
/* Bytes of the server's, in place of a response's head. 1: they wait. */
int	upgrade_waits(struct engine *, const uint8_t *, size_t len);
/* The response's head has come. 1: it switches, by upgrade_done(), or was
 * refused. */
int	upgrade_taken(struct engine *);
/* Returns 0 until the request has gone on; then the bytes that pass, which are
 * the response's head, and the tap's state is another. */
size_t	upgrade_done(struct engine *);

/* streams.c: from here on the tap is one of HTTP/2, with its own state. */
void	streams_begin(struct tap *, const struct plan *);
/* At once after it: that began with this request in HTTP/1, and with the
 * client's settings. */
void	streams_upgraded(struct tap *, struct adaptation *asked,
	    const struct text *settings);

#endif
