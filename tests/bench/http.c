/*
 * Plain HTTP/1.1 for the benchmark: a client that keeps some connections busy
 * with one request after another, checks every byte of every reply, and tells
 * how long they took; and the server it asks, which is an ICAP server too: one
 * that says "unmodified" at the end of each preview.
 *
 *	http -a ADDR -p PORT [-s SOURCE] [-n REQUESTS] [-c CONNECTIONS]
 *	    [-b BYTES] [-N NAME] [-R FILE] [-E START]
 *	http -l PORT
 *
 * A reply has BYTES of the pattern, by Content-Length or in chunks. -R sends
 * what is in FILE instead of "GET /BYTES", -E is what a reply starts with:
 * with both it asks an ICAP server as well. Ends with one line of JSON.
 */
#include <sys/epoll.h>
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

#include "pattern.h"

#define MOST	(1 << 20)	/* bytes of a body */
#define ROOM	(MOST + 65536)	/* a message with its heads is shorter */
#define STUCK	5000		/* ms without any event: give up */

struct conn {
	int	 fd;
	double	 since;		/* the request was sent */
	size_t	 len;
	char	 in[ROOM];
};

static struct sockaddr_in dst, src;
static const char *name = "www.bench.test", *start = "HTTP/1.1 200";
static char	 ask[4096];
static int	 ep;
static unsigned	 wanted = 1, atonce = 1, asked, done, failed, live;
static size_t	 bytes = 1024;
static double	*took;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct conn *
conn_add(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	c->fd = fd;
	ev.data.ptr = c;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	live++;
	return c;
}

static void
conn_free(struct conn *c)
{
	close(c->fd);
	free(c);
	live--;
}

/* Reads what is there: 0 when the peer has ended. Never blocks. */
static int
conn_read(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, ROOM - 1 - c->len,
	    MSG_DONTWAIT);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	c->len += (size_t)n;
	c->in[c->len] = '\0';
	return n > 0;
}

static int
send_all(int fd, const char *p, size_t len)
{
	return send(fd, p, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* -- the server */

static int
answer_http(struct conn *c)
{
	char head[256];
	size_t n = strtoul(c->in + 5, NULL, 10), at, len;
	int ok;

	if (n > MOST)
		return 0;
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n"
	    "Content-Type: application/octet-stream\r\n"
	    "Cache-Control: no-store\r\nContent-Length: %zu\r\n\r\n", n);
	ok = send(c->fd, head, strlen(head), MSG_MORE) > 0;
	for (at = 0; ok && at < n; at += len) {
		len = n - at < BLOCK ? n - at : BLOCK;
		ok = send_all(c->fd, pattern, len);
	}
	return ok;
}

static int
answer_icap(struct conn *c)
{
	static const char hello[] = "ICAP/1.0 200 OK\r\n"
	    "Methods: RESPMOD\r\nISTag: \"bench\"\r\nAllow: 204\r\n"
	    "Preview: 1024\r\nEncapsulated: null-body=0\r\n\r\n";
	static const char pass[] = "ICAP/1.0 204 Unmodified\r\n"
	    "ISTag: \"bench\"\r\nEncapsulated: null-body=0\r\n\r\n";

	if (strncmp(c->in, "OPTIONS ", 8) == 0)
		return send_all(c->fd, hello, sizeof(hello) - 1);
	return send_all(c->fd, pass, sizeof(pass) - 1);
}

static int
ends_in(const struct conn *c, const char *end)
{
	size_t n = strlen(end);

	return c->len >= n && memcmp(c->in + c->len - n, end, n) == 0;
}

/* 0 when the connection is of no more use. */
static int
answer(struct conn *c)
{
	int preview = strncmp(c->in, "RESPMOD ", 8) == 0;

	if (preview ? !ends_in(c, "\r\n0\r\n\r\n") &&
	    !ends_in(c, "\r\n0; ieof\r\n\r\n") : !ends_in(c, "\r\n\r\n"))
		return c->len < ROOM - 1;
	c->len = 0;
	return strncmp(c->in, "GET /", 5) == 0 ? answer_http(c) :
	    answer_icap(c);
}

static void
serve(int port)
{
	struct epoll_event ev[64], lev = { .events = EPOLLIN };
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port) };
	int i, n, one = 1, lfd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(lfd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(lfd, 1024) == -1)
		err(1, "port %d", port);
	epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &lev);
	for (;;) {
		n = epoll_wait(ep, ev, 64, -1);
		for (i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if (c == NULL)
				conn_add(accept(lfd, NULL, NULL));
			else if (!conn_read(c) || !answer(c))
				conn_free(c);
		}
	}
}

/* -- the client */

static int
conn_ask(struct conn *c)
{
	asked++;
	c->len = 0;
	c->since = now();
	return send_all(c->fd, ask, strlen(ask));
}

/* These are the bytes of a body from at on. */
static int
right(const char *p, size_t at, size_t len)
{
	size_t n;

	for (; len > 0; p += n, at += n, len -= n) {
		n = BLOCK - at % BLOCK < len ? BLOCK - at % BLOCK : len;
		if (memcmp(p, pattern + at % BLOCK, n) != 0)
			return 0;
	}
	return 1;
}

