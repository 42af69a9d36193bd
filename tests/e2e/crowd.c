/*
 * A crowd of clients that behave as they like, and an origin for them:
 *	crowd serve ADDR PORT CERT KEY	HTTP over TLS, 96 connections at once
 *	crowd go ADDR PORT THREADS N SEED CAFILE NAME [PROXY PROXYPORT]
 * An answer has as many bytes as the path says and ends its connection. Of the
 * N connections some take all of it, by one of several ways to end, and
 * others close, are reset or go away: at once, in mid-handshake, in
 * mid-request or in mid-body. After every thousand one is asked for that must
 * be answered. The server says "serving"; the crowd ends with how many whole
 * answers came, and status 1 unless all that were waited for came whole.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE	60	/* seconds; a machine may be busy */
#define SERVERS		96

enum way {
	WAY_WHOLE,		/* until the server's end */
	WAY_WHOLE_RST,		/* the answer, then a reset */
	WAY_WHOLE_HALF,		/* FIN behind the request, without a notify */
	WAY_NOTHING,		/* connects, and that is all */
	WAY_HELLO,		/* some bytes of its hello */
	WAY_FLIGHT,		/* gets some of the server's flight */
	WAY_REQUEST,		/* some bytes of its request */
	WAY_BODY,		/* some bytes of the answer */
	WAYS
};

static SSL_CTX	*ctx;
static char	**args;
static int	 threads, todo, proxied;
static atomic_int begun, whole, failed;

