/*
 * The capabilities of a process (capabilities(7)).
 */
#ifndef UTIL_CAPS_H
#define UTIL_CAPS_H

#include <stdint.h>

/*
 * Give up all but those of the set (1 << CAP_*, below 32) that we have. With
 * inherit a program that is run may have them as well. Returns 0, or ERR_SYS
 * with errno. *kept, unless NULL, has what is left.
 */
int	caps_keep(uint32_t set, int inherit, uint32_t *kept);

#endif
