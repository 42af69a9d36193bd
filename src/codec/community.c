/*
 * Community ID: SHA-1 of the seed, addresses, protocol, a zero, and ports, with
 * the smaller end first.
 */
#include "codec/community.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <string.h>

#include "util/err.h"
#include "util/cursor.h"

#define SEED	2	/* bytes, all zero */

static int
end_cmp(const struct addr *a, const struct addr *b)
{
	size_t al, bl;
	const uint8_t *ap = addr_ip(a, &al), *bp = addr_ip(b, &bl);
	int c = memcmp(ap, bp, al);

	return c != 0 ? c : (int)addr_port(a) - (int)addr_port(b);
}

static size_t
put_ip(uint8_t *p, const struct addr *a)
{
	size_t len;
	const uint8_t *ip = addr_ip(a, &len);

	memcpy(p, ip, len);
	return len;
}

int
community_id(char out[COMMUNITY_LEN + 1], const struct addr *a,
    const struct addr *b)
{
	uint8_t in[SEED + 16 + 16 + 2 + 4] = { 0 }, sum[EVP_MAX_MD_SIZE];
	const struct addr *swap;
	unsigned sumlen;
	size_t n = SEED;

	out[0] = '\0';
	if (a->sa.sa_family != b->sa.sa_family ||
	    (a->sa.sa_family != AF_INET && a->sa.sa_family != AF_INET6))
		return ERR_USAGE;
	if (end_cmp(a, b) > 0) {
		swap = a;
		a = b;
		b = swap;
	}
	n += put_ip(in + n, a);
	n += put_ip(in + n, b);
	in[n] = IPPROTO_TCP;
	n += 2;
	put_u16(in + n, addr_port(a));
	put_u16(in + n + 2, addr_port(b));
	n += 4;
	if (EVP_Digest(in, n, sum, &sumlen, EVP_sha1(), NULL) != 1)
		return ERR_TLS;
	memcpy(out, "1:", 2);
	EVP_EncodeBlock((unsigned char *)out + 2, sum, (int)sumlen);
	return 0;
}
