/*
 * Dial, shake hands, then write what is queued and read what comes. Reading is
 * always on, for it tells that the server has gone.
 */
#include "tls/outward.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/dial.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define READ_MAX	16384

struct outward {
	struct event_base *base;
	const struct outward_ops *ops;
	void		*arg;
	char		*host;
	SSL_CTX		*ctx;		/* a reference, or NULL */
	struct dial	*dial;
	int		 fd;		/* -1: none yet */
	SSL		*ssl;
	int		 ready;
	struct event	 in, out, timer;
	struct text	 queue;		/* not written yet, from sent on */
	size_t		 sent;
};

static int
ctx_certificate(SSL_CTX *ctx, const char *certificate, const char *key,
    struct text *why)
{
	if (certificate == NULL || (
	    SSL_CTX_use_certificate_chain_file(ctx, certificate) == 1 &&
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1))
		return 0;
	text_printf(why, "certificate %s and key %s: they cannot be read, or "
	    "do not match", certificate, key);
	return ERR_USAGE;
}

int
outward_ctx(const char *trust, const char *certificate, const char *key,
    SSL_CTX **out, struct text *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct stat st;
	int ok, rv;

	if (ctx == NULL) {
		text_puts(why, "no memory for TLS");
		return ERR_USAGE;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (trust == NULL || strcmp(trust, "system") == 0)
		ok = SSL_CTX_set_default_verify_paths(ctx);
	else	/* OpenSSL takes any path for a directory */
		ok = stat(trust, &st) == 0 && S_ISDIR(st.st_mode) ?
		    SSL_CTX_load_verify_dir(ctx, trust) :
		    SSL_CTX_load_verify_file(ctx, trust);
	if (!ok)
		text_printf(why, "trust: %s: no certificates can be read",
		    trust != NULL ? trust : "the system's");
	rv = ok ? ctx_certificate(ctx, certificate, key, why) : ERR_USAGE;
	ERR_clear_error();
	if (rv == 0)
		*out = ctx;
	else
		SSL_CTX_free(ctx);
	return rv;
}

void
outward_free(struct outward *o)
{
	if (o == NULL)
		return;
	dial_cancel(o->dial);
	event_del(&o->timer);
	if (o->fd >= 0) {
		event_del(&o->in);
		event_del(&o->out);
		if (o->ssl != NULL && o->ready)
			SSL_shutdown(o->ssl);
		ERR_clear_error();
		SSL_free(o->ssl);
		close(o->fd);
	}
	SSL_CTX_free(o->ctx);
	text_free(&o->queue);
	free(o->host);
	free(o);
}

static void
failed(struct outward *o, const char *why)
{
	o->ops->failed(o->arg, why);	/* it may be gone */
}

/* What OpenSSL has to say, in words. */
static void
failed_tls(struct outward *o, int e)
{
	long verify = SSL_get_verify_result(o->ssl);
	unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);
	char why[256];

	if (verify != X509_V_OK)
		snprintf(why, sizeof(why), "its certificate is refused: %s",
		    X509_verify_cert_error_string(verify));
	else if (code != 0)
		snprintf(why, sizeof(why), "TLS: %s", reason != NULL ?
		    reason : "an error");
	else if (e == SSL_ERROR_SYSCALL && errno != 0)
		snprintf(why, sizeof(why), "%s", strerror(errno));
	else
		snprintf(why, sizeof(why), "it has closed the connection");
	ERR_clear_error();
	failed(o, why);
}

static void
late(evutil_socket_t fd, short what, void *arg)
{
	failed(arg, "timed out");
}

/* More or less as recv(2) and send(2) are: -1 with EAGAIN, and 0 at the end;
 * -2: it has failed, and was told. */
