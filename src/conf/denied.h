/*
 * Servers that are denied to everybody: the rule of our own that says so, and
 * what the configuration says of those that never are.
 */
#ifndef CONF_DENIED_H
#define CONF_DENIED_H

#include "conf/conf.h"

/* Whether anything may be denied at all: a response does it, or there are
 * quarantines, and an operator may. */
int	conf_denies(const struct conf *);
/* Whether what is done about verdicts has to be kept: there are quarantines, or
 * a response that denies or steps up. */
int	conf_measures(const struct conf *);
/* The rule goes before all that there are so far. */
void	denied_rule(struct conf *);

/*
 * Why a server (an address, or a pattern of a name) is never denied, as the key
 * that says so; or NULL.
 */
const char *conf_never_denied(const struct conf *, const char *server);

#endif
