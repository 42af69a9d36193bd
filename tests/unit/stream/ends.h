/*
 * For tests of rows: wires between socketpairs, pumped by a real event loop,
 * and taps that remember what they saw or edit it.
 */
#ifndef ENDS_H
#define ENDS_H

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream/pump.h"
#include "test.h"
#include "util/err.h"

#define ENDS_WIRES	2
#define ENDS_SEEN	4096

static struct event_base *base;
static struct revisits	 revisits;
static struct pool	 pool;
static _Atomic uint64_t	 held;
static struct wire	 wire[ENDS_WIRES];
static struct row	 row;
static struct conn	 end[2 * ENDS_WIRES];	/* in their order */
static int		 peer[2 * ENDS_WIRES];	/* the other side of each */
static enum pump_state	 state;
static struct pump_why	 why;

static void
ends_told(void *owner, struct conn *c)
{
}

static void
ends_again(void *owner)
{
}

static const struct tap_host ends_host = { .again = ends_again };

/* A row of n wires, with a socketpair at each end of each. */
static inline void
ends_open(unsigned n)
{
	unsigned i;
	int fd[2];

	base = event_base_new();
	revisits_init(&revisits, base);
	budget_limit(64 * POOL_BUF);
	pool_init(&pool, &held);
	memset(&row, 0, sizeof(row));
	row.wire = wire;
	row.more = wire + 1;
	row.n = n;
	for (i = 0; i < 2 * n; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX,
		    SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		conn_clear(&end[i], &revisits, ends_told, NULL);
		conn_open(&end[i], fd[0]);
		peer[i] = fd[1];
	}
	for (i = 0; i < n; i++)
		wire_init(&wire[i], &end[2 * i], &end[2 * i + 1], &pool,
		    &ends_host, NULL);
}

static inline void
ends_close(void)
{
	unsigned i;

	for (i = 0; i < row.n; i++) {
		wire_drop(&wire[i]);
		wire_untap(&wire[i]);
	}
	for (i = 0; i < 2 * row.n; i++) {
		conn_close(&end[i], 0);
		close(peer[i]);
	}
	ck_assert_uint_eq(held, 0);
	pool_done(&pool);
	event_base_free(base);
}

/* Pump until nothing moves any more. */
static inline void
settle(void)
{
	uint64_t before;

	do {
		before = row.read + row.written;
		event_base_loop(base, EVLOOP_NONBLOCK);
		state = pump(&row, &why);
	} while (state == PUMP_AGAIN || (state == PUMP_WAIT &&
	    row.read + row.written != before));
}

static inline void
says(int fd, const char *s)
{
	ck_assert_int_eq(write(fd, s, strlen(s)), (ssize_t)strlen(s));
	settle();
}

/* What has come there since the last look is this, and no more; NULL: the
 * end. */
static inline void
hears(int fd, const char *want)
{
	char buf[ENDS_SEEN];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	if (want == NULL) {
		ck_assert_int_eq(n, 0);
		return;
	}
	if (n < 0)
		ck_assert_int_eq(errno, EAGAIN);
	buf[n > 0 ? n : 0] = '\0';
	ck_assert_str_eq(buf, want);
}

/* An observer that keeps what it saw. */
struct spy {
	char	 seen[2][ENDS_SEEN];
	size_t	 n[2];
	int	 eofs[2];
};

static size_t
spy_data(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct spy *s = arg;

	ck_assert_uint_lt(s->n[dir] + len, ENDS_SEEN);
	memcpy(s->seen[dir] + s->n[dir], p, len);
	s->n[dir] += len;
	return len;
}

static void
spy_eof(void *arg, enum flow_dir dir)
{
	((struct spy *)arg)->eofs[dir]++;
}

static const struct tap_ops spy_ops = { .data = spy_data, .eof = spy_eof };

static inline void
spied(const struct spy *s, const char *up, const char *down)
{
	ck_assert_str_eq(s->seen[DIR_UP], up);
	ck_assert_str_eq(s->seen[DIR_DOWN], down);
}

/*
 * An editor in place: puts <up> around each letter of that kind in what goes
 * up, and takes every digit out of what comes down; all else it lets go where
 * it lies. What is asked for as "?" it answers itself.
 */
struct editor {
	struct tap	*tap;
	struct wire	*wire;
};

static size_t
editor_data(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct editor *e = arg;
	struct flow *f = &e->wire->flow[dir];
	size_t n = 0;
	char put[3];

	while (n < len && !(dir == DIR_UP ? isupper(p[n]) || p[n] == '?' :
	    isdigit(p[n])))
		n++;
	if (n > 0)
		return n;
	if (dir == DIR_UP && *p != '?') {
		put[0] = '<';
		put[1] = (char)tolower(*p);
		put[2] = '>';
		ck_assert_int_eq(flow_replace(f, e->tap, 1, put, 3), 0);
		return 3;
	}
	ck_assert_int_eq(flow_replace(f, e->tap, 1, NULL, 0), 0);
	if (dir == DIR_UP)
		ck_assert_uint_eq(flow_put(&e->wire->flow[DIR_DOWN], e->tap,
		    "no", 2), 2);
	return 0;
}

static void
editor_eof(void *arg, enum flow_dir dir)
{
}

static const struct tap_ops editor_ops = {
	.data = editor_data,
	.eof = editor_eof
};

#endif
