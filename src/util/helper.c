/*
 * fork, exec, and what a helper gives up.
 */
#include "util/helper.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/caps.h"
#include "util/err.h"
#include "util/mem.h"

/* In the child; never returns. */
static void
helper_child(int fd, char *const argv[], int (*run)(int))
{
	if (argv == NULL)
		_exit(run(fd));
	if (fd == HELPER_FD)		/* dup2 would keep its flag */
		fd = dup(fd);
	if (fd >= 0 && dup2(fd, HELPER_FD) >= 0)
		execv("/proc/self/exe", argv);
	_exit(1);
}

int
helper_start(char *const argv[], int (*run)(int), int *fd, pid_t *pid)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return ERR_SYS;
	if ((*pid = fork()) == 0) {
		close(fds[0]);
		helper_child(fds[1], argv, run);
	}
	close(fds[1]);
	if (*pid < 0) {
		close(fds[0]);
		return ERR_SYS;
	}
	*fd = fds[0];
	return 0;
}

static void
helper_signals(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT,
	    SIGABRT, SIGALRM, SIGUSR1, SIGUSR2, SIGPIPE, SIGTSTP };
	sigset_t none;
	size_t i;

	for (i = 0; i < NELEM(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int
helper_begin(int fd, const char *name)
{
	socklen_t len = sizeof(int);
	int type, null;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    type != SOCK_SEQPACKET)
		return ERR_USAGE;
	helper_signals();
	prctl(PR_SET_NAME, name, 0, 0, 0);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, fd + 1, ~0u, 0);
	return chdir("/") == 0 ? 0 : ERR_USAGE;
}

static int
helper_become(uid_t uid)
{
	if (uid == HELPER_SAME || geteuid() != 0)
		return 0;
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 &&
	    setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
	    setresuid(uid, uid, uid) == 0 ? 0 : ERR_SYS;
}

/* Programs that run as root would get all of them back, if these were not out
 * of reach for good. */
int
helper_drop(uid_t uid, uint32_t keep)
{
	unsigned long i;
	uint32_t kept;

	for (i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (i > 31 || !(keep & 1u << i))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (helper_become(uid) != 0)
		return ERR_SYS;
	/* Inherited, if we are not root. */
	if (caps_keep(keep, 1, &kept) != 0)
		return ERR_SYS;
	for (i = 0; i < 32; i++)
		if (kept & 1u << i)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}
