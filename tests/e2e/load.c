/*
 * Many connections, one after the other, with little memory of its own:
 *	load serve ADDR PORT [CERT KEY]		echo, one client at a time
 *	load connect ADDR PORT N [CAFILE NAME [RATE]]	N connections, 64 bytes each
 *						way; RATE of them a second
 * TLS where files are given. Says "serving" when it listens; ends with the
 * number of connections that worked, and status 1 unless it was all of them.
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static SSL_CTX	*ctx;

static int
endpoint(const char *host, const char *port, int server)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct timeval tv = { 10, 0 };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((unsigned short)atoi(port));
	inet_pton(AF_INET, host, &a.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (server) {
		if (bind(fd, (void *)&a, sizeof(a)) != 0 || listen(fd, 512))
			exit(2);
		return fd;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(fd, (void *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
move(SSL *ssl, int fd, char *buf, int n, int out)
{
	if (ssl != NULL)
		return out ? SSL_write(ssl, buf, n) : SSL_read(ssl, buf, n);
	return (int)(out ? send(fd, buf, (size_t)n, MSG_NOSIGNAL) :
	    recv(fd, buf, (size_t)n, 0));
}

static void
finish(SSL *ssl, int fd)
{
	char buf[256];

	if (ssl != NULL)
		SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
}

static int
exchange(const char *host, const char *port, const char *name)
{
	char buf[64] = "sixty-four bytes\n", got[64];
	int fd, n, have = 0, ok = 0;
	SSL *ssl = NULL;

	if ((fd = endpoint(host, port, 0)) < 0)
		return 0;
	if (ctx != NULL) {
		ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		SSL_set_tlsext_host_name(ssl, name);
		if (SSL_connect(ssl) != 1)
			goto out;
	}
	if (move(ssl, fd, buf, 64, 1) != 64)
		goto out;
	while (have < 64 && (n = move(ssl, fd, got + have, 64 - have, 0)) > 0)
		have += n;
	ok = have == 64 && memcmp(buf, got, 64) == 0;
out:
	finish(ssl, fd);
	return ok;
}

static void
serve(int lfd)
{
	char buf[4096];
	SSL *ssl;
	int fd, n;

	printf("serving\n");
	fflush(stdout);
	while ((fd = accept(lfd, NULL, NULL)) >= 0) {
		ssl = NULL;
		if (ctx != NULL) {
			ssl = SSL_new(ctx);
			SSL_set_fd(ssl, fd);
			if (SSL_accept(ssl) != 1) {
				finish(ssl, fd);
				continue;
			}
		}
		while ((n = move(ssl, fd, buf, sizeof(buf), 0)) > 0)
			move(ssl, fd, buf, n, 1);
		finish(ssl, fd);
	}
}

/* Not before its time. */
static void
pace(const struct timespec *start, int i, int rate)
{
	long long ns = start->tv_nsec + 1000000000ll / rate * i;
	struct timespec t = { start->tv_sec + (time_t)(ns / 1000000000),
	    (long)(ns % 1000000000) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int
main(int argc, char **argv)
{
	struct timespec start;
	int i, n, rate, ok = 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 6 && strcmp(argv[1], "serve") == 0) {
		ctx = SSL_CTX_new(TLS_server_method());
		if (SSL_CTX_use_certificate_chain_file(ctx, argv[4]) != 1 ||
		    SSL_CTX_use_PrivateKey_file(ctx, argv[5],
		    SSL_FILETYPE_PEM) != 1)
			return 2;
	}
	if (argc >= 4 && strcmp(argv[1], "serve") == 0) {
		serve(endpoint(argv[2], argv[3], 1));
		return 0;
	}
	if (argc < 5)
		return 2;
	if (argc >= 7) {
		ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_load_verify_locations(ctx, argv[5], NULL);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	rate = argc == 8 ? atoi(argv[7]) : 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0, n = atoi(argv[4]); i < n; i++) {
		if (rate > 0)
			pace(&start, i, rate);
		ok += exchange(argv[2], argv[3], argc >= 7 ? argv[6] : NULL);
	}
	printf("%d\n", ok);
	return ok == n ? 0 : 1;
}
