/*
 * Inside this room: the fingerprint of the hello that we send.
 */
#ifndef TLS_PRINT_H
#define TLS_PRINT_H

#include <openssl/ssl.h>

#include "tls/tls.h"

/* Take the JA4 of this connection's first hello, and its distance to the
 * client's (see struct tls_want), as it is sent. */
void	print_watch(SSL *, const uint8_t *client);

#endif
