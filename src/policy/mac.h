/*
 * The condition on the client's MAC address. The functions are those of struct
 * condition.
 */
#ifndef POLICY_MAC_H
#define POLICY_MAC_H

#include "policy/match.h"
#include "policy/view.h"

/* Patterns, as many as of has; the caller frees. */
struct mac_pattern *mac_init(const struct conf_list *of);

int	mac_holds(const struct match *, struct view *);
int	mac_fact(const struct facts *, struct text *);

#endif
