/*
 * What OpenSSL reads and writes, as a BIO, and what goes over the socket.
 */
#include "tls/tlsbio.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/after.h"
#include "tls/tlsio.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

/*
 * A peer that sends records without data (KeyUpdate, tickets) as fast as they
 * are read must not hold the worker in one call; and one that wants answers
 * to them and reads none must not fill our memory with them.
 */
#define TURN_RECVS	8
#define KEPT_MAX	(4 * TLSIO_OUT)

static BIO_METHOD	*method;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

int
tlsbio_fill(struct tlsio *t, size_t n)
{
	uint8_t *to = t->scratch->in;
	ssize_t got;

	if (!t->sock->readable || t->sock->thin || t->fin || t->broken ||
	    (t->done && t->recvs++ >= TURN_RECVS))
		return ERR_AGAIN;
	if (t->in_len > 0 && t->in != to)
		memmove(to, t->in, t->in_len);
	free(t->in_kept);
	t->in_kept = NULL;
	t->in = to;
	if (n > TLSIO_IN - t->in_len)
		n = TLSIO_IN - t->in_len;
	got = sock_recv(t->sock, to + t->in_len, n);
	t->fin = got == 0;
	t->broken = got == ERR_SYS;
	if (got <= 0)
		return ERR_AGAIN;
	t->in_len += (size_t)got;
	return 0;
}

int
tlsbio_held(const struct tlsio *t)
{
	return takeover_near(&t->take) && t->take.in.have == 0 &&
	    t->take.in.left == 0 && t->in_len > 0 &&
	    !after_ready(t->in, t->in_len);
}

static int
tlsbio_read(BIO *b, char *buf, int len)
{
	struct tlsio *t = BIO_get_data(b);
	size_t n;

	BIO_clear_retry_flags(b);
	while (t->in_len == 0 || tlsbio_held(t))
		if (tlsbio_fill(t, t->want) != 0) {
			/* In a handshake that is an end: OpenSSL says so. */
			t->cut = t->fin && !t->done;
			if (t->cut)
				return 0;
			BIO_set_retry_read(b);
			return -1;
		}
	n = t->in_len < (size_t)len ? t->in_len : (size_t)len;
	memcpy(buf, t->in, n);
	if (!t->done)
		takeover_turn(&t->take);
	takeover_saw_in(&t->take, t->in, n);
	t->in += n;
	t->in_len -= n;
	return (int)n;
}

/* Send what lies in scratch; 0 when all of it went. */
static int
tlsbio_send(struct tlsio *t)
{
	ssize_t n;

	if (t->out_len == 0)
		return 0;
	n = t->kept_len == 0 && t->sock->writable ?
	    sock_send(t->sock, t->scratch->out, t->out_len) : ERR_AGAIN;
	if (n == ERR_SYS) {
		t->broken = 1;
		t->out_len = 0;
		return ERR_SYS;
	}
	if (n > 0) {
		t->out_len -= (size_t)n;
		if (t->out_len > 0)
			memmove(t->scratch->out, t->scratch->out + n,
			    t->out_len);
	}
	return t->out_len == 0 ? 0 : ERR_AGAIN;
}

/* What lies in scratch and could not be sent goes behind what is kept. */
static void
tlsbio_keep_out(struct tlsio *t)
{
	uint8_t *kept;

	if (t->out_len == 0)
		return;
	if (t->kept_len + t->out_len > KEPT_MAX) {
		t->failed = 1;
		t->out_len = 0;
		return;
	}
	kept = xmalloc(t->kept_len + t->out_len);
	if (t->kept_len > 0)
		memcpy(kept, t->out_kept + t->kept_off, t->kept_len);
	memcpy(kept + t->kept_len, t->scratch->out, t->out_len);
	free(t->out_kept);
	t->out_kept = kept;
	t->out_size = t->kept_len + t->out_len;
	t->kept_off = 0;
	t->kept_len += t->out_len;
	t->out_len = 0;
}

static int
tlsbio_write(BIO *b, const char *buf, int len)
{
	struct tlsio *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	takeover_saw_out(&t->take, (const uint8_t *)buf, (size_t)len);
	if (t->out_len + (size_t)len > TLSIO_OUT) {
		tlsbio_send(t);
		if (t->out_len + (size_t)len > TLSIO_OUT)
			tlsbio_keep_out(t);
	}
	memcpy(t->scratch->out + t->out_len, buf, (size_t)len);
	t->out_len += (size_t)len;
	return len;
}

static long
tlsbio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct tlsio *t = BIO_get_data(b);

	if (cmd == BIO_CTRL_EOF)
		return t->cut;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static void
tlsbio_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "clearspan");
	if (method == NULL)
		abort();
	BIO_meth_set_read(method, tlsbio_read);
	BIO_meth_set_write(method, tlsbio_write);
	BIO_meth_set_ctrl(method, tlsbio_ctrl);
}

BIO *
tlsbio_new(struct tlsio *t)
{
	BIO *b;

	pthread_once(&once, tlsbio_method);
	if ((b = BIO_new(method)) == NULL)
		abort();
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	return b;
}

int
tlsbio_park(struct tlsio *t)
{
	int rv = tlsbio_send(t);

	tlsbio_keep_out(t);
	if (t->in_len > 0 && t->in_kept == NULL) {
		t->in_kept = xmemdup(t->in, t->in_len);
		t->in_size = t->in_len;
		t->in = t->in_kept;
	} else if (t->in_len == 0) {
		free(t->in_kept);
		t->in_kept = NULL;
	}
	tlsbio_count(t);
	return rv;
}

void
tlsbio_count(struct tlsio *t)
{
	size_t n = 0;

	if (t->in_kept != NULL)
		n += t->in_size;
	if (t->out_kept != NULL)
		n += t->out_size;
	if (t->rest != NULL)
		n += RECORD_WIRE;
	if (n > t->held)
		budget_add(BUDGET_TLS, n - t->held);
	else if (n < t->held)
		budget_give(BUDGET_TLS, t->held - n);
	t->held = n;
}

int
tlsbio_flush(void *arg)
{
	struct tlsio *t = arg;
	ssize_t n;

	while (t->kept_len > 0) {
		if (!t->sock->writable)
			return ERR_AGAIN;
		n = sock_send(t->sock, t->out_kept + t->kept_off, t->kept_len);
		if (n < 0) {
			t->broken |= n == ERR_SYS;
			return (int)n;
		}
		t->kept_off += (size_t)n;
		t->kept_len -= (size_t)n;
	}
	free(t->out_kept);
	t->out_kept = NULL;
	tlsbio_count(t);
	return 0;
}

void
tlsbio_await_fin(struct tlsio *t)
{
	ssize_t n;

	t->in_len = 0;
	while (t->sock->readable && !t->sock->thin && !t->fin && !t->broken &&
	    t->recvs++ < TURN_RECVS) {
		n = sock_recv(t->sock, t->scratch->in, TLSIO_IN);
		t->fin = n == 0;
		t->broken = n == ERR_SYS;
	}
}
