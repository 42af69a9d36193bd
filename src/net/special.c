/*
 * Special addresses (RFC 6890).
 */
#include "net/special.h"

#include <string.h>

#include "util/mem.h"

struct range {
	uint8_t		 ip[16];
	unsigned	 bits;
	enum special	 what;
};

/* The clouds document their metadata addresses. */
static const struct range v4[] = {
	{ { 0 }, 8, SPECIAL_LOOPBACK },
	{ { 127 }, 8, SPECIAL_LOOPBACK },
	{ { 169, 254 }, 16, SPECIAL_LINK_LOCAL },
	{ { 100, 100, 100, 200 }, 32, SPECIAL_METADATA },	/* Alibaba */
	{ { 168, 63, 129, 16 }, 32, SPECIAL_METADATA },		/* Azure */
	{ { 192, 0, 0, 192 }, 32, SPECIAL_METADATA },		/* Oracle */
	{ { 224 }, 3, SPECIAL_MULTICAST },	/* 224/4 and 240/4 */
};
static const struct range v6[] = {
	{ { 0 }, 128, SPECIAL_LOOPBACK },
	{ { [15] = 1 }, 128, SPECIAL_LOOPBACK },
	{ { 0xfe, 0x80 }, 10, SPECIAL_LINK_LOCAL },
	{ { 0xfd, 0, 0x0e, 0xc2, [14] = 2, 0x54 }, 128,
	    SPECIAL_METADATA },				/* Amazon */
	{ { 0xfd, 0x20, 0, 0xce, [14] = 2, 0x54 }, 128,
	    SPECIAL_METADATA },				/* Google */
	{ { 0xfd, 0, 0, 0x42, [15] = 0x42 }, 128,
	    SPECIAL_METADATA },				/* Scaleway */
	{ { 0xff }, 8, SPECIAL_MULTICAST },
};

/* Networks that are not of the Internet: RFC 1918, 6598, 2544, 4193, 3879. */
static const struct range inside4[] = {
	{ { 10 }, 8, SPECIAL_PRIVATE },
	{ { 172, 16 }, 12, SPECIAL_PRIVATE },
	{ { 192, 168 }, 16, SPECIAL_PRIVATE },
	{ { 100, 64 }, 10, SPECIAL_PRIVATE },
	{ { 198, 18 }, 15, SPECIAL_PRIVATE },
	{ { 192, 0, 0 }, 24, SPECIAL_PRIVATE },
};
static const struct range inside6[] = {
	{ { 0xfc }, 7, SPECIAL_PRIVATE },
	{ { 0xfe, 0xc0 }, 10, SPECIAL_PRIVATE },
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48, SPECIAL_PRIVATE },
};

/* Prefixes of IPv6 addresses that carry an IPv4 address, and its offset. */
static const struct {
	uint8_t		 ip[16];
	unsigned	 bits, at;
} carriers[] = {
	{ { 0 }, 96, 12 },				/* compatible */
	{ { [10] = 0xff, 0xff }, 96, 12 },		/* mapped */
	{ { 0, 0x64, 0xff, 0x9b }, 96, 12 },		/* NAT64 */
	{ { 0x20, 0x02 }, 16, 2 },			/* 6to4 */
};

static int
range_has(const uint8_t *net, unsigned bits, const uint8_t *ip)
{
	unsigned whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff << (8 - bits % 8));

	return memcmp(net, ip, whole) == 0 && (bits % 8 == 0 ||
	    (net[whole] & mask) == (ip[whole] & mask));
}

static enum special
range_find(const struct range *r, size_t n, const uint8_t *ip)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (range_has(r[i].ip, r[i].bits, ip))
			return r[i].what;
	return SPECIAL_NONE;
}

static enum special
special_in(const struct addr *a, const struct range *in4, size_t n4,
    const struct range *in6, size_t n6)
{
	enum special what;
	const uint8_t *ip;
	size_t len, i;

	if (a->sa.sa_family == AF_UNSPEC)
		return SPECIAL_NONE;
	ip = addr_ip(a, &len);
	if (len == 4)
		return range_find(in4, n4, ip);
	if ((what = range_find(in6, n6, ip)) != SPECIAL_NONE)
		return what;
	for (i = 0; i < NELEM(carriers); i++)
		if (range_has(carriers[i].ip, carriers[i].bits, ip))
			return range_find(in4, n4, ip + carriers[i].at);
	return SPECIAL_NONE;
}

enum special
special_of(const struct addr *a)
{
	return special_in(a, v4, NELEM(v4), v6, NELEM(v6));
}

int
special_inside(const struct addr *a)
{
	return special_of(a) != SPECIAL_NONE || special_in(a, inside4,
	    NELEM(inside4), inside6, NELEM(inside6)) != SPECIAL_NONE;
}
