/*
 * A transport moves clear bytes over a connected socket: plain, or TLS. It is
 * a table, so that the flows do not know which. The socket's readiness is
 * kept here: events are edge-triggered, so a flag stays set until a call says
 * EAGAIN. A recv that got less than it asked for need not be tried again
 * before the next event (epoll(7)), but for an RST that came with the bytes:
 * thin is for those who see to that otherwise (net/conn.c). So does a recv
 * that stops at urgent data, with bytes behind it that no event announces: the
 * sweep finds them too, and from then on no short recv counts as the last.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock {
	int	 fd;		/* -1: none */
	unsigned readable:1;	/* a recv may yield something */
	unsigned writable:1;	/* a send may take something */
	unsigned hup:1;		/* the peer's FIN or RST has arrived */
	unsigned thin:1;	/* the last recv got all there was, it seems */
	unsigned marks:1;	/* urgent data may come: never thin */
	int	 err;		/* errno that ended it, or 0 */
};

/* There may be bytes: an event, or something else, says so. */
static inline void
sock_look(struct sock *s)
{
	s->readable = 1;
	s->thin = 0;
}

/* recv and send that keep the flags. Both return the bytes; 0 at FIN
 * (sock_recv); ERR_AGAIN; or ERR_SYS with sock.err set. */
ssize_t	sock_recv(struct sock *, void *, size_t);
ssize_t	sock_send(struct sock *, const void *, size_t);

/*
 * Look at the bytes that have come and leave them in the socket. It also sees
 * those behind urgent data, where recv stops (since Linux 6.9, SO_PEEK_OFF).
 * Returns what recv does.
 */
ssize_t	sock_peek(struct sock *, void *, size_t);

/* Look whether recv has stopped at urgent data. */
void	sock_mark(struct sock *);

/* How a direction ends. Each value includes those before it. */
enum end {
	END_NONE,
	END_NOTIFY,	/* TLS close_notify; on a plain socket: nothing */
	END_FIN		/* TCP FIN */
};

struct transport_ops {
	/*
	 * Returns clear bytes, at least 1; ERR_AGAIN; ERR_EOF (*how says which
	 * end was seen; after NOTIFY, read on for FIN); ERR_SYS (the socket,
	 * see sock.err); or ERR_TLS (a broken record, an alert).
	 */
	ssize_t	(*read)(void *, uint8_t *, size_t, enum end *how);
	/* Returns the bytes taken, at least 1; ERR_AGAIN; ERR_SYS; ERR_TLS.
	 * They may wait inside for the socket: see flush. */
	ssize_t	(*write)(void *, const uint8_t *, size_t);
	/* 0 when nothing waits inside; ERR_AGAIN; ERR_SYS. */
	int	(*flush)(void *);
	/* End our direction. 0, ERR_AGAIN (call again), ERR_SYS. */
	int	(*shut)(void *, enum end how);
	/* Whether read would yield bytes without the socket. */
	int	(*pending)(void *);
	void	(*free)(void *);	/* not the socket */
};

/* The plain transport; its state is the struct sock itself. */
extern const struct transport_ops transport_plain;

#endif
