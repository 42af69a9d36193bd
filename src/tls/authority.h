/*
 * An authority is two CAs: one that clients trust, and one that they do not,
 * which signs for servers that failed verification. Groups of clients may have
 * authorities of their own.
 */
#ifndef TLS_AUTHORITY_H
#define TLS_AUTHORITY_H

#include <openssl/x509.h>
#include <stddef.h>

#include "tls/ca.h"
#include "util/text.h"

struct authority_files {	/* PEM */
	const char	*name;	/* for messages; NULL: it is the only one */
	const char	*cert, *key;
	const char	*untrusted_cert, *untrusted_key; /* NULL: in memory */
};

/* Immutable. */
struct authority {
	_Atomic unsigned refs;
	struct ca	*ca[2];		/* trusted, untrusted */
	char		*untrusted;	/* the file of the second; NULL: it
					 * was made in memory */
};

/* 0, or ERR_USAGE with a line "ca: FILE: ..." for each error. */
int	 authority_load(const struct authority_files *, struct authority **,
	    struct text *errors);
struct authority *authority_ref(struct authority *);
void	 authority_free(struct authority *);	/* a reference; NULL is fine */

/*
 * Whoever trusts one of these must not trust the untrusted CA of any: 0, or
 * ERR_USAGE with a line in errors. An authority may be NULL.
 */
int	 authorities_check(struct authority *const *, size_t n,
	    struct text *errors);

#endif
