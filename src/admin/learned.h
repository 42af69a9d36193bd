/*
 * The answers of `ctl learned` and `ctl exempt`, which the caller owns; site
 * and time are words of an operator. {"error": ...} if one is wrong.
 */
#ifndef ADMIN_LEARNED_H
#define ADMIN_LEARNED_H

#include <jansson.h>

struct bypasses;

/*
 * {"learned": [{"site", "ja4", "server", "reason", "state", "failures",
 * "clients", "left", "probe"}]}: state is "bypass" or "counting"; left and
 * probe are seconds; ja4, server and probe only where they apply.
 */
json_t	*learned_json(struct bypasses *);
/* {"cleared": N}. */
json_t	*learned_clear(struct bypasses *, const char *site, int exempt_only);
/* {"exempt": SITE, "for": SECONDS}. */
json_t	*learned_exempt(struct bypasses *, const char *site,
	    const char *time);

#endif
