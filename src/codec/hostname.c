/*
 * Host names as peers write them.
 */
#include "codec/hostname.h"

#include <stdint.h>

#include "util/err.h"

static int
is_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_';
}

int
hostname_copy(char out[HOSTNAME_MAX + 1], const void *name, size_t len)
{
	const uint8_t *p = name;
	size_t i, label = 0;
	uint8_t c;

	out[0] = '\0';
	if (len > 0 && p[len - 1] == '.')
		len--;
	if (len > HOSTNAME_MAX)
		return ERR_FORMAT;
	for (i = 0; i < len; i++) {
		c = p[i];
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c == '.' ? label == 0 : !is_name_char(c))
			break;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			break;
		out[i] = (char)c;
	}
	if (i < len || label == 0) {
		out[0] = '\0';
		return ERR_FORMAT;
	}
	out[len] = '\0';
	return 0;
}
