/*
 * An exchange: a request and what answers it (HTTP/2 calls it a stream), and
 * where each of the two stands. It belongs to no version of HTTP: a codec
 * fills in the messages and writes what goes on (struct http_codec), and who
 * looks at the messages says what becomes of them (struct exchange_user). A
 * connection may have many, each with a state of its own.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/message.h"
#include "http/record.h"
#include "stream/tap.h"

enum exchange_state {
	EXCHANGE_HEAD,		/* the head has not come */
	EXCHANGE_HELD,		/* the head is here, and nothing goes on until
				   somebody has decided about it */
	EXCHANGE_GOING,		/* it goes on, as it came or changed */
	EXCHANGE_ANSWERED,	/* a request: it is not asked for, or not any
				   more, and what follows of it is dropped; a
				   response: something else is said instead */
	EXCHANGE_DONE,		/* all of it has gone on, or needs not */
	EXCHANGE_BROKEN		/* cut off so that both peers see it */
};

struct http_edit {		/* of fields of this name */
	const char	*name;
	const char	*value;		/* one with this value; NULL: none */
};

enum {				/* flags of http_codec.head */
	HTTP_CHANGED	= 1 << 0,	/* the body is not the original's */
	HTTP_REVOCABLE	= 1 << 1	/* goes with the first of its body, and
					   until then can be taken back */
};

/*
 * What an exchange wants of the codec; conn is the codec's. The messages are
 * the exchange's, and the codec goes on reading them unless told otherwise.
 */
struct http_codec {
	/* Change fields of the message's head before it goes on. */
	void	 (*edit)(void *conn, enum flow_dir, struct http_edit *,
		    size_t n);
	/* Let the message go on as it came. 1; 0: it cannot, as some of it
	 * was taken; it must be sent. */
	int	 (*pass)(void *conn, enum flow_dir);
	/* Take all of its body, into the message; or drop what is left. */
	void	 (*take)(void *conn, enum flow_dir);
	void	 (*drop)(void *conn, enum flow_dir);
	/*
	 * Send in the message's place: this head, and with `body` a body of
	 * length bytes (-1: not known). 0, or ERR_* when this cannot be said;
	 * then nothing was.
	 */
	int	 (*head)(void *conn, enum flow_dir, const struct http_head *,
		    int body, int64_t length, unsigned flags);
	/* Body; how much was taken. *bad: that is more than the length. The
	 * last of it waits for the end. */
	size_t	 (*data)(void *conn, enum flow_dir, const uint8_t *,
		    size_t len, int *bad);
	/* The end; trailers or NULL. ERR_SHORT: less than the length came. */
	int	 (*end)(void *conn, enum flow_dir, const struct text *trailers);
	/* A whole response of ours in the place of the server's, after which no
	 * exchange follows. Returns the length of its body. */
	uint64_t (*page)(void *conn, const char *page, size_t len);
	/* 100, so that the client sends the body. */
	void	 (*go_ahead)(void *conn);
	/* Take back what was sent and did not go yet. */
	void	 (*revoke)(void *conn, enum flow_dir);
	/* What waits would be all of it: from now on it is not taken back.
	 * 1; 0: it is not all. */
	int	 (*commit)(void *conn, enum flow_dir);
	/* A byte of what is sent, or of what passes, may have gone. */
	int	 (*began)(const void *conn, enum flow_dir);
	int	 (*ended)(const void *conn, enum flow_dir);
	/* There is room to send something; or there is none, and will be none
	 * until more of what comes is read. */
	int	 (*room)(void *conn, enum flow_dir);
	int	 (*blocked)(void *conn, enum flow_dir);
};

struct exchange_user {
	/* The exchange is answered, or broken: ask nobody any more. */
	void	 (*silence)(void *arg);
	/* There is something to send or to read: see to it soon. */
	void	 (*wake)(void *arg);
	/* It is broken; why is static or outlives it. */
	void	 (*broken)(void *arg, const char *why);
};

struct exchange {
	enum exchange_state state[2];	/* by enum flow_dir: exchange_set() */
	struct http_message msg[2];
	struct http_record record;
	uint64_t	 session;	/* its number, for pages */
	const struct http_codec *codec;
	void		*conn;
	const struct exchange_user *user;
	void		*arg;
};

/*
 * The one way to change a state. A response is neither held nor goes on unless
 * its request does or did: an answer must not overtake the question. 0, or
 * ERR_DENIED, and then the exchange is broken.
 */
int	 exchange_set(struct exchange *, enum flow_dir, enum exchange_state);
/* Both are over, and it is no failure. */
int	 exchange_done(const struct exchange *);
int	 exchange_is_broken(const struct exchange *);
/*
 * Answer the request with a page of ours, and what is left of it is dropped;
 * where an answer has begun already, break it. why is kept in the record.
 */
void	 exchange_refuse(struct exchange *, int status, const char *why);
/* Cut it off so that everybody sees it. */
void	 exchange_break(struct exchange *, const char *why);
/* One direction begins again: an interim response was it. */
void	 exchange_again(struct exchange *, enum flow_dir);
/* The next exchange of the connection; with what is inside freed. */
void	 exchange_next(struct exchange *);
void	 exchange_free(struct exchange *);

#endif
