/*
 * What a client asks for, by name or by address, whatever says it: the request,
 * CONNECT, SOCKS or the hello.
 */
#ifndef POLICY_ASKED_H
#define POLICY_ASKED_H

#include "policy/facts.h"

/* The address asked for by CONNECT or SOCKS, or NULL. */
const char *asked_address(const struct facts *);
/* The name in the request, or else in CONNECT, or else in the hello; NULL:
 * there is none (yet). */
const char *asked_host(const struct facts *);
/* The same, but the hello outranks CONNECT and SOCKS. */
const char *asked_site(const struct facts *);
/* Before the hello: assume that it will have the name that CONNECT asked for.
 * The facts are a copy of the caller's. */
void	asked_assume(struct facts *);

#endif
