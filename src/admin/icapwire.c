/*
 * The connection of `ctl icap check`.
 */
#include "admin/icapwire.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/dial.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

struct icapwire {
	int		 fd;
	SSL_CTX		*ctx;		/* both NULL: plain */
	SSL		*ssl;
};

/* Wait until the socket is ready, or the time is up. */
static int
wait_for(int fd, short what, uint64_t until)
{
	struct pollfd p = { .fd = fd, .events = what };
	uint64_t now;
	int n;

	do {
		now = clock_ms();
		n = poll(&p, 1, now < until ? (int)(until - now) : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? ERR_TIMEOUT : ERR_SYS;
}

/* The result of the dial, which ends the loop. */
struct dialled {
	struct event_base *base;
	int		 fd;
	struct text	*why;
};

static void
dialled(void *arg, int fd, const struct addr *to, const char *why)
{
	struct dialled *d = arg;

	d->fd = fd;
	if (why != NULL)
		text_puts(d->why, why);
	event_base_loopbreak(d->base);
}

/* Dial as the daemon does, and wait. Returns a descriptor or ERR_*. */
static int
connect_wait(const struct conf_icap_url *u, uint64_t ms, struct text *why)
{
	struct dial_want want = { .host = u->host, .port = u->port,
	    .timeout = ms };
	struct dialled d = { event_base_new(), ERR_SYS, why };
	struct names *names = names_new(d.base);

	text_printf(why, "connect to %s port %u: ", u->host, u->port);
	dial_start(d.base, names, &want, dialled, &d);
	event_base_dispatch(d.base);
	names_free(names);
	event_base_free(d.base);
	if (d.fd >= 0)
		text_clear(why);
	return d.fd;
}

static const char *
tls_why(SSL *ssl)
{
	long verify = SSL_get_verify_result(ssl);
	const char *s;

	if (verify != X509_V_OK)
		return X509_verify_cert_error_string(verify);
	s = ERR_reason_error_string(ERR_peek_last_error());
	return s != NULL ? s : "the server ended it";
}

/* Wait for what OpenSSL wants. Returns 0 to try again, or ERR_*. */
static int
tls_wait(struct icapwire *w, int n, uint64_t until)
{
	switch (SSL_get_error(w->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(w->fd, POLLIN, until);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(w->fd, POLLOUT, until);
	case SSL_ERROR_ZERO_RETURN:
		return ERR_EOF;
	default:
		return ERR_TLS;
	}
}

static int
tls_handshake(struct icapwire *w, const char *host, uint64_t ms,
    struct text *why)
{
	uint64_t until = clock_ms() + ms;
	int n, rv = 0;

	ERR_clear_error();
	while (rv == 0 && (n = SSL_connect(w->ssl)) != 1)
		rv = tls_wait(w, n, until);
	if (rv != 0)
		text_printf(why, "TLS with %s: %s", host,
		    rv == ERR_TIMEOUT ? err_str(rv) : tls_why(w->ssl));
	return rv;
}

static int
tls_open(struct icapwire *w, const struct conf_icap *s,
    const struct conf_icap_url *u, struct text *why)
{
	X509_VERIFY_PARAM *param;
	int ok;

	w->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(w->ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(w->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(w->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	ok = s->trust != NULL ?
	    SSL_CTX_load_verify_file(w->ctx, s->trust) :
	    SSL_CTX_set_default_verify_paths(w->ctx);
	if (ok != 1) {
		text_printf(why, "%s: no certificates can be read", s->trust !=
		    NULL ? s->trust : "the system's CAs");
		return ERR_TLS;
	}
	w->ssl = SSL_new(w->ctx);
	SSL_set_fd(w->ssl, w->fd);
	param = SSL_get0_param(w->ssl);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, u->host) != 1) {
		X509_VERIFY_PARAM_set1_host(param, u->host, 0);
		SSL_set_tlsext_host_name(w->ssl, u->host);
	}
	return tls_handshake(w, u->host, s->connect_timeout, why);
}

int
icapwire_open(const struct conf_icap *s, const struct conf_icap_url *u,
    struct icapwire **out, struct text *why)
{
	struct icapwire *w;
	int fd, rv, on = 1;

	*out = NULL;
	if ((fd = connect_wait(u, s->connect_timeout, why)) < 0)
		return fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	if (u->tls && (rv = tls_open(w, s, u, why)) != 0) {
		icapwire_close(w);
		return rv;
	}
	*out = w;
	return 0;
}

/* write(2) or read(2). Returns the bytes; 0 to try again; or ERR_*. */
static ssize_t
wire_io(struct icapwire *w, void *in, const void *out, size_t len,
    uint64_t until)
{
	ssize_t n;

	if (w->ssl != NULL) {
		ERR_clear_error();
		n = out != NULL ? SSL_write(w->ssl, out, (int)len) :
		    SSL_read(w->ssl, in, (int)len);
		return n > 0 ? n : tls_wait(w, (int)n, until);
	}
	n = out != NULL ? send(w->fd, out, len, MSG_NOSIGNAL) :
	    recv(w->fd, in, len, 0);
	if (n > 0)
		return n;
	if (n == 0)
		return ERR_EOF;
	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN)
		return wait_for(w->fd, out != NULL ? POLLOUT : POLLIN, until);
	return ERR_SYS;
}

int
icapwire_send(struct icapwire *w, const char *p, size_t len, uint64_t ms,
    struct text *why)
{
	uint64_t until = clock_ms() + ms;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = wire_io(w, NULL, p, len, until)) < 0) {
			text_printf(why, "writing the request: %s",
			    err_str((int)n));
			return (int)n;
		}
	return 0;
}

int
icapwire_recv(struct icapwire *w, struct text *in, uint64_t ms,
    struct text *why)
{
	uint64_t until = clock_ms() + ms;
	char buf[16384];
	ssize_t n;

	while ((n = wire_io(w, buf, NULL, sizeof(buf), until)) == 0)
		continue;
	if (n < 0) {
		text_printf(why, "reading the answer: %s", n == ERR_EOF ?
		    "the server closed the connection" : err_str((int)n));
		return (int)n;
	}
	text_add(in, buf, (size_t)n);
	return 0;
}

void
icapwire_close(struct icapwire *w)
{
	if (w == NULL)
		return;
	SSL_free(w->ssl);
	SSL_CTX_free(w->ctx);
	close(w->fd);
	free(w);
}
