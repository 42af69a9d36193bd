/*
 * Sockets: listening, accepting, the original destination, connecting. All
 * are non-blocking and close-on-exec. An error is ERR_SYS with errno, unless
 * a comment names another.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdint.h>

#include "util/addr.h"

/*
 * Open a listener with SO_REUSEPORT. transparent sets IP(V6)_TRANSPARENT for
 * TPROXY; if we lack the privilege for it, *no_tproxy is set, and REDIRECT
 * still works. Returns the descriptor or ERR_SYS.
 */
int	sock_listen(const struct addr *, int v6only, int transparent,
	    int *no_tproxy);

/* Returns the descriptor; ERR_AGAIN; ERR_LIMIT for EMFILE, ENFILE, ENOBUFS
 * and ENOMEM (try later); or ERR_SYS. Skips connections already gone. */
int	sock_accept(int fd, struct addr *peer);

/* The socket's own address. 0 or ERR_SYS. */
int	sock_own(int fd, struct addr *);

/*
 * Where the client wanted to go. conntrack knows it under REDIRECT
 * (SO_ORIGINAL_DST); under TPROXY it is the socket's own address. Returns 0 or
 * ERR_SYS. is_redirect may be NULL.
 */
int	sock_original(int fd, struct addr *dst, int *is_redirect);

/*
 * Begin to connect. Binds to from first unless it is NULL, with IP_TRANSPARENT
 * for an address that is not ours and IP_BIND_ADDRESS_NO_PORT for port 0. If
 * the 4-tuple is in use (EADDRINUSE, EADDRNOTAVAIL), tries again with port 0.
 * Returns a descriptor that is still connecting, or ERR_SYS.
 */
int	sock_connect(const struct addr *to, const struct addr *from);

/* The errno of a connection that has become writable; 0: it is connected. */
int	sock_error(int fd);

/* Bytes that were written to a TCP socket and never left, where a FIN counts
 * as one; 0 for -1. */
size_t	sock_unsent(int fd);
void	sock_nodelay(int fd);

/*
 * The options of both connections of a session. After keepalive ms of silence
 * the kernel probes the peer, so that it and every NAT on the way keep the
 * connection; 0: no probes.
 */
void	sock_session(int fd, uint64_t keepalive);
/* Wake for n bytes at once, or the end (SO_RCVLOWAT, socket(7)). */
void	sock_lowat(int fd, size_t n);
/* Close so that the peer gets RST, not FIN. */
void	sock_reset(int fd);

/* Raise RLIMIT_NOFILE to its hard limit, and to want if that is more and
 * permitted. Returns the limit. */
unsigned long	sock_raise_nofile(unsigned long want);

#endif
