/*
 * The connection of `ctl icap check`: one of the ICAP client's, so that the
 * check dials, verifies and reads as the daemon does, but with calls that
 * block. Every wait is bounded. Not for the daemon's threads.
 */
#ifndef ADMIN_ICAPWIRE_H
#define ADMIN_ICAPWIRE_H

#include "icap/client.h"

struct icapwire;

/* To any server of the service, which outlives it. */
struct icapwire *icapwire_new(struct icap_service *);
void	icapwire_free(struct icapwire *);

/*
 * Connect to the server within timeout.connect, and handshake within the same
 * time again. Its certificate is verified. Returns 0 or -1 with why.
 */
int	icapwire_open(struct icapwire *, struct icap_server *,
	    struct text *why);
int	icapwire_is_open(const struct icapwire *);
void	icapwire_close(struct icapwire *);	/* if it is open */

/* Send all the bytes within ms. Returns 0, or ERR_* with why. */
int	icapwire_send(struct icapwire *, const struct text *, uint64_t ms,
	    struct text *why);
/* Wait up to ms for bytes, and append them to in. Returns 0; or ERR_EOF,
 * ERR_TIMEOUT, ... with why. */
int	icapwire_recv(struct icapwire *, struct text *in, uint64_t ms,
	    struct text *why);

#endif
