/*
 * Recognizes file names that strftime(3) made.
 */
#ifndef UTIL_TIMEGLOB_H
#define UTIL_TIMEGLOB_H

#include "util/text.h"

/*
 * Turn a pattern of strftime into one of glob(3) and add it to out. The glob
 * matches the names that strftime makes, and has digits where it puts digits.
 * Returns 0, or ERR_UNSUPPORTED when a conversion yields words or a varying
 * number of digits; *bad is then its letter, or '%' at the pattern's end.
 */
int	timeglob(struct text *out, const char *pattern, char *bad);

#endif
