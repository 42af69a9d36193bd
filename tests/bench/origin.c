/*
 * The server the benchmark stands behind every proxy: TLS 1.3, one thread,
 * HTTP/1.1 just far enough that "GET /N" is answered with N bytes. It gives
 * no session tickets unless asked to (-t), so that every session through a
 * proxy costs a full handshake upstream. Byte i of a body is pattern(i), and
 * the load client checks it.
 *
 *	origin -p PORT -c CHAIN.pem -k KEY.pem [-t TICKETS] [-r RECORD]
 *	    [-u COUNT -i CA.pem -j CA-KEY.pem]
 *
 * With -u it has COUNT leaves of its own, signed at start by CA: the name
 * nI.bench.test gets the I-th. That is how a proxy is made to forge anew.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "pattern.h"

#define TURN	32		/* records written before others are served */
#define HEADMAX	4096		/* a request we understand is shorter */

struct conn {
	SSL		*ssl;
	int		 fd;
	uint32_t	 want;		/* epoll's events as registered */
	size_t		 inlen;
	size_t		 outlen, outoff; /* reply head, body too when tiny */
	uint64_t	 sent, total;	/* of the body */
	char		*in, *out;	/* HEADMAX each, while needed */
};

static SSL_CTX	*ctx;
static int	 ep;
static size_t	 record = BLOCK;
static X509	**leaves;
static unsigned	 nleaves;

static int
choose_leaf(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	unsigned n;

	if (name != NULL && sscanf(name, "n%u.", &n) == 1 && nleaves > 0)
		SSL_use_certificate(ssl, leaves[n % nleaves]);
	return SSL_TLSEXT_ERR_OK;
}

static X509 *
make_leaf(X509 *like, X509 *ca, EVP_PKEY *cakey, unsigned n)
{
	X509 *x = X509_dup(like);
	X509_EXTENSION *san;
	X509_NAME *subject = X509_NAME_new();
	char name[64], value[80];
	int at;

	snprintf(name, sizeof(name), "n%u.bench.test", n);
	snprintf(value, sizeof(value), "DNS:%s", name);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (unsigned char *)name, -1, -1, 0);
	X509_set_subject_name(x, subject);
	X509_NAME_free(subject);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 100000 + n);
	at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	X509_EXTENSION_free(X509_delete_ext(x, at));
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, value);
	if (san == NULL || !X509_add_ext(x, san, -1) ||
	    !X509_set_issuer_name(x, X509_get_subject_name(ca)) ||
	    !X509_sign(x, cakey, EVP_sha256()))
		errx(1, "cannot sign a leaf");
	X509_EXTENSION_free(san);
	return x;
}

static void
make_leaves(const char *cafile, const char *keyfile)
{
	FILE *f;
	X509 *ca;
	EVP_PKEY *key;
	unsigned i;

	if ((f = fopen(cafile, "r")) == NULL)
		err(1, "%s", cafile);
	ca = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if ((f = fopen(keyfile, "r")) == NULL)
		err(1, "%s", keyfile);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	if (ca == NULL || key == NULL)
		errx(1, "%s, %s: not a CA and its key", cafile, keyfile);
	leaves = calloc(nleaves, sizeof(*leaves));
	for (i = 0; i < nleaves; i++)
		leaves[i] = make_leaf(SSL_CTX_get0_certificate(ctx), ca, key,
		    i);
	X509_free(ca);
	EVP_PKEY_free(key);
}

static void
make_ctx(const char *chain, const char *key, int tickets)
{
	ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, tickets);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"o", 1);
	if (SSL_CTX_use_certificate_chain_file(ctx, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		errx(1, "%s, %s: not a chain and its key", chain, key);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_leaf);
}

static int
listen_on(int port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(port) };
	int fd, one = 1, none = 0;

	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof(none));
	if (bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)) == -1 ||
	    listen(fd, 4096) == -1)
		err(1, "port %d", port);
	return fd;
}

static void
conn_free(struct conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static void
conn_want(struct conn *c, uint32_t want)
{
	struct epoll_event ev = { .events = want, .data.ptr = c };

	if (want != c->want)
		epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
	c->want = want;
}

static void
accept_all(int lfd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c;
	int fd, one = 1;

	while ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = calloc(1, sizeof(*c));
		c->fd = fd;
		c->want = EPOLLIN;
		c->ssl = SSL_new(ctx);
		SSL_set_fd(c->ssl, fd);
		SSL_set_accept_state(c->ssl);
		ev.data.ptr = c;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	}
}

