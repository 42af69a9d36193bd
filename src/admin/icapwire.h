/*
 * A blocking connection to an ICAP server for `ctl icap check`, plain or TLS.
 * Every wait is bounded. Not for the daemon's threads.
 */
#ifndef ADMIN_ICAPWIRE_H
#define ADMIN_ICAPWIRE_H

#include <stdint.h>

#include "conf/conf.h"
#include "util/text.h"

struct icapwire;

/*
 * Connect to the URL's server within timeout.connect, and handshake within the
 * same time again. Its certificate is verified. Returns 0, or ERR_* with why.
 */
int	icapwire_open(const struct conf_icap *, const struct conf_icap_url *,
	    struct icapwire **, struct text *why);
/* Send all the bytes within ms. Returns 0, or ERR_* with why. */
int	icapwire_send(struct icapwire *, const char *, size_t, uint64_t ms,
	    struct text *why);
/* Wait up to ms for bytes, and append them to in. Returns 0; or ERR_EOF,
 * ERR_TIMEOUT, ... with why. */
int	icapwire_recv(struct icapwire *, struct text *in, uint64_t ms,
	    struct text *why);
void	icapwire_close(struct icapwire *);

#endif
