/*
 * The crossing from one version of HTTP to the other, where client and server
 * do not speak the same. It is a transport (net/transport.h) over that of the
 * connection to the server: who reads and writes it, and so every tap, mirror
 * and device of the session, has to do with the client's version alone.
 *
 * CROSS_TO_1: the client speaks HTTP/2, the server HTTP/1.1. Requests go to
 * the server one at a time, in the order of their streams; it is said that
 * there may be one stream at once, so that the others wait at who opens them.
 * What ends the server's connection (its word, an answer that breaks off, a
 * stream reset while its answer comes) is GOAWAY, and streams that have not
 * gone to the server are refused by it, so that the client asks again.
 * CONNECT does not cross. A WebSocket does (RFC 8441): it becomes an Upgrade,
 * and is the last exchange of its connection.
 *
 * CROSS_TO_2: the client speaks HTTP/1, the server HTTP/2. Each request is a
 * stream, one after the other. CONNECT is refused. A WebSocket is an extended
 * CONNECT, if the server's SETTINGS, which are waited for, allow that; else it
 * is answered 501. Any other Upgrade is left out. A response that breaks off
 * ends the connection without close_notify.
 *
 * Heads are read by http/h2_head and codec/http, and written by
 * codec/http1_write and http/h2_lines, as everywhere. Content that does not
 * have the length that its head says breaks off.
 */
#ifndef HTTP_CROSS_H
#define HTTP_CROSS_H

#include "http/h2.h"
#include "net/transport.h"

enum cross_to {			/* what the server speaks */
	CROSS_TO_1,
	CROSS_TO_2
};

struct cross;

extern const struct transport_ops transport_cross;	/* of a struct cross */

struct cross_user {
	size_t		 head_max;	/* the longest head (limits.head) */
	uint64_t	 session;	/* its number, for the log */
	/* Who speaks HTTP/2 did that. It ends the crossing, or a stream. */
	void		(*abuse)(void *arg, enum flow_dir from, enum h2_abuse);
	void		*arg;
};

/*
 * Over this transport, whose state it owns from now on, and its socket, which
 * it does not.
 */
struct cross	*cross_new(enum cross_to, const struct transport_ops *,
		    void *tp, struct sock *, const struct cross_user *);
/* What it stands on: the place of the table, which may be changed there, and
 * the state. */
const struct transport_ops **cross_ops(struct cross *);
void		*cross_tp(struct cross *);

#endif
