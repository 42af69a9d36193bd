/*
 * Messages with descriptors (SCM_RIGHTS, unix(7)).
 */
#include "util/parcel.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/err.h"

union control {
	struct cmsghdr	 h;
	char		 space[CMSG_SPACE(PARCEL_FDS * sizeof(int))];
};

static int
parcel_error(void)
{
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return ERR_EOF;
	return errno == EAGAIN ? ERR_TIMEOUT : ERR_SYS;
}

int
parcel_send(int fd, const void *data, size_t len, const int *fds,
    size_t nfds)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c;
	ssize_t n;

	memset(&c, 0, sizeof(c));
	if (nfds > 0) {
		m.msg_control = c.space;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(&c.h), fds, nfds * sizeof(int));
	}
	while ((n = sendmsg(fd, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	return n < 0 ? parcel_error() : (int)n;
}

/* Take out the descriptors; those for which there is no room are closed. */
static size_t
parcel_fds(struct msghdr *m, int *fds, size_t room)
{
	struct cmsghdr *h;
	size_t i, n, got = 0;
	int fd;

	for (h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd),
			    sizeof(fd));
			if (got < room)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	return got;
}

int
parcel_recv(int fd, void *data, size_t size, int *fds, size_t *nfds)
{
	struct iovec iov = { data, size };
	union control c;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = c.space, .msg_controllen = sizeof(c.space) };
	size_t room = nfds != NULL ? *nfds : 0, got;
	ssize_t n;

	memset(&c, 0, sizeof(c));
	while ((n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n <= 0)
		return n == 0 ? ERR_EOF : parcel_error();
	got = parcel_fds(&m, fds, room);
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (got > 0)
			close(fds[--got]);
		n = m.msg_flags & MSG_TRUNC ? ERR_FORMAT : ERR_LIMIT;
	}
	if (nfds != NULL)
		*nfds = got;
	return (int)n;
}
