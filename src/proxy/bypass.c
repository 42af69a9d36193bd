/*
 * PHASE_SPLICE: bytes pass from socket to socket inside the kernel, through
 * a pipe that is taken from the worker's few only while bytes are in it, so
 * that an idle session holds none (splice(2); notes in docs/performance.md).
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/inner.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define PIPE_SIZE	(1 << 20)	/* what an unprivileged pipe may have */
#define SPLICE_ROUNDS	4		/* pipes full in one turn */
#define STARVED_MS	10		/* until a pipe is asked for again */
#define URGENT_READ	PIPE_BUF	/* goes into any empty pipe, whole */

struct splice {
	int	pipe[2][2];		/* by enum flow_dir; -1: none */
	size_t	inside[2];
	int	ended[2];		/* FIN was read */
	int	told[2];		/* ... and passed on */
	int	starved;		/* no pipe was to be had */
};

static int
pipe_take(struct pipes *p, int fd[2])
{
	if (p->n > 0) {
		memcpy(fd, p->fd[--p->n], sizeof(p->fd[0]));
		return 0;
	}
	if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) == -1) {
		fd[0] = fd[1] = -1;
		return ERR_SYS;
	}
	fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

/* Give it back, or close it when something is still inside. */
static void
pipe_give(struct pipes *p, int fd[2], int empty)
{
	if (fd[0] == -1)
		return;
	if (empty && p->n < PIPES_IDLE) {
		memcpy(p->fd[p->n++], fd, sizeof(p->fd[0]));
	} else {
		close(fd[0]);
		close(fd[1]);
	}
	fd[0] = fd[1] = -1;
}

void
pipes_done(struct pipes *p)
{
	while (p->n > 0) {
		p->n--;
		close(p->fd[p->n][0]);
		close(p->fd[p->n][1]);
	}
}

void
splice_leave(struct session *s)
{
	struct splice *x = s->splice;
	int d;

	if (x == NULL)
		return;
	for (d = 0; d < 2; d++)
		pipe_give(&s->worker->pipes, x->pipe[d], x->inside[d] == 0);
	free(x);
	s->splice = NULL;
}

/*
 * splice() does not pass urgent data: it says EAGAIN there for ever, or 0
 * once the peer has ended. recv() goes on behind it, so that it has the last
 * word. The pipe is empty. As splice() returns.
 */
static ssize_t
splice_urgent(int from, int pipe, size_t most)
{
	char buf[URGENT_READ];
	ssize_t n;

	if (most > sizeof(buf))
		most = sizeof(buf);
	n = recv(from, buf, most, MSG_DONTWAIT);
	return n > 0 ? write(pipe, buf, (size_t)n) : n;
}

/* From the socket into the pipe. 1 moved, 0 not, ERR_SYS. */
static int
splice_in(struct session *s, int d, struct sock *from)
{
	struct splice *x = s->splice;
	size_t most = PIPE_SIZE;
	ssize_t n;

	if (x->inside[d] > 0 || x->ended[d] || !from->readable)
		return 0;
	if (x->pipe[d][0] == -1 &&
	    pipe_take(&s->worker->pipes, x->pipe[d]) != 0) {
		x->starved = 1;		/* descriptors: they come back */
		return 0;
	}
	if (d == DIR_UP && unread_looks(s))
		most = unread_peek(s);
	n = splice(from->fd, NULL, x->pipe[d][1], NULL, most,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n == 0 || (n == -1 && errno == EAGAIN))
		n = splice_urgent(from->fd, x->pipe[d][1], most);
	if (n > 0) {
		x->inside[d] = (size_t)n;
		return 1;
	}
	pipe_give(&s->worker->pipes, x->pipe[d], 1);
	if (n == 0)
		x->ended[d] = 1;
	else if (errno == EAGAIN)
		from->readable = 0;
	else if (errno != EINTR) {
		from->err = errno;
		return ERR_SYS;
	}
	return n == 0;
}

/* From the pipe into the socket. 1 moved, 0 not, ERR_SYS. */
static int
splice_out(struct session *s, int d, struct sock *to)
{
	struct splice *x = s->splice;
	ssize_t n;

	if (x->inside[d] == 0 || !to->writable)
		return 0;
	n = splice(x->pipe[d][0], NULL, to->fd, NULL, x->inside[d],
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		x->inside[d] -= (size_t)n;
		s->rec.bytes[d] += (uint64_t)n;
		if (x->inside[d] == 0)
			pipe_give(&s->worker->pipes, x->pipe[d], 1);
		return 1;
	}
	if (n == -1 && errno == EAGAIN)
		to->writable = 0;
	else if (n == -1 && errno != EINTR) {
		to->err = errno;
		return ERR_SYS;
	}
	return 0;
}

/* One direction, as far as it goes. 1 moved, 0 not; <0: *broke broke. */
static int
splice_turn(struct session *s, int d, struct conn **broke)
{
	struct conn *from = d == DIR_UP ? &s->client : &s->server;
	struct conn *to = d == DIR_UP ? &s->server : &s->client;
	struct splice *x = s->splice;
	int in, out;
	char c;

	*broke = from;
	if ((in = splice_in(s, d, &from->sock)) < 0)
		return in;
	while (x->ended[d] && from->sock.readable)	/* FIN, then RST? */
		if (sock_recv(&from->sock, &c, 1) == ERR_SYS && !x->told[!d])
			return ERR_SYS;
	*broke = to;
	if ((out = splice_out(s, d, &to->sock)) < 0)
		return out;
	if (x->ended[d] && x->inside[d] == 0 && !x->told[d]) {
		shutdown(to->sock.fd, SHUT_WR);
		x->told[d] = 1;
		if (s->rec.reason[0] == '\0')
			strcpy(s->rec.reason, d == DIR_UP ? "client closed" :
			    "server closed");
	}
	return in || out;
}

static struct step
splice_event(struct session *s, struct conn *c)
{
	struct splice *x = s->splice;
	struct conn *broke;
	int round, up = 0, down = 0;

	x->starved = 0;
	for (round = 0; round < SPLICE_ROUNDS; round++) {
		if ((up = splice_turn(s, DIR_UP, &broke)) < 0 ||
		    (down = splice_turn(s, DIR_DOWN, &broke)) < 0)
			return step_broke(s, broke == &s->client ? DIR_UP :
			    DIR_DOWN, "%s: %s", broke == &s->client ?
			    "client" : "server", strerror(broke->sock.err));
		if (up || down)
			s->active = clock_coarse_ms();
		if (x->told[DIR_UP] && x->told[DIR_DOWN])
			return step_end(s, "closed");
		if (!up && !down) {
			if (x->starved)
				session_later(s, STARVED_MS);
			return step_wait();
		}
	}
	session_again(s);
	return step_wait();
}

static struct step
splice_enter(struct session *s)
{
	struct splice *x = xcalloc(1, sizeof(*x));

	memset(x->pipe, 0xff, sizeof(x->pipe));
	s->splice = x;
	s->active = clock_coarse_ms();
	s->client.sock.readable = s->server.sock.readable = 1;
	session_timer(s, session_conf(s)->timeouts.idle);
	return splice_event(s, NULL);
}

const struct phase_ops phase_splice = {
	.name = "bypass",
	.enter = splice_enter,
	.event = splice_event,
	.timeout = step_if_idle
};
