/*
 * The rules of TPROXY as a list of steps. A step is a command, perhaps with a
 * text for its stdin. Steps are either printed or run, so that the printed
 * script does the same.
 */
#include "main/tproxy.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"
#include "util/run.h"
#include "util/text.h"

#define QUIC_PORT	443
#define DNS		" comment " TPROXY_DNS "\n"

#define WORDS_MAX	16	/* of a command */
#define IF_INET6	"/proc/net/if_inet6"
/* The table is created first, so that removing it cannot fail. */
#define TABLE_GONE	"table inet clearspan\n"			\
			"delete table inet clearspan\n"

enum {
	STEP_TIDY = 1,		/* it removes; it may find nothing */
	STEP_IPV6 = 2,		/* skipped where there is no IPv6 */
	STEP_QUIET = 4		/* a failure prints nothing */
};

typedef int (*step_fn)(const char *command, const char *input, int flags);

int
tproxy_ifaces(struct tproxy *t, const char *csv, const char **bad)
{
	struct text out = { 0 };
	size_t n, i;

	for (*bad = csv; ; csv += n + 1, *bad = csv) {
		n = strcspn(csv, ",");
		if (n == 0 || n >= IF_NAMESIZE)
			break;
		for (i = 0; i < n; i++)
			if (!isalnum((unsigned char)csv[i]) &&
			    strchr("._-@", csv[i]) == NULL)
				goto out;
		text_printf(&out, "%s\"%.*s\"", out.len ? ", " : "", (int)n,
		    csv);
		if (csv[n] == '\0') {
			*bad = NULL;
			break;
		}
	}
out:
	if (*bad == NULL && out.len < sizeof(t->ifaces))
		memcpy(t->ifaces, out.s, out.len + 1);
	else if (*bad == NULL)
		*bad = "too many";
	text_free(&out);
	return *bad == NULL ? 0 : ERR_USAGE;
}

/* Read "443" or "8000-8100". Returns its end, or NULL if it is neither. */
static const char *
port_range(const char *s, unsigned long *lo, unsigned long *hi)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return NULL;
	*lo = *hi = strtoul(s, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*hi = strtoul(end + 1, &end, 10);
	return *lo < 1 || *hi > 65535 || *hi < *lo ? NULL : end;
}

int
tproxy_ports(struct tproxy *t, const char *csv, const char **bad)
{
	unsigned long lo, hi;
	struct text out = { 0 };
	const char *end;

	*bad = NULL;
	t->ports[0] = '\0';
	if (strcmp(csv, "all") == 0)
		return 0;
	for (*bad = csv; (end = port_range(csv, &lo, &hi)) != NULL;
	    *bad = csv = end + 1) {
		text_printf(&out, lo == hi ? "%s%lu" : "%s%lu-%lu",
		    out.len ? ", " : "", lo, hi);
		if (*end == '\0')
			*bad = NULL;
		if (*end != ',')
			break;
	}
	if (*bad == NULL && out.len < sizeof(t->ports))
		memcpy(t->ports, out.s, out.len + 1);
	else if (*bad == NULL)
		*bad = "too many";
	text_free(&out);
	return *bad == NULL ? 0 : ERR_USAGE;
}

/* Whether TCP to this port is intercepted. */
static int
ports_have(const struct tproxy *t, unsigned long port)
{
	unsigned long lo, hi;
	const char *s = t->ports;

	if (*s == '\0')
		return 1;
	while ((s = port_range(s, &lo, &hi)) != NULL) {
		if (lo <= port && port <= hi)
			return 1;
		s += strspn(s, ", ");
	}
	return 0;
}

/* The UDP ports that are refused, as dport is; or NULL. */
static const char *
quic_ports(const struct tproxy *t, const char *dport)
{
	if (t->quic == TPROXY_QUIC_PORTS && dport[0] != '\0')
		return dport;
	return t->quic != TPROXY_QUIC_PASS && ports_have(t, QUIC_PORT) ?
	    " th dport 443" : NULL;
}

/*
 * Queries that are for others than this machine, and answers to a client's own
 * address.
 */
static void
dns_text(struct text *out, const struct tproxy *t)
{
	text_printf(out, "		iifname { %s } udp dport 53 tproxy to "
	    ":%u meta mark set " TPROXY_MARK " accept" DNS, t->ifaces,
	    t->port);
	text_puts(out, "		udp sport 53 socket transparent 1 "
	    "meta mark set " TPROXY_MARK " accept" DNS);
}

/* An answer that nobody waits for any more would pass unread. */
static void
dns_forward_text(struct text *out, const struct tproxy *t)
{
	text_printf(out, "		iifname { %s } udp dport 53 reject "
	    "with icmpx port-unreachable" DNS, t->ifaces);
	text_printf(out, "		oifname { %s } udp sport 53 drop" DNS,
	    t->ifaces);
}

