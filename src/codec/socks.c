/*
 * SOCKS5 (RFC 1928), and enough of SOCKS4 to refuse it.
 */
#include "codec/socks.h"

#include <string.h>

#include "codec/hostname.h"
#include "util/err.h"
#include "util/cursor.h"

enum {
	VERSION4 = 4,
	VERSION5 = 5,
	CMD_CONNECT = 1,
	ATYP_IPV4 = 1,
	ATYP_NAME = 3,
	ATYP_IPV6 = 4
};

int
socks_starts(uint8_t c)
{
	return c == VERSION4 || c == VERSION5;
}

static int
wants(size_t len, size_t *need, size_t n)
{
	if (len >= n)
		return 0;
	*need = n;
	return ERR_SHORT;
}

int
socks_greeting(const uint8_t *data, size_t len, uint8_t method, size_t *used,
    size_t *need)
{
	int e;

	if (len >= 1 && data[0] == VERSION4)
		return ERR_UNSUPPORTED;
	if (len >= 1 && data[0] != VERSION5)
		return ERR_FORMAT;
	if ((e = wants(len, need, 2)) != 0)
		return e;
	if ((e = wants(len, need, 2 + (size_t)data[1])) != 0)
		return e;
	*used = 2 + (size_t)data[1];
	return memchr(data + 2, method, data[1]) != NULL ?
	    0 : ERR_DENIED;
}

static int
refuse(struct socks_request *r, int e, uint8_t reply)
{
	r->reply = reply;
	return e;
}

static void
set_addr(struct socks_request *r, int family, const uint8_t *ip)
{
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
	} u;

	memset(&u, 0, sizeof(u));
	u.sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		memcpy(&u.in.sin_addr, ip, 4);
	else
		memcpy(&u.in6.sin6_addr, ip, 16);
	addr_set(&r->addr, &u.sa);
	addr_set_port(&r->addr, r->port);
	addr_ip_str(&r->addr, r->host);
}

/*
 * Read a name. Many clients write an address there, and it is read as one. A
 * scope after it ('%') would name an interface of theirs, not ours.
 */
static int
read_name(struct socks_request *r, const uint8_t *p, size_t n)
{
	struct addr a;

	memcpy(r->host, p, n);
	r->host[n] = '\0';
	if (strlen(r->host) == n && strchr(r->host, '%') == NULL &&
	    addr_parse_ip(&a, r->host) == 0) {
		addr_set(&r->addr, &a.sa);
		addr_set_port(&r->addr, r->port);
		addr_ip_str(&r->addr, r->host);
		return 0;
	}
	r->addr.sa.sa_family = AF_UNSPEC;
	if (hostname_copy(r->host, p, n) != 0)
		return refuse(r, ERR_FORMAT, SOCKS_HOST_UNREACHABLE);
	return 0;
}

/* Read the address and the port after it. */
static int
read_address(struct socks_request *r, uint8_t type, struct cursor *w)
{
	size_t n = type == ATYP_IPV4 ? 4 : type == ATYP_IPV6 ? 16 :
	    cursor_u8(w);
	const uint8_t *p = cursor_bytes(w, n);
	int e;

	r->port = cursor_u16(w);
	if (p == NULL || w->bad)
		return ERR_FORMAT;
	if (type == ATYP_NAME) {
		if ((e = read_name(r, p, n)) != 0)
			return e;
	} else
		set_addr(r, type == ATYP_IPV4 ? AF_INET : AF_INET6, p);
	return r->port != 0 ? 0 : refuse(r, ERR_FORMAT, SOCKS_FAILURE);
}

int
socks_request(struct socks_request *r, const uint8_t *data, size_t len,
    size_t *need)
{
	struct cursor w;
	uint8_t type;
	size_t n;
	int e;

	memset(r, 0, sizeof(*r));
	r->reply = SOCKS_FAILURE;
	if (len >= 1 && data[0] != VERSION5)
		return ERR_FORMAT;
	/* The shortest request has a name of no bytes, and is refused. */
	if ((e = wants(len, need, 7)) != 0)
		return e;
	type = data[3];
	if (type != ATYP_IPV4 && type != ATYP_NAME && type != ATYP_IPV6)
		return refuse(r, ERR_UNSUPPORTED, SOCKS_BAD_ADDRESS);
	n = 6 + (type == ATYP_IPV4 ? 4 : type == ATYP_IPV6 ? 16 :
	    1 + (size_t)data[4]);
	if ((e = wants(len, need, n)) != 0)
		return e;
	r->len = n;
	if (data[1] != CMD_CONNECT)
		return refuse(r, ERR_UNSUPPORTED, SOCKS_BAD_COMMAND);
	if (data[2] != 0)
		return ERR_FORMAT;
	w = cursor_of(data + 4, n - 4);
	return read_address(r, type, &w);
}

size_t
socks_method(uint8_t out[2], uint8_t method)
{
	out[0] = VERSION5;
	out[1] = method;
	return 2;
}

size_t
socks_login(uint8_t out[2], int ok)
{
	out[0] = 1;		/* the version of the login, not of SOCKS */
	out[1] = !ok;
	return 2;
}

size_t
socks_reply(uint8_t out[SOCKS_REPLY_MAX], uint8_t reply,
    const struct addr *bound)
{
	const uint8_t *ip = NULL;
	size_t n = 4;

	memset(out, 0, SOCKS_REPLY_MAX);
	out[0] = VERSION5;
	out[1] = reply;
	out[3] = ATYP_IPV4;
	if (bound != NULL && bound->sa.sa_family != AF_UNSPEC)
		ip = addr_ip(bound, &n);
	if (ip != NULL) {
		out[3] = n == 16 ? ATYP_IPV6 : ATYP_IPV4;
		memcpy(out + 4, ip, n);
		put_u16(out + 4 + n, addr_port(bound));
	}
	return 6 + n;
}

/* "request rejected or failed"; SOCKS4 has no better code. */
size_t
socks4_refuse(uint8_t out[8])
{
	memset(out, 0, 8);
	out[1] = 0x5b;
	return 8;
}
