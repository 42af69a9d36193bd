/*
 * An exchange is a request and its response (HTTP/2 calls it a stream), each
 * with a state. It knows no version of HTTP: a codec (struct http_codec) reads
 * the messages and writes what goes on. Its user (struct exchange_user) looks
 * at the messages and decides about them. A connection may have many exchanges.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/message.h"
#include "http/page.h"
#include "http/record.h"
#include "stream/tap.h"

enum exchange_state {
	EXCHANGE_HEAD,		/* the head has not come */
	EXCHANGE_HELD,		/* the head has come; nothing goes on until
				   the user has decided, but what trickles */
	EXCHANGE_GOING,		/* it goes on, unchanged or changed */
	EXCHANGE_ANSWERED,	/* a request: it was answered in the server's
				   place, and the rest of it is dropped; a
				   response: another goes in its place */
	EXCHANGE_DONE,		/* all of it has gone on, or need not */
	EXCHANGE_BROKEN		/* cut off so that both peers see it */
};

struct http_edit {		/* replaces all fields of this name */
	const char	*name;
	const char	*value;		/* by one with it; NULL: by none */
};

enum {				/* flags of http_codec.head */
	HTTP_CHANGED	= 1 << 0,	/* the body is not the original's */
	HTTP_REVOCABLE	= 1 << 1	/* it waits for the first byte of its
					   body; until then revoke() works */
};

/*
 * The calls of an exchange to its codec; conn is the codec's. The messages
 * belong to the exchange. The codec goes on reading them unless told otherwise.
 */
struct http_codec {
	/* Change fields of the message's head before it goes on. */
	void	 (*edit)(void *conn, enum flow_dir, struct http_edit *,
		    size_t n);
	/* Let the message go on unchanged. 1; 0: part of it was taken, so it
	 * must be sent. */
	int	 (*pass)(void *conn, enum flow_dir);
	/* Take its whole body into the message; or drop the rest of it. */
	void	 (*take)(void *conn, enum flow_dir);
	void	 (*drop)(void *conn, enum flow_dir);
	/*
	 * Send another message in its place: this head and, with `body`, a body
	 * of length bytes (-1: unknown). 0, or ERR_* if it cannot be sent; then
	 * nothing was.
	 */
	int	 (*head)(void *conn, enum flow_dir, const struct http_head *,
		    int body, int64_t length, unsigned flags);
	/* Send body. Returns the bytes taken. *bad: there are more than the
	 * length. The last bytes wait for the end. */
	size_t	 (*data)(void *conn, enum flow_dir, const uint8_t *,
		    size_t len, int *bad);
	/* Send the end; trailers or NULL. ERR_SHORT: the body was short. */
	int	 (*end)(void *conn, enum flow_dir, const struct text *trailers);
	/* Send a whole response of ours in place of the server's. No exchange
	 * follows it. Returns the length of its body. */
	uint64_t (*page)(void *conn, const char *page, size_t len);
	/* Send 100, so that the client sends the body. */
	void	 (*go_ahead)(void *conn);
	/* Take back what was sent but has not gone yet. */
	void	 (*revoke)(void *conn, enum flow_dir);
	/* The bytes that wait are the whole message: it cannot be taken back
	 * from now on. 1; 0: they are not. */
	int	 (*commit)(void *conn, enum flow_dir);
	/* Another message follows in that direction. */
	void	 (*again)(void *conn, enum flow_dir);
	/* Whether there is room to send; and whether there is none, and will be
	 * none until more is read. */
	int	 (*room)(void *conn, enum flow_dir);
	int	 (*blocked)(void *conn, enum flow_dir);
};

struct exchange_user {
	/* The exchange is answered, or broken: ask no service any more. */
	void	 (*silence)(void *arg);
	/* There is something to send or to read, soon. */
	void	 (*wake)(void *arg);
	/* It is broken; why is static or outlives it. */
	void	 (*broken)(void *arg, const char *why);
};

struct exchange {
	enum exchange_state state[2];	/* by enum flow_dir: exchange_set() */
	struct http_message msg[2];
	struct http_record record;
	uint64_t	 session;	/* its number, for pages */
	struct page	 page;		/* what these say of the session */
	const struct http_codec *codec;
	void		*conn;
	const struct exchange_user *user;
	void		*arg;
};

/*
 * The only way to change a state. A response cannot be held or go on before its
 * request goes on: it must not overtake the request. Returns 0; or ERR_DENIED,
 * and the exchange is broken.
 */
int	 exchange_set(struct exchange *, enum flow_dir, enum exchange_state);
/* Whether both messages are over, without a failure. */
int	 exchange_done(const struct exchange *);
int	 exchange_is_broken(const struct exchange *);
/*
 * Answer the request with a page of ours, and drop the rest of it. If an answer
 * has begun, break the exchange. why is kept in the record.
 */
void	 exchange_refuse(struct exchange *, int status, const char *why);
/* The same, where the page has words of its own for why. */
void	 exchange_refuse_so(struct exchange *, int status, const char *why,
	    const char *words);
/* The same with an answer of our own (text of HTTP/1) instead of the page, if
 * none has begun. */
void	 exchange_answer(struct exchange *, int status, const char *why,
	    const char *text, size_t len);
/* Cut it off so that both peers see it. */
void	 exchange_break(struct exchange *, const char *why);
/* One direction begins again, after an interim response. */
void	 exchange_again(struct exchange *, enum flow_dir);
/* Free what is inside, for the next exchange of the connection. */
void	 exchange_next(struct exchange *);
void	 exchange_free(struct exchange *);

#endif
