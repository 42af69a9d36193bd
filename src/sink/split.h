/*
 * The tap of mirrors with `http2: http/1.1`: a session of HTTP/2 is split into
 * its streams, and each is shown as a conversation of HTTP/1.1 of its own. Any
 * other session is shown as it is. It reads beside the bytes (http/h2_read),
 * writes by http/retell, and has the packets made by sink/synth; it holds no
 * byte, and the wire does not know of it.
 *
 * A stream that ends before its messages, or that cannot be said in HTTP/1.1,
 * ends in an RST. If the session cannot be read any more, all its streams do,
 * and the bytes from there on count as lost.
 */
#ifndef SINK_SPLIT_H
#define SINK_SPLIT_H

#include "proxy/sink.h"

/* The begin() of all packet sinks: the tap of this mirror, split or not. */
void	*split_open(void *seat, struct tap *, const struct record *);

#endif
