/*
 * The TLS transport: handshake, reading, writing and ending in the clear, by
 * OpenSSL, or, where a connection moves much, by our own records (own; see
 * takeover.h). The ciphertext is tlsbio's.
 */
#include "tls/tlsio.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls/after.h"
#include "tls/conn.h"
#include "tls/takeover.h"
#include "tls/tls.h"
#include "tls/tlsbio.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define RECORD_MAX	RECORD_CLEAR

/* Before its context's own, of which it takes the place. */
static void
tlsio_info(const SSL *ssl, int where, int ret)
{
	struct tlsio *t = BIO_get_data(SSL_get_rbio(ssl));
	void (*next)(const SSL *, int, int) =
	    SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));

	t->steps += (where & SSL_CB_LOOP) != 0;
	if (next != NULL)
		next(ssl, where, ret);
}

struct tlsio *
tlsio_new(SSL *ssl, struct sock *sock, struct tlsio_scratch *scratch)
{
	struct tlsio *t = xcalloc(1, sizeof(*t));
	BIO *b = tlsbio_new(t);

	SSL_set_bio(ssl, b, b);
	SSL_set_info_callback(ssl, tlsio_info);
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

int
tlsio_handshake(struct tlsio *t, char *why, size_t size)
{
	int rv, e;

	if ((rv = tlsbio_flush(t)) == ERR_SYS)
		return rv;
	ERR_clear_error();
	rv = SSL_do_handshake(t->ssl);
	e = SSL_get_error(t->ssl, rv);
	if (conn_why(t->ssl, 0) != NULL) {
		rv = -1;
		e = SSL_ERROR_SSL;
	}
	if (rv <= 0 && e != SSL_ERROR_WANT_READ &&
	    e != SSL_ERROR_WANT_X509_LOOKUP)
		tls_reason(t->ssl, rv, why, size);
	tlsbio_park(t);
	if (rv == 1) {
		t->done = 1;
		takeover_begin(&t->take, t->ssl);
		return 0;
	}
	if (t->cut)
		return ERR_EOF;
	if (e == SSL_ERROR_WANT_X509_LOOKUP)
		return ERR_DENIED;
	if (e != SSL_ERROR_WANT_READ)
		return ERR_TLS;
	if (t->broken)
		return ERR_SYS;
	return t->fin ? ERR_EOF : ERR_AGAIN;
}

int
tlsio_settle(struct tlsio *t, char *why, size_t size)
{
	char c;
	int rv, e;

	t->recvs = 0;
	t->want = RECORD_MAX;
	ERR_clear_error();
	rv = SSL_peek(t->ssl, &c, 1);
	e = SSL_get_error(t->ssl, rv);
	if (rv <= 0 && e != SSL_ERROR_WANT_READ && e != SSL_ERROR_ZERO_RETURN)
		tls_reason(t->ssl, rv, why, size);
	tlsbio_park(t);
	if (rv > 0)
		return 0;
	if (e == SSL_ERROR_ZERO_RETURN)
		return ERR_EOF;
	if (e != SSL_ERROR_WANT_READ)
		return ERR_TLS;
	if (tls_ticketed(t->ssl))
		return 0;
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
			if (tlsbio_fill(t, tlsio_wanted(t, len - got)) != 0)
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

/* Steps that libssl takes: some 40 for a handshake, 5 for a KeyUpdate and its
 * answer. */
static int
tlsio_storms(const struct tlsio *t)
{
	return t->steps > 100 + 5 * (UPDATES_FREE +
	    t->take.moved / UPDATES_WORTH);
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
	if (got > 0)
		tls_went_on(t->ssl);
	if (n <= 0)
		*e = SSL_get_error(t->ssl, n);
	t->failed |= n <= 0 && *e != SSL_ERROR_WANT_READ &&
	    *e != SSL_ERROR_ZERO_RETURN;
	t->take.moved += got;
	t->failed |= tlsio_storms(t);
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
		tlsbio_await_fin(t);
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
	tlsbio_park(t);
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

	if ((rv = tlsbio_flush(t)) != 0)
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
	tlsbio_park(t);
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
	tlsbio_park(t);
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
	if ((rv = tlsbio_flush(t)) != 0)
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
	return (t->in_len > 0 && !tlsbio_held(t)) || SSL_pending(t->ssl) > 0 ||
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
	budget_give(BUDGET_TLS, t->held);
	free(t->rest);
	free(t->in_kept);
	free(t->out_kept);
	free(t);
}

const struct transport_ops transport_tls = {
	.read = tlsio_read,
	.write = tlsio_write,
	.flush = tlsbio_flush,
	.shut = tlsio_shut,
	.pending = tlsio_pending,
	.free = tlsio_free,
};
