/*
 * The client of the benchmark, one thread: sessions one after another (some
 * at once), each a TLS 1.3 handshake, "GET /BYTES", the reply checked byte by
 * byte, and an orderly end both ways. Bulk is the same with few sessions and
 * many bytes; with -i the sessions stay open, idle, until stdin ends.
 *
 *	load -a ADDR -p PORT [-s SOURCE] [-n SESSIONS] [-c AT-ONCE] [-b BYTES]
 *	    [-C CA.pem] [-N NAME] [-r] [-u FIRST] [-i] [-v]
 *
 * -C verifies the chain and NAME; -r resumes, with a ticket used once; -u takes
 * the name nI.bench.test, I from FIRST on, a new one for each session; -v
 * says on stderr why a session failed. Ends with one line of JSON.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "pattern.h"

#define CHUNK	65536		/* most read at once */
#define NTICKETS 256
#define TURN	32		/* reads before other sessions are served */
#define STUCK	20000		/* ms without any event: give up */

enum phase {
	CONNECT,		/* TCP and TLS under way, then the request */
	HEAD,			/* waiting for the end of the reply's head */
	BODY,			/* counting and checking the body */
	ENDING,			/* our end is said, waiting for theirs */
	HELD,			/* open and idle (-i) */
	FAILED			/* counted, to be freed */
};

struct session {
	SSL		*ssl;
	int		 fd;
	enum phase	 phase;
	uint64_t	 got;		/* of the body */
	size_t		 headlen;
	char		 head[2048];
};

static struct sockaddr_in dst, src;
static SSL_CTX	*ctx;
static SSL_SESSION *tickets[NTICKETS];	/* newest last, each used once */
static unsigned	 ntickets;
static const char *name = "www.bench.test";
static int	 ep, resume, idle, verbose, unique = -1;
static unsigned	 wanted = 1, atonce = 1;
static uint64_t	 bytes = 2;
static unsigned	 started, live, done, failed, reused, held;
static uint64_t	 received;
static char	 version[16] = "none", cipher[64] = "none";

static int
keep_ticket(SSL *ssl, SSL_SESSION *sess)
{
	if (ntickets == NTICKETS)
		return 0;
	tickets[ntickets++] = sess;
	return 1;
}

static void
make_ctx(const char *ca)
{
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 4 * (BLOCK + 256));
	if (resume) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
		    SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
	} else
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (ca != NULL) {
		if (SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
			errx(1, "%s: no certificates", ca);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
}

static void
session_tls(struct session *s)
{
	char sni[64];

	snprintf(sni, sizeof(sni), "%s", name);
	if (unique >= 0)
		snprintf(sni, sizeof(sni), "n%d.bench.test", unique++);
	s->ssl = SSL_new(ctx);
	SSL_set_fd(s->ssl, s->fd);
	SSL_set_connect_state(s->ssl);
	SSL_set_tlsext_host_name(s->ssl, sni);
	SSL_set1_host(s->ssl, sni);
	if (ntickets > 0) {
		SSL_set_session(s->ssl, tickets[--ntickets]);
		SSL_SESSION_free(tickets[ntickets]);
	}
}

static void
session_start(void)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	struct session *s = calloc(1, sizeof(*s));
	int one = 1;

	started++;
	live++;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
	    sizeof(one));
	if (s->fd == -1 || (src.sin_family != 0 &&
	    bind(s->fd, (struct sockaddr *)&src, sizeof(src)) == -1) ||
	    (connect(s->fd, (struct sockaddr *)&dst, sizeof(dst)) == -1 &&
	    errno != EINPROGRESS))
		err(1, "connect");
	session_tls(s);
	ev.data.ptr = s;
	epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev);
}

static void
session_fail(struct session *s, const char *why)
{
	char text[256] = "";

	failed++;
	if (!verbose)
		return;
	ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
	warnx("phase %d, %llu bytes: %s: %s: %s", s->phase,
	    (unsigned long long)s->got, why, strerror(errno), text);
}

static void
session_free(struct session *s)
{
	/* Else OpenSSL takes the TLS session for a broken one. */
	SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(s->ssl);
	close(s->fd);
	free(s);
	live--;
}

/* The handshake is done: counts it and asks for the bytes. */
static int
request(struct session *s)
{
	char line[256];
	int len;

	if (SSL_session_reused(s->ssl))
		reused++;
	snprintf(version, sizeof(version), "%s", SSL_get_version(s->ssl));
	snprintf(cipher, sizeof(cipher), "%s", SSL_get_cipher(s->ssl));
	len = snprintf(line, sizeof(line), "GET /%llu HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: bench\r\nAccept: */*\r\n\r\n",
	    (unsigned long long)bytes,
	    SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name));
	s->phase = HEAD;
	return SSL_write(s->ssl, line, len);
}

