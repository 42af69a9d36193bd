/*
 * Inside this room: the hellos that we say to servers. There is our own for
 * each profile, and one for each kind of client, which follows the client's
 * (follow.h). Each is a context, made once and kept in a cache for all workers;
 * how many are made in a second is bounded, so that clients whose hellos are
 * all different cost no more than others: they get our own.
 */
#ifndef TLS_HELLOS_H
#define TLS_HELLOS_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "tls/print.h"
#include "tls/tls.h"
#include "util/cache.h"

struct hellos;

struct tls_hello {
	struct cache_item item;		/* key: that of its sessions, too */
	SSL_CTX		*ctx;
	int		 follows;	/* a client's; else it is our own */
	struct prints	 prints;
};

/* 0, or ERR_USAGE with lines in errors. t is complete but for this. */
int	 hellos_new(struct tls *t, const struct tls_profile *, size_t n,
	    struct hellos **, struct text *errors);
void	 hellos_free(struct hellos *);

/*
 * The one for w at that time (ms, monotonic); the caller gets a reference
 * (cache_unref). It is our own where w asks for that, and where the client's
 * cannot be followed or is one too many.
 */
struct tls_hello *hellos_get(struct hellos *, const struct tls_want *w,
	    uint64_t now);
struct tls_hello *hellos_own(struct hellos *, size_t profile);

/* *many: how often our own was said since there were too many new ones. */
void	 hellos_stats(struct hellos *, struct cache_stats *, uint64_t *many);

#endif
