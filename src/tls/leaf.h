/*
 * Forged leaf certificates and their cache. A leaf copies the original (forge.c
 * has the rule for each field) with our own key. The trusted CA of an authority
 * signs it or, if the server failed verification, its untrusted CA. A leaf of
 * one authority is never given out for another. The cache is bounded in bytes
 * and shared by all workers. However many ask for a leaf at the same time, it
 * is forged once.
 */
#ifndef TLS_LEAF_H
#define TLS_LEAF_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "net/mailbox.h"
#include "util/cache.h"

struct authority;

enum leaf_key {
	LEAF_P256,
	/* for clients that cannot do it; the first that they can: */
	LEAF_RSA,
	LEAF_P384,
	LEAF_P521,
	LEAF_ED25519,
	LEAF_KEYS
};

/* Immutable once given out; reference-counted. */
struct leaf {
	X509		*cert;
	EVP_PKEY	*key;
	STACK_OF(X509)	*chain;		/* CA and intermediates to send */
	uint8_t		 id[32];	/* SHA-256 of cert's DER */
	int		 untrusted;	/* signed by the untrusted CA */
	atomic_int	 refs;
};

/* Of a certificate, which it takes over, with its own references to the
 * others. */
struct leaf	*leaf_new(X509 *, EVP_PKEY *, STACK_OF(X509) *chain);
struct leaf	*leaf_ref(struct leaf *);
void		 leaf_unref(struct leaf *);

/* What to forge. */
struct leaf_want {
	X509		*original;	/* the server's; NULL: use name */
	const char	*name;		/* for a page of our own; else NULL */
	/* Name or address: the only name in the leaf, if the original covers
	 * it. NULL: all the original's names. */
	const char	*asked;
	enum leaf_key	 key;
	size_t		 authority;	/* of those that leafs_new() got */
	int		 untrusted;	/* ... by its untrusted CA */
	uint32_t	 lifetime;	/* s, from its start; 0: 90 days */
	uint64_t	 owner;		/* of the client (signer.h) */
};

/*
 * A question under way. done runs in the asker's thread (by its mailbox),
 * exactly once, unless cancelled. leaf is a reference for the receiver, or NULL
 * on failure.
 */
struct leaf_wait;
typedef void (*leaf_done)(void *arg, struct leaf *, int cached);

struct leafs;	/* the cache */

/* The authorities, of which each may be NULL, must outlive it. bytes: of the
 * cache. NULL: no key. */
struct leafs	*leafs_new(struct authority *const *, size_t n, size_t bytes);
/* Call it when nobody waits any more. */
void		 leafs_free(struct leafs *);

/*
 * The authority must be there. If the leaf is in the cache, returns a reference
 * to it and sets *wait to NULL. Otherwise returns NULL and sets *wait, and done
 * will be called by mail. cached is 0 for the asker that caused the forging, 1
 * for those that joined.
 */
struct leaf	*leaf_get(struct leafs *, const struct leaf_want *,
		    struct mailbox *, leaf_done, void *arg,
		    struct leaf_wait **wait);
/*
 * done will not be called. For the asker's thread; wait may be NULL. All waits
 * must be over or cancelled before their mailbox is freed.
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
