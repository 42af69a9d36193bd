/*
 * A number and its unit.
 */
#include "admin/span.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MOST	(366 * 24 * 3600)	/* s */

unsigned long
span_read(const char *s)
{
	static const struct {
		const char	*unit;
		unsigned long	 seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 } };
	unsigned long n;
	size_t i;
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return 0;
	errno = 0;
	n = strtoul(s, &end, 10);
	for (i = 0; i < 3 && strcmp(end, units[i].unit) != 0; i++)
		;
	return errno != 0 || i == 3 || n > MOST / units[i].seconds ? 0 :
	    n * units[i].seconds;
}
