/*
 * Domain patterns. They mean one thing in rules, in lists and in explain:
 *	example.com	that name and all below it (".example.com" too)
 *	=example.com	that name alone
 *	*.example.com	all names below it
 *	*		any name (in rules)
 *	!...		an exception (in lists)
 * Names may be in any case, with a final dot, and internationalized: these are
 * turned into what the wire has (RFC 5891, 5; by libidn2).
 */
#ifndef CONF_PATTERN_H
#define CONF_PATTERN_H

#include <stddef.h>

#define PATTERN_MAX	256	/* "!*." and a name of 253 */

/*
 * Write a name as the wire has it: lower case, A-labels, no final dot. A name
 * has letters, digits, '-' and '_', and its last label is not all digits.
 * Returns its length, or 0 if it is no name.
 */
size_t	name_canon(char out[PATTERN_MAX + 1], const char *s, size_t len);

/*
 * Write a pattern of a rule or, with list, of a list: "[!][=|*.]NAME", or "*".
 * Returns its length, or 0 if it is no pattern.
 */
size_t	pattern_canon(char out[PATTERN_MAX + 1], const char *s, size_t len,
	    int list);

/* What a pattern of that form covers. */
#define PATTERN_SELF	1	/* the name itself */
#define PATTERN_BELOW	2	/* all names below it */
#define PATTERN_NOT	4	/* they are excepted */
/* Its name, in pattern; "" is above all names. *what: PATTERN_*, or'ed. */
const char *pattern_name(const char *pattern, unsigned *what);
/* Whether it covers a name in that form. */
int	pattern_matches(const char *pattern, const char *name);

#endif
