/*
 * TLS of a server of our own, for its administrators and sensors: not for what
 * is intercepted.
 */
#ifndef TLS_SERVE_H
#define TLS_SERVE_H

#include <openssl/ssl.h>

#include "util/text.h"

/*
 * TLS 1.2 and 1.3 with this certificate (PEM, its chain behind it) and key.
 * client_ca, unless NULL: clients must show a certificate that one of these has
 * signed. Returns 0; or ERR_FORMAT with a sentence in why, which begins with
 * the file. SSL_CTX_free() is the caller's.
 */
int	serve_new(const char *certificate, const char *key,
	    const char *client_ca, SSL_CTX **, struct text *why);

#endif
