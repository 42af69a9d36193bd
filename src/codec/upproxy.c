/*
 * Through an upstream proxy: one question after the other, and the answers.
 */
#include "codec/upproxy.h"

#include <stdio.h>
#include <string.h>

#include "codec/hostname.h"
#include "codec/http.h"
#include "codec/socks.h"
#include "util/addr.h"
#include "util/err.h"

#define INTERIM_MAX	8	/* answers 1xx before the real one */
#define SOCKS_PART_MAX	255	/* one octet says how long it is */

enum {				/* of SOCKS5 */
	VERSION5 = 5,
	METHOD_PASSWORD = 2,
	AUTH_VERSION = 1,
	CMD_CONNECT = 1,
	ATYP_IPV4 = 1,
	ATYP_NAME = 3,
	ATYP_IPV6 = 4
};

int
upproxy_auth_valid(enum upproxy_kind kind, const char *auth)
{
	const char *colon = strchr(auth, ':'), *p;

	if (colon == NULL || colon == auth)
		return 0;
	for (p = auth; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return 0;
	if (kind == UPPROXY_HTTP)
		return p - auth <= 1024;
	return colon - auth <= SOCKS_PART_MAX && colon[1] != '\0' &&
	    p - colon - 1 <= SOCKS_PART_MAX;
}

/* The host is for a request of ours: nothing else may be in it. */
static int
host_read(const struct upproxy *u, struct addr *ip)
{
	char name[HOSTNAME_MAX + 1];

	ip->sa.sa_family = AF_UNSPEC;
	if (strchr(u->host, '%') == NULL && addr_parse_ip(ip, u->host) == 0)
		return 0;
	ip->sa.sa_family = AF_UNSPEC;
	return hostname_copy(name, u->host, strlen(u->host));
}

static void
http_say(struct upproxy *u, const struct addr *ip, struct text *out)
{
	char host[ADDR_STRLEN + 2];
	const char *h = u->host;

	if (ip->sa.sa_family == AF_INET6) {
		snprintf(host, sizeof(host), "[%s]", u->host);
		h = host;
	}
	text_printf(out, "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n", h,
	    u->port, h, u->port);
	if (u->auth != NULL) {
		text_puts(out, "Proxy-Authorization: Basic ");
		text_base64(out, u->auth, strlen(u->auth));
		text_puts(out, "\r\n");
	}
	text_puts(out, "\r\n");
	u->due = UPPROXY_ANSWER;
}

static void
put(struct text *out, int c)
{
	char octet = (char)c;

	text_add(out, &octet, 1);
}

static void
put_part(struct text *out, const char *p, size_t n)
{
	put(out, (int)n);
	text_add(out, p, n);
}

static void
socks_say_request(struct upproxy *u, struct text *out)
{
	struct addr ip;
	const uint8_t *p;
	size_t n;

	put(out, VERSION5);
	put(out, CMD_CONNECT);
	put(out, 0);
	if (host_read(u, &ip) == 0 && ip.sa.sa_family != AF_UNSPEC) {
		p = addr_ip(&ip, &n);
		put(out, n == 4 ? ATYP_IPV4 : ATYP_IPV6);
		text_add(out, (const char *)p, n);
	} else {
		put(out, ATYP_NAME);
		put_part(out, u->host, strlen(u->host));
	}
	put(out, u->port >> 8);
	put(out, u->port & 0xff);
	u->due = UPPROXY_REPLY;
}

static void
socks_say_password(struct upproxy *u, struct text *out)
{
	const char *colon = strchr(u->auth, ':');

	put(out, AUTH_VERSION);
	put_part(out, u->auth, (size_t)(colon - u->auth));
	put_part(out, colon + 1, strlen(colon + 1));
	u->due = UPPROXY_AUTH;
}

int
upproxy_begin(struct upproxy *u, struct text *out)
{
	struct addr ip;

	if (host_read(u, &ip) != 0) {
		snprintf(u->why, sizeof(u->why), "not a host name");
		return ERR_FORMAT;
	}
	if (u->kind == UPPROXY_HTTP) {
		http_say(u, &ip, out);
		return 0;
	}
	put(out, VERSION5);
	put(out, u->auth != NULL ? 2 : 1);
	put(out, 0);
	if (u->auth != NULL)
		put(out, METHOD_PASSWORD);
	u->due = UPPROXY_METHOD;
	return 0;
}

/* The proxy's own words, for a log. */
static void
why_answer(struct upproxy *u, const struct http_head *h)
{
	size_t i, n;

	snprintf(u->why, sizeof(u->why), "it answered %d%s%.*s", h->status,
	    h->reason.len > 0 ? " " : "",
	    (int)(h->reason.len < 64 ? h->reason.len : 64), h->reason.p);
	for (i = 0; u->why[i] != '\0'; i++)
		if ((unsigned char)u->why[i] < ' ' ||
		    (unsigned char)u->why[i] >= 0x7f)
			u->why[i] = '?';
	n = strlen(u->why);
	if (h->status == 407)
		snprintf(u->why + n, sizeof(u->why) - n, "%s",
		    u->auth != NULL ? " (it does not take our user and "
		    "password)" : " (it wants a user and a password)");
}

static int
http_answer(struct upproxy *u, const struct http_text *h, size_t *used)
{
	int status = h->head.status;

	if (status == 101 || (status < 200 && ++u->interim > INTERIM_MAX)) {
		snprintf(u->why, sizeof(u->why), "it answered %d", status);
		return ERR_FORMAT;
	}
	*used = h->len;
	if (status < 200)
		return ERR_AGAIN;
	if (status < 300)	/* a length means nothing here */
		return 0;
	u->timed_out = status == 504;
	why_answer(u, &h->head);
	return ERR_DENIED;
}

static int
http_read(struct upproxy *u, const uint8_t *data, size_t len, size_t *used)
{
	struct http_text h;
	int rv;

	if (len > UPPROXY_HEAD_MAX)
		len = UPPROXY_HEAD_MAX;
	h.scanned = 0;
	rv = http_response(&h, (const char *)data, len);
	if (rv == 0)
		return http_answer(u, &h, used);
	if (rv == ERR_SHORT && len < UPPROXY_HEAD_MAX)
		return ERR_SHORT;
	if (rv == ERR_SHORT || rv == ERR_LIMIT) {
		snprintf(u->why, sizeof(u->why), "its answer is too long");
		return ERR_LIMIT;
	}
	snprintf(u->why, sizeof(u->why), "its answer is not HTTP");
	return ERR_FORMAT;
}

static int
not_socks(struct upproxy *u)
{
	snprintf(u->why, sizeof(u->why), "its answer is not SOCKS5");
	return ERR_FORMAT;
}

static int
socks_refused(struct upproxy *u, const char *why)
{
	snprintf(u->why, sizeof(u->why), "%s", why);
	return ERR_DENIED;
}

static int
socks_read_method(struct upproxy *u, const uint8_t *data, size_t *used,
    struct text *out)
{
	*used = 2;
	if (data[1] == 0)
		socks_say_request(u, out);
	else if (data[1] == METHOD_PASSWORD && u->auth != NULL)
		socks_say_password(u, out);
	else if (data[1] == SOCKS_NO_METHOD)
		return socks_refused(u, u->auth != NULL ?
		    "it takes no user and password" :
		    "it wants a user and a password");
	else
		return not_socks(u);
	return ERR_AGAIN;
}

static int
socks_read_auth(struct upproxy *u, const uint8_t *data, size_t *used,
    struct text *out)
{
	*used = 2;
	if (data[1] != 0)
		return socks_refused(u, "it does not take our user and "
		    "password");
	socks_say_request(u, out);
	return ERR_AGAIN;
}

static const char *
socks_code(uint8_t code)
{
	static const char *const texts[] = {
		[SOCKS_FAILURE] = "it answered: failure",
		[SOCKS_DENIED] = "it answered: not allowed",
		[SOCKS_NET_UNREACHABLE] = "it answered: network unreachable",
		[SOCKS_HOST_UNREACHABLE] = "it answered: host unreachable",
		[SOCKS_REFUSED] = "it answered: connection refused",
		[SOCKS_TTL] = "it answered: timed out",
		[SOCKS_BAD_COMMAND] = "it answered: command not supported",
		[SOCKS_BAD_ADDRESS] = "it answered: kind of address not "
		    "supported"
	};

	return code < sizeof(texts) / sizeof(*texts) ? texts[code] :
	    "it answered with an unknown code";
}

/* The address that it is bound to says nothing to us. */
static int
socks_read_reply(struct upproxy *u, const uint8_t *data, size_t len,
    size_t *used)
{
	size_t n;

	if (data[1] != SOCKS_OK) {
		u->timed_out = data[1] == SOCKS_TTL;
		return socks_refused(u, socks_code(data[1]));
	}
	if (len < 5)
		return ERR_SHORT;
	switch (data[3]) {
	case ATYP_IPV4:
		n = 4;
		break;
	case ATYP_NAME:
		n = 1 + (size_t)data[4];
		break;
	case ATYP_IPV6:
		n = 16;
		break;
	default:
		return not_socks(u);
	}
	*used = 4 + n + 2;
	return len < *used ? ERR_SHORT : 0;
}

static int
socks_read(struct upproxy *u, const uint8_t *data, size_t len, size_t *used,
    struct text *out)
{
	if (len > 0 &&
	    data[0] != (u->due == UPPROXY_AUTH ? AUTH_VERSION : VERSION5))
		return not_socks(u);
	if (len < 2)
		return ERR_SHORT;
	if (u->due == UPPROXY_METHOD)
		return socks_read_method(u, data, used, out);
	if (u->due == UPPROXY_AUTH)
		return socks_read_auth(u, data, used, out);
	return socks_read_reply(u, data, len, used);
}

int
upproxy_read(struct upproxy *u, const uint8_t *data, size_t len, size_t *used,
    struct text *out)
{
	*used = 0;
	return u->kind == UPPROXY_HTTP ? http_read(u, data, len, used) :
	    socks_read(u, data, len, used, out);
}
