/*
 * A name server small enough for a test: one UDP socket on an event base,
 * a table of what it answers.
 */
#ifndef DNS_H
#define DNS_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <string.h>
#include <strings.h>

#include "util/cursor.h"

#define DNS_A		1
#define DNS_AAAA	28

struct dns_row {
	const char	*name;
	int		 type;
	const char	*data;	/* addresses with blanks between; "": none; */
				/* NULL: no reply at all */
	int		 ttl;
};

struct dns {
	const struct dns_row	*rows;	/* ends with a NULL name */
	struct event		*ev;
	int			 asked;	/* queries seen */
};

/* "3www7example3com0" to "www.example.com"; what it takes, or 0. */
static inline size_t
dns_name(const uint8_t *p, const uint8_t *end, char *out)
{
	const uint8_t *start = p;

	while (p < end && *p != 0 && *p < 64 && p + 1 + *p < end) {
		memcpy(out, p + 1, *p);
		out += *p;
		*out++ = '.';
		p += 1 + *p;
	}
	out[out[-1] == '.' ? -1 : 0] = '\0';
	return (size_t)(p - start) + 1;
}

/* One resource record (RFC 1035, 4.1.3); its name is that of the question. */
static inline size_t
dns_record(uint8_t *p, const struct dns_row *r, const char *text)
{
	uint8_t ip[16];
	size_t n = r->type == DNS_A ? 4 : 16;

	inet_pton(r->type == DNS_A ? AF_INET : AF_INET6, text, ip);
	put_u16(p, 0xc00c);
	put_u16(p + 2, (uint16_t)r->type);
	put_u16(p + 4, 1);
	put_u32(p + 6, (uint32_t)r->ttl);
	put_u16(p + 10, (uint16_t)n);
	memcpy(p + 12, ip, n);
	return 12 + n;
}

/* ".test" is all below it. */
static inline int
dns_matches(const char *row, const char *name)
{
	size_t n = strlen(row), len = strlen(name);

	return strcasecmp(row, name) == 0 || (row[0] == '.' && len > n &&
	    strcasecmp(row, name + len - n) == 0);
}

static inline size_t
dns_answer(uint8_t *msg, size_t end, const struct dns_row *r)
{
	char data[512], *s, *save = NULL;
	uint16_t count = 0;

	if (r->name == NULL) {
		msg[3] = (msg[3] & 0xf0) | 3;	/* NXDOMAIN */
		return end;
	}
	snprintf(data, sizeof(data), "%s", r->data);
	for (s = strtok_r(data, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		end += dns_record(msg + end, r, s);
		count++;
	}
	put_u16(msg + 6, count);
	return end;
}

static inline void
dns_event(int fd, short what, void *arg)
{
	struct dns *d = arg;
	const struct dns_row *r;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	uint8_t msg[1500];
	char name[300];
	ssize_t n = recvfrom(fd, msg, 512, 0, (struct sockaddr *)&ss, &len);
	size_t end;
	int type;

	if (n < 17)
		return;
	end = 12 + dns_name(msg + 12, msg + n, name);
	type = msg[end] << 8 | msg[end + 1];
	d->asked++;
	for (r = d->rows; r->name != NULL; r++)
		if (dns_matches(r->name, name) && r->type == type)
			break;
	if (r->name != NULL && r->data == NULL)
		return;
	msg[2] |= 0x80;
	memset(msg + 6, 0, 6);
	end = dns_answer(msg, end + 4, r);
	sendto(fd, msg, end, 0, (struct sockaddr *)&ss, len);
}

/* At 127.0.0.1 of the test's namespace. */
static inline void
dns_start(struct dns *d, struct event_base *base, uint16_t port,
    const struct dns_row *rows)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int room = 8 << 20;	/* for all that may be asked in one turn */

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	d->rows = rows;
	d->asked = 0;
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0)
		exit(1);
	d->ev = event_new(base, fd, EV_READ | EV_PERSIST, dns_event, d);
	event_add(d->ev, NULL);
}

static inline void
dns_stop(struct dns *d)
{
	close(event_get_fd(d->ev));
	event_free(d->ev);
}

#endif
