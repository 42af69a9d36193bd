/*
 * Drops privileges.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "main/daemon.h"
#include "util/caps.h"
#include "util/err.h"
#include "util/log.h"

/*
 * NET_ADMIN is for IP_TRANSPARENT, marks and the offloads of mirror ports;
 * NET_RAW for a mirror port that comes back; NET_BIND_SERVICE to connect from a
 * client's own port if it is below 1024.
 */
#define KEEP	(1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | \
		 1u << CAP_NET_BIND_SERVICE)

static int
drop_failed(struct text *why, const char *what, const char *user)
{
	text_printf(why, "cannot become the user %s: %s: %s", user, what,
	    strerror(errno));
	return ERR_SYS;
}

int
drop_to(const char *user, const char *owned, struct text *why)
{
	struct passwd *pw;

	if (geteuid() != 0) {		/* but perhaps with capabilities */
		if (caps_keep(KEEP, 0, NULL) == 0)
			return 0;
		text_printf(why, "cannot give up capabilities: %s",
		    strerror(errno));
		return ERR_SYS;
	}
	if (user == NULL)
		return 0;
	errno = 0;
	if ((pw = getpwnam(user)) == NULL) {
		text_printf(why, "user: there is no user %s; create it "
		    "(adduser --system --group %s), or name another", user,
		    user);
		return ERR_USAGE;
	}
	if (pw->pw_uid == 0)
		return 0;
	if (owned != NULL && lchown(owned, pw->pw_uid, pw->pw_gid) != 0)
		return drop_failed(why, owned, user);
	if (initgroups(user, pw->pw_gid) != 0)
		return drop_failed(why, "initgroups", user);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return drop_failed(why, "PR_SET_KEEPCAPS", user);
	if (setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0)
		return drop_failed(why, "setresgid", user);
	if (setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return drop_failed(why, "setresuid", user);
	if (caps_keep(KEEP, 0, NULL) != 0)
		return drop_failed(why, "capset", user);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	log_info("running as the user %s", user);
	return 0;
}
