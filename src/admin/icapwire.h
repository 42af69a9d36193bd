/*
 * A blocking connection to an ICAP server for `ctl icap check`, plain or TLS,
 * every wait bounded. Not for the daemon's threads.
 */
#ifndef ADMIN_ICAPWIRE_H
#define ADMIN_ICAPWIRE_H

#include <stdint.h>

#include "conf/conf.h"
#include "util/text.h"

struct icapwire;

/*
 * Connect to the URL's server, within timeout.connect, and as long again for
 * TLS; its certificate is verified. 0; or ERR_* with why it failed.
 */
int	icapwire_open(const struct conf_icap *, const struct conf_icap_url *,
	    struct icapwire **, struct text *why);
/* All of it, within ms. 0 or ERR_* with why. */
int	icapwire_send(struct icapwire *, const char *, size_t, uint64_t ms,
	    struct text *why);
/* What there is, appended to in; waits for it for ms. 0; or ERR_EOF,
 * ERR_TIMEOUT, ... with why. */
int	icapwire_recv(struct icapwire *, struct text *in, uint64_t ms,
	    struct text *why);
void	icapwire_close(struct icapwire *);

#endif
