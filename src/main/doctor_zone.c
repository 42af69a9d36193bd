/*
 * doctor: the zones of a running daemon. They have no names; the zone helper
 * holds them open, so they are found among its descriptors (proc(5)). Whatever
 * is in one besides the device's port could let clear text out.
 */
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chain/zone_helper.h"
#include "conf/conf.h"
#include "main/doctor.h"
#include "net/link.h"
#include "util/mem.h"
#include "util/text.h"

/* A line of a file of /proc, without its end; "" if there is none. */
static void
proc_line(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(out, (int)size, f) == NULL)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

/* Tunnels that the kernel puts into every namespace are down. */
static void
zone_interfaces(struct doctor *d, const char *what, const char *port, int fd)
{
	struct if_nameindex *all = if_nameindex(), *i;

	for (i = all; i != NULL && i->if_index != 0; i++)
		if (strcmp(i->if_name, "lo") != 0 &&
		    strcmp(i->if_name, port) != 0 &&
		    link_state(fd, i->if_name, NULL) != LINK_DOWN)
			doctor_say(d, FIND_FAIL, what, "start clearspan "
			    "again", "%s is in the zone of %s, too: clear "
			    "text could leave by it", i->if_name, port);
	if (all != NULL)
		if_freenameindex(all);
}

static void
zone_forwarding(struct doctor *d, const char *what, const char *port)
{
	if (doctor_number("/proc/sys/net/ipv4/ip_forward") > 0 ||
	    doctor_number("/proc/sys/net/ipv6/conf/all/forwarding") > 0)
		doctor_say(d, FIND_FAIL, what, "start clearspan again",
		    "the zone of %s forwards packets", port);
}

static void
zone_processes(struct doctor *d, const char *what, const char *port)
{
	char path[280], ns[64] = "", its[64], comm[64];
	DIR *proc = opendir("/proc");
	struct dirent *e;
	ssize_t n;

	if (readlink("/proc/self/ns/net", ns, sizeof(ns) - 1) < 0)
		ns[0] = '\0';
	while (proc != NULL && (e = readdir(proc)) != NULL) {
		if (atoi(e->d_name) <= 0 || atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", e->d_name);
		n = readlink(path, its, sizeof(its) - 1);
		its[n > 0 ? n : 0] = '\0';
		if (strcmp(ns, its) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		proc_line(path, comm, sizeof(comm));
		doctor_say(d, FIND_WARN, what, NULL, "process %s (%s) is in "
		    "the zone of %s, and can read its clear text", e->d_name,
		    comm, port);
	}
	if (proc != NULL)
		closedir(proc);
}

/* Returns its MTU. */
static unsigned
zone_port(struct doctor *d, const struct conf_device *dev, const char *what,
    const char *port, int fd)
{
	static const char *const states[] = { "is gone", "is down",
	    "has no link" };
	unsigned mtu = 0;
	enum link state = link_state(fd, port, &mtu);
	struct text names = { 0 };

	link_offloads_str(link_offloads(fd, port) & ~LINK_GRO, &names);
	if (state != LINK_UP)
		doctor_say(d, FIND_WARN, what, "look at the cable and at the "
		    "device", "%s %s", port, states[state]);
	else if (!dev->offload && names.len > 0 && !link_is_hardware(fd, port))
		doctor_say(d, FIND_WARN, what, "ask the vendor of the "
		    "network card, or set `offload: on` if the device takes "
		    "large frames", "the driver of %s keeps offloads on (%s)",
		    port, names.s);
	else
		doctor_say(d, FIND_OK, what, NULL, "%s is up in its zone, "
		    "MTU %u, offloads %s", port, mtu, names.len > 0 ?
		    names.s : "off");
	text_free(&names);
	return mtu;
}

/* Look into a namespace, if the port is there. Returns its MTU, or 0. */
static unsigned
zone_visit(struct doctor *d, const struct conf_device *dev, const char *what,
    const char *port, int ns)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd;
	unsigned mtu = 0;

	if (home < 0 || setns(ns, CLONE_NEWNET) != 0) {
		close(home);
		return 0;
	}
	if (if_nametoindex(port) != 0) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		mtu = zone_port(d, dev, what, port, fd);
		zone_interfaces(d, what, port, fd);
		zone_forwarding(d, what, port);
		zone_processes(d, what, port);
		close(fd);
	}
	if (setns(home, CLONE_NEWNET) != 0)
		abort();	/* all that follows would be wrong */
	close(home);
	return mtu;
}

/* Go through the namespaces that a helper holds. */
static unsigned
helper_zones(struct doctor *d, const struct conf_device *dev,
    const char *what, const char *port, const char *pid)
{
	char path[600], link[64];
	struct dirent *e;
	unsigned mtu = 0;
	ssize_t n;
	DIR *fds;
	int ns;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	while (fds != NULL && mtu == 0 && (e = readdir(fds)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, e->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (strncmp(link, "net:", 4) != 0 ||
		    (ns = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			continue;
		mtu = zone_visit(d, dev, what, port, ns);
		close(ns);
	}
	if (fds != NULL)
		closedir(fds);
	return mtu;
}

/* The next process that is a zone helper; NULL: there is none. One that was
 * killed has its name until the daemon ends, and no command line. */
static const char *
next_helper(DIR *proc)
{
	struct dirent *e;
	char path[280], comm[64];

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		if (atoi(e->d_name) <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		proc_line(path, comm, sizeof(comm));
		if (strcmp(comm, ZONE_HELPER_NAME) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		proc_line(path, comm, sizeof(comm));
		if (comm[0] != '\0')
			return e->d_name;
	}
	return NULL;
}

int
doctor_zone_helper(void)
{
	DIR *proc = opendir("/proc");
	int there = next_helper(proc) != NULL;

	if (proc != NULL)
		closedir(proc);
	return there;
}

unsigned
doctor_zone(struct doctor *d, const struct conf_device *dev, const char *what,
    const char *port)
{
	DIR *proc = opendir("/proc");
	const char *pid;
	unsigned mtu = 0;

	while (mtu == 0 && (pid = next_helper(proc)) != NULL)
		mtu = helper_zones(d, dev, what, port, pid);
	if (proc != NULL)
		closedir(proc);
	return mtu;
}
