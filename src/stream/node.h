/*
 * A node stands at the ends of wires. To the pump it is one connection
 * (net/conn.h) for each of its wires. A transport reads, writes and ends the
 * connection, each direction by itself. The pump does not know what is behind
 * the transport:
 *
 * - An end is a socket, plain or with TLS; its transport may be replaced in
 *   mid-session. Or it is a text of our own, by node_speak().
 * - A hop is an inline device. It has two connections, to its inside and its
 *   outside port. Bytes written to one come out of the other, perhaps changed,
 *   when the device is done with them.
 * - An engine ends a protocol on both sides. It has two connections without a
 *   socket, whose transports are the two faces of one object.
 *
 * An editor, which changes only some bytes, is not a node. It is a tap in a
 * wire (tap.h), and the bytes that it leaves unchanged are never copied.
 */
#ifndef STREAM_NODE_H
#define STREAM_NODE_H

#include "net/conn.h"

/*
 * Turn a closed connection into an end that says this text and then ends in
 * order. It reads everything and forgets it. The text is the caller's, and must
 * live until the connection is closed.
 */
void	node_speak(struct conn *, const char *text, size_t len);
/*
 * The same, but it listens first: heard() is given what comes, and (NULL, 0)
 * when nothing more will, until node_say() gives it the text.
 */
void	node_listen(struct conn *, void (*heard)(void *, const uint8_t *,
	    size_t), void *arg);
void	node_say(struct conn *, const char *text, size_t len);

/*
 * Make two open connections, to a device's inside and outside, the two ends of
 * a hop. An end of a direction passes it in kind: close_notify on one side of
 * the device is close_notify on the other, though only FIN goes through it. A
 * FIN of the device's own counts as both.
 */
void	node_hop(struct conn *inside, struct conn *outside);

#endif