/*
 * An intercepted packet is never forwarded, because the listener takes it in
 * prerouting. So if one reaches the forward chain, the listener is gone. A rule
 * has no other way to see that the daemon has died.
 */
static void
forward_text(struct text *out, const struct tproxy *t, const char *dport)
{
	const char *quic = quic_ports(t, dport);

	if (quic == NULL && t->when_down == TPROXY_PASS)
		return;
	text_puts(out, "	chain forward {\n"
	    "		type filter hook forward priority filter;\n");
	if (t->when_down == TPROXY_REJECT)
		text_printf(out, "		iifname { %s } meta l4proto tcp"
		    "%s reject with tcp reset\n", t->ifaces, dport);
	if (quic != NULL)
		text_printf(out, "		iifname { %s } meta l4proto udp"
		    "%s reject with icmpx port-unreachable\n", t->ifaces,
		    quic);
	if (t->dns && t->when_down == TPROXY_REJECT)
		dns_forward_text(out, t);
	text_puts(out, "	}\n");
}

/*
 * A packet of a connection that we have, on either side, goes to its socket:
 * the server's replies to a client's own address arrive on another interface.
 * So do the ICMP errors about such a connection: "too big" must reach the
 * socket whose packets are too big. Other packets are intercepted only on the
 * given interfaces and ports, and not if they are for this machine. If nobody
 * listens, the tproxy rule does not match, and the packet reaches the forward
 * chain.
 */
static void
rules_text(struct text *out, const struct tproxy *t)
{
	char dport[600] = "";

	if (t->ports[0] != '\0')
		snprintf(dport, sizeof(dport), " th dport { %s }", t->ports);
	text_puts(out, TABLE_GONE
	    "table inet clearspan {\n"
	    "	chain prerouting {\n"
	    "		type filter hook prerouting priority mangle;\n"
	    "		meta l4proto { tcp, icmp, icmpv6 } "
	    "socket transparent 1 meta mark set " TPROXY_MARK " accept\n"
	    "		fib daddr type { local, broadcast, multicast, "
	    "anycast } accept\n");
	text_printf(out, "		iifname { %s } meta l4proto tcp%s "
	    "tproxy to :%u meta mark set " TPROXY_MARK " accept\n",
	    t->ifaces, dport, t->port);
	if (t->dns)
		dns_text(out, t);
	text_puts(out, "	}\n");
	forward_text(out, t, dport);
	text_puts(out, "}\n");
}

/* Route marked packets to this machine, whatever their address. */
static int
routes_up(step_fn step, const char *v, int flags)
{
	char c[128];

	snprintf(c, sizeof(c), "ip %s rule del fwmark " TPROXY_MARK
	    " lookup " TPROXY_TABLE, v);
	step(c, NULL, flags | STEP_TIDY);
	snprintf(c, sizeof(c), "ip %s rule add fwmark " TPROXY_MARK
	    " lookup " TPROXY_TABLE " pref " TPROXY_PREF, v);
	if (step(c, NULL, flags) != 0)
		return ERR_SYS;
	snprintf(c, sizeof(c), "ip %s route replace local default dev lo "
	    "table " TPROXY_TABLE, v);
	return step(c, NULL, flags);
}

static void
routes_down(step_fn step, const char *v, int flags)
{
	char c[128];

	snprintf(c, sizeof(c), "ip %s rule del fwmark " TPROXY_MARK
	    " lookup " TPROXY_TABLE, v);
	step(c, NULL, flags | STEP_TIDY);
	snprintf(c, sizeof(c), "ip %s route flush table " TPROXY_TABLE, v);
	step(c, NULL, flags | STEP_TIDY);
}

/* Set what doctor checks. */
static int
forwarding_up(step_fn step)
{
	if (step("sysctl -qw net.ipv4.ip_forward=1", NULL, 0) != 0 ||
	    step("sysctl -qw net.ipv4.conf.all.src_valid_mark=0", NULL, 0) != 0)
		return ERR_SYS;
	return step("sysctl -qw net.ipv6.conf.all.forwarding=1", NULL,
	    STEP_IPV6);
}

/*
 * Routes come first, because a marked packet would be lost without them.
 * Forwarding comes last, so that nothing passes before the rules exist.
 */
static int
steps_up(step_fn step, const char *rules, int forwarding)
{
	if (routes_up(step, "-4", 0) != 0 ||
	    routes_up(step, "-6", STEP_IPV6) != 0)
		return ERR_SYS;
	if (step("nft -f -", rules, 0) != 0)
		return ERR_SYS;
	return forwarding ? forwarding_up(step) : 0;
}

static int
steps_down(step_fn step)
{
	int rv = step("nft -f -", TABLE_GONE, 0);

	routes_down(step, "-4", 0);
	routes_down(step, "-6", STEP_IPV6);
	return rv;
}

