/*
 * The TLS transport. OpenSSL reads from a window of ciphertext and writes to
 * a pile of it; recv and send are ours. Both live in the worker's scratch
 * while a call runs; at its end what is left is moved to memory of the
 * connection's own (tlsio_park), which is rare. A connection that moves much
 * goes on without OpenSSL, if it may (own; see takeover.h).
 */
#include "tls/tlsio.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/after.h"
#include "tls/takeover.h"
#include "tls/tls.h"
#include "util/err.h"
#include "util/mem.h"

#define RECORD_MAX	RECORD_CLEAR

/*
 * A peer that sends records without data (KeyUpdate, tickets) as fast as they
 * are read must not hold the worker in one call; and one that wants answers
 * to them and reads none must not fill our memory with them.
 */
#define TURN_RECVS	8
#define KEPT_MAX	(4 * TLSIO_OUT)

struct tlsio {
	SSL		*ssl;
	struct sock	*sock;
	struct tlsio_scratch *scratch;
	/* Ciphertext received and not yet read: in scratch, or kept. */
	const uint8_t	*in;
	size_t		 in_len;
	uint8_t		*in_kept;
	/* Ciphertext to send: in scratch, or kept. */
	size_t		 out_len;	/* of what lies in scratch */
	uint8_t		*out_kept;
	size_t		 kept_off, kept_len;
	unsigned	 fin:1;		/* the peer's FIN was read */
	unsigned	 broken:1;	/* the socket failed: sock->err */
	unsigned	 notified:1;	/* read has told of close_notify */
	unsigned	 failed:1;	/* OpenSSL refused what came */
	unsigned	 done:1;	/* the handshake is over */
	unsigned	 recvs;		/* in this call */
	size_t		 want;		/* ciphertext to receive at once */
	struct takeover	 take;
	struct after	*own;		/* NULL: OpenSSL's still */
	size_t		 clear;		/* bytes of the last record of data */
	uint8_t		*rest;		/* of a record there was no room for */
	size_t		 rest_off, rest_len;
};

static BIO_METHOD	*method;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

/* More ciphertext, at most n bytes, behind what is left. 0 when some came. */
static int
tlsio_fill(struct tlsio *t, size_t n)
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

/* Before a takeover OpenSSL gets no header of a record not all there. */
static int
tlsio_held(const struct tlsio *t)
{
	return takeover_near(&t->take) && t->take.in.have == 0 &&
	    t->take.in.left == 0 && t->in_len > 0 &&
	    !after_ready(t->in, t->in_len);
}

static int
tlsio_bio_read(BIO *b, char *buf, int len)
{
	struct tlsio *t = BIO_get_data(b);
	size_t n;

	BIO_clear_retry_flags(b);
	while (t->in_len == 0 || tlsio_held(t))
		if (tlsio_fill(t, t->want) != 0) {
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
tlsio_send(struct tlsio *t)
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
tlsio_keep_out(struct tlsio *t)
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
	t->kept_off = 0;
	t->kept_len += t->out_len;
	t->out_len = 0;
}

static int
tlsio_bio_write(BIO *b, const char *buf, int len)
{
	struct tlsio *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	takeover_saw_out(&t->take, (const uint8_t *)buf, (size_t)len);
	if (t->out_len + (size_t)len > TLSIO_OUT) {
		tlsio_send(t);
		if (t->out_len + (size_t)len > TLSIO_OUT)
			tlsio_keep_out(t);
	}
	memcpy(t->scratch->out + t->out_len, buf, (size_t)len);
	t->out_len += (size_t)len;
	return len;
}

static long
tlsio_bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static void
tlsio_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "clearspan");
	if (method == NULL)
		abort();
	BIO_meth_set_read(method, tlsio_bio_read);
	BIO_meth_set_write(method, tlsio_bio_write);
	BIO_meth_set_ctrl(method, tlsio_bio_ctrl);
}

struct tlsio *
tlsio_new(SSL *ssl, struct sock *sock, struct tlsio_scratch *scratch)
{
	struct tlsio *t = xcalloc(1, sizeof(*t));
	BIO *b;

	pthread_once(&once, tlsio_method);
	if ((b = BIO_new(method)) == NULL)
		abort();
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(ssl, b, b);
	t->ssl = ssl;
	t->sock = sock;
	t->scratch = scratch;
	t->want = RECORD_MAX;
	return t;
}

SSL *
tlsio_ssl(struct tlsio *t)
{
	return t->ssl;
}

int
tlsio_ours(const struct tlsio *t)
{
	return t->own != NULL;
}

/* Send; then move what is left out of scratch, which the next one needs. */
static int
tlsio_park(struct tlsio *t)
{
	int rv = tlsio_send(t);

	tlsio_keep_out(t);
	if (t->in_len > 0 && t->in_kept == NULL) {
		t->in_kept = xmemdup(t->in, t->in_len);
		t->in = t->in_kept;
	} else if (t->in_len == 0) {
		free(t->in_kept);
		t->in_kept = NULL;
	}
	return rv;
}

static int
tlsio_flush(void *arg)
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
	return 0;
}

