/*
 * The conditions on the ClientHello, but for the name in it: ALPN (RFC 7301),
 * JA3 and JA4. The functions are those of struct condition.
 */
#ifndef POLICY_HELLO_H
#define POLICY_HELLO_H

#include "policy/match.h"
#include "policy/view.h"

int	alpn_holds(const struct match *, struct view *);
int	alpn_fact(const struct facts *, struct text *);
int	ja3_holds(const struct match *, struct view *);
int	ja3_fact(const struct facts *, struct text *);
int	ja4_holds(const struct match *, struct view *);
int	ja4_fact(const struct facts *, struct text *);

#endif
