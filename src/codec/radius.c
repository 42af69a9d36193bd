/*
 * A packet is a code, an identifier, a length, sixteen bytes of authenticator,
 * and attributes of a type, a length and a value.
 */
#include "codec/radius.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/addr.h"
#include "util/err.h"
#include "util/mem.h"

#define HEAD	20
#define AUTH	16	/* bytes of an authenticator; its place is 4 */
#define SIGNED	(HEAD + 2)	/* Message-Authenticator's value, in ours */

const char *
radius_code_str(int code)
{
	static const char *const names[] = { "Disconnect-Request",
	    "Disconnect-ACK", "Disconnect-NAK", "CoA-Request", "CoA-ACK",
	    "CoA-NAK" };

	return code >= RADIUS_DISCONNECT && code <= RADIUS_COA_NAK ?
	    names[code - RADIUS_DISCONNECT] : NULL;
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
set_length(struct radius_packet *p)
{
	p->b[2] = (uint8_t)(p->len >> 8);
	p->b[3] = (uint8_t)p->len;
}

int
radius_add(struct radius_packet *p, uint8_t type, const void *value, size_t n)
{
	if (n > RADIUS_VALUE || n == 0 || p->len + 2 + n > RADIUS_MAX)
		return ERR_LIMIT;
	p->b[p->len] = type;
	p->b[p->len + 1] = (uint8_t)(n + 2);
	memcpy(p->b + p->len + 2, value, n);
	p->len += n + 2;
	set_length(p);
	return 0;
}

int
radius_add_vendor(struct radius_packet *p, uint32_t vendor, uint8_t type,
    const void *value, size_t n)
{
	uint8_t b[RADIUS_VALUE];

	if (n > RADIUS_VALUE - 6)
		return ERR_LIMIT;
	put32(b, vendor);
	b[4] = type;
	b[5] = (uint8_t)(n + 2);
	memcpy(b + 6, value, n);
	return radius_add(p, RADIUS_VENDOR, b, n + 6);
}

int
radius_add_number(struct radius_packet *p, uint8_t type, uint32_t v)
{
	uint8_t b[4];

	put32(b, v);
	return radius_add(p, type, b, sizeof(b));
}

void
radius_begin(struct radius_packet *p, enum radius_code code, uint8_t id)
{
	static const uint8_t zeros[AUTH];

	memset(p->b, 0, HEAD);
	p->b[0] = (uint8_t)code;
	p->b[1] = id;
	p->len = HEAD;
	radius_add(p, RADIUS_MESSAGE_AUTHENTICATOR, zeros, AUTH);
}

static int
md5_of(const uint8_t *data, size_t len, const char *secret, size_t n,
    uint8_t out[AUTH])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int ok = md != NULL && EVP_DigestInit_ex(md, EVP_md5(), NULL) &&
	    EVP_DigestUpdate(md, data, len) &&
	    EVP_DigestUpdate(md, secret, n) &&
	    EVP_DigestFinal_ex(md, out, NULL);

	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return ok ? 0 : ERR_UNSUPPORTED;
}

static int
hmac_of(const uint8_t *data, size_t len, const char *secret, size_t n,
    uint8_t out[AUTH])
{
	size_t got = 0;
	int ok = EVP_Q_mac(NULL, "HMAC", NULL, "MD5", NULL, secret, n, data,
	    len, out, AUTH, &got) != NULL && got == AUTH;

	ERR_clear_error();
	return ok ? 0 : ERR_UNSUPPORTED;
}

/* Both are over the packet with zeros in their places, the Request
 * Authenticator also over the other (RFC 5176, 2.3 and 3.). */
int
radius_seal(struct radius_packet *p, const char *secret, size_t n)
{
	uint8_t sum[AUTH];

	memset(p->b + 4, 0, AUTH);
	memset(p->b + SIGNED, 0, AUTH);
	if (hmac_of(p->b, p->len, secret, n, sum) != 0)
		return ERR_UNSUPPORTED;
	memcpy(p->b + SIGNED, sum, AUTH);
	if (md5_of(p->b, p->len, secret, n, sum) != 0)
		return ERR_UNSUPPORTED;
	memcpy(p->b + 4, sum, AUTH);
	return 0;
}

/* Find what we want of the attributes. *at: of Message-Authenticator's value,
 * or 0. */
static int
walk(const uint8_t *b, size_t len, size_t *at, unsigned *cause)
{
	size_t i, n;

	*at = 0;
	*cause = 0;
	for (i = HEAD; i < len; i += n) {
		if (len - i < 2 || (n = b[i + 1]) < 2 || n > len - i)
			return ERR_FORMAT;
		if (b[i] == RADIUS_MESSAGE_AUTHENTICATOR) {
			if (n != 2 + AUTH || *at != 0)
				return ERR_FORMAT;
			*at = i + 2;
		} else if (b[i] == RADIUS_ERROR_CAUSE && n == 2 + 4) {
			*cause = get32(b + i + 2);
		}
	}
	return 0;
}

