/*
 * A first look at the YAML text, before it becomes a tree: its syntax, and
 * bounds on what a tree of it could cost.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include <stddef.h>

#include "conf/problem.h"

/*
 * 0, or ERR_FORMAT with the problem told. Refuses anchors, aliases, tags,
 * several documents, nesting deeper than 16 and more than 500,000 nodes.
 */
int	scan_yaml(const char *path, const char *yaml, size_t len,
	    struct problems *);

#endif
