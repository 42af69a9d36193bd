/*
 * A row of one wire whose bytes the kernel moves: from socket to socket,
 * through a pipe that is taken from the worker's few only while bytes are in
 * it, so that an idle session holds none (splice(2); docs/performance.md).
 * Nobody sees the bytes. Both ends are sockets with plain transport.
 */
#ifndef STREAM_SPLICE_H
#define STREAM_SPLICE_H

#include "stream/pump.h"

/* Pipes with nothing inside. One a worker; begins zeroed. */
#define PIPES_IDLE	16
struct pipes {
	int	 fd[PIPES_IDLE][2];
	unsigned n;
};

void		 pipes_done(struct pipes *);

/*
 * look: asked before bytes are taken from the client, which still lie in its
 * socket: no more than it returns go now. NULL: nobody looks.
 */
struct splice	*splice_new(struct row *, struct pipes *,
		    size_t (*look)(void *arg), void *arg);
void		 splice_free(struct splice *);	/* or NULL */

/* As pump(). Starved: descriptors are spent. */
enum pump_state	 splice_pump(struct splice *, struct pump_why *);

#endif