static ssize_t
take(struct outward *o, char *buf, size_t n)
{
	int rv, e;

	if (o->ssl == NULL)
		return recv(o->fd, buf, n, 0);
	errno = 0;
	if ((rv = SSL_read(o->ssl, buf, (int)n)) > 0)
		return rv;
	e = SSL_get_error(o->ssl, rv);
	if (e == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	failed_tls(o, e);
	return -2;
}

static ssize_t
put(struct outward *o, const char *p, size_t n)
{
	int rv, e;

	if (o->ssl == NULL)
		return send(o->fd, p, n, MSG_NOSIGNAL);
	errno = 0;
	if ((rv = SSL_write(o->ssl, p, n > READ_MAX ? READ_MAX : (int)n)) > 0)
		return rv;
	e = SSL_get_error(o->ssl, rv);
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	failed_tls(o, e);
	return -2;
}

static void
flush(struct outward *o)
{
	ssize_t n;

	while (o->ready && o->sent < o->queue.len) {
		n = put(o, o->queue.s + o->sent, o->queue.len - o->sent);
		if (n == -2)
			return;
		if (n < 0 && errno == EAGAIN) {
			event_add(&o->out, NULL);
			return;
		}
		if (n < 0) {
			failed(o, strerror(errno));
			return;
		}
		o->sent += (size_t)n;
	}
	text_clear(&o->queue);
	o->sent = 0;
}

static void
hear(struct outward *o)
{
	char buf[READ_MAX];
	ssize_t n;

	n = take(o, buf, sizeof(buf));
	if (n == -2)
		return;
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		failed(o, strerror(errno));
		return;
	}
	if (n < 0)
		return;
	if (n == 0)
		event_del(&o->in);
	else if (o->ssl != NULL && SSL_pending(o->ssl) > 0)
		event_active(&o->in, EV_READ, 0);
	o->ops->heard(o->arg, buf, (size_t)n);
}

static void
begin(struct outward *o)
{
	o->ready = 1;
	event_del(&o->timer);
	event_add(&o->in, NULL);
	o->ops->ready(o->arg);
}

static void
handshake(struct outward *o)
{
	int rv, e;

	errno = 0;
	if ((rv = SSL_do_handshake(o->ssl)) == 1) {
		begin(o);
		return;
	}
	e = SSL_get_error(o->ssl, rv);
	if (e == SSL_ERROR_WANT_WRITE)
		event_add(&o->out, NULL);
	else if (e != SSL_ERROR_WANT_READ)
		failed_tls(o, e);
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct outward *o = arg;

	if (!o->ready)
		handshake(o);
	else
		hear(o);
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct outward *o = arg;

	if (!o->ready)
		handshake(o);
	else
		flush(o);
}

static SSL *
ssl_of(struct outward *o)
{
	SSL *ssl = SSL_new(o->ctx);
	struct addr a;
	int ok;

	if (ssl == NULL)
		return NULL;
	if (addr_parse_ip(&a, o->host) == 0)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
		    o->host);
	else
		ok = SSL_set_tlsext_host_name(ssl, o->host) &&
		    SSL_set1_host(ssl, o->host);
	if (!ok || !SSL_set_fd(ssl, o->fd)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}

static void
connected(void *arg, int fd, const struct addr *to, const char *why)
{
	struct outward *o = arg;

	o->dial = NULL;
	if (fd < 0) {
		failed(o, why);
		return;
	}
	o->fd = fd;
	event_assign(&o->in, o->base, fd, EV_READ | EV_PERSIST, readable, o);
	event_assign(&o->out, o->base, fd, EV_WRITE, writable, o);
	if (o->ctx == NULL) {
		begin(o);
		return;
	}
	if ((o->ssl = ssl_of(o)) == NULL) {
		ERR_clear_error();
		failed(o, "no memory for TLS");
		return;
	}
	event_add(&o->in, NULL);
	handshake(o);
}

struct outward *
outward_start(struct event_base *base, struct names *names,
    const struct outward_want *want, const struct outward_ops *ops, void *arg)
{
	struct dial_want dial = { .host = want->host, .port = want->port,
	    .timeout = want->timeout };
	struct timeval tv = clock_timeval(want->timeout);
	struct outward *o = xcalloc(1, sizeof(*o));

	o->base = base;
	o->ops = ops;
	o->arg = arg;
	o->fd = -1;
	o->host = xstrdup(want->host);
	if (want->ctx != NULL && SSL_CTX_up_ref(want->ctx))
		o->ctx = want->ctx;
	evtimer_assign(&o->timer, base, late, o);
	evtimer_add(&o->timer, &tv);
	o->dial = dial_start(base, names, &dial, connected, o);
	return o;
}

void
outward_write(struct outward *o, const char *data, size_t n)
{
	text_add(&o->queue, data, n);
	/* In an event of its own, for the owner is told of a failure. */
	if (o->ready)
		event_active(&o->out, EV_WRITE, 0);
}

int
outward_idle(const struct outward *o)
{
	int left = 1;

	return o->ready && o->sent == o->queue.len &&
	    ioctl(o->fd, SIOCOUTQ, &left) == 0 && left == 0;
}
