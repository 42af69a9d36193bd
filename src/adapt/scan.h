/*
 * Inside the room: a long stream of messages that services look at one by one
 * (`websocket: message`, `grpc: message`). Each message is an exchange of its
 * own: to a service what the client sends is the body of a POST to the URL of
 * the exchange that the stream belongs to, and what the server sends is the
 * body of the answer to it. Messages of a direction go one after the other;
 * those of the other direction do not wait for them.
 *
 * scan.c is the course of the messages; how they lie in the stream is the
 * format's (ws.c, grpc.c), and where they go is its owner's (struct scan_out).
 */
#ifndef ADAPT_SCAN_H
#define ADAPT_SCAN_H

#include "adapt/adapt.h"

struct scan_format;

/* A direction, and the message of it that is read or goes on. */
struct scan_side {
	struct scan	*scan;
	enum flow_dir	 dir;
	struct text	 out;		/* framed, waiting for room */
	size_t		 out_off;
	struct adaptation a;		/* of the message */
	unsigned	 open:1;	/* there is one */
	unsigned	 dropped:1;	/* the rest of it is not wanted */
	unsigned	 refused:1;	/* so a service answered */
	unsigned	 coded:1;	/* what goes on is, by its head */
	unsigned	 finished:1;	/* all of what goes on is known */
	unsigned	 stuck:1;	/* no room at all for what waits */
};

struct scan {
	struct plan	 plan;		/* with the row of these services */
	size_t		*row;
	const struct scan_format *format;
	struct scan_out	 out;
	unsigned	 tx;		/* the exchange that it belongs to */
	const char	*over;		/* why it was ended; or NULL */
	struct text	 request;	/* "POST URL HTTP/1.1" and Host */
	struct scan_side side[2];	/* by enum flow_dir */
};

struct scan_format {
	/* Read bytes: scan_begin(), scan_content(), scan_end(). Returns how
	 * many were read, no further than to the end of a message; or
	 * ERR_FORMAT. */
	ssize_t	(*read)(struct scan_side *, const uint8_t *, size_t len);
	/* Content of what goes on. Returns how much was taken, or -1. */
	ssize_t	(*write)(struct scan_side *, const uint8_t *, size_t len);
	/* That was all of it. */
	void	(*finish)(struct scan_side *);
	/* NULL: it is all in out by then. Else: add some of it to out, which
	 * is empty, and with the last of it call scan_sent(). 0: there is
	 * nothing. */
	int	(*more)(struct scan_side *);
	/* What has been written of it is not to go on. */
	void	(*forget)(struct scan_side *);
	/* Tell both peers that we end it; or NULL. */
	void	(*close)(struct scan *, enum scan_why, const char *why);
};

/* Of a zeroed struct. Some service looks at such messages: plan_scans(). The
 * exchange has its request. */
void	scan_init(struct scan *, const struct plan *, enum conf_messages,
	    const struct exchange *, const struct scan_format *,
	    const struct scan_out *);
void	scan_free(struct scan *);

/* Bytes of it. Returns how many were taken. */
size_t	scan_take(struct scan *, enum flow_dir, const uint8_t *, size_t len);
/* Write what waits. 1: nothing does any more. */
int	scan_flush(struct scan *, enum flow_dir);
/* Whether something waits, or will come with an answer. */
int	scan_busy(const struct scan *, enum flow_dir);
/* Forget what came of a direction, of which nothing has gone on. */
void	scan_reset(struct scan *, enum flow_dir);
/* End it, for both peers. */
void	scan_over(struct scan *, enum scan_why, const char *why);
/* Ask no service any more. */
void	scan_silence(struct scan *);

/* For formats: a message begins, with these lines in its head, and a length
 * that may be known; content of it; and it is whole. */
void	scan_begin(struct scan_side *, const char *lines, int64_t length);
void	scan_content(struct scan_side *, const uint8_t *, size_t len);
void	scan_end(struct scan_side *);
/* All of what goes on is in out. */
void	scan_sent(struct scan_side *);

#endif
