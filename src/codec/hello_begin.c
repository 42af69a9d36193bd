/*
 * What the first bytes of a connection are: the start of a ClientHello, other
 * TLS, or something else. A server may accept as TLS more than RFC 8446 allows:
 * a hello of SSLv2, an alert before the hello, any version in the record
 * header. If we passed these on as another protocol, nothing would inspect
 * them.
 */
#include <string.h>

#include "codec/hello_begin.h"
#include "util/err.h"

enum {
	REC_CCS		= 20,
	REC_ALERT	= 21,
	REC_HANDSHAKE	= 22,
	REC_DATA	= 23,
	REC_HEARTBEAT	= 24,
	REC_HEADER	= 5,
	REC_MAX		= 16384,	/* RFC 8446, 5.1 */
	REC_CIPHER_MAX	= 16384 + 256,	/* 5.2 */
	MSG_CLIENT_HELLO = 1,
	V2_HEADER	= 11		/* up to the challenge's length */
};

static int
wants(size_t *need, size_t n)
{
	*need = n;
	return ERR_SHORT;
}

int
hello_wrong(struct hello *h, uint8_t alert, const char *wrong)
{
	h->alert = alert;
	h->wrong = wrong;
	return ERR_FORMAT;
}

static size_t
u16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/*
 * The hello of SSLv2 (RFC 5246, E.2) that offers TLS, which OpenSSL still
 * answers. It has a length, the type, a version, the lengths of three lists,
 * and the lists.
 */
static int
begins_v2(struct hello *h, const uint8_t *p, size_t len, size_t *need)
{
	size_t body;

	if (len < 3)
		return wants(need, 3);
	if (p[2] != MSG_CLIENT_HELLO)
		return ERR_NOTFOUND;
	if (len < V2_HEADER)
		return wants(need, V2_HEADER);
	body = (size_t)(p[0] & 0x7f) << 8 | p[1];
	if ((p[3] != 3 && u16(p + 3) != 2) || u16(p + 5) == 0 ||
	    u16(p + 5) % 3 != 0 || 9 + u16(p + 5) + u16(p + 7) + u16(p + 9) !=
	    body)
		return ERR_NOTFOUND;
	return hello_wrong(h, ALERT_PROTOCOL_VERSION, "a hello of SSLv2");
}

/* A record that is not a handshake's. Most end the connection, but some servers
 * go on after an alert that is only a warning. */
static int
begins_other(struct hello *h, const uint8_t *p, size_t len, size_t *need)
{
	static const char *const wrong[] = {
		"a ChangeCipherSpec came before the hello",
		"an alert came before the hello", NULL,
		"application data came before the hello",
		"a heartbeat came before the hello"
	};

	if (len > 1 && p[1] != 3)
		return ERR_NOTFOUND;
	if (len > 2 && p[2] > 4)
		return ERR_NOTFOUND;
	if (len < REC_HEADER)
		return wants(need, len < 2 ? 2 : REC_HEADER);
	if (u16(p + 3) > REC_CIPHER_MAX)
		return ERR_NOTFOUND;
	return hello_wrong(h, ALERT_UNEXPECTED_MESSAGE,
	    wrong[p[0] - REC_CCS]);
}

/* A version that is not one of TLS, before what looks like a hello. RFC 8446,
 * 5.1 says to ignore the version, and some servers do. */
static int
begins_version(struct hello *h, const uint8_t *p, size_t len, size_t *need)
{
	size_t body, shown;

	if (len <= REC_HEADER)
		return wants(need, REC_HEADER + 1);
	body = u16(p + 3);
	if (body == 0 || body > REC_MAX || p[5] != MSG_CLIENT_HELLO)
		return ERR_NOTFOUND;
	shown = body < 5 ? body : 5;
	if (len < REC_HEADER + shown)
		return wants(need, REC_HEADER + shown);
	if ((shown > 1 && p[6] != 0) || (shown > 4 && p[9] != 3))
		return ERR_NOTFOUND;
	return hello_wrong(h, ALERT_PROTOCOL_VERSION,
	    "the version of its record is not one of TLS");
}

int
hello_begins(struct hello *h, const uint8_t *data, size_t len, size_t *need)
{
	if (len == 0)
		return wants(need, 1);
	if (data[0] & 0x80)
		return begins_v2(h, data, len, need);
	if (data[0] < REC_CCS || data[0] > REC_HEARTBEAT)
		return ERR_NOTFOUND;
	if (data[0] != REC_HANDSHAKE)
		return begins_other(h, data, len, need);
	if (len == 1)
		return wants(need, 2);
	if (data[1] != 3)
		return begins_version(h, data, len, need);
	h->begun = 1;
	if (len <= REC_HEADER)
		return wants(need, REC_HEADER + 1);
	if (u16(data + 3) != 0 && data[REC_HEADER] != MSG_CLIENT_HELLO)
		return hello_wrong(h, ALERT_UNEXPECTED_MESSAGE,
		    "its first handshake message is no ClientHello");
	return 0;
}
