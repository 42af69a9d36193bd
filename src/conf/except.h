/*
 * Prefixes without those that are excepted, as "10.0.0.0/8" and "!10.1.0.0/16"
 * are in a list: the longest prefix that has an address decides, and of two
 * that are the same the exception. What is left is written as prefixes again,
 * so that nobody behind this needs to know of exceptions.
 */
#ifndef CONF_EXCEPT_H
#define CONF_EXCEPT_H

#include <stddef.h>

#include "util/addr.h"

/*
 * Prefixes without exceptions, in an array of its own, which the caller frees;
 * *n: how many. An exception within a prefix leaves as many as it is longer, at
 * most.
 */
struct prefix	*prefixes_without(const struct prefix *, size_t nprefixes,
		    const struct prefix *except, size_t nexcept, size_t *n);

#endif
