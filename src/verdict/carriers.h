/*
 * What targets speak.
 */
#ifndef VERDICT_CARRIERS_H
#define VERDICT_CARRIERS_H

#include "verdict/target.h"

extern const struct carrier carrier_dgram;	/* syslog over UDP */
extern const struct carrier carrier_stream;	/* ... over TCP and TLS */
extern const struct carrier carrier_web;	/* webhooks */
extern const struct carrier carrier_radius;	/* RFC 5176 */

/* The event of a notice as a message of syslog; framed: with its length. */
void	carry_syslog(const struct target *, const struct notice *, int framed,
	    struct text *out);

#endif
