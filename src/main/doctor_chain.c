/*
 * doctor: the ports of inline devices, and what their zones are made with. A
 * port that serves something else as well would be lost to it.
 */
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
	for (i = 0; i < d->conf->ndevices; i++)
		check_device(d, &d->conf->devices[i]);
}
