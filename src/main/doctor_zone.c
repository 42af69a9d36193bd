/*
 * doctor: the zones of a running daemon. They have no names; the zone helper
 * holds them open, so they are found among its descriptors (proc(5)). Whatever
 * is in one besides the device's port could let clear text out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain/zone_helper.h"
#include "conf/conf.h"
#include "main/doctor.h"
#include "net/link.h"
#include "util/mem.h"
#include "util/text.h"

/* What the child that goes into a zone tells us. */
struct seen {
	int		 here;		/* it is the zone with the port */
	int		 fails;
	unsigned	 mtu;
};

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

static void
zone_port(struct doctor *d, const struct conf_device *dev, const char *what,
    const char *port, int fd, struct seen *s)
{
	static const char *const states[] = { "is gone", "is down",
	    "has no link" };
	enum link state = link_state(fd, port, &s->mtu);
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
		    "MTU %u, offloads %s", port, s->mtu, names.len > 0 ?
		    names.s : "off");
	text_free(&names);
}

/* In a child. */
static void
zone_look(struct doctor *d, const struct conf_device *dev, const char *what,
    const char *port, int ns, struct seen *s)
{
	int fd;

	if (setns(ns, CLONE_NEWNET) != 0 || if_nametoindex(port) == 0)
		return;
	s->here = 1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	zone_port(d, dev, what, port, fd, s);
	zone_interfaces(d, what, port, fd);
	zone_forwarding(d, what, port);
	zone_processes(d, what, port);
	fflush(stdout);
	s->fails = d->fails;
}

static int
zone_visit(struct doctor *d, const struct conf_device *dev, const char *what,
    const char *port, int ns, struct seen *s)
{
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		zone_look(d, dev, what, port, ns, s);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (s->here)
		d->fails = s->fails;
	return s->here;
}

/* Go through the namespaces that a helper holds. */
static int
helper_zones(struct doctor *d, const struct conf_device *dev,
    const char *what, const char *port, const char *pid, struct seen *s)
{
	char path[600], link[64];
	struct dirent *e;
	ssize_t n;
	DIR *fds;
	int ns, here = 0;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	while (fds != NULL && !here && (e = readdir(fds)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, e->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (strncmp(link, "net:", 4) != 0 ||
		    (ns = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			continue;
		here = zone_visit(d, dev, what, port, ns, s);
		close(ns);
	}
	if (fds != NULL)
		closedir(fds);
	return here;
}

unsigned
doctor_zone(struct doctor *d, const struct conf_device *dev, const char *what,
    const char *port)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	struct seen *s;
	char path[280], comm[64];
	unsigned mtu = 0;
	int here = 0;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED |
	    MAP_ANONYMOUS, -1, 0);
	while (proc != NULL && s != MAP_FAILED && !here &&
	    (e = readdir(proc)) != NULL) {
		if (atoi(e->d_name) <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		proc_line(path, comm, sizeof(comm));
		if (strcmp(comm, ZONE_HELPER_NAME) == 0)
			here = helper_zones(d, dev, what, port, e->d_name, s);
	}
	if (s != MAP_FAILED) {
		mtu = here ? s->mtu : 0;
		munmap(s, sizeof(*s));
	}
	if (proc != NULL)
		closedir(proc);
	return mtu;
}
