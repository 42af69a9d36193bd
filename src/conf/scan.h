/*
 * The first pass over the YAML text checks its syntax, and bounds what its
 * tree may cost.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include <stddef.h>

#include "conf/problem.h"

/*
 * Returns 0, or ERR_FORMAT with the problem added. Refuses anchors, aliases,
 * tags, several documents, nesting deeper than 16 and more than 500,000 nodes.
 */
int	scan_yaml(const char *path, const char *yaml, size_t len,
	    struct problems *);

#endif
