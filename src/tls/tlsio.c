/*
 * The TLS transport: OpenSSL's handshake, reading, writing and ending, over
 * ciphertext that we receive and send. It watches the records that pass, and
 * hands a connection that moves much over to tls/bulk.
 */
#include "tls/tlsio.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/bulk/bulk.h"
#include "tls/conn.h"
#include "tls/tls.h"
#include "util/err.h"
#include "util/mem.h"

#define RECORD_MAX	BULK_CLEAR

struct tlsio {
	struct bulk	 bulk;		/* first: see bulk.h */
	SSL		*ssl;
	const struct transport_ops **ops;	/* the caller's; or NULL */
	uint64_t	 steps;		/* of libssl's, for messages */
	size_t		 want;		/* ciphertext to receive at once */
	unsigned	 done:1;	/* the handshake is over */
	unsigned	 cut:1;		/* it was ended by FIN */
	struct takeover	 take;
};

static const struct transport_ops transport_bulk;
static BIO_METHOD	*method;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static int
bio_read(BIO *b, char *buf, int len)
{
	struct tlsio *t = BIO_get_data(b);
	struct ciphertext *c = &t->bulk.c;
	size_t n;

	BIO_clear_retry_flags(b);
	/* Before a takeover OpenSSL gets whole records only. */
	while (c->in_len == 0 || takeover_holds(&t->take, c))
		if (ciphertext_fill(c, t->want) != 0) {
			/* In a handshake that is an end: OpenSSL says so. */
			t->cut = c->fin && !t->done;
			if (t->cut)
				return 0;
			BIO_set_retry_read(b);
			return -1;
		}
	n = c->in_len < (size_t)len ? c->in_len : (size_t)len;
	memcpy(buf, c->in, n);
	if (!t->done)
		takeover_turn(&t->take);
	takeover_saw_in(&t->take, c->in, n);
	ciphertext_used(c, n);
	return (int)n;
}

static int
bio_write(BIO *b, const char *buf, int len)
{
	struct tlsio *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	takeover_saw_out(&t->take, (const uint8_t *)buf, (size_t)len);
	ciphertext_put(&t->bulk.c, buf, (size_t)len);
	return len;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct tlsio *t = BIO_get_data(b);

	if (cmd == BIO_CTRL_EOF)
		return t->cut;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static void
bio_once(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "clearspan");
	if (method == NULL)
		abort();
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
}

static BIO *
bio_new(struct tlsio *t)
{
	BIO *b;

	pthread_once(&once, bio_once);
	if ((b = BIO_new(method)) == NULL)
		abort();
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	return b;
}

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
tlsio_new(SSL *ssl, struct sock *sock, struct tlsio_scratch *scratch,
    const struct transport_ops **ops)
{
	struct tlsio *t = xcalloc(1, sizeof(*t));
	BIO *b = bio_new(t);

	SSL_set_bio(ssl, b, b);
	SSL_set_info_callback(ssl, tlsio_info);
	t->ssl = ssl;
	t->ops = ops;
	t->bulk.c.sock = sock;
	t->bulk.c.scratch = scratch;
	t->want = RECORD_MAX;
	return t;
}

void
tlsio_kept(struct tlsio *t, const struct transport_ops **ops)
{
	t->ops = ops;
}

SSL *
tlsio_ssl(struct tlsio *t)
{
	return t->ssl;
}

int
tlsio_handshake(struct tlsio *t, char *why, size_t size)
{
	int rv, e;

	if ((rv = ciphertext_flush(&t->bulk.c)) == ERR_SYS)
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
	ciphertext_park(&t->bulk.c);
	if (rv == 1) {
		if (!t->done)
			takeover_begin(&t->take, t->ssl);
		t->done = t->bulk.c.limited = 1;
		return 0;
	}
	if (t->cut)
		return ERR_EOF;
	if (e == SSL_ERROR_WANT_X509_LOOKUP)
		return ERR_DENIED;
	if (e != SSL_ERROR_WANT_READ)
		return ERR_TLS;
	if (t->bulk.c.broken)
		return ERR_SYS;
	return t->bulk.c.fin ? ERR_EOF : ERR_AGAIN;
}

