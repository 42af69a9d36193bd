/*
 * Inside this room: what of a client's hello ours to the server can follow.
 * Cipher suites, groups and signature algorithms are the client's, in its
 * order, as far as our own hello has them; so are the versions and the groups
 * with a key share. What we do not know is dropped, and with it GREASE.
 */
#ifndef TLS_FOLLOW_H
#define TLS_FOLLOW_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "codec/hello.h"
#include "util/text.h"

#define FOLLOW_MOST	256	/* in a list; clients have a fifth of that */

struct follow_list {
	uint16_t	 v[FOLLOW_MOST];
	unsigned	 n;		/* 0: the client has no such list */
};

struct follow {
	int		 min, max;	/* versions, 0x0301 to 0x0304 */
	int		 etm;		/* encrypt_then_mac (RFC 7366) */
	unsigned	 shares;	/* 1 << i: groups.v[i] has a share */
	struct follow_list suites, groups, sigalgs;
};

/* Our own hello to a server of the same profile. */
struct follow_own {
	struct hello	 hello;
	int		 min, max;
};

/*
 * also_ours: behind the client's lists are the rest of ours, and the versions
 * are ours; so the server finds what it finds in our own hello. Otherwise
 * there is nothing that the client did not offer. Returns 0, or ERR_NOTFOUND:
 * no handshake could come of it, or a list is longer than FOLLOW_MOST, or its
 * only key exchange is one of DH, which would cost us milliseconds.
 */
int	 follow(struct follow *, const struct follow_own *,
	    const struct hello *client, int also_ours);

/* A context or a session that has the same digest says the same. */
void	 follow_digest(const struct follow *, size_t profile,
	    uint8_t digest[32]);

/*
 * Set on ctx what was followed. named: another context, with our own suites.
 * Returns 1, or 0: OpenSSL did not take it; errors are in its queue.
 */
int	 follow_set(SSL_CTX *ctx, const SSL_CTX *named,
	    const struct follow *);

/* For tests: as OpenSSL is told, "X25519:P-256". stars: with a star for each
 * group that has a key share. */
void	 follow_groups(struct text *, const struct follow *, int stars);
/* Whether the library at hand takes stars, and sends those shares (OpenSSL
 * 3.5). Older ones send that of the first group. */
int	 follow_stars(void);

#endif
