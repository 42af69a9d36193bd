/*
 * Host names as peers write them: in SNI, targets, Host, SOCKS.
 */
#ifndef CODEC_HOSTNAME_H
#define CODEC_HOSTNAME_H

#include <stddef.h>

#define HOSTNAME_MAX	255

/*
 * Check a name and copy it in lower case, without its final dot. Labels have 1
 * to 63 (RFC 1035, 2.3.4) letters, digits, '-' and '_' (not allowed, but in
 * use); IPv4 addresses pass too. Returns 0, or ERR_FORMAT with out empty.
 */
int	hostname_copy(char out[HOSTNAME_MAX + 1], const void *p, size_t len);

#endif
