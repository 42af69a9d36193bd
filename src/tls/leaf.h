/*
 * Forged leaf certificates and their cache. A leaf says what the original
 * says (forge.c has the rule for each field), with a key of ours,
 * signed by the trusted CA or, for a server that failed verification, by the
 * untrusted one. The cache is bounded in bytes, shared by all workers and
 * single flight: however many want the same leaf, it is forged once.
 */
#ifndef TLS_LEAF_H
#define TLS_LEAF_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "net/mailbox.h"
#include "util/cache.h"

struct ca;

enum leaf_key {
	LEAF_P256,
	LEAF_RSA	/* for clients that cannot do ECDSA */
};

/* Immutable once given out; counted. */
struct leaf {
	X509		*cert;
	EVP_PKEY	*key;
	STACK_OF(X509)	*chain;		/* CA and intermediates to send */
	uint8_t		 id[32];	/* SHA-256 of cert's DER */
	int		 untrusted;	/* signed by the untrusted CA */
};

struct leaf	*leaf_ref(struct leaf *);
void		 leaf_unref(struct leaf *);

/* What to forge. */
struct leaf_want {
	X509		*original;	/* the server's; NULL: made from name */
	const char	*name;		/* for a page of our own; else NULL */
	/* Name or address: of the original's names only this one, if it covers
	 * it. NULL: all of them. */
	const char	*asked;
	enum leaf_key	 key;
	int		 untrusted;
	unsigned	 whose;		/* its share of the signer (signer.h) */
};

/*
 * One asking. done runs in the asker's thread (by its mailbox), exactly once,
 * unless cancelled; leaf is NULL on failure and else a reference for the
 * receiver.
 */
struct leaf_wait;
typedef void (*leaf_done)(void *arg, struct leaf *, int cached);

struct leafs;	/* the cache */

/* Keeps the CAs, which live longer; bytes: of the cache. NULL: no key. */
struct leafs	*leafs_new(const struct ca *trusted,
		    const struct ca *untrusted, size_t bytes);
/* When nobody waits any more. */
void		 leafs_free(struct leafs *);

/*
 * In the cache: returns the leaf (a reference) at once, *wait NULL. Else NULL
 * and *wait is set, and done will be called; by mail in any case.
 * cached is 0 for the asker that caused the forging, 1 for those who joined.
 */
struct leaf	*leaf_get(struct leafs *, const struct leaf_want *,
		    struct mailbox *, leaf_done, void *arg,
		    struct leaf_wait **wait);
/*
 * In the asker's thread: done will not be called. All waits must be over or
 * cancelled before their mailbox is freed. NULL is nothing.
 */
void		 leaf_cancel(struct leaf_wait *);

struct leaf_stats {
	uint64_t hits;		/* found at once */
	uint64_t misses;	/* not there: a forging began */
	uint64_t waited;	/* joined a forging under way */
	uint64_t forged;	/* forgings that succeeded */
	uint64_t failed;
	struct cache_stats cache;
};
void		 leaf_stats(struct leafs *, struct leaf_stats *);

#endif
