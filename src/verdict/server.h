/*
 * Servers, as what is denied to everybody: an address, or a name. As text they
 * are "203.0.113.9", or a pattern as everywhere (conf/pattern.h); what a sensor
 * says is that name alone, "=evil.example".
 */
#ifndef VERDICT_SERVER_H
#define VERDICT_SERVER_H

#include "conf/conf.h"
#include "conf/pattern.h"
#include "verdict/contain.h"
#include "verdict/sighting.h"

#define SERVER_STRLEN	(PATTERN_MAX + 2)
#define SERVERS_MAX	4	/* that one sighting names */

struct servers {
	char		 v[SERVERS_MAX][SERVER_STRLEN];
	size_t		 n;
};

/*
 * Read an address, with or without a port; a URL; a name, with or without a
 * port; or a pattern of at least two labels. A URL's name, and with `exact`
 * every name, stands for itself alone. Returns 0, or ERR_FORMAT.
 */
int	server_read(char out[SERVER_STRLEN], const char *, int exact);
/* Whether the text is of an address, which is then in *a. */
int	server_addr(const char *, struct addr *a);

/*
 * Which server the endpoint spoke with: what the product says, the other end,
 * and names of TLS and HTTP where the line has them. who may be NULL: it is not
 * known. The other end of a query of DNS is a resolver, and not what is meant.
 */
void	servers_of(struct servers *, const struct sighting *,
	    const struct endpoint *who);

/* Whether it may be denied: neither inside, nor one that never is. 0: with a
 * sentence in why. */
int	server_may(const struct conf *, const char *, struct text *why);

#endif