int
tlsio_handshake(struct tlsio *t, char *why, size_t size)
{
	int rv, e;

	if ((rv = tlsio_flush(t)) == ERR_SYS)
		return rv;
	ERR_clear_error();
	rv = SSL_do_handshake(t->ssl);
	e = SSL_get_error(t->ssl, rv);
	if (rv <= 0 && e != SSL_ERROR_WANT_READ &&
	    e != SSL_ERROR_WANT_X509_LOOKUP)
		tls_reason(t->ssl, rv, why, size);
	tlsio_park(t);
	if (rv == 1) {
		t->done = 1;
		takeover_begin(&t->take, t->ssl);
		return 0;
	}
	if (e == SSL_ERROR_WANT_X509_LOOKUP)
		return ERR_DENIED;
	if (e != SSL_ERROR_WANT_READ)
		return ERR_TLS;
	if (t->broken)
		return ERR_SYS;
	return t->fin ? ERR_EOF : ERR_AGAIN;
}

/* Nothing more in the clear: say why. */
static ssize_t
tlsio_read_end(struct tlsio *t, int e, enum end *how)
{
	if (t->failed)
		return ERR_TLS;
	if (e == SSL_ERROR_ZERO_RETURN && !t->notified) {
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

/* After close_notify only the FIN is of interest (RFC 8446, 6.1). */
static void
tlsio_await_fin(struct tlsio *t)
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

/*
 * So much ciphertext as makes room bytes of clear, if it goes on in records
 * like the last: then none is left over to be parked.
 */
static size_t
tlsio_wanted(const struct tlsio *t, size_t room)
{
	size_t clear = t->clear > 0 ? t->clear : RECORD_MAX;
	size_t n = room < clear ? 1 : room / clear, whole = RECORD_HEAD;

	n *= clear + RECORD_EXTRA;
	if (n > room + RECORD_MAX / 16)
		n = room + RECORD_MAX / 16;
	/* But no less than the record that has begun. */
	if (t->in_len >= RECORD_HEAD)
		record_size(t->in, t->in_len, &whole);
	if (n < whole)
		n = whole;
	return n > t->in_len ? n - t->in_len : RECORD_HEAD;
}

/* A record that does not fit into buf: the rest of it waits. */
static ssize_t
tlsio_part(struct tlsio *t, uint8_t *buf, size_t len)
{
	size_t used;
	ssize_t n;

	t->rest = xmalloc(RECORD_WIRE);
	n = after_open(t->own, t->in, t->in_len, t->rest, RECORD_WIRE,
	    &used);
	t->in += used;
	t->in_len -= used;
	t->rest_off = 0;
	t->rest_len = n > 0 ? (size_t)n : 0;
	return n;
}

static size_t
tlsio_rest(struct tlsio *t, uint8_t *buf, size_t len)
{
	size_t n = t->rest_len < len ? t->rest_len : len;

	if (t->rest == NULL)
		return 0;
	memcpy(buf, t->rest + t->rest_off, n);
	t->rest_off += n;
	t->rest_len -= n;
	if (t->rest_len == 0) {
		free(t->rest);
		t->rest = NULL;
	}
	return n;
}

/* What is to be said because of what was read: an alert, a KeyUpdate. */
static void
tlsio_react(struct tlsio *t)
{
	uint8_t *to = t->scratch->out + t->out_len;

	if (t->own->failed && t->own->alert != 0)
		t->out_len += after_alert(t->own, t->own->alert, to);
	/* One at a time, else a peer that does not read fills our memory. */
	else if (!t->own->failed && t->own->answer && t->kept_len == 0)
		t->out_len += after_due(t->own, to);
	t->failed |= t->own->failed;
}

static size_t
tlsio_own_read(struct tlsio *t, uint8_t *buf, size_t len)
{
	size_t got, used;
	ssize_t n = 0;

	got = tlsio_rest(t, buf, len);
	while (got < len && !t->own->closed) {
		n = after_open(t->own, t->in, t->in_len, buf + got,
		    len - got, &used);
		if (n == ERR_SHORT) {
			if (tlsio_fill(t, tlsio_wanted(t, len - got)) != 0)
				break;
			continue;
		}
		if (n == ERR_MEM) {
			if (got > 0)
				break;
			n = tlsio_part(t, buf, len);
			got += tlsio_rest(t, buf, len);
		} else if (n >= 0) {
			t->in += used;
			t->in_len -= used;
			got += (size_t)n;
		}
		if (n < 0)
			break;
		if (n > 0)
			t->clear = (size_t)n;
	}
	tlsio_react(t);
	return got;
}

static size_t
tlsio_ssl_read(struct tlsio *t, uint8_t *buf, size_t len, int *e)
{
	size_t got = 0;
	int n = 0;

	/* No more than there is room for, so that little has to be parked. */
	t->want = len + RECORD_MAX / 16 < TLSIO_IN ? len + RECORD_MAX / 16 :
	    TLSIO_IN;
	ERR_clear_error();
	while (got < len) {
		/* Nothing may stay inside that must not. */
		if (got > 0 && len - got < RECORD_MAX &&
		    takeover_near(&t->take) && !SSL_has_pending(t->ssl))
			break;
		n = SSL_read(t->ssl, buf + got, (int)(len - got));
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (n <= 0)
		*e = SSL_get_error(t->ssl, n);
	t->failed |= n <= 0 && *e != SSL_ERROR_WANT_READ &&
	    *e != SSL_ERROR_ZERO_RETURN;
	t->take.moved += got;
	return got;
}

/* Ours from here on, if that may be. */
static void
tlsio_take(struct tlsio *t)
{
	if (t->own == NULL && takeover_near(&t->take) && !t->failed)
		t->own = takeover_try(&t->take, t->ssl);
}

static ssize_t
tlsio_read(void *arg, uint8_t *buf, size_t len, enum end *how)
{
	struct tlsio *t = arg;
	int e = SSL_ERROR_ZERO_RETURN;
	size_t got = 0;

	t->recvs = 0;
	if (t->notified) {
		tlsio_await_fin(t);
		return tlsio_read_end(t, e, how);
	}
	tlsio_take(t);
	if (t->own == NULL)
		got = tlsio_ssl_read(t, buf, len, &e);
	else if (!t->failed) {
		got = tlsio_own_read(t, buf, len);
		if (!t->own->closed)
			e = SSL_ERROR_WANT_READ;
	}
	tlsio_park(t);
	if (got > 0)
		return (ssize_t)got;
	return tlsio_read_end(t, e, how);
}

/* One record: how much went in, which is less where short ones were agreed. */
static ssize_t
tlsio_seal(struct tlsio *t, const uint8_t *p, size_t len)
{
	size_t n;
	int rv;

	if (t->own == NULL) {
		rv = SSL_write(t->ssl, p, (int)len);
		if (rv > 0)
			return rv;
		/* A ticket that is half there: the rest of it comes first. */
		return SSL_get_error(t->ssl, rv) == SSL_ERROR_WANT_READ &&
		    !t->fin ? ERR_AGAIN : ERR_TLS;
	}
	if (t->own->failed)
		return ERR_TLS;
	n = after_data(t->own, p, len, t->scratch->out + t->out_len);
	t->out_len += n;
	t->failed |= t->own->failed;
	return n > 0 ? (ssize_t)len : ERR_TLS;
}

static ssize_t
tlsio_write(void *arg, const uint8_t *buf, size_t len)
{
	struct tlsio *t = arg;
	size_t put = 0, n;
	ssize_t got = ERR_TLS;
	int rv;

	if ((rv = tlsio_flush(t)) != 0)
		return rv;
	if (!t->sock->writable)
		return ERR_AGAIN;
	t->recvs = 0;
	ERR_clear_error();
	tlsio_take(t);
	while (put < len && t->out_len + RECORD_MAX + 512 <= TLSIO_OUT) {
		n = len - put < RECORD_MAX ? len - put : RECORD_MAX;
		if ((got = tlsio_seal(t, buf + put, n)) < 0)
			break;
		put += (size_t)got;
	}
	t->take.moved += put;
	tlsio_park(t);
	if (t->broken)
		return ERR_SYS;
	return put > 0 ? (ssize_t)put : got;
}

static void
tlsio_notify(struct tlsio *t)
{
	int shut = SSL_get_shutdown(t->ssl);

	if ((shut & SSL_SENT_SHUTDOWN) != 0 || !t->done)
		return;
	ERR_clear_error();
	if (t->own == NULL)
		SSL_shutdown(t->ssl);
	else if (!t->own->failed) {
		t->out_len += after_alert(t->own, ALERT_CLOSE_NOTIFY,
		    t->scratch->out + t->out_len);
		SSL_set_shutdown(t->ssl, shut | SSL_SENT_SHUTDOWN);
	}
	tlsio_park(t);
}

static int
tlsio_shut(void *arg, enum end how)
{
	struct tlsio *t = arg;
	int rv;

	if (how == END_NOTIFY)
		tlsio_notify(t);
	if (t->broken)
		return ERR_SYS;
	if ((rv = tlsio_flush(t)) != 0)
		return rv;
	return transport_plain.shut(t->sock, how);
}

static int
tlsio_pending(void *arg)
{
	struct tlsio *t = arg;

	if (t->fin || t->broken || t->failed)
		return 1;
	if (t->own != NULL)
		return t->rest_len > 0 || (t->own->closed ? !t->notified :
		    after_ready(t->in, t->in_len));
	return (t->in_len > 0 && !tlsio_held(t)) || SSL_pending(t->ssl) > 0 ||
	    (!t->notified &&
	    (SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
}

static void
tlsio_free(void *arg)
{
	struct tlsio *t = arg;

	if (t == NULL)
		return;
	tls_end(t->ssl);
	takeover_done(&t->take);
	if (t->own != NULL)
		after_done(t->own);
	free(t->own);
	free(t->rest);
	free(t->in_kept);
	free(t->out_kept);
	free(t);
}

const struct transport_ops transport_tls = {
	.read = tlsio_read,
	.write = tlsio_write,
	.flush = tlsio_flush,
	.shut = tlsio_shut,
	.pending = tlsio_pending,
	.free = tlsio_free,
};
