/*
 * Own servers: sessions whose client is shown the real certificate
 * (`certificates:`).
 */
#ifndef PROXY_OURS_H
#define PROXY_OURS_H

#include "tls/own.h"

struct session;

/* The certificates of the server that the client asks for; NULL: forge. */
struct own	*ours_of(const struct session *);
/*
 * The server has shown its certificate. Whether it needs no verification: it
 * has the very key of ours, or it is not to be verified.
 */
int		 ours_trusts(const struct session *);

#endif
