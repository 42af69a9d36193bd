/*
 * Socket addresses and prefixes: text, comparison, matching.
 */
#include "util/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/hash.h"

void
addr_set(struct addr *a, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;

	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = in6->sin6_port;
		memcpy(&a->in.sin_addr, &in6->sin6_addr.s6_addr[12], 4);
	} else if (sa->sa_family == AF_INET6) {
		a->in6 = *in6;
	} else if (sa->sa_family == AF_INET) {
		a->in = *(const struct sockaddr_in *)(const void *)sa;
	}
}

socklen_t
addr_len(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

uint16_t
addr_port(const struct addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port :
	    a->in.sin_port);
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

const uint8_t *
addr_ip(const struct addr *a, size_t *len)
{
	if (a->sa.sa_family == AF_INET6) {
		*len = 16;
		return a->in6.sin6_addr.s6_addr;
	}
	*len = 4;
	return (const uint8_t *)&a->in.sin_addr;
}

int
addr_eq(const struct addr *a, const struct addr *b)
{
	size_t al, bl;
	const uint8_t *ap = addr_ip(a, &al), *bp = addr_ip(b, &bl);

	return a->sa.sa_family == b->sa.sa_family && al == bl &&
	    memcmp(ap, bp, al) == 0 && addr_port(a) == addr_port(b);
}

uint64_t
addr_hash(uint64_t h, const struct addr *a)
{
	uint16_t port = addr_port(a);
	size_t len;
	const uint8_t *ip = addr_ip(a, &len);

	return hash_bytes(hash_bytes(h, ip, len), &port, sizeof(port));
}

#define OWNER_IPV4	0xffff00000000u		/* of no IPv6 address in use */
#define OWNER_ZERO	1			/* of ::/64 */

uint64_t
addr_owner(const struct addr *a)
{
	uint64_t owner = 0;
	size_t len, i;
	const uint8_t *ip = addr_ip(a, &len);

	for (i = 0; i < len && i < 8; i++)
		owner = owner << 8 | ip[i];
	if (len == 4)
		return OWNER_IPV4 | owner;
	return owner != 0 ? owner : OWNER_ZERO;
}

int
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];
	size_t len;
	const uint8_t *ip = addr_ip(a, &len);

	return memcmp(ip, zero, len) == 0;
}

char *
addr_ip_str(const struct addr *a, char *out)
{
	size_t len;
	const uint8_t *ip = addr_ip(a, &len);

	if (a->sa.sa_family == AF_UNSPEC ||
	    inet_ntop(a->sa.sa_family, ip, out, ADDR_STRLEN) == NULL)
		snprintf(out, ADDR_STRLEN, "-");
	return out;
}

char *
addr_str(const struct addr *a, char *out)
{
	char ip[ADDR_STRLEN];

	addr_ip_str(a, ip);
	snprintf(out, ADDR_STRLEN, a->sa.sa_family == AF_INET6 ?
	    "[%.45s]:%u" : "%.45s:%u", ip, addr_port(a));
	return out;
}

int
addr_parse_ip(struct addr *a, const char *s)
{
	char buf[INET6_ADDRSTRLEN + IF_NAMESIZE + 2], *scope;
	struct sockaddr_in6 in6;
	size_t n = strlen(s);

	memset(a, 0, sizeof(*a));
	if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
		s++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(buf))
		return ERR_FORMAT;
	memcpy(buf, s, n);
	buf[n] = '\0';
	if (inet_pton(AF_INET, buf, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		return 0;
	}
	if ((scope = strchr(buf, '%')) != NULL) {
		*scope++ = '\0';
		a->in6.sin6_scope_id = if_nametoindex(scope);
	}
	if (inet_pton(AF_INET6, buf, &a->in6.sin6_addr) != 1)
		return ERR_FORMAT;
	a->in6.sin6_family = AF_INET6;
	in6 = a->in6;
	addr_set(a, (struct sockaddr *)&in6);	/* folds mapped addresses */
	return 0;
}