static int
endpoint(const char *host, const char *port, int server)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct timeval tv = { PATIENCE, 0 };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((unsigned short)atoi(port));
	inet_pton(AF_INET, host, &a.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (server ? bind(fd, (void *)&a, sizeof(a)) != 0 || listen(fd, 1024) :
	    connect(fd, (void *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static unsigned
pick(unsigned *seed, unsigned n)
{
	return (unsigned)rand_r(seed) % n;
}

/* By FIN, or by RST. */
static void
leave(SSL *ssl, int fd, int reset)
{
	struct linger now = { 1, 0 };

	if (reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
}

/* Up to and with the first empty line. */
static int
head(SSL *ssl, int fd, char *buf, int size)
{
	int n, have = 0;

	while (have + 1 < size) {
		n = ssl != NULL ? SSL_read(ssl, buf + have, size - have - 1) :
		    (int)recv(fd, buf + have, 1, 0);
		if (n <= 0)
			return -1;
		buf[have += n] = '\0';
		if (strstr(buf, "\r\n\r\n") != NULL)
			return have;
	}
	return -1;
}

static void
answer(SSL *ssl, int fd)
{
	static const char body[16384];
	char buf[4096], out[256];
	int n, len;

	if (SSL_accept(ssl) != 1 || head(ssl, fd, buf, sizeof(buf)) < 0 ||
	    sscanf(buf, "GET /%d ", &len) != 1)
		return;
	n = snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nConnection: close"
	    "\r\nContent-Length: %d\r\n\r\n", len);
	for (n = SSL_write(ssl, out, n); n > 0 && len > 0; len -= n)
		n = SSL_write(ssl, body, len < 16384 ? len : 16384);
	if (n <= 0)
		return;
	SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

static void *
serve(void *arg)
{
	struct timeval tv = { PATIENCE, 0 };
	int fd, lfd = *(int *)arg;
	SSL *ssl;

	for (;;) {
		if ((fd = accept(lfd, NULL, NULL)) < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		answer(ssl, fd);
		leave(ssl, fd, 0);
	}
	return NULL;
}

/* Some of the hello, or all of it and some of what it is answered with. */
static void
in_handshake(SSL *ssl, int fd, enum way way, unsigned *seed)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *hello, buf[4096];
	long n;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_connect(ssl);
	n = BIO_get_mem_data(out, &hello);
	if (way == WAY_HELLO)
		n = 1 + pick(seed, (unsigned)n - 1);
	send(fd, hello, (size_t)n, MSG_NOSIGNAL);
	if (way == WAY_FLIGHT)
		recv(fd, buf, 1 + pick(seed, sizeof(buf) - 1), 0);
}

/* Returns what the answer lacks; negative: none came. */
static int
ask(SSL *ssl, int fd, enum way way, unsigned *seed, int len)
{
	char buf[16384], *body;
	int n, size, got, stop = 1 << 30;

	size = snprintf(buf, sizeof(buf), "GET /%d HTTP/1.1\r\nHost: %s\r\n"
	    "Connection: close\r\n\r\n", len, args[6]);
	if (way == WAY_REQUEST)
		size = 1 + (int)pick(seed, (unsigned)size - 1);
	if (SSL_write(ssl, buf, size) != size || way == WAY_REQUEST)
		return -1;
	if (way == WAY_WHOLE_HALF)
		shutdown(fd, SHUT_WR);
	if ((got = head(ssl, fd, buf, sizeof(buf))) < 0 ||
	    strncmp(buf, "HTTP/1.1 200", 12) != 0)
		return -1;
	body = strstr(buf, "\r\n\r\n") + 4;
	len -= got - (int)(body - buf);
	if (way == WAY_BODY)
		stop = 1 + (int)pick(seed, 100000);
	while (len > 0 && stop > 0 &&
	    (n = SSL_read(ssl, buf, sizeof(buf))) > 0) {
		len -= n;
		stop -= n;
	}
	if (way == WAY_WHOLE)
		while (SSL_read(ssl, buf, sizeof(buf)) > 0)
			;
	return len;
}

static int
through(int fd)
{
	char buf[512];
	int n = snprintf(buf, sizeof(buf), "CONNECT %s:%s HTTP/1.1\r\n"
	    "Host: %s:%s\r\n\r\n", args[0], args[1], args[0], args[1]);

	return send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n &&
	    head(NULL, fd, buf, sizeof(buf)) > 0 &&
	    strncmp(buf, "HTTP/1.1 200", 12) == 0;
}

static void
one(enum way way, unsigned *seed, int number)
{
	int fd, len = (int)pick(seed, way == WAY_BODY ? 300000 : 30000);
	int rv = -1;
	SSL *ssl = SSL_new(ctx);

	fd = endpoint(args[proxied ? 7 : 0], args[proxied ? 8 : 1], 0);
	SSL_set_tlsext_host_name(ssl, args[6]);
	if (fd >= 0 && way != WAY_NOTHING && (!proxied || through(fd))) {
		if (way == WAY_HELLO || way == WAY_FLIGHT) {
			in_handshake(ssl, fd, way, seed);
		} else {
			SSL_set_fd(ssl, fd);
			if (SSL_connect(ssl) == 1)
				rv = ask(ssl, fd, way, seed, len);
		}
	}
	if (way <= WAY_WHOLE_HALF && rv == 0) {
		whole++;
	} else if (way <= WAY_WHOLE_HALF) {
		failed++;
		printf("connection %d: way %d: %d bytes asked for, %d lack\n",
		    number, way, len, rv);
	}
	leave(ssl, fd, way == WAY_WHOLE_RST || (way >= WAY_NOTHING &&
	    pick(seed, 2)));
}

static void *
client(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int n;

	while ((n = ++begun) <= todo) {
		one(n % 1000 == 0 ? WAY_WHOLE : (enum way)pick(&seed, WAYS),
		    &seed, n);
		if (failed > 20)
			break;
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t t[SERVERS];
	int i, lfd;

	signal(SIGPIPE, SIG_IGN);
	args = argv + 2;
	if (argc == 6 && strcmp(argv[1], "serve") == 0) {
		ctx = SSL_CTX_new(TLS_server_method());
		if (SSL_CTX_use_certificate_chain_file(ctx, argv[4]) != 1 ||
		    SSL_CTX_use_PrivateKey_file(ctx, argv[5],
		    SSL_FILETYPE_PEM) != 1 ||
		    (lfd = endpoint(argv[2], argv[3], 1)) < 0)
			return 2;
		for (i = 0; i < SERVERS; i++)
			pthread_create(&t[i], NULL, serve, &lfd);
		printf("serving\n");
		fflush(stdout);
		pthread_join(t[0], NULL);
		return 1;
	}
	if ((argc != 9 && argc != 11) || strcmp(argv[1], "go") != 0)
		return 2;
	threads = atoi(args[2]);
	todo = atoi(args[3]);
	proxied = argc == 11;
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_load_verify_locations(ctx, args[5], NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	for (i = 0; i < threads && i < SERVERS; i++)
		pthread_create(&t[i], NULL, client, (void *)(uintptr_t)
		    (atoi(args[4]) * 1000 + i));
	for (i = 0; i < threads && i < SERVERS; i++)
		pthread_join(t[i], NULL);
	printf("%d whole, %d failed\n", whole, failed);
	return failed > 0;
}
