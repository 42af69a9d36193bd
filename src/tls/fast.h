/*
 * A library context in which certificates are read in a third of the time.
 */
#ifndef TLS_FAST_H
#define TLS_FAST_H

#include <openssl/types.h>

/*
 * The process's one, made at the first call and kept; or NULL, which OpenSSL
 * takes for its default context, when it cannot be made, or with OpenSSL 3.5
 * and later, which gain nothing by it (docs/performance.md).
 */
OSSL_LIB_CTX	*fast_ctx(void);

#endif
