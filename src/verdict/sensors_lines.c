/*
 * Ends of lines.
 */
#include "verdict/sensors_lines.h"

#include <string.h>

/* RFC 6587, 3.4.1: "LEN SP" before a message. Its bytes, or 0: it is none such;
 * *head is the length of that. */
static size_t
octets(const char *p, size_t n, size_t *head)
{
	size_t len = 0, i;

	for (i = 0; i < n && i < 6 && p[i] >= '0' && p[i] <= '9'; i++)
		len = len * 10 + (size_t)(p[i] - '0');
	if (i == 0 || i == n || p[i] != ' ' || p[0] == '0')
		return 0;
	*head = i + 1;
	return len;
}

/* What ends the line at p; NULL: there is nothing yet. */
static const char *
end_of(const char *p, size_t n, int syslog)
{
	const char *nl = memchr(p, '\n', n), *nul = !syslog ? NULL :
	    memchr(p, '\0', nl != NULL ? (size_t)(nl - p) : n);

	return nul != NULL ? nul : nl;
}

size_t
sensors_line(const char *p, size_t n, int syslog, size_t *before,
    size_t *behind)
{
	const char *end;
	size_t len;

	*before = *behind = 0;
	if (syslog && (len = octets(p, n, before)) > 0)
		return len > n - *before ? 0 : len;
	*before = 0;
	if ((end = end_of(p, n, syslog)) == NULL)
		return 0;
	len = (size_t)(end - p);
	if (len > 0)
		*behind = 1;
	else
		*before = 1;
	return len;
}
