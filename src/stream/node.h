/*
 * A node stands at the ends of wires. To the pump it is one connection
 * (net/conn.h) for each wire at its side, which is read from, written to and
 * ended, each direction for itself, by a transport; what is behind that, the
 * pump does not know:
 *
 * - An end: a socket, plain or with TLS over it. Its transport may be replaced
 *   in mid-session. Or a text of our own, by node_speak().
 * - A hop: an inline device. It has two connections, to its inside and to its
 *   outside port. What is written to the one comes out of the other, perhaps
 *   changed, when the device has done with it.
 * - An engine: it ends a protocol on both sides. It has two connections
 *   without a socket, whose transports are the two faces of one object.
 *
 * An editor, which only changes some bytes of what passes, is no node: it is
 * a tap in one wire (tap.h), and what it leaves as it is is never copied.
 */
#ifndef STREAM_NODE_H
#define STREAM_NODE_H

#include "net/conn.h"

/*
 * Make a connection that is closed an end that says this text, by a whole and
 * orderly answer, then ends; it takes all that it is told, and forgets it. The
 * text is the caller's and lives as long as the connection is not closed.
 */
void	node_speak(struct conn *, const char *text, size_t len);

#endif
