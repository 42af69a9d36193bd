/*
 * doctor: forwarding, reverse path filtering, TPROXY.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "main/doctor.h"
#include "main/tproxy.h"
#include "net/sock.h"
#include "util/addr.h"
#include "util/err.h"

#define V4	"/proc/sys/net/ipv4/"
#define V6	"/proc/sys/net/ipv6/conf/all/"

/* Whether a fixed command exits with 0. */
static int
works(const char *command)
{
	return system(command) == 0;
}

static void
check_forwarding(struct doctor *d)
{
	int v4 = doctor_number(V4 "ip_forward") == 1;
	int v6 = doctor_number(V6 "forwarding") == 1;

	doctor_say(d, v4 ? FIND_OK : FIND_FAIL, "routing",
	    "sysctl -w net.ipv4.ip_forward=1", "IPv4 is %sforwarded",
	    v4 ? "" : "not ");
	if (access("/proc/net/if_inet6", F_OK) != 0 ||
	    doctor_number(V6 "disable_ipv6") == 1)
		doctor_say(d, FIND_OK, "routing", NULL, "IPv6 is off");
	else
		doctor_say(d, v6 ? FIND_OK : FIND_WARN, "routing",
		    "sysctl -w net.ipv6.conf.all.forwarding=1",
		    "IPv6 is %sforwarded", v6 ? "" : "not ");
}

/*
 * The kernel looks up the route back to a sender. If it uses the packet's mark
 * for that (src_valid_mark), TPROXY's mark leads to this machine itself, and
 * the kernel drops the packet as a martian, strict or not.
 */
static void
check_rp_filter(struct doctor *d)
{
	DIR *dir = opendir(V4 "conf");
	struct dirent *e;
	char path[512];
	long all = (long)doctor_number(V4 "conf/all/rp_filter"), v;
	int marked = doctor_number(V4 "conf/all/src_valid_mark") == 1;
	int strict = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), V4 "conf/%s/rp_filter", e->d_name);
		v = (long)doctor_number(path);
		/* The greater of the two applies; 1 is strict, 2 is loose. */
		strict += e->d_name[0] != '.' && (v > all ? v : all) == 1;
	}
	if (dir != NULL)
		closedir(dir);
	if (marked)
		doctor_say(d, FIND_FAIL, "rp_filter",
		    "sysctl -w net.ipv4.conf.all.src_valid_mark=0",
		    "src_valid_mark makes it drop what TPROXY marks");
	else if (strict > 0)
		doctor_say(d, FIND_OK, "rp_filter", NULL, "strict on %d "
		    "interfaces; right unless routes are asymmetric", strict);
	else
		doctor_say(d, FIND_OK, "rp_filter", NULL, "off or loose");
}

static void
check_kernel(struct doctor *d)
{
	struct addr a;
	int no = 0, fd;

	addr_parse(&a, "127.0.0.1:0");
	if ((fd = sock_listen(&a, 0, 1, &no)) >= 0)
		close(fd);
	if (fd < 0 || no)
		doctor_say(d, FIND_WARN, "TPROXY", "run as root, or by "
		    "etc/clearspan.service", "the kernel refuses us a "
		    "transparent socket; REDIRECT works without");
	else
		doctor_say(d, FIND_OK, "TPROXY", NULL,
		    "transparent sockets work");
	if (!works("command -v nft >/dev/null && command -v ip >/dev/null"))
		doctor_say(d, FIND_WARN, "TPROXY",
		    "apt-get install nftables iproute2",
		    "nft or ip is missing, so the rules cannot be checked");
	else if (!doctor_has_cap(CAP_NET_ADMIN))
		doctor_say(d, FIND_WARN, "TPROXY", "run as root",
		    "the rules cannot be checked");
	else if (tproxy_probe() != 0)
		doctor_say(d, FIND_FAIL, "TPROXY",
		    "modprobe -a nft_tproxy nft_socket nft_fib_inet",
		    "the kernel does not accept its rules");
	else
		doctor_say(d, FIND_OK, "TPROXY", NULL,
		    "the kernel accepts its rules");
}

