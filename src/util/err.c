/*
 * The texts of the error numbers.
 */
#include "util/err.h"

#include <errno.h>
#include <string.h>

const char *
err_str(int err)
{
	static const char *const texts[] = {
		[0] = "success",
		[-ERR_SHORT] = "more bytes are needed",
		[-ERR_FORMAT] = "malformed",
		[-ERR_LIMIT] = "a limit was reached",
		[-ERR_MEM] = "out of memory",
		[-ERR_AGAIN] = "not ready",
		[-ERR_EOF] = "end of stream",
		[-ERR_NOTFOUND] = "not found",
		[-ERR_DENIED] = "not permitted",
		[-ERR_TIMEOUT] = "timed out",
		[-ERR_TLS] = "TLS failed",
		[-ERR_UNSUPPORTED] = "not supported",
		[-ERR_USAGE] = "wrong usage",
	};

	if (err == ERR_SYS)
		return strerror(errno);
	if (err > 0 || err < ERR_USAGE)
		return "unknown error";
	return texts[-err];
}
