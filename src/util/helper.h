/*
 * A helper is this program run again, with other privileges: a process of one
 * thread that does what comes over a socketpair of sequenced packets. No key is
 * in its memory, and no descriptor of ours is open in it.
 */
#ifndef UTIL_HELPER_H
#define UTIL_HELPER_H

#include <stdint.h>
#include <sys/types.h>

#define HELPER_FD	3	/* the socketpair's end, in the helper */

/*
 * argv[0] is for ps(1), and argv[1] the argument by which main() knows the
 * helper; or argv is NULL, and this function is run in the child, for tests.
 * Returns 0, with *fd (SOCK_SEQPACKET) the caller's; or ERR_SYS.
 */
int	helper_start(char *const argv[], int (*run)(int fd), int *fd,
	    pid_t *pid);

/*
 * In the helper, first of all. Whether fd is such a socketpair; name is what
 * ps(1) shows. Closes every other descriptor except stderr, and ignores the
 * signals that stop the daemon, whose end is what the helper waits for. Returns
 * 0, or ERR_USAGE: somebody has run it by hand.
 */
int	helper_begin(int fd, const char *name);

#define HELPER_SAME	((uid_t)-1)
#define HELPER_NOBODY	65534	/* no file is its */

/*
 * Become that user, if we are root, and keep only these capabilities (1 <<
 * CAP_*, below 32) for good, also in the programs that it runs. 0, or ERR_SYS.
 */
int	helper_drop(uid_t, uint32_t keep);

#endif
