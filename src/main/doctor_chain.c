/*
 * doctor: the ports of inline devices, and what their zones are made with. A
 * port that serves something else as well would be lost to it.
 */
#include <errno.h>
#include <glob.h>
#include <linux/capability.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain/zone_helper.h"
#include "conf/conf.h"
#include "main/doctor.h"
#include "util/mem.h"
#include "util/run.h"

#define MTU_IPV6	1280	/* RFC 8200, 5 */

static void
check_programs(struct doctor *d)
{
	static const char *const programs[][2] = {
		{ "ip", "apt install iproute2" },
		{ "nft", "apt install nftables" },
	};
	size_t i;

	for (i = 0; i < NELEM(programs); i++)
		if (!run_finds(programs[i][0]))
			doctor_say(d, FIND_FAIL, "devices", programs[i][1],
			    "there is no program %s: the zones of devices are "
			    "made with it", programs[i][0]);
}

/* Whether a namespace can be made; in a child, so that we stay where we are. */
static void
check_namespace(struct doctor *d)
{
	int status = 0, err = 0;
	pid_t pid;

	if (!doctor_has_cap(CAP_SYS_ADMIN)) {
		doctor_say(d, FIND_WARN, "devices", "run doctor as root",
		    "whether network namespaces can be made is not known; "
		    "clearspan must be started as root, or with "
		    "CAP_SYS_ADMIN, to make them");
		return;
	}
	if ((pid = fork()) == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : errno);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (pid < 0 || !WIFEXITED(status) ||
	    (err = WEXITSTATUS(status)) != 0)
		doctor_say(d, FIND_FAIL, "devices", "sysctl -w "
		    "user.max_net_namespaces=1024", "no network namespace can "
		    "be made: %s", strerror(err != 0 ? err : EAGAIN));
	else
		doctor_say(d, FIND_OK, "devices", NULL,
		    "network namespaces can be made");
}

/* Whether a file has the word. */
static int
file_has(const char *path, const char *word)
{
	char line[1024];
	FILE *f = fopen(path, "re");
	int has = 0;

	while (f != NULL && !has && fgets(line, sizeof(line), f) != NULL)
		has = line[0] != '#' && strstr(line, word) != NULL;
	if (f != NULL)
		fclose(f);
	return has;
}

/* Whether the unit is installed, and whether it or a drop-in of it gives the
 * capability. */
static int
unit_installed(int *gives)
{
	static const char *const dirs[] = { "/etc", "/run",
	    "/usr/local/lib", "/usr/lib", "/lib" };
	char pattern[128];
	glob_t g = { 0 };
	size_t i;
	int rv;

	for (i = 0; i < 2 * NELEM(dirs); i++) {
		snprintf(pattern, sizeof(pattern), "%s/systemd/system/"
		    "clearspan.service%s", dirs[i / 2], i % 2 == 0 ? "" :
		    ".d/*.conf");
		glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &g);
	}
	for (i = 0; i < g.gl_pathc; i++)
		*gives |= file_has(g.gl_pathv[i], "CAP_SYS_ADMIN");
	rv = g.gl_pathc > 0;
	globfree(&g);
	return rv;
}

static void
check_unit(struct doctor *d)
{
	int gives = 0;

	if (unit_installed(&gives) && !gives)
		doctor_say(d, FIND_WARN, "devices", ZONE_UNIT, "under "
		    "systemd, clearspan.service may not make namespaces, and "
		    "does not start with devices");
}

/* Whether a daemon answers at the control socket. */
static int
daemon_runs(const struct conf *c)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, runs;

	if (c->control_socket == NULL ||
	    strlen(c->control_socket) >= sizeof(a.sun_path))
		return 0;
	strcpy(a.sun_path, c->control_socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	runs = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return runs;
}

static void
check_helper(struct doctor *d)
{
	if (daemon_runs(d->conf) && !doctor_zone_helper())
		doctor_say(d, FIND_FAIL, "devices", "start clearspan again",
		    "the running clearspan has no zone helper, and so its "
		    "devices take no session: the helper has ended, or "
		    "clearspan was started without devices");
}