int
tlsio_settle(struct tlsio *t, char *why, size_t size)
{
	char c;
	int rv, e;

	t->bulk.c.recvs = 0;
	t->want = RECORD_MAX;
	ERR_clear_error();
	rv = SSL_peek(t->ssl, &c, 1);
	e = SSL_get_error(t->ssl, rv);
	if (rv <= 0 && e != SSL_ERROR_WANT_READ && e != SSL_ERROR_ZERO_RETURN)
		tls_reason(t->ssl, rv, why, size);
	ciphertext_park(&t->bulk.c);
	if (rv > 0)
		return 0;
	if (e == SSL_ERROR_ZERO_RETURN)
		return ERR_EOF;
	if (e != SSL_ERROR_WANT_READ)
		return ERR_TLS;
	if (tls_ticketed(t->ssl))
		return 0;
	if (t->bulk.c.broken)
		return ERR_SYS;
	return t->bulk.c.fin ? ERR_EOF : ERR_AGAIN;
}

/* Steps that libssl takes: some 40 for a handshake, 5 for a KeyUpdate and its
 * answer. */
static int
tlsio_storms(const struct tlsio *t)
{
	return t->steps > 100 + 5 * (UPDATES_FREE +
	    t->take.moved / UPDATES_WORTH);
}

/* conn_of() has none for an ICAP server's. */
static void
tlsio_passed(const struct tlsio *t, void (*what)(struct later *))
{
	struct tls_conn *c = conn_of(t->ssl);

	if (c != NULL)
		what(&c->later);
}

static void
tlsio_got(const struct tlsio *t, const void *data, size_t len)
{
	struct tls_conn *c = conn_of(t->ssl);

	if (c != NULL)
		later_got(&c->later, data, len);
}

/* Only libssl can answer a request for a certificate, and what is said of one
 * that it did not get is read here. */
static int
tlsio_asks(const struct tlsio *t)
{
	const struct tls_conn *c = conn_of(t->ssl);

	return c != NULL && (c->later.may || c->later.reply.at != REPLY_OVER);
}

static size_t
tlsio_ssl_read(struct tlsio *t, uint8_t *buf, size_t len, int *e)
{
	size_t got = 0;
	int n = 0;

	/* No more than there is room for, so that little has to be parked. */
	t->want = len + RECORD_MAX / 16;
	ERR_clear_error();
	while (got < len) {
		/* Nothing may stay inside that must not. */
		if (got > 0 && len - got < RECORD_MAX &&
		    takeover_near(&t->take) && !SSL_has_pending(t->ssl))
			break;
		n = SSL_read(t->ssl, buf + got, (int)(len - got));
		if (n <= 0)
			break;
		tlsio_got(t, buf + got, (size_t)n);
		got += (size_t)n;
	}
	if (n <= 0)
		*e = SSL_get_error(t->ssl, n);
	t->bulk.c.failed |= n <= 0 && *e != SSL_ERROR_WANT_READ &&
	    *e != SSL_ERROR_ZERO_RETURN;
	t->take.moved += got;
	t->bulk.c.failed |= tlsio_storms(t);
	return got;
}

/*
 * Ours from here on, if that may be: the caller goes on by another table, and
 * so does the call that is under way.
 */
static int
tlsio_taken(struct tlsio *t)
{
	if (t->ops == NULL || !takeover_near(&t->take) || tlsio_asks(t) ||
	    t->bulk.c.failed)
		return 0;
	t->bulk.channel = takeover_try(&t->take, t->ssl);
	if (t->bulk.channel == NULL)
		return 0;
	*t->ops = &transport_bulk;
	return 1;
}

static ssize_t
tlsio_read(void *arg, uint8_t *buf, size_t len, enum end *how)
{
	struct tlsio *t = arg;
	struct ciphertext *c = &t->bulk.c;
	int e = SSL_ERROR_ZERO_RETURN;
	size_t got;

	c->recvs = 0;
	if (c->notified)
		return ciphertext_await_fin(c, how);
	if (tlsio_taken(t))
		return bulk_read(t, buf, len, how);
	got = tlsio_ssl_read(t, buf, len, &e);
	ciphertext_park(c);
	return got > 0 ? (ssize_t)got :
	    ciphertext_end(c, e == SSL_ERROR_ZERO_RETURN, how);
}

