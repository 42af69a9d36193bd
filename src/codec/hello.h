/*
 * The ClientHello (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2) as facts, read from a
 * client's first bytes: TLS records, over which the client may spread the
 * message as it likes. The parser sends nothing, and judges only whether the
 * hello can be read.
 */
#ifndef CODEC_HELLO_H
#define CODEC_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "codec/alert.h"
#include "codec/hostname.h"
#include "util/cursor.h"

#define HELLO_MAX	65536	/* raw bytes, record headers included */

enum {			/* hello.flags */
	HELLO_SNI	= 1 << 0,	/* server_name came: sni, or SNI_BAD */
	HELLO_SNI_BAD	= 1 << 1,	/* it is not a DNS name; sni is "" */
	HELLO_SNI_IP	= 1 << 2,	/* it is an IPv4 address as text */
	/* pre_shared_key: a TLS 1.3 resumption */
	HELLO_PSK	= 1 << 3,
	HELLO_EARLY	= 1 << 4,	/* early_data: 0-RTT may follow */
	/* encrypted_client_hello of an outer hello; only the server knows
	 * GREASE from real */
	HELLO_ECH	= 1 << 5,
	/* session_ticket extension (RFC 5077) */
	HELLO_TICKETS	= 1 << 6,
	HELLO_TICKET	= 1 << 7,	/* ... and a ticket in it */
	HELLO_COMPRESS	= 1 << 8,	/* compress_certificate (RFC 8879) */
	HELLO_GREASE	= 1 << 9,	/* GREASE (RFC 8701) seen in suites or
					 * extensions */
	HELLO_PHA	= 1 << 10,	/* post_handshake_auth */
	HELLO_EMS	= 1 << 11,	/* extended_master_secret */
	HELLO_OCSP	= 1 << 12,	/* status_request */
	HELLO_SCT	= 1 << 13,	/* signed_certificate_timestamp */
	HELLO_SCSV	= 1 << 14	/* TLS_FALLBACK_SCSV among the suites */
};

struct hello_list {		/* as on the wire, without its length */
	const uint8_t	*p;	/* NULL: absent */
	size_t		 len;	/* bytes */
};

struct hello {
	size_t			 raw_len;	/* its bytes in data */
	unsigned		 records;	/* its records in data */
	unsigned		 flags;
	uint16_t		 record_version; /* of the first record */
	uint16_t		 version;	/* legacy_version */
	uint16_t		 max_version;	/* highest offered, 0x0300 to
						 * 0x0304, without GREASE */
	const uint8_t		*random;	/* 32 bytes */
	struct hello_list	 msg;		/* the whole message, its 4-byte
						 * header included */
	struct hello_list	 session_id;	/* 0 to 32 bytes */
	struct hello_list	 suites;	/* u16 each */
	struct hello_list	 compression;	/* u8 each */
	/* all, in order: hello_ext_next */
	struct hello_list	 exts;
	struct hello_list	 versions;	/* u16 each */
	struct hello_list	 groups;	/* u16 each */
	struct hello_list	 shares;	/* key_share, RFC 8446, 4.2.8 */
	struct hello_list	 sigalgs;	/* u16 each */
	struct hello_list	 points;	/* u8 each */
	struct hello_list	 alpn;		/* u8 length, name; ...: what
						 * SSL_set_alpn_protos takes */
	/* what it wants to resume: the first identity of pre_shared_key (RFC
	 * 8446, 4.2.11), or else its session ticket (RFC 5077) */
	struct hello_list	 ticket;
	unsigned		 n_alpn;	/* names in it */
	char			 sni[HOSTNAME_MAX + 1]; /* lower case, no final
						 * dot; "" if none or bad */
	uint8_t			*copy;		/* freed by hello_free */
	int			 begun;	/* it is TLS, even if short */
	/* With ERR_FORMAT and ERR_LIMIT: static text, and an ALERT_*. */
	const char		*wrong;
	uint8_t			 alert;
};

/*
 * Read the ClientHello at the start of data. Pointers point into data and
 * live as long as it; if the message spans several records, they point into a
 * copy that hello_free() frees. Bytes after the hello are not read. Returns
 *   0		the hello is complete;
 *   ERR_SHORT	*need is the number of bytes wanted in all (always > len, and
 *		never more than a well-formed hello with this start has);
 *   ERR_NOTFOUND  not TLS; the first bytes show it, 11 at most;
 *   ERR_FORMAT	TLS, but not a readable ClientHello: it is malformed, another
 *		record or message precedes it, the version in a record's
 *		header is not one of TLS, or it is a hello of SSLv2;
 *   ERR_LIMIT	longer than HELLO_MAX.
 * The last two set alert and wrong. Only after 0 is there anything to free.
 * need may be NULL.
 */
int		 hello_parse(struct hello *, const uint8_t *data, size_t len,
		    size_t *need);
void		 hello_free(struct hello *);
/* The same of a whole message, as .msg has it, without its records. Returns 0
 * or ERR_FORMAT; there is nothing to free. */
int		 hello_parse_message(struct hello *, const uint8_t *msg,
		    size_t len);

/* Whether the value is one of the sixteen of RFC 8701. */
int		 hello_is_grease(uint16_t);

/* Whether a list of u16 has this value. */
int		 hello_has(const struct hello_list *, uint16_t);
#define		 hello_has_group(h, g)	hello_has(&(h)->groups, (g))

/*
 * Walk .alpn, or .exts, from cursor_of(list.p, list.len). Each call returns 1
 * with the next item, and 0 at the end.
 */
int		 hello_alpn_next(struct cursor *, const uint8_t **,
		    size_t *len);
int		 hello_ext_next(struct cursor *, uint16_t *type,
		    struct cursor *body);
/* Whether an ALPN list has the name; NULL, 0 is an empty list. */
int		 alpn_has(const uint8_t *list, size_t len, const char *name);

/*
 * Whether this client accepts a leaf with a key of the kind if version (0x0303,
 * 0x0304) is agreed on: an ECDSA key on the curve of that group (23 to 25:
 * P-256, P-384, P-521), an RSA key, an Ed25519 key. Its signature algorithms
 * tell; for TLS 1.2 and below its suites and groups must agree too. Without
 * algorithms it is SHA-1 (RFC 5246, 7.4.1.4.1), which nobody signs with in
 * TLS 1.2: then a suite will do that signs nothing, and so RSA.
 */
int		 hello_can_ecdsa(const struct hello *, uint16_t version,
		    uint16_t group);
int		 hello_can_rsa(const struct hello *, uint16_t version);
int		 hello_can_ed25519(const struct hello *, uint16_t version);

#endif
