/*
 * A network namespace of the test's own, with lo up and nothing else. check
 * forks each test, so the namespace ends with it. Needs root or user
 * namespaces; where there is neither, the test is passed over.
 */
#ifndef NETNS_H
#define NETNS_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static inline void
put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			perror(path);
		close(fd);
	}
}

/* Run shell commands; what fails ends the test. */
static inline void
sh(const char *commands)
{
	char line[4096];

	snprintf(line, sizeof(line), "set -e\n%s", commands);
	if (system(line) != 0) {
		fprintf(stderr, "failed: %s\n", commands);
		exit(1);
	}
}

static inline void
netns(int more)
{
	char map[64];
	unsigned uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWNET | more) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET | more) != 0) {
			fprintf(stderr, "no namespaces here: passed over\n");
			exit(0);
		}
		put_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		put_file("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		put_file("/proc/self/gid_map", map);
	}
	sh("ip link set lo up");
}

/* Another content for a file of /etc, for this test only. */
static inline void
netns_file(const char *path, const char *text)
{
	char tmp[] = "/tmp/netnsXXXXXX";
	int fd = mkstemp(tmp);

	if (fd < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		exit(1);
	close(fd);
	put_file(tmp, text);
	if (mount(tmp, path, NULL, MS_BIND, NULL) != 0) {
		perror(path);
		exit(1);
	}
	unlink(tmp);
}

#endif