/* Chunks: 1 when all are there and right, 0 when not yet, -1 when wrong. */
static int
chunks(const char *p, const char *end)
{
	const char *data;
	char *stop;
	size_t got = 0, n;

	while ((data = memmem(p, (size_t)(end - p), "\r\n", 2)) != NULL) {
		n = strtoul(p, &stop, 16);
		if (stop == p || n > bytes - got)
			return -1;
		data += 2;
		if ((size_t)(end - data) < n + 2)
			return 0;
		if (!right(data, got, n) || memcmp(data + n, "\r\n", 2) != 0)
			return -1;
		if (n == 0)
			return got == bytes && data + 2 == end ? 1 : -1;
		got += n;
		p = data + n + 2;
	}
	return 0;
}

/* What has come of a reply: 1 complete and right, 0 not yet, -1 wrong. */
static int
reply(struct conn *c)
{
	char *body = strstr(c->in, "\r\n\r\n"), *length;
	size_t n, there;
	int chunked;

	if (body == NULL)
		return c->len < ROOM - 1 ? 0 : -1;
	if (strncmp(c->in, start, strlen(start)) != 0)
		return -1;
	body[2] = '\0';
	length = strcasestr(c->in, "\r\ncontent-length:");
	chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked") != NULL;
	body[2] = '\r';
	body += 4;
	if (chunked)
		return chunks(body, c->in + c->len);
	n = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
	there = (size_t)(c->in + c->len - body);
	if (n != bytes || there > n)
		return -1;
	if (there < n)
		return 0;
	return right(body, 0, n) ? 1 : -1;
}

static void
drive(struct conn *c)
{
	int there = conn_read(c), r = there ? reply(c) : -1;

	if (r == 0)
		return;
	if (r == -1) {
		if (failed++ == 0)
			warnx("%s: %.200s", there ? "wrong" : "ended", c->in);
		conn_free(c);
		return;
	}
	took[done++] = now() - c->since;
	if (asked >= wanted || !conn_ask(c))
		conn_free(c);
}

static void
dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if ((src.sin_family != 0 &&
	    bind(fd, (struct sockaddr *)&src, sizeof(src)) == -1) ||
	    connect(fd, (struct sockaddr *)&dst, sizeof(dst)) == -1)
		err(1, "connect");
	if (!conn_ask(conn_add(fd)))
		err(1, "send");
}

static void
run(void)
{
	struct epoll_event ev[64];
	unsigned i;
	int k, n;

	for (i = 0; i < atonce; i++)
		dial();
	while (live > 0) {
		if ((n = epoll_wait(ep, ev, 64, STUCK)) == 0)
			errx(1, "%u connections are stuck", live);
		for (k = 0; k < n; k++)
			drive(ev[k].data.ptr);
	}
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
report(double seconds)
{
	qsort(took, done, sizeof(*took), by_size);
	printf("{\"requests\": %u, \"failed\": %u, \"seconds\": %.4f, "
	    "\"p50\": %.2f, \"p99\": %.2f}\n", done,
	    failed + (wanted - done), seconds,
	    done > 0 ? took[done / 2] * 1e6 : 0.0,
	    done > 0 ? took[done - 1 - done / 100] * 1e6 : 0.0);
}

static void
ask_from(const char *path)
{
	FILE *f = fopen(path, "r");

	if (f == NULL || fread(ask, 1, sizeof(ask) - 1, f) == 0)
		err(1, "%s", path);
	fclose(f);
}

static void
options(int argc, char **argv)
{
	int ch;

	dst.sin_family = AF_INET;
	while ((ch = getopt(argc, argv, "E:N:R:a:b:c:l:n:p:s:")) != -1)
		switch (ch) {
		case 'E': start = optarg; break;
		case 'N': name = optarg; break;
		case 'R': ask_from(optarg); break;
		case 'a': inet_pton(AF_INET, optarg, &dst.sin_addr); break;
		case 'b': bytes = strtoul(optarg, NULL, 10); break;
		case 'c': atonce = (unsigned)atoi(optarg); break;
		case 'l': serve(atoi(optarg)); break;
		case 'n': wanted = (unsigned)atoi(optarg); break;
		case 'p': dst.sin_port = htons((uint16_t)atoi(optarg)); break;
		case 's':
			src.sin_family = AF_INET;
			inet_pton(AF_INET, optarg, &src.sin_addr);
			break;
		default: errx(2, "see the top of http.c");
		}
	if (bytes > MOST)
		errx(2, "at most %d bytes", MOST);
	if (atonce > wanted)
		atonce = wanted;
}

int
main(int argc, char **argv)
{
	double began;

	signal(SIGPIPE, SIG_IGN);
	pattern_fill();
	ep = epoll_create1(0);
	options(argc, argv);
	if (ask[0] == '\0')
		snprintf(ask, sizeof(ask), "GET /%zu HTTP/1.1\r\nHost: %s\r\n"
		    "User-Agent: bench\r\nAccept: */*\r\n\r\n", bytes, name);
	took = calloc(wanted, sizeof(*took));
	began = now();
	run();
	report(now() - began);
	return failed > 0 || done < wanted;
}
