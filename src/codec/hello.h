/*
 * The ClientHello (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2) as facts, out of the
 * bytes a client sent first: TLS records, the message over as many of them
 * as the client liked. Nothing is answered and nothing is judged here but
 * whether it can be read.
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
	HELLO_SNI_BAD	= 1 << 1,	/* it is no DNS name; sni is "" */
	HELLO_SNI_IP	= 1 << 2,	/* it is an IPv4 address as text */
	/* pre_shared_key: a TLS 1.3 resumption */
	HELLO_PSK	= 1 << 3,
	HELLO_EARLY	= 1 << 4,	/* early_data: 0-RTT may follow */
	/* encrypted_client_hello, real or GREASE: only the server can tell */
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

struct hello_list {		/* as on the wire, length prefix cut off */
	const uint8_t	*p;	/* NULL: did not come */
	size_t		 len;	/* bytes */
};

struct hello {
	size_t			 raw_len;	/* bytes of data it took up */
	unsigned		 records;	/* ... in so many records */
	unsigned		 flags;
	uint16_t		 record_version; /* of the first record */
	uint16_t		 version;	/* legacy_version */
	uint16_t		 max_version;	/* highest it offers, 0x0300 to
						 * 0x0304, GREASE left out */
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
	struct hello_list	 shares;	/* hello_share_next */
	struct hello_list	 sigalgs;	/* u16 each */
	struct hello_list	 points;	/* u8 each */
	struct hello_list	 alpn;		/* u8 length, name; ...: what
						 * SSL_set_alpn_protos takes */
	unsigned		 n_alpn;	/* names in it */
	char			 sni[HOSTNAME_MAX + 1]; /* lower case, no final
						 * dot; "" if none or bad */
	uint8_t			*copy;		/* ours; hello_free */
	int			 begun;	/* it is TLS, however short */
	/* Of ERR_FORMAT and ERR_LIMIT: for a person, static; an ALERT_*. */
	const char		*wrong;
	uint8_t			 alert;
};

/*
 * Read the ClientHello at the start of data. Pointers point into data, and
 * live as long as it does; if the message is over more than one record they
 * point into a copy that hello_free() frees. What comes after the hello is
 * not looked at. Returns
 *   0		all is there;
 *   ERR_SHORT	*need is the count of bytes wanted in all (always > len, and
 *		never more than a well-formed hello that begins so will have);
 *   ERR_NOTFOUND  not TLS: plain to see from the first bytes, 11 at most;
 *   ERR_FORMAT	TLS, but no ClientHello that can be read: malformed, another
 *		record or message ahead of it, a version that is not TLS's in
 *		the record's header, or a hello of SSLv2;
 *   ERR_LIMIT	over HELLO_MAX.
 * With the last two alert and wrong are set. Only a return of 0 leaves
 * anything to free. need may be NULL.
 */
int		 hello_parse(struct hello *, const uint8_t *data, size_t len,
		    size_t *need);
void		 hello_free(struct hello *);

/* Whether it is one of the sixteen values of RFC 8701. */
int		 hello_is_grease(uint16_t);

/* Whether a list of u16 has this one. */
int		 hello_has(const struct hello_list *, uint16_t);
#define		 hello_has_group(h, g)	hello_has(&(h)->groups, (g))
#define		 hello_has_suite(h, s)	hello_has(&(h)->suites, (s))

/*
 * Walks. Begin with cursor_of(list.p, list.len); 1 while there is another.
 * hello_alpn_next walks .alpn, hello_ext_next .exts, hello_share_next .shares.
 */
int		 hello_alpn_next(struct cursor *, const uint8_t **,
		    size_t *len);
int		 hello_ext_next(struct cursor *, uint16_t *type,
		    struct cursor *body);
int		 hello_share_next(struct cursor *, uint16_t *group,
		    size_t *len);
int		 hello_has_share(const struct hello *, uint16_t group);
int		 hello_has_alpn(const struct hello *, const char *name);
/* The same of a wire list kept beyond its hello; NULL, 0: an empty one. */
int		 alpn_has(const uint8_t *list, size_t len, const char *name);

/*
 * Whether this client, should version (0x0303, 0x0304) come to be agreed on,
 * takes a leaf with a P-256 key, or with an RSA key: from its signature
 * algorithms, and for TLS 1.2 and below also its suites and groups.
 */
int		 hello_can_ecdsa(const struct hello *, uint16_t version);
int		 hello_can_rsa(const struct hello *, uint16_t version);

#endif