static void
check_dns(struct doctor *d, const struct tproxy *t)
{
	size_t i = 0;

	while (d->conf != NULL && i < d->conf->nlistens &&
	    !d->conf->listens[i].dns)
		i++;
	if (t->dns && !tproxy_hears_dns(t))
		doctor_say(d, FIND_FAIL, "rules", "dns: yes, for the listener",
		    "they bring DNS over UDP, and nothing takes it on port "
		    "%u: queries %s", t->port, tproxy_dns_fate(t));
	else if (t->dns)
		doctor_say(d, FIND_OK, "rules", NULL, "DNS over UDP comes, "
		    "and is taken");
	else if (d->conf != NULL && i < d->conf->nlistens)
		doctor_say(d, FIND_WARN, "rules", "clearspan transparent up "
		    "with --dns", "the listener %s takes DNS over UDP, and "
		    "they do not bring it", d->conf->listens[i].name);
}

/* Check that the interfaces and the listener of the rules exist, and say what
 * happens to connections without them. */
static void
check_named(struct doctor *d)
{
	static const char start[] = "systemctl start clearspan, or clearspan "
	    "run; or clearspan transparent up with its --port";
	struct text missing = { 0 };
	struct tproxy t;
	const char *down;

	if (tproxy_read(&t) != 0) {
		doctor_say(d, FIND_WARN, "rules", NULL, "not ours, so they are "
		    "not checked");
		return;
	}
	down = t.when_down == TPROXY_PASS ? "pass" : "reject";
	tproxy_missing(&t, &missing);
	if (missing.len > 0)
		doctor_say(d, FIND_FAIL, "rules", "clearspan transparent up "
		    "--in IFACE, as \"ip link\" has it", "there is no "
		    "interface %s: nothing is intercepted from it", missing.s);
	if (!tproxy_listens(&t))
		doctor_say(d, FIND_FAIL, "rules", start, "nothing listens on "
		    "port %u: connections %s (when down: %s)", t.port,
		    tproxy_fate(&t), down);
	else
		doctor_say(d, FIND_OK, "rules", NULL, "a listener is there on "
		    "port %u; when it is down, connections %s (%s)", t.port,
		    tproxy_fate(&t), down);
	text_free(&missing);
	check_dns(d, &t);
}

static void
check_rules(struct doctor *d)
{
	static const char up[] = "clearspan transparent up --in IFACE";
	int table, v4, v6;

	if (!doctor_has_cap(CAP_NET_ADMIN))
		return;
	table = works("nft list table inet clearspan >/dev/null 2>&1");
	v4 = works("ip -4 rule list 2>/dev/null | grep -q 'fwmark "
	    TPROXY_MARK "'");
	v6 = works("ip -6 rule list 2>/dev/null | grep -q 'fwmark "
	    TPROXY_MARK "'");
	if (!table)
		doctor_say(d, FIND_WARN, "rules", up, "no table inet "
		    "clearspan: traffic comes only if other rules bring it");
	else if (!v4 && !v6)
		doctor_say(d, FIND_FAIL, "rules", up, "packets are marked but "
		    "no routing rule takes them: they are lost");
	else
		doctor_say(d, FIND_OK, "rules", NULL, "in place for %s",
		    v4 && v6 ? "IPv4 and IPv6" : v4 ? "IPv4" : "IPv6");
	if (table)
		check_named(d);
}

void
doctor_routing(struct doctor *d)
{
	if (!d->transparent) {
		doctor_say(d, FIND_OK, "routing", NULL,
		    "not needed: no transparent listener");
		return;
	}
	check_forwarding(d);
	check_rp_filter(d);
	check_kernel(d);
	check_rules(d);
}
