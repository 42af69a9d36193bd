/*
 * Two system calls, so it does without libcap-ng.
 */
#include "util/caps.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/err.h"

int
caps_keep(uint32_t set, int inherit, uint32_t *kept)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &h, d) != 0)
		return ERR_SYS;
	d[0].permitted &= set;
	d[0].effective = d[0].permitted;
	d[0].inheritable = inherit ? d[0].permitted : 0;
	memset(&d[1], 0, sizeof(d[1]));
	if (syscall(SYS_capset, &h, d) != 0)
		return ERR_SYS;
	if (kept != NULL)
		*kept = d[0].permitted;
	return 0;
}
