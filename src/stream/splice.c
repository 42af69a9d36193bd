/*
 * Passes bytes inside the kernel.
 */
#include "stream/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

#define PIPE_SIZE	(1 << 20)	/* the most without privileges */
#define SPLICE_ROUNDS	4		/* full pipes in one turn */
#define URGENT_READ	PIPE_BUF	/* fits whole into an empty pipe */

struct splice {
	struct row	*row;
	struct pipes	*pipes;
	int		 pipe[2][2];	/* by enum flow_dir; -1: none */
	size_t		 inside[2];
	int		 starved;	/* no pipe was to be had */
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

/* Give the pipe back, or close it if bytes are still inside. */
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

struct splice *
splice_new(struct row *r, struct pipes *pipes)
{
	struct splice *x = xcalloc(1, sizeof(*x));

	x->row = r;
	x->pipes = pipes;
	memset(x->pipe, 0xff, sizeof(x->pipe));
	return x;
}

void
splice_free(struct splice *x)
{
	int d;

	if (x == NULL)
		return;
	for (d = 0; d < 2; d++)
		pipe_give(x->pipes, x->pipe[d], x->inside[d] == 0);
	free(x);
}

/*
 * splice() does not pass urgent data: it returns EAGAIN there forever, or 0
 * once the peer has ended. recv() goes on after it, so use recv(). The pipe is
 * empty. Returns what splice() does.
 */
static ssize_t
splice_urgent(int from, int pipe)
{
	char buf[URGENT_READ];
	ssize_t n;

	n = recv(from, buf, sizeof(buf), MSG_DONTWAIT);
	return n > 0 ? write(pipe, buf, (size_t)n) : n;
}

/* Move from the socket into the pipe. 1: moved; 0: not; or ERR_SYS. */
static int
splice_in(struct splice *x, struct flow *f, struct sock *from)
{
	ssize_t n;
	int d = f->dir;

	if (x->inside[d] > 0 || f->end_in == END_FIN || !from->readable)
		return 0;
	if (x->pipe[d][0] == -1 && pipe_take(x->pipes, x->pipe[d]) != 0) {
		x->starved = 1;		/* descriptors will be free again */
		return 0;
	}
	n = splice(from->fd, NULL, x->pipe[d][1], NULL, PIPE_SIZE,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n == 0 || (n == -1 && errno == EAGAIN))
		n = splice_urgent(from->fd, x->pipe[d][1]);
	if (n > 0) {
		x->inside[d] = (size_t)n;
		x->row->read += (uint64_t)n;
		return 1;
	}
	pipe_give(x->pipes, x->pipe[d], 1);
	if (n == 0)
		f->end_in = END_FIN;
	else if (errno == EAGAIN)
		from->readable = 0;
	else if (errno != EINTR) {
		from->err = errno;
		return ERR_SYS;
	}
	return n == 0;
}

/* Move from the pipe into the socket. 1: moved; 0: not; or ERR_SYS. */
static int
splice_out(struct splice *x, struct flow *f, struct sock *to)
{
	ssize_t n;
	int d = f->dir;

	if (x->inside[d] == 0 || !to->writable)
		return 0;
	n = splice(x->pipe[d][0], NULL, to->fd, NULL, x->inside[d],
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		x->inside[d] -= (size_t)n;
		x->row->written += (uint64_t)n;
		if (f->wire.passed != NULL)
			*f->wire.passed += (uint64_t)n;
		if (x->inside[d] == 0)
			pipe_give(x->pipes, x->pipe[d], 1);
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

/* Move one direction as far as it goes. 1: moved; 0: not; or ERR_SYS. */
static int
splice_flow(struct splice *x, enum flow_dir dir, struct pump_why *why)
{
	struct wire *w = x->row->wire;
	struct conn *from = w->end[dir], *to = w->end[!dir];
	struct flow *f = &w->flow[dir];
	int in, out;
	char c;

	why->broke = from;
	if ((in = splice_in(x, f, &from->sock)) < 0)
		return in;
	while (f->end_in == END_FIN && from->sock.readable)	/* then RST? */
		if (sock_recv(&from->sock, &c, 1) == ERR_SYS &&
		    w->flow[!dir].end_out != END_FIN)
			return ERR_SYS;
	why->broke = to;
	if ((out = splice_out(x, f, &to->sock)) < 0)
		return out;
	if (f->end_in != f->end_out && x->inside[dir] == 0) {
		shutdown(to->sock.fd, SHUT_WR);
		f->end_out = f->end_in;
	}
	return in || out;
}

enum pump_state
splice_pump(struct splice *x, struct pump_why *why)
{
	const struct flow *f = x->row->wire->flow;
	int round, up, down;

	x->starved = 0;
	for (round = 0; round < SPLICE_ROUNDS; round++) {
		if ((why->err = up = splice_flow(x, DIR_UP, why)) < 0 ||
		    (why->err = down = splice_flow(x, DIR_DOWN, why)) < 0)
			return PUMP_FAILED;
		if (f[DIR_UP].end_out == END_FIN &&
		    f[DIR_DOWN].end_out == END_FIN)
			return PUMP_DONE;
		if (!up && !down)
			return x->starved ? PUMP_STARVED : PUMP_WAIT;
	}
	return PUMP_AGAIN;
}
