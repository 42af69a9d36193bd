/*
 * Names made by strftime(3), told from other names.
 */
#ifndef UTIL_TIMEGLOB_H
#define UTIL_TIMEGLOB_H

#include "util/text.h"

/*
 * Add to out the pattern as one for glob(3) that matches the names strftime
 * makes of it and none that has anything but digits in their place. 0, or
 * ERR_UNSUPPORTED: a conversion gives words, or no fixed number of digits;
 * *bad is then its letter, or '%' where the pattern ends in one.
 */
int	timeglob(struct text *out, const char *pattern, char *bad);

#endif
