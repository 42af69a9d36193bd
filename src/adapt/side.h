/*
 * Inside the exchange: one of its two messages, and its way through the
 * services (adapt.c).
 */
#ifndef ADAPT_SIDE_H
#define ADAPT_SIDE_H

#include <event2/event_struct.h>
#include <event2/util.h>

#include "http/deliver.h"
#include "adapt/exchange.h"
#include "http/message.h"

struct exchange;

enum side_state {
	SIDE_HEAD,	/* its head is awaited */
	SIDE_ASK,	/* a service looks at it */
	SIDE_PASS,	/* it goes on as it is */
	SIDE_SPOOL,	/* it goes on out of a spool */
	SIDE_ADAPTED,	/* what a service made of it goes on as it comes */
	SIDE_TEXT,	/* something of our own is said in its place */
	SIDE_GONE,	/* answered otherwise: the rest of it is dropped */
	SIDE_DONE
};

struct side {
	struct exchange	*x;
	enum flow_dir	 dir;
	enum side_state	 state;
	struct message	 m;		/* the virgin message */
	struct deliver	 out;		/* what goes on in its place */

	/* The service that looks at it, by its number in the row. */
	size_t		 k;
	struct icap_txn	*txn;
	struct icap_input	 job;
	struct text	 req_head, res_head, fields;
	struct side	*to;		/* where the answer's body goes */

	/* The message as it is now: the virgin one, or (body, http) what a
	 * service made of it, collected for the next. */
	struct text	 head;
	struct http_head *http;
	struct spool	*body;
	/* What a service makes of it, being collected for the next. */
	struct {
		int		 open;
		struct text	 head;
		struct http_head *http;
		struct spool	*body;
	} made;

	/* For monitors (watch.c). */
	struct icap_monitor **copies;
	size_t		 ncopies;

	/* SIDE_SPOOL: out of which, from where, and its end is the end. */
	struct spool	*from;
	uint64_t	 sent;
};

struct exchange {
	struct tap	*tap;
	const struct record *rec;
	const struct exchange_env *env;
	struct icap_client **seats;	/* by number of the service */
	const size_t	*row;		/* the rule's services */
	size_t		 nrow;
	size_t		 nmonitors;	/* of them */
	unsigned	 judged:1;	/* each request is, under its name */
	struct text	*echo;		/* of each: lines of its answer to
					   REQMOD for its RESPMOD */
	struct side	 side[2];	/* by enum flow_dir */
	unsigned	 raw:1;		/* no HTTP (any more) */
	unsigned	 ahead:1;	/* that, as the server began */
	uint8_t		 lead[64];	/* its first bytes: see there */
	struct http1_first first;	/* ... and what the client then says */
	struct event	 slow;		/* its first line takes too long */
	size_t		 skip;		/* of raw bytes: the head before them */
	size_t		 nlead;
	/* after this exchange the session ends */
	unsigned	 closing:1;
	unsigned	 finished:1;
	unsigned	 broken:1;	/* finished, and the session is reset */
	struct text	 method;	/* of the present request */
	struct text	 sent;		/* as it went to the server */
	int		 old_client;	/* HTTP/1.0 */
	struct http_record http;
};

/* Some service may hold and change what passes, or it is judged. */
static inline int
exchange_inline(const struct exchange *x)
{
	return x->judged;
}

static inline const struct conf_inspect *
side_inspect(const struct side *s)
{
	return s->x->rec->verdict->rule->inspect;
}

/* Some service may. */
static inline int
exchange_served(const struct exchange *x)
{
	return x->nrow > x->nmonitors;
}

/* tunnel.c */
/* From here on it is no HTTP, for that reason; or it is cut off. */
void	exchange_raw(struct exchange *, enum unread);
/* So many bytes went on, of what is not looked at. */
void	exchange_passed(struct exchange *, enum flow_dir, size_t);
/* The server speaks, and nobody asked it. */
void	exchange_unasked(struct exchange *);
/*
 * In a session that the server began: is it HTTP after all? The first bytes of
 * either may come one by one, and clients look some way on for "HTTP".
 */
int	exchange_ahead(struct exchange *, enum flow_dir, const uint8_t *,
	    size_t len);
/* The client's first line is not whole; its time is over. */
void	exchange_wait(struct exchange *);
void	exchange_slow(evutil_socket_t, short, void *);
/* The request is a CONNECT, and was refused for that. */
int	exchange_connects(struct exchange *);
/* Of the request's Upgrade what may be switched to, in left. 1: that is less
 * than what was asked for. */
int	exchange_upgrades(struct exchange *, struct text *left);
/* HTTP ends here (101): may it, and was it asked for? */
int	exchange_may_switch(struct exchange *);

/* watch.c */
void	watch_begin(struct side *);
void	watch_end(struct side *);
/* Of what a seat's log was given: a copy's record; NULL: it is a side. */
const struct record *watch_record(void *user);

/* job.c */
enum icap_method side_method(const struct side *);
/* The head as it is now. */
const struct http_head *side_http(const struct side *);
/* Media that never end, or cannot be looked at (bypass-types). */
int	side_is_stream(const struct side *, const struct conf_icap *);
/* It says of itself two different things, and is refused for that. */
int	side_ambiguous(struct side *);
/* What the row's k-th service is shown, into s->job. 0 or ERR_*. */
int	side_job(struct side *, size_t k);

/* judge.c */
/* One Host: an absolute-form's. 0, or ERR_* (there is no room for it). */
int	judge_one_host(struct side *);
/*
 * Requests are to be judged, and no service sees them: is it HTTP/2, which is
 * not read yet? By what TLS agreed on; by the client's first bytes. 1: it
 * passes, counted.
 */
int	judge_agreed_http2(struct exchange *);
int	judge_begins_http2(struct exchange *, const uint8_t *, size_t len);
/* 1: the request may go on; 0: it was answered, or the session is over. */
int	judge_request(struct exchange *, int large);

/* prepare.c */
/* A request whose answer is scanned. 0, or it was refused. */
int	side_prepare(struct side *);
/* Its content coding is none, or one that the service looks into. */
int	side_coding_known(const struct side *, const struct conf_icap *);
void	side_expect(struct side *);	/* a service wants the body */

/* onward.c */
/* The head of what goes on, of a body of length bytes (-1: not known) if there
 * is one; flags: deliver.h. 0, or all was refused. */
int	side_head(struct side *, const struct http_head *, int body,
	    int64_t length, unsigned flags);
/* The answer is to another kind of request than the client's: a service has
 * made a GET of its HEAD, or the other way. */
int	side_reframed(const struct side *);
/* Out of the spool `from`, as far as there is room and bytes. */
void	side_send(struct side *);

/* adapt.c */
/* The head is here: ask the services that want it, or let it pass. */
void	side_begin(struct side *);
/* Bytes came, or there is room: go on. */
void	side_more(struct side *);
/* Waits for a service, or has something to put in. */
int	side_busy(const struct side *);
/* The virgin message's end was seen, one way or the other. */
void	side_ended(struct side *);
void	side_reset(struct side *);
/* Answer the client ourselves and end the session. */
void	side_refuse(struct exchange *, int status, const char *why);
/* Cut it off so that everybody sees it. */
void	exchange_broken(struct exchange *, const char *why);
void	exchange_check(struct exchange *);	/* is it over? */

#endif