static int
body_take(struct session *s, const char *data, size_t len)
{
	size_t at, n;

	received += len;
	if (s->got + len > bytes)
		return -1;
	for (; len > 0; data += n, len -= n, s->got += n) {
		at = s->got % BLOCK;
		n = len < BLOCK - at ? len : BLOCK - at;
		if (memcmp(data, pattern + at, n) != 0)
			return -1;
	}
	return 0;
}

static int
head_take(struct session *s, const char *data, size_t len)
{
	size_t room = sizeof(s->head) - 1 - s->headlen, rest;
	size_t n = len < room ? len : room;
	char *end;

	memcpy(s->head + s->headlen, data, n);
	s->headlen += n;
	s->head[s->headlen] = '\0';
	if ((end = strstr(s->head, "\r\n\r\n")) == NULL)
		return n < len ? -1 : 0;
	if (strncmp(s->head, "HTTP/1.1 200", 12) != 0)
		return -1;
	s->phase = BODY;
	rest = s->head + s->headlen - (end + 4) + len - n;
	return body_take(s, data + len - rest, rest);
}

/* Says our end, keeps listening for theirs; or holds the session. */
static void
reply_done(struct session *s)
{
	if (idle) {
		s->phase = HELD;
		held++;
	} else {
		s->phase = ENDING;
		SSL_shutdown(s->ssl);
		shutdown(s->fd, SHUT_WR);
	}
}

/* Reads what is there; SSL_read's last result, or 1 after a turn. */
static int
read_on(struct session *s)
{
	static char data[CHUNK];
	int n, turn;

	for (turn = 0; turn < TURN || SSL_has_pending(s->ssl); turn++) {
		if ((n = SSL_read(s->ssl, data, sizeof(data))) <= 0)
			return n;
		if (s->phase >= ENDING)
			continue;
		if ((s->phase == HEAD ? head_take(s, data, n) :
		    body_take(s, data, n)) == -1) {
			session_fail(s, s->phase == HEAD ? s->head :
			    "not the bytes asked for");
			s->phase = FAILED;
			return 0;
		}
		if (s->phase == BODY && s->got == bytes)
			reply_done(s);
	}
	return 1;
}

static void
drive(struct session *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };
	enum phase was = s->phase;
	int n = 1, e;

	ERR_clear_error();
	errno = 0;
	if (s->phase == CONNECT && (n = SSL_do_handshake(s->ssl)) == 1)
		n = request(s);
	if (n > 0)
		n = read_on(s);
	e = n > 0 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, n);
	if (n > 0 || e == SSL_ERROR_WANT_READ) {
		if (was == CONNECT)
			epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &ev);
		if (was < HELD && s->phase == HELD && started < wanted)
			session_start();
		return;
	}
	if (s->phase == ENDING)
		done++;		/* however they ended */
	else if (s->phase == HELD)
		held--;
	else if (s->phase != FAILED)
		session_fail(s, "ended early");
	session_free(s);
	if (started < wanted)
		session_start();
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void
run(void)
{
	struct epoll_event ev[256];
	int i, n;

	while (started < wanted && started < atonce)
		session_start();
	while (live > held) {
		if ((n = epoll_wait(ep, ev, 256, STUCK)) == 0) {
			failed += live - held;
			warnx("%u sessions are stuck", live - held);
			return;
		}
		for (i = 0; i < n; i++)
			drive(ev[i].data.ptr);
	}
}

static void
report(double seconds)
{
	printf("{\"sessions\": %u, \"failed\": %u, \"held\": %u, "
	    "\"resumed\": %u, \"bytes\": %llu, \"seconds\": %.3f, "
	    "\"version\": \"%s\", \"cipher\": \"%s\"}\n", done, failed, held,
	    reused, (unsigned long long)received, seconds, version, cipher);
	fflush(stdout);
}

static void
options(int argc, char **argv)
{
	const char *ca = NULL;
	int ch;

	dst.sin_family = AF_INET;
	while ((ch = getopt(argc, argv, "C:N:a:b:c:in:p:rs:u:v")) != -1)
		switch (ch) {
		case 'C': ca = optarg; break;
		case 'N': name = optarg; break;
		case 'a': inet_pton(AF_INET, optarg, &dst.sin_addr); break;
		case 'b': bytes = strtoull(optarg, NULL, 10); break;
		case 'c': atonce = atoi(optarg); break;
		case 'i': idle = 1; break;
		case 'n': wanted = atoi(optarg); break;
		case 'p': dst.sin_port = htons(atoi(optarg)); break;
		case 'r': resume = 1; break;
		case 's':
			src.sin_family = AF_INET;
			inet_pton(AF_INET, optarg, &src.sin_addr);
			break;
		case 'u': unique = atoi(optarg); break;
		case 'v': verbose = 1; break;
		default: errx(2, "see the top of load.c");
		}
	make_ctx(ca);
}

int
main(int argc, char **argv)
{
	struct rlimit rl;
	double start;

	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	pattern_fill();
	options(argc, argv);
	ep = epoll_create1(0);
	start = now();
	run();
	report(now() - start);
	if (idle)
		while (getchar() != EOF)
			;
	return failed > 0;
}
