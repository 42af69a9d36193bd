/*
 * The section `quarantines`: what an endpoint that is contained may still have;
 * and what `endpoints` says of containing.
 */
#ifndef CONF_CONTAINED_H
#define CONF_CONTAINED_H

#include "conf/conf.h"

struct conf_quarantine {
	char		*name;
	struct conf_pos	 pos;
	struct conf_list allow;		/* patterns of names, or "@list" */
	struct conf_prefixes servers, dns;
	int		 tell;		/* the device shows that itself */
};

/* In place of a profile that a reload has taken away: nothing passes. */
extern const struct conf_quarantine conf_quarantine_gone;

/* The index of a profile, in the order of the file: the stricter one comes
 * first. -1: there is none of that name. */
int	conf_quarantine_find(const struct conf *, const char *name);

/* Whether an endpoint may reach this server, whatever its name is. */
int	conf_quarantine_lets(const struct conf_quarantine *,
	    const struct addr *server, uint16_t port);

/* Whether one of the sources (prefixes, "@list") has the address. One after the
 * other: not for every session. */
int	conf_sources_have(const struct conf *, const struct conf_list *,
	    const struct addr *);

#endif
