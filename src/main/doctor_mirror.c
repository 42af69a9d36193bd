/*
 * doctor: the ports and directories that mirrors write to.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "conf/conf.h"
#include "main/doctor.h"
#include "main/here.h"
#include "sink/port.h"
#include "util/mem.h"
#include "util/text.h"

#define LOW_DISK	5	/* percent free */

/* The names of the offloads that are on. They make frames that no recorder
 * expects. */
static void
port_offloads(const char *name, struct text *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	link_offloads_str(link_offloads(fd, name) & ~LINK_GRO, out);
	close(fd);
}

enum link
doctor_port(const char *name, int *kind, unsigned *mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	enum link state = fd < 0 ? LINK_GONE : link_state(fd, name, mtu);

	if (fd >= 0 && kind != NULL)
		*kind = link_kind(fd, name);
	if (fd >= 0)
		close(fd);
	return state;
}

/* A link-local IPv6 address is fine: every port that is up has one. */
int
doctor_port_address(const char *name)
{
	struct ifaddrs *all, *i;
	int found = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (i = all; i != NULL; i = i->ifa_next) {
		const struct sockaddr_in6 *in6 = (const void *)i->ifa_addr;

		if (in6 == NULL || strcmp(i->ifa_name, name) != 0)
			continue;
		found |= in6->sin6_family == AF_INET ||
		    (in6->sin6_family == AF_INET6 &&
		    !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr));
	}
	freeifaddrs(all);
	return found;
}

static int
is_hardware(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rv;

	rv = fd >= 0 && link_is_hardware(fd, name);
	if (fd >= 0)
		close(fd);
	return rv;
}

static void
check_offloads(struct doctor *d, const struct conf_mirror *m, const char *what)
{
	int real = m->offload == OFFLOAD_AUTO && is_hardware(m->interface);
	struct text on = { 0 };
	char mend[128];

	port_offloads(m->interface, &on);
	snprintf(mend, sizeof(mend), "ethtool -K %s tso off gso off tx off",
	    m->interface);
	if (on.len == 0 && real)
		doctor_say(d, FIND_OK, what, NULL, "offloads are off, so the "
		    "kernel segments in place of %s; to use its hardware: "
		    "ethtool -K %s tso on tx on", m->interface, m->interface);
	else if (on.len == 0)
		doctor_say(d, FIND_OK, what, NULL, "offloads are off");
	else if (real)
		doctor_say(d, FIND_OK, what, NULL, "offloads are on (%s): %s "
		    "segments and checksums itself", on.s, m->interface);
	else if (m->offload == OFFLOAD_ON)
		doctor_say(d, FIND_OK, what, NULL,
		    "offloads are on (%s), as configured", on.s);
	else if (doctor_has_cap(CAP_NET_ADMIN))
		doctor_say(d, FIND_OK, what, NULL, "offloads are on (%s); "
		    "clearspan turns them off when it starts", on.s);
	else
		doctor_say(d, FIND_WARN, what, mend, "offloads are on (%s): "
		    "recorders see large frames and bad checksums", on.s);
	text_free(&on);
}

static void
check_port(struct doctor *d, const struct conf_mirror *m)
{
	const char *port = m->interface;
	char what[160], mend[128];
	unsigned mtu = 0;
	enum link state = doctor_port(port, NULL, &mtu);

	snprintf(what, sizeof(what), "mirror %s", m->name);
	if (state == LINK_GONE) {
		doctor_say(d, FIND_FAIL, what, "ip -br link shows the "
		    "interfaces; name one in `interface:`", "no interface %s",
		    port);
		return;
	}
	snprintf(mend, sizeof(mend), "ip link set %s up", port);
	if (state == LINK_DOWN)
		doctor_say(d, FIND_FAIL, what, mend, "%s is down", port);
	else if (state == LINK_NO_CARRIER)
		doctor_say(d, FIND_WARN, what, "plug the recorder in",
		    "%s has no link", port);
	else
		doctor_say(d, FIND_OK, what, NULL, "%s is up, MTU %u", port,
		    mtu);
	snprintf(mend, sizeof(mend), "ip addr flush dev %s", port);
	if (doctor_port_address(port))
		doctor_say(d, FIND_WARN, what, mend, "%s has an address; a "
		    "mirror port needs none, and this machine's own traffic "
		    "may mix in", port);
	check_offloads(d, m, what);
}

static void
check_disk(struct doctor *d, const struct conf_mirror *m)
{
	char what[160], mend[800], *dir = xdirname(m->path);
	char *user = here_user(d->conf);
	struct statvfs fs;
	unsigned long percent;
	int err;

	snprintf(what, sizeof(what), "mirror %s", m->name);
	snprintf(mend, sizeof(mend), "install -d -m 700 -o %s %.500s", user,
	    dir);
	free(user);
	if ((err = here_may(d->conf->user, dir, W_OK | X_OK)) == 0 &&
	    statvfs(dir, &fs) != 0)
		err = errno;
	if (strchr(dir, '%') != NULL) {
		doctor_say(d, FIND_OK, what, NULL, "%s changes with time, so "
		    "it is not checked", dir);
	} else if (err != 0) {
		doctor_say(d, FIND_FAIL, what, mend, "cannot write to %s: %s",
		    dir, strerror(err));
	} else {
		percent = fs.f_blocks == 0 ? 100 :
		    (unsigned long)(fs.f_bavail * 100 / fs.f_blocks);
		doctor_say(d, percent < LOW_DISK ? FIND_WARN : FIND_OK, what,
		    "set `rotate: { size: ..., keep: ... }`, or make room",
		    "%lu%% of the disk under %s is free", percent, dir);
	}
	free(dir);
}

static void
check_server(struct doctor *d, const struct conf_mirror *m)
{
	struct text why = { 0 };

	if (conf_mirror_open(m, &why))
		doctor_say(d, FIND_WARN, "mirror", NULL, "%s", why.s);
	text_free(&why);
}

void
doctor_mirrors(struct doctor *d)
{
	size_t i;

	for (i = 0; d->conf != NULL && i < d->conf->nmirrors; i++) {
		if (d->conf->mirrors[i].kind == MIRROR_PORT)
			check_port(d, &d->conf->mirrors[i]);
		if (d->conf->mirrors[i].kind == MIRROR_PCAP)
			check_disk(d, &d->conf->mirrors[i]);
		if (d->conf->mirrors[i].kind == MIRROR_PCAPIP)
			check_server(d, &d->conf->mirrors[i]);
	}
}
