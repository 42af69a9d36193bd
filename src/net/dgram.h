/*
 * Datagrams of UDP that TPROXY brings: the listener that takes them with their
 * original destination, sockets that go on to servers, and one that answers
 * from any address. All are non-blocking and close-on-exec. An error is
 * ERR_SYS with errno.
 */
#ifndef NET_DGRAM_H
#define NET_DGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

#define DGRAM_MAX	65535	/* bytes */
#define DGRAM_TURN	32	/* read in one call */

struct dgram {
	struct addr	 from, to;	/* to: AF_UNSPEC if it is not known */
	uint8_t		*data;
	size_t		 len;
};

/*
 * A listener with SO_REUSEPORT and IP(V6)_TRANSPARENT. An IPv6 address takes
 * IPv4 as well unless v6only.
 */
int	dgram_listen(const struct addr *, int v6only);

/* Buffers for DGRAM_TURN datagrams. */
struct dgrams;
struct dgrams	*dgrams_new(void);
void		 dgrams_free(struct dgrams *);
/* What the listener has, up to DGRAM_TURN, good until the next call. Returns
 * how many; 0: none now. */
size_t	dgrams_read(struct dgrams *, int fd, struct dgram *out);

/*
 * A socket that sends to one server and takes datagrams from it alone. From:
 * NULL for our own address; or a client's, with its port if that is free.
 */
int	dgram_connect(const struct addr *to, const struct addr *from);

/* A socket for dgram_answer(), by family. It receives nothing, and needs
 * CAP_NET_RAW. */
int	dgram_answerer(int family);
/* Send from an address that need not be ours. 0, or ERR_SYS. */
int	dgram_answer(int fd, const struct addr *from, const struct addr *to,
	    const uint8_t *, size_t len);

/*
 * Tell a client by ICMP that nothing takes what it sent to the server (RFC 792;
 * RFC 4443, 3.1). Needs CAP_NET_RAW. 0, or ERR_SYS.
 */
int	dgram_refuse(const struct addr *client, const struct addr *server);

#endif
