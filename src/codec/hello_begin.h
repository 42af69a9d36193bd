/*
 * Private to codec/hello: the first bytes, and the reason of a refusal.
 */
#ifndef CODEC_HELLO_BEGIN_H
#define CODEC_HELLO_BEGIN_H

#include "codec/hello.h"

/*
 * Returns 0 for a record that begins a ClientHello or is empty; ERR_SHORT with
 * *need set; ERR_NOTFOUND; or ERR_FORMAT. See hello_parse().
 */
int	hello_begins(struct hello *, const uint8_t *data, size_t len,
	    size_t *need);
/* Set alert and wrong. Returns ERR_FORMAT. */
int	hello_wrong(struct hello *, uint8_t alert, const char *wrong);

#endif