/* Reads towards a whole request head; 1 when there, else SSL_read's result. */
static int
read_head(struct conn *c)
{
	int n;

	if (c->in == NULL)
		c->in = malloc(HEADMAX);
	n = SSL_read(c->ssl, c->in + c->inlen, HEADMAX - 1 - c->inlen);
	if (n <= 0)
		return n;
	c->inlen += n;
	c->in[c->inlen] = '\0';
	return strstr(c->in, "\r\n\r\n") != NULL;
}

static void
start_reply(struct conn *c)
{
	c->total = c->sent = 0;
	if (strncmp(c->in, "GET /", 5) == 0)
		c->total = strtoull(c->in + 5, NULL, 10);
	c->inlen = 0;
	free(c->in);
	c->in = NULL;
	c->out = malloc(HEADMAX);
	c->outoff = 0;
	c->outlen = snprintf(c->out, HEADMAX, "HTTP/1.1 200 OK\r\n"
	    "Content-Type: application/octet-stream\r\n"
	    "Cache-Control: no-store\r\nContent-Length: %llu\r\n\r\n",
	    (unsigned long long)c->total);
	if (c->total <= 1024) {
		memcpy(c->out + c->outlen, pattern, c->total);
		c->outlen += c->total;
		c->sent = c->total;
	}
}

/* Writes what it can; 1 when the reply is out, 2 when its turn is over. */
static int
write_reply(struct conn *c)
{
	size_t at, len;
	int n, turn;

	for (turn = 0; turn < TURN; turn++) {
		if (c->out != NULL) {
			n = SSL_write(c->ssl, c->out + c->outoff,
			    c->outlen - c->outoff);
			if (n > 0 && (c->outoff += n) == c->outlen) {
				free(c->out);
				c->out = NULL;
			}
		} else if (c->sent < c->total) {
			at = c->sent % BLOCK;
			len = BLOCK - at < record ? BLOCK - at : record;
			if (len > c->total - c->sent)
				len = c->total - c->sent;
			n = SSL_write(c->ssl, pattern + at, len);
			if (n > 0)
				c->sent += n;
		} else
			return 1;
		if (n <= 0)
			return n;
	}
	return 2;
}

static void
drive(struct conn *c)
{
	int n;

	ERR_clear_error();
	for (;;) {
		if (c->out != NULL || c->sent < c->total) {
			if ((n = write_reply(c)) == 2) {
				conn_want(c, EPOLLOUT);
				return;
			}
		} else if ((n = read_head(c)) == 1 && strstr(c->in, "\r\n\r\n"))
			start_reply(c);
		if (n > 0)
			continue;
		switch (SSL_get_error(c->ssl, n)) {
		case SSL_ERROR_WANT_READ:
			conn_want(c, EPOLLIN);
			return;
		case SSL_ERROR_WANT_WRITE:
			conn_want(c, EPOLLOUT);
			return;
		case SSL_ERROR_ZERO_RETURN:
			SSL_shutdown(c->ssl);
			break;
		}
		conn_free(c);
		return;
	}
}

static void
serve(int lfd)
{
	struct epoll_event ev[256], lev = { .events = EPOLLIN };
	int i, n;

	ep = epoll_create1(0);
	epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &lev);
	for (;;) {
		n = epoll_wait(ep, ev, 256, -1);
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr == NULL)
				accept_all(lfd);
			else
				drive(ev[i].data.ptr);
		}
	}
}

int
main(int argc, char **argv)
{
	const char *chain = NULL, *key = NULL, *ca = NULL, *cakey = NULL;
	struct rlimit rl;
	int ch, port = 443, tickets = 0;

	while ((ch = getopt(argc, argv, "c:i:j:k:p:r:t:u:")) != -1)
		switch (ch) {
		case 'c': chain = optarg; break;
		case 'i': ca = optarg; break;
		case 'j': cakey = optarg; break;
		case 'k': key = optarg; break;
		case 'p': port = atoi(optarg); break;
		case 'r': record = atoi(optarg); break;
		case 't': tickets = atoi(optarg); break;
		case 'u': nleaves = atoi(optarg); break;
		default: errx(2, "see the top of origin.c");
		}
	if (chain == NULL || key == NULL)
		errx(2, "-c and -k are needed");
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	pattern_fill();
	make_ctx(chain, key, tickets);
	if (nleaves > 0)
		make_leaves(ca, cakey);
	serve(listen_on(port));
}
