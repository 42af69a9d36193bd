/*
 * Messages between this program and its helpers (util/helper.h), over a
 * socketpair of sequenced packets; with descriptors.
 */
#ifndef UTIL_PARCEL_H
#define UTIL_PARCEL_H

#include <stddef.h>

#define PARCEL_FDS	64	/* of one message; the kernel takes 253 */

/*
 * Send or receive one message with its descriptors; *nfds is the room for them
 * before and their number after. Blocking. Return the length; ERR_EOF: the
 * other end is closed; ERR_TIMEOUT; ERR_FORMAT: cut off; ERR_LIMIT: the message
 * is here, but this process may not have so many descriptors; or ERR_SYS. With
 * an error no descriptor stays open.
 */
int	parcel_send(int fd, const void *, size_t len, const int *fds,
	    size_t nfds);
int	parcel_recv(int fd, void *, size_t size, int *fds, size_t *nfds);

#endif
