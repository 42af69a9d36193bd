/*
 * A row of one wire whose bytes the kernel moves from socket to socket, through
 * a pipe (splice(2); docs/performance.md). Nobody sees the bytes. Both ends are
 * sockets with the plain transport. The worker has a few pipes; a session takes
 * one only while bytes are in it, so an idle session holds none.
 */
#ifndef STREAM_SPLICE_H
#define STREAM_SPLICE_H

#include "stream/pump.h"

/* Empty pipes. Each worker has one struct, zeroed at first. */
#define PIPES_IDLE	16
struct pipes {
	int	 fd[PIPES_IDLE][2];
	unsigned n;
};

void		 pipes_done(struct pipes *);

struct splice	*splice_new(struct row *, struct pipes *);
void		 splice_free(struct splice *);	/* or NULL */

/* As pump(). PUMP_STARVED: there are no descriptors. */
enum pump_state	 splice_pump(struct splice *, struct pump_why *);

#endif
