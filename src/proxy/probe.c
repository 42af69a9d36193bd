/*
 * A probe: dial, ask for TLS where that is needed, handshake, judge, close.
 */
#include "proxy/probe.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/starttls.h"
#include "net/sock.h"
#include "net/via.h"
#include "proxy/inner.h"
#include "tls/certinfo.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

struct probe {
	struct worker	*worker;
	struct place	*place;		/* whose TLS is used */
	struct tls_want	 want;		/* its texts are ours */
	uint64_t	 handshake;	/* ms */
	probe_done	 done;
	void		*arg;
	struct via	*via;
	struct sock	 sock;
	struct event	 ev, timer;
	struct tlsio	*tls;
	int		 dialogue;	/* STARTTLS_*, or -1: none (any more) */
	struct starttls_asker asker;
	/* The server has proved its key before it asked for ours. */
	int		 proved;
	struct probe_result result;
};

static void	probe_step(struct probe *);

static void
probe_free(struct probe *p)
{
	via_cancel(p->via);
	if (p->sock.fd != -1) {
		event_del(&p->ev);
		event_del(&p->timer);
	}
	if (p->tls != NULL) {
		transport_tls.shut(p->tls, END_NOTIFY);
		transport_tls.free(p->tls);
	}
	if (p->sock.fd != -1)
		close(p->sock.fd);
	free((char *)(uintptr_t)p->want.sni);
	free((uint8_t *)(uintptr_t)p->want.alpn);
	text_free(&p->result.names);
	place_unref(p->place);
	free(p);
}

void
probe_cancel(struct probe *p)
{
	if (p != NULL)
		probe_free(p);
}

static void
probe_end(struct probe *p, enum probe_found found, const char *why)
{
	p->result.found = found;
	p->result.why = why;
	p->done(p->arg, &p->result);
	probe_free(p);
}

/* What the server's certificate says. */
static void
probe_judge(struct probe *p)
{
	SSL *ssl = tlsio_ssl(p->tls);
	X509 *cert = SSL_get0_peer_certificate(ssl);
	const char *text;
	enum tls_verify verify = tls_verdict(ssl, &text);

	if (cert == NULL) {
		probe_end(p, PROBE_FAILED, "the server has no certificate");
		return;
	}
	certnames(cert, &p->result.names);
	probe_end(p, verify == VERIFY_OK ? PROBE_NAMED :
	    verify == VERIFY_NAME ? PROBE_OTHER : PROBE_BAD, text);
}

/*
 * The server asks for a certificate, and may not go on without one. Its own
 * certificate counts once the server has proved that it has the key. With RSA
 * key exchange only its Finished proves that.
 */
static void
probe_asked(struct probe *p)
{
	SSL *ssl = tlsio_ssl(p->tls);
	const SSL_CIPHER *c = SSL_get_pending_cipher(ssl);

	p->proved = SSL_version(ssl) >= TLS1_3_VERSION || (c != NULL &&
	    SSL_CIPHER_get_kx_nid(c) != NID_kx_rsa);
	tls_answer_certificate(ssl, 0);
	probe_step(p);
}

static void
probe_tls(struct probe *p)
{
	SSL *ssl = tls_connect(p->place->parts->tls, &p->want);

	if (ssl == NULL) {
		probe_end(p, PROBE_FAILED, "out of memory");
		return;
	}
	p->tls = tlsio_new(ssl, &p->sock, &p->worker->scratch, NULL);
	probe_step(p);
}

/* Hear what the server says, and answer. */
static enum starttls_step
probe_hear(struct probe *p, const uint8_t *in, size_t len)
{
	struct text say = { 0 };
	enum starttls_step step;
	size_t n;

	step = starttls_ask(&p->asker, p->want.sni, in, len, &n, &say);
	if (n < len || (say.len > 0 && send(p->sock.fd, say.s, say.len,
	    MSG_NOSIGNAL) != (ssize_t)say.len))
		step = STARTTLS_OVER;
	text_free(&say);
	return step;
}

