/*
 * Ciphertext in the worker's scratch, and the part kept between calls.
 */
#include "tls/ciphertext.h"

#include <stdlib.h>
#include <string.h>

#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

/*
 * A peer that sends records without data (KeyUpdate, tickets) as fast as they
 * are read must not hold the worker in one call; and one that wants answers
 * to them and reads none must not fill our memory with them.
 */
#define TURN_RECVS	8
#define KEPT_MAX	(4 * CIPHERTEXT_OUT)

int
ciphertext_fill(struct ciphertext *t, size_t n)
{
	uint8_t *to = t->scratch->in;
	ssize_t got;

	if (!t->sock->readable || t->sock->thin || t->fin || t->broken ||
	    (t->limited && t->recvs++ >= TURN_RECVS))
		return ERR_AGAIN;
	if (t->in_len > 0 && t->in != to)
		memmove(to, t->in, t->in_len);
	free(t->in_kept);
	t->in_kept = NULL;
	t->in = to;
	if (n > CIPHERTEXT_IN - t->in_len)
		n = CIPHERTEXT_IN - t->in_len;
	got = sock_recv(t->sock, to + t->in_len, n);
	t->fin = got == 0;
	t->broken = got == ERR_SYS;
	if (got <= 0)
		return ERR_AGAIN;
	t->in_len += (size_t)got;
	return 0;
}

/* Send what is in scratch; 0: all of it went. */
static int
ciphertext_send(struct ciphertext *t)
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

/* Move what could not be sent from scratch to the end of out_kept. */
static void
ciphertext_keep_out(struct ciphertext *t)
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

void
ciphertext_put(struct ciphertext *t, const void *p, size_t len)
{
	if (t->out_len + len > CIPHERTEXT_OUT) {
		ciphertext_send(t);
		if (t->out_len + len > CIPHERTEXT_OUT)
			ciphertext_keep_out(t);
	}
	memcpy(t->scratch->out + t->out_len, p, len);
	t->out_len += len;
}

/* Count the bytes set aside in limits.memory. */
static void
ciphertext_count(struct ciphertext *t)
{
	size_t n = t->beside;

	if (t->in_kept != NULL)
		n += t->in_size;
	if (t->out_kept != NULL)
		n += t->out_size;
	if (n > t->held)
		budget_add(BUDGET_TLS, n - t->held);
	else if (n < t->held)
		budget_give(BUDGET_TLS, t->held - n);
	t->held = n;
}

void
ciphertext_used(struct ciphertext *t, size_t n)
{
	t->in += n;
	t->in_len -= n;
}

int
ciphertext_park(struct ciphertext *t)
{
	int rv = ciphertext_send(t);

	ciphertext_keep_out(t);
	if (t->in_len > 0 && t->in_kept == NULL) {
		t->in_kept = xmemdup(t->in, t->in_len);
		t->in_size = t->in_len;
		t->in = t->in_kept;
	} else if (t->in_len == 0) {
		free(t->in_kept);
		t->in_kept = NULL;
	}
	ciphertext_count(t);
	return rv;
}

int
ciphertext_flush(struct ciphertext *t)
{
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
	ciphertext_count(t);
	return 0;
}

int
ciphertext_shut(struct ciphertext *t, enum end how)
{
	int rv = t->broken ? ERR_SYS : ciphertext_flush(t);

	return rv != 0 ? rv : transport_plain.shut(t->sock, how);
}

ssize_t
ciphertext_await_fin(struct ciphertext *t, enum end *how)
{
	do
		t->in_len = 0;
	while (ciphertext_fill(t, CIPHERTEXT_IN) == 0);
	return ciphertext_end(t, 1, how);
}

ssize_t
ciphertext_end(struct ciphertext *t, int closed, enum end *how)
{
	if (t->failed)
		return ERR_TLS;
	if (closed && !t->notified) {
		t->notified = 1;
		*how = END_NOTIFY;
		return ERR_EOF;
	}
	if (t->broken)
		return ERR_SYS;
	if (t->fin) {
		*how = END_FIN;
		return ERR_EOF;
	}
	return ERR_AGAIN;
}

void
ciphertext_done(struct ciphertext *t)
{
	budget_give(BUDGET_TLS, t->held);
	free(t->in_kept);
	free(t->out_kept);
}