/* An answer is signed with the Request Authenticator in the place of its own
 * (RFC 2865, 3; RFC 5176, 3.). */
static int
genuine(const struct radius_packet *asked, const char *secret, size_t n,
    const uint8_t *data, size_t len, size_t at)
{
	uint8_t b[RADIUS_MAX], sum[AUTH];

	memcpy(b, data, len);
	memcpy(b + 4, asked->b + 4, AUTH);
	if (md5_of(b, len, secret, n, sum) != 0)
		return ERR_UNSUPPORTED;
	if (CRYPTO_memcmp(sum, data + 4, AUTH) != 0)
		return ERR_DENIED;
	if (at == 0)
		return 0;
	memset(b + at, 0, AUTH);
	if (hmac_of(b, len, secret, n, sum) != 0)
		return ERR_UNSUPPORTED;
	return CRYPTO_memcmp(sum, data + at, AUTH) == 0 ? 0 : ERR_DENIED;
}

int
radius_answer(const struct radius_packet *asked, const char *secret, size_t n,
    const uint8_t *data, size_t len, struct radius_answer *out)
{
	size_t said, at;
	int rv;

	if (len < HEAD)
		return ERR_FORMAT;
	said = (size_t)data[2] << 8 | data[3];
	/* What is behind it is padding (RFC 2865, 3). */
	if (said < HEAD || said > len || said > RADIUS_MAX ||
	    walk(data, said, &at, &out->cause) != 0)
		return ERR_FORMAT;
	if (data[1] != asked->b[1] || (data[0] != asked->b[0] + 1 &&
	    data[0] != asked->b[0] + 2))
		return ERR_NOTFOUND;
	if ((rv = genuine(asked, secret, n, data, said, at)) != 0)
		return rv;
	out->code = (enum radius_code)data[0];
	return 0;
}

const char *
radius_cause_str(unsigned cause)
{
	static const struct {
		unsigned	 cause;
		const char	*name;
	} names[] = {
		{ 201, "Residual-Session-Context-Removed" },
		{ 202, "Invalid-EAP-Packet" },
		{ 401, "Unsupported-Attribute" },
		{ 402, "Missing-Attribute" },
		{ 403, "NAS-Identification-Mismatch" },
		{ 404, "Invalid-Request" },
		{ 405, "Unsupported-Service" },
		{ 406, "Unsupported-Extension" },
		{ 407, "Invalid-Attribute-Value" },
		{ 501, "Administratively-Prohibited" },
		{ 502, "Request-Not-Routable" },
		{ 503, "Session-Context-Not-Found" },
		{ 504, "Session-Context-Not-Removable" },
		{ 505, "Other-Proxy-Processing-Error" },
		{ 506, "Resources-Unavailable" },
		{ 507, "Request-Initiated" },
		{ 508, "Multiple-Session-Selection-Unsupported" },
	};
	size_t i;

	for (i = 0; i < NELEM(names); i++)
		if (names[i].cause == cause)
			return names[i].name;
	return "";
}

static const struct {
	const char	*name;
	struct radius_attribute is;
} attributes[] = {
	{ "User-Name", { 0, 1, RADIUS_TEXT } },
	{ "NAS-IP-Address", { 0, 4, RADIUS_ADDRESS } },
	{ "NAS-Port", { 0, 5, RADIUS_NUMBER } },
	{ "Service-Type", { 0, 6, RADIUS_NUMBER } },
	{ "Framed-IP-Address", { 0, 8, RADIUS_ADDRESS } },
	{ "Filter-Id", { 0, 11, RADIUS_TEXT } },
	{ "Reply-Message", { 0, 18, RADIUS_TEXT } },
	{ "State", { 0, 24, RADIUS_TEXT } },
	{ "Class", { 0, 25, RADIUS_TEXT } },
	{ "Session-Timeout", { 0, 27, RADIUS_NUMBER } },
	{ "Idle-Timeout", { 0, 28, RADIUS_NUMBER } },
	{ "Termination-Action", { 0, 29, RADIUS_NUMBER } },
	{ "Called-Station-Id", { 0, 30, RADIUS_TEXT } },
	{ "Calling-Station-Id", { 0, 31, RADIUS_TEXT } },
	{ "NAS-Identifier", { 0, 32, RADIUS_TEXT } },
	{ "Proxy-State", { 0, 33, RADIUS_TEXT } },
	{ "Acct-Session-Id", { 0, 44, RADIUS_TEXT } },
	{ "Acct-Terminate-Cause", { 0, 49, RADIUS_NUMBER } },
	{ "Acct-Multi-Session-Id", { 0, 50, RADIUS_TEXT } },
	{ "Event-Timestamp", { 0, 55, RADIUS_NUMBER } },
	{ "NAS-Port-Type", { 0, 61, RADIUS_NUMBER } },
	{ "Tunnel-Type", { 0, 64, RADIUS_NUMBER } },
	{ "Tunnel-Medium-Type", { 0, 65, RADIUS_NUMBER } },
	{ "Message-Authenticator", { 0, 80, RADIUS_TEXT } },
	{ "Tunnel-Private-Group-Id", { 0, 81, RADIUS_TEXT } },
	{ "NAS-Port-Id", { 0, 87, RADIUS_TEXT } },
	{ "Chargeable-User-Identity", { 0, 89, RADIUS_TEXT } },
	{ "NAS-Filter-Rule", { 0, 92, RADIUS_TEXT } },
	{ "Cisco-AVPair", { 9, 1, RADIUS_TEXT } },
	{ "HP-Port-Bounce-Host", { 11, 23, RADIUS_NUMBER } },
	{ "Juniper-AV-Pair", { 2636, 52, RADIUS_TEXT } },
	{ "Aruba-User-Role", { 14823, 1, RADIUS_TEXT } },
	{ "Aruba-Port-Bounce-Host", { 14823, 40, RADIUS_NUMBER } },
};

