/*
 * Where a line of a sensor ends: of a stream, a file, or syslog on a
 * connection.
 */
#ifndef VERDICT_SENSORS_LINES_H
#define VERDICT_SENSORS_LINES_H

#include <stddef.h>

/*
 * The length of the line that is whole at p, of n bytes, and in *before and
 * *behind that of what stands around it. 0: more is needed, or (*before is 1)
 * it is empty. A message of syslog is counted in octets (RFC 6587, 3.4.1), or
 * ends with a newline or a NUL (3.4.2); others end with a newline.
 */
size_t	sensors_line(const char *p, size_t n, int syslog, size_t *before,
	    size_t *behind);

#endif
