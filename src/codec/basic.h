/*
 * User and password as clients send them: of the Basic scheme (RFC 7617), and
 * of SOCKS5 (RFC 1929).
 */
#ifndef CODEC_BASIC_H
#define CODEC_BASIC_H

#include <stddef.h>
#include <stdint.h>

#include "codec/slice.h"

#define BASIC_PART_MAX	255	/* bytes of a user, and of a password */

struct basic {
	char	user[BASIC_PART_MAX + 1];	/* never empty */
	char	password[BASIC_PART_MAX + 1];
};

/*
 * Whether it may be a user's name: not empty, not too long, without control
 * characters.
 */
int	basic_name_valid(const char *, size_t len);

/*
 * The value of a Proxy-Authorization field. Returns 0; ERR_NOTFOUND where it
 * has another scheme, or none; or ERR_FORMAT. With an error all is empty.
 */
int	basic_read(struct basic *, struct slice value);

/*
 * The message of SOCKS5. Returns 0 with *used; ERR_SHORT with *need; or
 * ERR_FORMAT.
 */
int	basic_read_socks(struct basic *, const uint8_t *data, size_t len,
	    size_t *used, size_t *need);

#endif
