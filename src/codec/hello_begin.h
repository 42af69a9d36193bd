/*
 * Inside codec/hello: the first bytes, and what is said of a hello that is
 * refused.
 */
#ifndef CODEC_HELLO_BEGIN_H
#define CODEC_HELLO_BEGIN_H

#include "codec/hello.h"

/*
 * 0: a record that begins a ClientHello, or an empty one; ERR_SHORT with
 * *need set; ERR_NOTFOUND; or ERR_FORMAT. See hello_parse().
 */
int	hello_begins(struct hello *, const uint8_t *data, size_t len,
	    size_t *need);
/* Set alert and wrong. Returns ERR_FORMAT. */
int	hello_wrong(struct hello *, uint8_t alert, const char *wrong);

#endif
