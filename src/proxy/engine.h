/*
 * What a session hands to the engine that reads HTTP in it (adapt/engine.h):
 * all of itself that the engine sees, and what it may ask or tell.
 */
#ifndef PROXY_ENGINE_H
#define PROXY_ENGINE_H

#include "codec/slice.h"
#include "http/h2.h"
#include "http/page.h"
#include "proxy/record.h"
#include "stream/flow.h"

struct event_base;
struct http_head;

/* What is to be done with a request, judged under its own name. */
struct judgement {
	int		 status;	/* 0: it goes on; 403, 421; -1: reset */
	char		*why;		/* the caller's to free, or NULL */
	const char	*rule;		/* that decided, or NULL */
};

enum streamed {			/* how a stream of HTTP/2 ended */
	STREAM_DONE,		/* in order */
	STREAM_BROKEN,		/* cut off by us */
	STREAM_RESET,		/* by a peer, or with its connection */
	STREAM_RESULTS
};

/* For metrics and the log: "done", "ping-flood", ...; static. */
const char	*streamed_str(enum streamed);
const char	*abuse_str(enum h2_abuse);

struct engine_host {
	struct session	*session;
	struct flow	*flow[2];	/* by enum flow_dir */
	int		 by_request;	/* rules judge each request */
	struct page	 page;		/* what pages say of the session */
	size_t		 head_max;	/* limits.head */
	uint64_t	 hello_ms;	/* timeouts.hello */
	/* Judge a request; counted and logged. */
	void	(*judge)(struct session *, const struct http_head *,
		    struct judgement *);
	/* Of HTTP/2, counted: a stream is over; a peer did that. */
	void	(*streamed)(struct session *, enum streamed);
	void	(*abused)(struct session *, enum flow_dir from, enum h2_abuse);
	/* The oldest request has been answered, but not by the server. */
	void	(*answered)(struct session *);
	/* It passes undecrypted, or unread, for this reason (static). */
	void	(*undecrypted)(struct session *, enum undecrypted,
		    const char *why);
	/* What follows is no HTTP, and no service sees it: counted; and
	 * recorded, with the protocol's name or an empty one, unless protocol
	 * is NULL. */
	void	(*unread)(struct session *, enum unread, int blocked,
		    const struct slice *protocol);
	/* It is HTTP/2 that passes, and not all of it is read: counted, and
	 * logged if why is not NULL. */
	void	(*unread_http2)(struct session *, enum unread_http2,
		    const char *why);
	/* It goes on as a tunnel, or has one among its streams. */
	void	(*tunnels)(struct session *);
	/* Bytes that no service sees. */
	void	(*passed)(struct session *, enum flow_dir, size_t);
};

/* An engine, as a sink of which there is one: attached in each worker, it
 * begins with each session that wants it (proxy/sink.h). */
struct engine_ops {
	const struct tap_ops *tap;
	void	*(*attach)(void *env, struct event_base *);	/* -> seat */
	/* The host is good for this call: what is needed is copied. */
	void	*(*begin)(void *seat, struct tap *, const struct record *,
		    const struct engine_host *);
	void	 (*detach)(void *seat);
};

#endif
