#include "main/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/log.h"

void
notify(const char *state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *to = getenv("NOTIFY_SOCKET");
	socklen_t len;
	int fd;

	if (to == NULL || to[0] == '\0' || strlen(to) >= sizeof(sun.sun_path))
		return;
	strcpy(sun.sun_path, to);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(to));
	if (to[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&sun, len) < 0)
		log_warn("cannot tell %s that we are %s", to, state);
	if (fd >= 0)
		close(fd);
}

uint64_t
notify_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && atol(pid) != (long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) / 1000;
}
