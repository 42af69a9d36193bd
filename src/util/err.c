/*
 * The texts of the error numbers.
 */
#include "util/err.h"

#include <errno.h>
#include <string.h>

const char *
err_str(int err)
{
	switch (err) {
	case 0:
		return "success";
	case ERR_SHORT:
		return "more bytes are needed";
	case ERR_FORMAT:
		return "malformed";
	case ERR_LIMIT:
		return "a limit was reached";
	case ERR_MEM:
		return "out of memory";
	case ERR_AGAIN:
		return "not ready";
	case ERR_EOF:
		return "end of stream";
	case ERR_SYS:
		return strerror(errno);
	case ERR_NOTFOUND:
		return "not found";
	case ERR_DENIED:
		return "not permitted";
	case ERR_TIMEOUT:
		return "timed out";
	case ERR_TLS:
		return "TLS failed";
	case ERR_UNSUPPORTED:
		return "not supported";
	case ERR_USAGE:
		return "wrong usage";
	}
	return "unknown error";
}