/* Until the server agrees to TLS. */
static void
probe_talk(struct probe *p)
{
	enum starttls_step step = probe_hear(p, NULL, 0);
	uint8_t in[512];
	ssize_t n = 1;

	while (step == STARTTLS_MORE &&
	    (n = recv(p->sock.fd, in, sizeof(in), 0)) > 0)
		step = probe_hear(p, in, (size_t)n);
	if (step == STARTTLS_AGREED) {
		p->dialogue = -1;
		probe_tls(p);
	} else if (step != STARTTLS_MORE) {
		probe_end(p, PROBE_FAILED, "the server does not agree to TLS");
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		probe_end(p, PROBE_FAILED, n == 0 ? "the server closed the "
		    "connection before TLS" : strerror(errno));
	}
}

static void
probe_step(struct probe *p)
{
	char why[128] = "";
	int rv;

	rv = tlsio_handshake(p->tls, why, sizeof(why));
	if (rv == ERR_AGAIN)
		return;
	if (rv == ERR_DENIED)
		probe_asked(p);
	else if (rv == 0 || p->proved)
		probe_judge(p);
	else
		probe_end(p, PROBE_FAILED, rv == ERR_EOF ?
		    "handshake: the server closed the connection" :
		    rv == ERR_SYS ? strerror(p->sock.err) : why);
}

static void
probe_event(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;

	if (what & (EV_READ | EV_CLOSED))
		sock_look(&p->sock);
	if (what & EV_WRITE)
		p->sock.writable = 1;
	if (p->dialogue != -1)
		probe_talk(p);
	else
		probe_step(p);
}

static void
probe_late(evutil_socket_t fd, short what, void *arg)
{
	probe_end(arg, PROBE_FAILED, "handshake: timed out");
}

static void
probe_connected(void *arg, int fd, const struct addr *to,
    const struct via_proxy *by, const char *why)
{
	struct probe *p = arg;
	struct timeval tv = clock_timeval(p->handshake);

	p->via = NULL;
	if (fd < 0) {
		probe_end(p, PROBE_FAILED, why);
		return;
	}
	p->sock.fd = fd;
	p->sock.readable = p->sock.writable = 1;
	p->sock.marks = 1;	/* nobody looks at it again without an event */
	sock_nodelay(fd);
	evtimer_assign(&p->timer, p->worker->base, probe_late, p);
	evtimer_add(&p->timer, &tv);
	event_assign(&p->ev, p->worker->base, fd, EV_READ | EV_WRITE |
	    EV_CLOSED | EV_ET | EV_PERSIST, probe_event, p);
	event_add(&p->ev, NULL);
	if (p->dialogue != -1)
		probe_talk(p);
	else
		probe_tls(p);
}

struct probe *
probe_start(struct worker *w, const struct probe_want *want, probe_done done,
    void *arg)
{
	struct probe *p = xcalloc(1, sizeof(*p));
	struct via_want via = {
		.dial = {
			.addr = want->server,
			.from = want->from,
			.timeout = want->connect,
		},
		.name = want->name,
		.hops = want->way->proxies,
		.n = want->way->nproxies,
	};

	p->worker = w;
	p->place = place_ref(want->place);
	p->sock.fd = -1;
	p->done = done;
	p->arg = arg;
	p->handshake = want->handshake;
	p->dialogue = want->dialogue;
	p->asker.which = want->dialogue != -1 ? (unsigned)want->dialogue : 0;
	p->want.sni = xstrdup(want->sni);
	p->want.server = want->server;
	if (want->alpn_len > 0) {
		p->want.alpn = xmemdup(want->alpn, want->alpn_len);
		p->want.alpn_len = want->alpn_len;
	}
	via.dial.port = addr_port(&want->server);
	p->via = via_start(w->base, w->names, &via, probe_connected, p);
	return p;
}