/* In a bridge, a bond or a team. */
static int
port_has_master(const char *port)
{
	char *path = xasprintf("/sys/class/net/%s/master", port);
	int has = access(path, F_OK) == 0;

	free(path);
	return has;
}

/* The daemon has it in a namespace, if one runs. Returns its MTU, or 0. */
static int
port_missing(struct doctor *d, const struct conf_device *dev,
    const char *what, const char *port)
{
	unsigned mtu = doctor_has_cap(CAP_SYS_ADMIN) ?
	    doctor_zone(d, dev, what, port) : 0;

	if (mtu != 0)
		return (int)mtu;
	if (d->conf->control_socket != NULL &&
	    access(d->conf->control_socket, F_OK) == 0)
		doctor_say(d, FIND_OK, what, NULL, "%s is not here; a running "
		    "clearspan may have it: clearspan ctl devices", port);
	else
		doctor_say(d, FIND_FAIL, what, "ip -br link shows the "
		    "interfaces; name two in `inside:` and `outside:`",
		    "no interface %s", port);
	return 0;
}

/* Returns its MTU, or 0 after a finding that it cannot be used. */
static int
check_port(struct doctor *d, const struct conf_device *dev,
    const char *what, const char *port)
{
	unsigned mtu = 0;
	char mend[128];
	int kind = 0;

	if (doctor_port(port, &kind, &mtu) == LINK_GONE)
		return port_missing(d, dev, what, port);
	if (kind != ARPHRD_ETHER) {
		doctor_say(d, FIND_FAIL, what, "name an Ethernet port",
		    "%s is not an Ethernet port", port);
		return 0;
	}
	if (doctor_port_address(port)) {
		snprintf(mend, sizeof(mend), "ip addr flush dev %s, if nobody "
		    "needs it", port);
		doctor_say(d, FIND_FAIL, what, mend, "%s has an address: it "
		    "serves this machine, which loses it when clearspan "
		    "starts", port);
		return 0;
	}
	if (port_has_master(port)) {
		snprintf(mend, sizeof(mend), "ip link set %s nomaster", port);
		doctor_say(d, FIND_FAIL, what, mend, "%s is a port of a "
		    "bridge or bond, and leaves it when clearspan starts",
		    port);
		return 0;
	}
	return (int)mtu;
}

static void
check_mtu(struct doctor *d, const struct conf_device *dev, const char *what,
    int in, int out)
{
	char mend[128];

	snprintf(mend, sizeof(mend), "ip link set %s mtu %d", in > out ?
	    dev->outside : dev->inside, in > out ? in : out);
	if (in != out)
		doctor_say(d, FIND_WARN, what, mend, "the MTU of %s is %d, "
		    "that of %s %d: the smaller one counts", dev->inside, in,
		    dev->outside, out);
	else if (in < MTU_IPV6)
		doctor_say(d, FIND_WARN, what, mend, "an MTU of %d is too "
		    "small for IPv6, which wants %d", in, MTU_IPV6);
	else if (if_nametoindex(dev->inside) != 0)
		doctor_say(d, FIND_OK, what, NULL, "%s and %s are free, MTU "
		    "%d; their offloads are %s", dev->inside, dev->outside,
		    in, dev->offload ? "used" : "switched off at start");
}

static void
check_device(struct doctor *d, const struct conf_device *dev)
{
	char what[80];
	int in, out;

	snprintf(what, sizeof(what), "device %s", dev->name);
	in = check_port(d, dev, what, dev->inside);
	out = check_port(d, dev, what, dev->outside);
	if (in != 0 && out != 0)
		check_mtu(d, dev, what, in, out);
}

void
doctor_chains(struct doctor *d)
{
	size_t i;

	if (d->conf == NULL || d->conf->ndevices == 0)
		return;
	check_programs(d);
	check_namespace(d);
	check_unit(d);
	check_helper(d);
	for (i = 0; i < d->conf->ndevices; i++)
		check_device(d, &d->conf->devices[i]);
}