static int
step_print(const char *command, const char *input, int flags)
{
	if (flags & STEP_IPV6)
		printf("! grep -q . " IF_INET6 " 2>/dev/null || ");
	printf("%s", command);
	if (flags & STEP_TIDY)
		printf(" 2>/dev/null || :");
	if (input != NULL)
		printf(" <<'END'\n%sEND", input);
	printf("\n");
	return 0;
}

void
tproxy_print(const struct tproxy *t)
{
	struct text rules = { 0 };

	rules_text(&rules, t);
	printf("#!/bin/sh\n"
	    "# Bring tcp %s%s%s from %s to the listener on port %u.\n"
	    "# While nothing listens there: %s.\n"
	    "set -e\n", t->ports[0] != '\0' ? "port " : "(all ports)",
	    t->ports, t->dns ? ", and DNS over udp," : "", t->ifaces, t->port,
	    t->when_down == TPROXY_PASS ?
	    "pass, unread" : "reject");
	steps_up(step_print, rules.s, t->forwarding);
	text_free(&rules);
}

static void
step_advice(const char *command, int missing, const char *said)
{
	static const struct {
		const char	*name, *package;
	} tools[] = {
		{ "nft", "nftables" }, { "ip", "iproute2" },
		{ "sysctl", "procps" }, { "systemctl", "systemd" },
	};
	size_t i = 0, n = strcspn(command, " ");

	while (i < NELEM(tools) - 1 && (strlen(tools[i].name) != n ||
	    strncmp(tools[i].name, command, n) != 0))
		i++;
	fprintf(stderr, "%s\nclearspan: transparent: command failed: %s\n",
	    said, command);
	if (missing)
		fprintf(stderr, "  %s is missing: apt-get install %s\n",
		    tools[i].name, tools[i].package);
	else if (geteuid() != 0)
		fprintf(stderr, "  it needs root: sudo clearspan ...\n");
	else if (i == 0)
		fprintf(stderr, "  the kernel may lack TPROXY: modprobe -a "
		    "nft_tproxy nft_socket nft_fib_inet\n");
	else
		fprintf(stderr, "  clearspan doctor may know why\n");
}

/* The file has a line for each address, and none if IPv6 is off. */
static int
have_ipv6(void)
{
	FILE *f = fopen(IF_INET6, "r");
	int some = f != NULL && getc(f) != EOF;

	if (f != NULL)
		fclose(f);
	return some;
}

static int
step_run(const char *command, const char *input, int flags)
{
	char copy[256], *save = NULL, *w;
	const char *words[WORDS_MAX + 1] = { NULL };
	struct text in = { 0 }, said = { 0 };
	size_t n = 0;
	int rv;

	if ((flags & STEP_IPV6) && !have_ipv6())
		return 0;
	snprintf(copy, sizeof(copy), "%s", command);
	for (w = strtok_r(copy, " ", &save); w != NULL && n < WORDS_MAX;
	    w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	if (input != NULL)
		text_puts(&in, input);
	rv = run_program(words, &in, &said, &said);
	if (rv != 0 && !(flags & (STEP_TIDY | STEP_QUIET)))
		step_advice(command, rv == ERR_NOTFOUND, said.s);
	text_free(&in);
	text_free(&said);
	return rv == 0 || (flags & STEP_TIDY) ? 0 : ERR_SYS;
}

int
tproxy_up(const struct tproxy *t)
{
	struct text rules = { 0 };
	int rv;

	rules_text(&rules, t);
	rv = steps_up(step_run, rules.s, t->forwarding);
	text_free(&rules);
	return rv;
}

void
tproxy_save(struct text *table)
{
	static const char *const argv[] = { "nft", "list", "table", "inet",
	    "clearspan", NULL };
	struct text said = { 0 };

	if (run_program(argv, NULL, table, &said) != 0)
		text_clear(table);
	text_free(&said);
}

int
tproxy_restore(const struct text *table)
{
	struct text rules = { 0 };
	int rv;

	if (table->len == 0)
		return tproxy_down();
	text_printf(&rules, TABLE_GONE "%s", table->s);
	rv = steps_up(step_run, rules.s, 0);
	text_free(&rules);
	return rv;
}

int
tproxy_run(const char *command)
{
	return step_run(command, NULL, 0);
}

int
tproxy_down(void)
{
	return steps_down(step_run);
}

int
tproxy_probe(void)
{
	struct tproxy t = { .ifaces = "\"lo\"", .ports = "443", .port = 8443,
	    .dns = 1 };
	struct text rules = { 0 };
	int rv;

	rules_text(&rules, &t);
	rv = step_run("nft -c -f -", rules.s, STEP_QUIET);
	text_free(&rules);
	return rv;
}
