/*
 * Inside this room: a context for each side of a profile.
 */
#ifndef TLS_CTX_H
#define TLS_CTX_H

#include "tls/conn.h"
#include "tls/follow.h"

static inline int
side_min(const struct tls_side *s)
{
	return s->min != 0 ? s->min : TLS1_2_VERSION;
}

static inline int
side_max(const struct tls_side *s)
{
	return s->max != 0 ? s->max : TLS1_3_VERSION;
}

/* Both return NULL and add a line to errors, or a context of the caller's. */
SSL_CTX	*ctx_server(struct tls *, const struct tls_profile *,
	    struct text *errors);
SSL_CTX	*ctx_client(struct tls *, const struct tls_profile *,
	    struct text *errors);
/*
 * One towards servers that says hello as was followed; own: that of the same
 * profile. NULL: out of memory, or OpenSSL did not take it.
 */
SSL_CTX	*ctx_following(struct tls *, const struct tls_profile *,
	    const SSL_CTX *own, const struct follow *);

#endif