int
addr_parse(struct addr *a, const char *s)
{
	const char *colon = strrchr(s, ':');
	char host[128], *end;
	unsigned long port;

	if (colon == NULL || colon == s ||
	    (size_t)(colon - s) >= sizeof(host) ||
	    (s[0] != '[' && strchr(s, ':') != colon))
		return ERR_FORMAT;
	memcpy(host, s, (size_t)(colon - s));
	host[colon - s] = '\0';
	if (colon[1] < '0' || colon[1] > '9')
		return ERR_FORMAT;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535 || addr_parse_ip(a, host) != 0)
		return ERR_FORMAT;
	addr_set_port(a, (uint16_t)port);
	return 0;
}

/* An IPv4 address behind the first 96 bits of an IPv6 one. */
static void
embed(struct addr *a, const uint8_t head[12])
{
	struct sockaddr_in in = a->in;

	if (a->sa.sa_family != AF_INET)
		return;
	memset(a, 0, sizeof(*a));
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = in.sin_port;
	memcpy(a->in6.sin6_addr.s6_addr, head, 12);
	memcpy(&a->in6.sin6_addr.s6_addr[12], &in.sin_addr, 4);
}

void
addr_map6(struct addr *a)
{
	static const uint8_t head[12] = { [10] = 0xff, 0xff };

	embed(a, head);
}

void
addr_translate6(struct addr *a)
{
	static const uint8_t head[12] = { 0, 0x64, 0xff, 0x9b, 0, 1 };

	embed(a, head);
}

int
prefix_parse(struct prefix *p, const char *s)
{
	const char *slash = strchr(s, '/');
	char host[64], *end;
	struct addr a;
	size_t n = slash != NULL ? (size_t)(slash - s) : strlen(s), len;
	const uint8_t *ip;
	unsigned long bits;

	memset(p, 0, sizeof(*p));
	if (n >= sizeof(host))
		return ERR_FORMAT;
	memcpy(host, s, n);
	host[n] = '\0';
	if (addr_parse_ip(&a, host) != 0)
		return ERR_FORMAT;
	ip = addr_ip(&a, &len);
	bits = len * 8;
	if (slash != NULL) {
		if (slash[1] < '0' || slash[1] > '9')
			return ERR_FORMAT;
		bits = strtoul(slash + 1, &end, 10);
		if (len == 4 && memchr(host, ':', n) != NULL)
			bits -= bits >= 96 ? 96 : 0;	/* it was mapped */
		if (*end != '\0' || bits > len * 8)
			return ERR_FORMAT;
	}
	memcpy(p->ip, ip, len);
	p->family = (uint8_t)a.sa.sa_family;
	p->bits = (uint8_t)bits;
	return 0;
}

void
prefix_mask(struct prefix *p)
{
	unsigned i;

	for (i = p->bits; i < 8 * sizeof(p->ip); i++)
		p->ip[i / 8] &= (uint8_t)~(0x80 >> i % 8);
}

int
prefix_has(const struct prefix *p, const struct addr *a)
{
	size_t len, whole = p->bits / 8;
	const uint8_t *ip = addr_ip(a, &len);
	uint8_t mask;

	if (a->sa.sa_family != p->family || memcmp(ip, p->ip, whole) != 0)
		return 0;
	if (p->bits % 8 == 0)
		return 1;
	mask = (uint8_t)(0xff << (8 - p->bits % 8));
	return (ip[whole] & mask) == (p->ip[whole] & mask);
}

struct addr
prefix_addr(const struct prefix *p, uint16_t port)
{
	struct addr a = { .sa.sa_family = p->family };

	if (p->family == AF_INET6)
		memcpy(&a.in6.sin6_addr, p->ip, 16);
	else
		memcpy(&a.in.sin_addr, p->ip, 4);
	addr_set_port(&a, port);
	return a;
}
