/*
 * What all our sessions of libnghttp2 have alike, to clients and to servers.
 */
#ifndef HTTP_H2_SESSION_H
#define HTTP_H2_SESSION_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>

/* Of a stream: what a peer may send that nobody has taken. */
#define H2_WINDOW	(256 * 1024)
/* Of a connection, which is given back at once: no bound of memory. */
#define H2_WINDOW_ALL	(16 * 1024 * 1024)
#define H2_FRAME_MAX	16384	/* bytes of a frame (RFC 9113, 6.5.2) */

/* Heads of head_max bytes are read by http/h2_head, and windows given back by
 * us. The caller's, for nghttp2_option_del(). */
nghttp2_option	*h2_option_new(size_t head_max);

#endif
