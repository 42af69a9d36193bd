/*
 * RADIUS, as far as a network device is asked by it to end or to change the
 * session of an endpoint: Disconnect-Request and CoA-Request (RFC 5176), and
 * what answers them. Attributes are those of RFC 2865, and of vendors.
 */
#ifndef CODEC_RADIUS_H
#define CODEC_RADIUS_H

#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

#define RADIUS_PORT	3799
#define RADIUS_MAX	4096	/* bytes of a packet (RFC 2865, 3) */
#define RADIUS_VALUE	253	/* bytes of an attribute's value */

enum radius_code {
	RADIUS_DISCONNECT = 40, RADIUS_DISCONNECT_ACK, RADIUS_DISCONNECT_NAK,
	RADIUS_COA = 43, RADIUS_COA_ACK, RADIUS_COA_NAK
};
/* "Disconnect-Request", ...; static. NULL: another. */
const char	*radius_code_str(int);

enum {				/* attributes that we write ourselves */
	RADIUS_NAS_ADDRESS = 4, RADIUS_FRAMED_ADDRESS = 8,
	RADIUS_VENDOR = 26, RADIUS_CALLING_STATION = 31,
	RADIUS_NAS_IDENTIFIER = 32, RADIUS_EVENT_TIMESTAMP = 55,
	RADIUS_MESSAGE_AUTHENTICATOR = 80, RADIUS_NAS_ADDRESS6 = 95,
	RADIUS_ERROR_CAUSE = 101, RADIUS_FRAMED_ADDRESS6 = 168
};

struct radius_packet {
	size_t		 len;
	uint8_t		 b[RADIUS_MAX];
};

/*
 * Write a request: begin, add, seal. Its first attribute is
 * Message-Authenticator (RFC 3579, 3.2). radius_add: ERR_LIMIT where it does
 * not fit, and nothing is added. radius_seal computes that attribute and the
 * Request Authenticator (RFC 5176, 2.3); ERR_UNSUPPORTED: OpenSSL has no MD5
 * here.
 */
void	radius_begin(struct radius_packet *, enum radius_code, uint8_t id);
int	radius_add(struct radius_packet *, uint8_t type, const void *, size_t);
int	radius_add_vendor(struct radius_packet *, uint32_t vendor,
	    uint8_t type, const void *, size_t);
int	radius_add_number(struct radius_packet *, uint8_t type, uint32_t);
int	radius_seal(struct radius_packet *, const char *secret, size_t);

struct radius_answer {
	enum radius_code code;
	unsigned	 cause;		/* Error-Cause (RFC 5176, 3.5), or 0 */
};

/*
 * Read what may answer a sealed request. 0; ERR_FORMAT (it is no RADIUS);
 * ERR_NOTFOUND (it answers another request); ERR_DENIED (it is not signed with
 * the secret, by either authenticator); ERR_UNSUPPORTED (as radius_seal()).
 */
int	radius_answer(const struct radius_packet *asked, const char *secret,
	    size_t, const uint8_t *, size_t, struct radius_answer *);

/* "Session-Context-Not-Found"; static. "" of one that is not known. */
const char *radius_cause_str(unsigned cause);

/*
 * What an operator calls an attribute: its name ("Filter-Id",
 * "Cisco-AVPair"), its number ("11") or, of a vendor, "26.VENDOR.TYPE".
 */
struct radius_attribute {
	uint32_t	 vendor;	/* 0: none */
	uint8_t		 type;
	enum radius_kind {
		RADIUS_TEXT, RADIUS_NUMBER, RADIUS_ADDRESS
	} kind;
};
/* 0, or ERR_FORMAT. */
int	radius_attribute(struct radius_attribute *, const char *name);
/* Whether that is one which we write ourselves. */
int	radius_is_ours(const struct radius_attribute *);
/* A value into out (RADIUS_VALUE bytes): a text, a number or an address, as
 * its kind wants; or bytes, as "0x0a0b". ERR_FORMAT. */
int	radius_value(const struct radius_attribute *, const char *,
	    uint8_t *out, size_t *len);

#endif
