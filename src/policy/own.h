/*
 * Which of `certificates:` is for a connection.
 */
#ifndef POLICY_OWN_H
#define POLICY_OWN_H

#include <stddef.h>

#include "policy/view.h"

struct own_match {		/* one of conf.owns, compiled */
	const struct conf_own *conf;
	struct match_set site, server;
};

/* of gets one for each of conf.owns. */
void	own_match_init(struct own_match *of, const struct conf *,
	    const struct list *lists, struct match_names *);
void	own_match_free(struct own_match *of, size_t n);
/* How many names own_match_init() will add. */
size_t	own_match_count(const struct conf *);
/* The index of the first that is for it; n: none. */
size_t	own_match_find(const struct own_match *of, size_t n, struct view *);

#endif