/* One record: how much went in, which is less where short ones were agreed. */
static ssize_t
tlsio_seal(struct tlsio *t, const uint8_t *p, size_t len)
{
	int rv = SSL_write(t->ssl, p, (int)len);

	if (rv > 0)
		return rv;
	/* A ticket that is half there: the rest of it comes first. */
	return SSL_get_error(t->ssl, rv) == SSL_ERROR_WANT_READ &&
	    !t->bulk.c.fin ? ERR_AGAIN : ERR_TLS;
}

static ssize_t
tlsio_write(void *arg, const uint8_t *buf, size_t len)
{
	struct tlsio *t = arg;
	struct ciphertext *c = &t->bulk.c;
	size_t put = 0, n;
	ssize_t got = ERR_TLS;
	int rv;

	if ((rv = ciphertext_flush(c)) != 0)
		return rv;
	if (!c->sock->writable)
		return ERR_AGAIN;
	c->recvs = 0;
	ERR_clear_error();
	if (tlsio_taken(t))
		return bulk_write(t, buf, len);
	while (put < len && c->out_len + RECORD_MAX + 512 <= CIPHERTEXT_OUT) {
		n = len - put < RECORD_MAX ? len - put : RECORD_MAX;
		if ((got = tlsio_seal(t, buf + put, n)) < 0)
			break;
		put += (size_t)got;
	}
	t->take.moved += put;
	if (put > 0)
		tlsio_passed(t, later_sent);
	ciphertext_park(c);
	if (c->broken)
		return ERR_SYS;
	return put > 0 ? (ssize_t)put : got;
}

static int
tlsio_flush(void *arg)
{
	return ciphertext_flush(&((struct tlsio *)arg)->bulk.c);
}

static void
tlsio_notify(struct tlsio *t)
{
	if ((SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN) != 0 || !t->done)
		return;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ciphertext_park(&t->bulk.c);
}

static int
tlsio_ended(const struct tlsio *t)
{
	return t->bulk.c.fin || t->bulk.c.broken ||
	    (SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static int
tlsio_shut(void *arg, enum end how)
{
	struct tlsio *t = arg;
	struct tls_conn *c = conn_of(t->ssl);

	if (c != NULL)
		later_shut(&c->later, tlsio_ended(t));
	if (how == END_NOTIFY)
		tlsio_notify(t);
	return ciphertext_shut(&t->bulk.c, how);
}

/*
 * A peer that closes with bytes of ours unread resets the connection. Its alert
 * came before that, and is there to read, though writing has failed.
 */
void
tls_last_words(SSL *ssl)
{
	struct tlsio *t = BIO_get_data(SSL_get_rbio(ssl));
	struct ciphertext *c = &t->bulk.c;
	char data[1024];
	int n;

	if (t->bulk.channel != NULL || !t->done)
		return;
	if (!c->failed && (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) ==
	    0) {
		c->broken = c->recvs = 0;
		sock_look(c->sock);
		ERR_clear_error();
		while ((n = SSL_read(ssl, data, sizeof(data))) > 0)
			tlsio_got(t, data, (size_t)n);
		ERR_clear_error();
		ciphertext_park(c);
	}
	if (tlsio_ended(t))
		tlsio_passed(t, later_ended);
}

static int
tlsio_pending(void *arg)
{
	const struct tlsio *t = arg;
	const struct ciphertext *c = &t->bulk.c;

	return c->fin || c->broken || c->failed ||
	    (c->in_len > 0 && !takeover_holds(&t->take, c)) ||
	    SSL_pending(t->ssl) > 0 || (!c->notified &&
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
	bulk_done(&t->bulk);
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

static const struct transport_ops transport_bulk = {
	.read = bulk_read,
	.write = bulk_write,
	.flush = tlsio_flush,
	.shut = bulk_shut,
	.pending = bulk_pending,
	.free = tlsio_free,
};

int
tlsio_is(const struct transport_ops *ops)
{
	return ops == &transport_tls || ops == &transport_bulk;
}