/* Decimal digits up to max, then end (or NUL). NULL: it is none. */
static const char *
number(const char *s, unsigned long max, char end, unsigned long *v)
{
	char *e;

	if (*s < '0' || *s > '9')
		return NULL;
	*v = strtoul(s, &e, 10);
	return *e == end && *v <= max ? e + (end != '\0') : NULL;
}

int
radius_attribute(struct radius_attribute *a, const char *name)
{
	unsigned long v, type;
	const char *p;
	size_t i;

	for (i = 0; i < NELEM(attributes); i++)
		if (strcasecmp(attributes[i].name, name) == 0) {
			*a = attributes[i].is;
			return 0;
		}
	a->kind = RADIUS_TEXT;
	a->vendor = 0;
	if (number(name, 255, '\0', &type) == NULL) {
		if (strncmp(name, "26.", 3) != 0 ||
		    (p = number(name + 3, 0xffffff, '.', &v)) == NULL ||
		    v == 0 || number(p, 255, '\0', &type) == NULL)
			return ERR_FORMAT;
		a->vendor = (uint32_t)v;
	}
	a->type = (uint8_t)type;
	for (i = 0; i < NELEM(attributes); i++)
		if (attributes[i].is.vendor == a->vendor &&
		    attributes[i].is.type == a->type)
			a->kind = attributes[i].is.kind;
	return type == 0 || (a->vendor == 0 && type == RADIUS_VENDOR) ?
	    ERR_FORMAT : 0;
}

int
radius_is_ours(const struct radius_attribute *a)
{
	static const uint8_t ours[] = { RADIUS_NAS_ADDRESS,
	    RADIUS_CALLING_STATION, RADIUS_NAS_IDENTIFIER,
	    RADIUS_EVENT_TIMESTAMP, RADIUS_MESSAGE_AUTHENTICATOR,
	    RADIUS_NAS_ADDRESS6 };

	return a->vendor == 0 && memchr(ours, a->type, sizeof(ours)) != NULL;
}

static int
bytes_of(const char *s, size_t max, uint8_t *out, size_t *len)
{
	static const char digits[] = "0123456789abcdef";
	const char *hi, *lo;

	for (*len = 0; s[0] != '\0'; s += 2) {
		if (s[1] == '\0' || *len == max ||
		    (hi = strchr(digits, s[0] | ('a' ^ 'A'))) == NULL ||
		    (lo = strchr(digits, s[1] | ('a' ^ 'A'))) == NULL)
			return ERR_FORMAT;
		out[(*len)++] = (uint8_t)((hi - digits) << 4 | (lo - digits));
	}
	return *len > 0 ? 0 : ERR_FORMAT;
}

static int
plain_of(enum radius_kind kind, const char *s, size_t max, uint8_t *out,
    size_t *len)
{
	const uint8_t *ip;
	unsigned long v;
	struct addr a;

	switch (kind) {
	case RADIUS_NUMBER:
		if (number(s, 0xffffffff, '\0', &v) == NULL)
			return ERR_FORMAT;
		put32(out, (uint32_t)v);
		*len = 4;
		return 0;
	case RADIUS_ADDRESS:
		if (addr_parse_ip(&a, s) != 0)
			return ERR_FORMAT;
		ip = addr_ip(&a, len);
		memcpy(out, ip, *len);
		return *len == 4 ? 0 : ERR_FORMAT;
	case RADIUS_TEXT:
		break;
	}
	*len = strlen(s);
	if (*len == 0 || *len > max)
		return ERR_FORMAT;
	memcpy(out, s, *len);
	return 0;
}

int
radius_value(const struct radius_attribute *a, const char *s, uint8_t *out,
    size_t *len)
{
	size_t max = a->vendor != 0 ? RADIUS_VALUE - 6 : RADIUS_VALUE;

	if (strncmp(s, "0x", 2) == 0)
		return bytes_of(s + 2, max, out, len);
	return plain_of(a->kind, s, max, out, len);
}
