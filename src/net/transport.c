/*
 * Socket calls that keep readiness, and the plain transport over them.
 */
#include "net/transport.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/err.h"

ssize_t
sock_recv(struct sock *s, void *buf, size_t len)
{
	ssize_t n;

	do
		n = recv(s->fd, buf, len, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		s->readable = 0;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return ERR_AGAIN;
		s->err = errno;
		return ERR_SYS;
	}
	/* After the end a read would tell nothing more. */
	s->thin = n > 0 && (size_t)n < len && !s->hup && !s->marks;
	if (n == 0)
		s->readable = 0;
	return n;
}

void
sock_mark(struct sock *s)
{
	if (sockatmark(s->fd) == 1)
		s->marks = 1;
}

ssize_t
sock_peek(struct sock *s, void *buf, size_t len)
{
	ssize_t more, n = recv(s->fd, buf, len, MSG_PEEK | MSG_DONTWAIT);
	int there, off = (int)n;

	if (n <= 0 || (size_t)n == len ||
	    ioctl(s->fd, SIOCINQ, &there) == -1 || there <= off)
		return n;
	s->marks = 1;		/* set too often, it does no harm */
	if (setsockopt(s->fd, SOL_SOCKET, SO_PEEK_OFF, &off,
	    sizeof(off)) == -1)
		return n;
	more = recv(s->fd, (char *)buf + n, len - (size_t)n,
	    MSG_PEEK | MSG_DONTWAIT);
	off = -1;
	setsockopt(s->fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off));
	return more > 0 ? n + more : n;
}

ssize_t
sock_send(struct sock *s, const void *buf, size_t len)
{
	ssize_t n;

	do
		n = send(s->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		s->writable = 0;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return ERR_AGAIN;
		s->err = errno;
		return ERR_SYS;
	}
	if ((size_t)n < len)
		s->writable = 0;
	return n;
}

static ssize_t
plain_read(void *arg, uint8_t *buf, size_t len, enum end *how)
{
	struct sock *s = arg;
	ssize_t n;

	if (!s->readable)
		return ERR_AGAIN;
	n = sock_recv(s, buf, len);
	if (n == 0) {
		*how = END_FIN;
		return ERR_EOF;
	}
	return n;
}

static ssize_t
plain_write(void *arg, const uint8_t *buf, size_t len)
{
	struct sock *s = arg;

	return s->writable ? sock_send(s, buf, len) : ERR_AGAIN;
}

static int
plain_flush(void *arg)
{
	return 0;
}

static int
plain_shut(void *arg, enum end how)
{
	struct sock *s = arg;

	if (how == END_FIN && shutdown(s->fd, SHUT_WR) == -1 &&
	    errno != ENOTCONN) {
		s->err = errno;
		return ERR_SYS;
	}
	return 0;
}

static int
plain_pending(void *arg)
{
	return 0;
}

static void
plain_free(void *arg)
{
}

const struct transport_ops transport_plain = {
	.read = plain_read,
	.write = plain_write,
	.flush = plain_flush,
	.shut = plain_shut,
	.pending = plain_pending,
	.free = plain_free,
};
