/*
 * Sockets: listening, accepting, the original destination, connecting. All
 * are non-blocking and close-on-exec. Errors are ERR_SYS with errno kept, or
 * what the function says.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdint.h>

#include "util/addr.h"

/*
 * A listener with SO_REUSEPORT; transparent sets IP(V6)_TRANSPARENT (for
 * TPROXY; where that needs a privilege we lack, REDIRECT still works and
 * *no_tproxy is set). Returns the descriptor or ERR_SYS.
 */
int	sock_listen(const struct addr *, int v6only, int transparent,
	    int *no_tproxy);

/* Returns the descriptor; ERR_AGAIN; ERR_LIMIT for EMFILE, ENFILE, ENOBUFS
 * and ENOMEM (try later); or ERR_SYS. A connection already gone is skipped. */
int	sock_accept(int fd, struct addr *peer);

/*
 * Where the client wanted to go: by conntrack (REDIRECT, SO_ORIGINAL_DST),
 * else by the socket's own address (TPROXY). 0 or ERR_SYS. is_redirect may be
 * NULL.
 */
int	sock_original(int fd, struct addr *dst, int *is_redirect);

/*
 * Begin to connect. from: bind there first, with IP_TRANSPARENT when it is
 * not ours and IP_BIND_ADDRESS_NO_PORT when its port is 0; or NULL. mark:
 * SO_MARK when not 0 (best effort). A used 4-tuple (EADDRINUSE, EADDRNOTAVAIL)
 * is tried again with port 0. Returns a descriptor still connecting, or
 * ERR_SYS.
 */
int	sock_connect(const struct addr *to, const struct addr *from,
	    unsigned mark);

/* errno of a connection that has become writable; 0 when it is there. */
int	sock_error(int fd);

void	sock_nodelay(int fd);

/*
 * What both legs of a session want. After so many ms of silence a keepalive
 * asks the peer, so that it and every NAT on the way hear of the connection;
 * 0: none does.
 */
void	sock_session(int fd, uint64_t keepalive);
/* Wake for so many bytes at once, or the end (SO_RCVLOWAT, socket(7)). */
void	sock_lowat(int fd, size_t n);
/* Close so that the peer gets RST, not FIN. */
void	sock_reset(int fd);

/* Raise RLIMIT_NOFILE to its hard limit, further when permitted and asked
 * for; returns what it is now. */
unsigned long	sock_raise_nofile(unsigned long want);

#endif
