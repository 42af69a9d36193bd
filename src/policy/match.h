/*
 * One half of a rule, compiled: its conditions, or those under its `not:`, the
 * cheap ones first.
 */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include <stddef.h>

#include "policy/policy.h"
#include "policy/view.h"

struct condition;

/* The bit of a country; of GEO_UNKNOWN, one that no country has. */
static inline unsigned
country_bit(const char *s)
{
	return s[2] != '\0' ? 26 * 26 :
	    (unsigned)(s[0] - 'A') * 26 + (unsigned)(s[1] - 'A');
}

#define CONDITIONS	24	/* at least as many as the table has */

struct match {
	const struct conf_match *conf;
	struct match_set client, server, sni, host, site, user, category;
	int		 category_unknown;
	unsigned	 protocols;	/* 1 << PROTO_*, or'ed */
	struct mac_pattern *macs;	/* of conf->mac */
	const struct group **groups;	/* of conf->group */
	size_t		 ngroups;
	uint32_t	 countries[26 * 26 / 32 + 1];	/* by country_bit() */
	const struct condition *given[CONDITIONS + 1];	/* ends with NULL */
};

void	match_init(struct match *, const struct conf_match *,
	    const struct list *, size_t nlists, const struct view_sets *,
	    struct match_names *);
void	match_free(struct match *);
/* How many names match_init() will add. */
size_t	match_count(const struct conf_match *);
/* Whether a condition depends on the name in each request; on the server's
 * certificate. */
int	match_by_request(const struct match *);
int	match_by_certificate(const struct match *);
/* Whether there is any condition. */
int	match_given(const struct match *);
/* Whether all given conditions hold. which may be NULL; *which is the one that
 * does not. */
int	match_holds(const struct match *, struct view *,
	    const struct condition **which);

enum match_may {
	MATCH_NOT,		/* no later fact can change it */
	MATCH_PERHAPS,		/* it depends on a fact not known yet */
	MATCH_SURE
};
enum match_may match_may(const struct match *, struct view *);
/* When it is known that all hold, or that one does not; holds says which. */
enum policy_stage match_stage(const struct match *, struct view *, int holds);

#endif
