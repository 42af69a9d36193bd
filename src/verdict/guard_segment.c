/*
 * Segments as chains of nft(8). Whatever is forwarded is judged by the
 * direction in which it began: a reply passes because its flow may, and a flow
 * that may no longer ends with its next packet, whichever end sends it.
 *
 * Segment N is in the chains outN.., for what goes from its client to its
 * server, and backN.. for what comes back: each tests one end and goes on to
 * the next: from, to, ports.
 *
 * Of a group there are sets of what the configuration names (c, intervals) and
 * of what tags and neighbours make of it (d), each for IPv4, IPv6 and MAC.
 */
#include "verdict/guard_wire.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS	"262144"	/* kept without conntrack, 100 bytes each */
#define PORTED	"meta l4proto { tcp, udp, sctp, dccp, udplite }"

static const char *const families[] = { "inet " GUARD_TABLE,
    "bridge " GUARD_TABLE };

/*
 * Routed: conntrack knows replies. The addresses of a forwarded packet are
 * those of the hosts themselves, whether they are translated (NAT) or not.
 * Where br_netfilter is loaded, frames of bridges come this way, too.
 */
static const char inet_chains[] =
	" chain segments {\n"
	"  type filter hook forward priority -19; policy accept;\n"
	GUARD_FIND
	"  ct state related meta l4proto { icmp, ipv6-icmp } accept\n"
	"  ct direction reply goto back\n"
	"  goto out\n"
	" }\n"
	" chain pass { accept\n }\n"
	" chain repass { accept\n }\n"
	" chain out { }\n"
	" chain back { }\n";

/*
 * Bridged: a flow that passed is kept in a set (also over a reload: see
 * guard_keep.c, which has their names). What hosts need to find each
 * other and their addresses is of no segment; errors belong to a flow of either
 * end, and later fragments to a first one that passed.
 */
#define FLOW_SETS(n, addr)						\
	" set flows" n " { type " addr " . " addr " . inet_proto . "	\
	"inet_service . inet_service; flags dynamic,timeout; timeout 1h; " \
	"size " FLOWS "; }\n"						\
	" set pairs" n " { type " addr " . " addr " . inet_proto; "	\
	"flags dynamic,timeout; timeout 1h; size " FLOWS "; }\n"
#define FLOW_KEPT(ip, n)						\
	"  " PORTED " update @flows" n " { " ip " saddr . " ip		\
	" daddr . meta l4proto . th sport . th dport } accept\n"	\
	"  update @pairs" n " { " ip " saddr . " ip			\
	" daddr . meta l4proto } accept\n"
#define FLOW_KNOWN(ip, n)						\
	"  " PORTED " " ip " daddr . " ip " saddr . meta l4proto . "	\
	"th dport . th sport @flows" n " goto back\n"			\
	"  meta l4proto != { tcp, udp, sctp, dccp, udplite, icmp, "	\
	"ipv6-icmp } " ip " daddr . " ip " saddr . meta l4proto @pairs"	\
	n " goto back\n"
static const char bridge_chains[] =
	FLOW_SETS("4", "ipv4_addr")
	FLOW_SETS("6", "ipv6_addr")
	" chain segments {\n"
	"  type filter hook forward priority -19; policy accept;\n"
	"  meta protocol != { ip, ip6 } accept\n"
	"  udp sport { 67, 68, 546, 547 } udp dport { 67, 68, 546, 547 } "
	"accept\n"
	GUARD_FIND
	"  icmpv6 type { packet-too-big, destination-unreachable, "
	"time-exceeded, parameter-problem } accept\n"
	"  icmp type { destination-unreachable, time-exceeded, "
	"parameter-problem } accept\n"
	"  ip frag-off & 0x1fff != 0 accept\n"
	"  frag frag-off != 0 accept\n"
	"  icmp type { echo-reply, timestamp-reply } goto back\n"
	"  icmpv6 type echo-reply goto back\n"
	FLOW_KNOWN("ip", "4")
	FLOW_KNOWN("ip6", "6")
	"  goto out\n"
	" }\n"
	" chain pass {\n"
	FLOW_KEPT("ip", "4")
	FLOW_KEPT("ip6", "6")
	"  accept\n"
	" }\n"
	" chain repass { accept\n }\n"
	" chain out { }\n"
	" chain back { }\n";

void
script_segments(struct text *t, int bridge)
{
	text_printf(t, "table %s {\n%s}\n", families[bridge], bridge ?
	    bridge_chains : inet_chains);
}

static void
element_prefix(struct text *t, const struct prefix *p)
{
	char s[ADDR_STRLEN];
	struct addr a = prefix_addr(p, 0);

	text_printf(t, "%s/%u", addr_ip_str(&a, s), p->bits);
}

/* "02:00:5e:*" as a range. */
static void
element_mac(struct text *t, const struct mac_pattern *p)
{
	char first[MAC_STRLEN], last[MAC_STRLEN];
	uint8_t to[MAC_LEN];

	memcpy(to, p->mac, MAC_LEN);
	memset(to + p->bytes, 0xff, MAC_LEN - p->bytes);
	text_printf(t, "%s-%s", mac_str(p->mac, first), mac_str(to, last));
}

static void
script_prefixes(struct text *t, const struct guard_ask *a, int family,
    const char *table)
{
	size_t i, n = 0;

	for (i = 0; i < a->nservers; i++) {
		if (a->servers[i].family != family)
			continue;
		if (n++ == 0)
			text_printf(t, "add element %s c%u_%c { ", table,
			    a->number, family == AF_INET ? '4' : '6');
		else
			text_puts(t, ", ");
		element_prefix(t, &a->servers[i]);
	}
	if (n > 0)
		text_puts(t, " }\n");
}

static void
script_set(struct text *t, const char *table, uint32_t group, char kind,
    const char *type)
{
	text_printf(t, "add set %s c%u_%c { type %s; flags interval; "
	    "auto-merge; }\n"
	    "add set %s d%u_%c { type %s; }\n", table, group, kind, type,
	    table, group, kind, type);
}

void
script_group(struct text *t, const struct guard_ask *a, int bridge)
{
	const char *table = families[bridge];
	size_t i;

	script_set(t, table, a->number, '4', "ipv4_addr");
	script_set(t, table, a->number, '6', "ipv6_addr");
	script_set(t, table, a->number, 'm', "ether_addr");
	script_prefixes(t, a, AF_INET, table);
	script_prefixes(t, a, AF_INET6, table);
	for (i = 0; i < a->nmacs; i++) {
		text_printf(t, "%s", i > 0 ? ", " : "");
		if (i == 0)
			text_printf(t, "add element %s c%u_m { ", table,
			    a->number);
		element_mac(t, &a->macs[i]);
	}
	if (a->nmacs > 0)
		text_puts(t, " }\n");
}

/*
 * In chain: go to another one, if the end is in the group. source: it sends the
 * packet. Its MAC address is that of a frame which we are to forward, so it is
 * known of the sender, and on a bridge of both.
 */
static void
script_end(struct text *t, const char *chain, uint32_t group, int source,
    int bridge, const char *then)
{
	static const char kinds[] = "cd";
	const char *table = families[bridge], *at = source ? "saddr" : "daddr";
	size_t i;

	if (group == GUARD_ANY)
		text_printf(t, "add rule %s %s %s\n", table, chain, then);
	for (i = 0; group != GUARD_ANY && kinds[i] != '\0'; i++) {
		text_printf(t, "add rule %s %s ip %s @%c%u_4 %s\n"
		    "add rule %s %s ip6 %s @%c%u_6 %s\n",
		    table, chain, at, kinds[i], group, then,
		    table, chain, at, kinds[i], group, then);
		if (source || bridge)
			text_printf(t, "add rule %s %s ether %s @%c%u_m %s\n",
			    table, chain, at, kinds[i], group, then);
	}
}

/* What happens to what is of the segment. */
static void
script_verdict(struct text *t, const char *chain, const char *ports,
    const struct guard_ask *a, int back, int bridge)
{
	const char *table = families[bridge];
	int refuses = a->n == SEGMENT_BLOCK || a->n == SEGMENT_RESET;

	if (!refuses || bridge) {
		text_printf(t, "add rule %s %s %s counter name s%u %s\n", table,
		    chain, ports, a->number, refuses ? "drop" : back ?
		    "goto repass" : "goto pass");
		return;
	}
	text_printf(t, "add rule %s %s %s meta l4proto tcp counter name s%u "
	    "reject with tcp reset\n"
	    "add rule %s %s %s counter name s%u reject with icmpx "
	    "admin-prohibited\n", table, chain, ports, a->number, table, chain,
	    ports, a->number);
}

/* "... th dport { 443, 8000-8080 }", or "" for all. */
static void
script_ports(struct text *t, const struct guard_ask *a, const char *which)
{
	size_t i;

	if (a->nports > 0)
		text_printf(t, PORTED " th %s { ", which);
	for (i = 0; i < a->nports; i++)
		text_printf(t, "%s%u-%u", i > 0 ? ", " : "", a->ports[i].lo,
		    a->ports[i].hi);
	if (a->nports > 0)
		text_puts(t, " }");
}

/* One direction of a segment. */
static void
script_way(struct text *t, const struct guard_ask *a, int back, int bridge)
{
	const char *table = families[bridge], *way = back ? "back" : "out";
	struct text ports = { 0 };
	char to[40], last[40], then[80];

	snprintf(to, sizeof(to), "%s%u_to", way, a->number);
	snprintf(last, sizeof(last), "%s%u_ports", way, a->number);
	text_printf(t, "add chain %s %s\nadd chain %s %s\n", table, to, table,
	    last);
	script_ports(&ports, a, back ? "sport" : "dport");
	script_verdict(t, last, ports.s != NULL ? ports.s : "", a, back,
	    bridge);
	text_free(&ports);
	snprintf(then, sizeof(then), "goto %s", last);
	script_end(t, to, a->to, back, bridge, then);
	snprintf(then, sizeof(then), "jump %s", to);
	script_end(t, way, a->from, !back, bridge, then);
}

void
script_segment(struct text *t, const struct guard_ask *a, int bridge)
{
	text_printf(t, "add counter %s s%u\n", families[bridge], a->number);
	script_way(t, a, 0, bridge);
	script_way(t, a, 1, bridge);
}

void
script_default(struct text *t, const struct guard_ask *a, int bridge)
{
	struct guard_ask deny = *a;

	deny.number = CONF_SEGMENTS;
	deny.from = GUARD_ANY;
	deny.to = GUARD_MEMBERS;
	deny.nports = 0;
	deny.n = SEGMENT_BLOCK;
	if (a->n != 0)
		script_segment(t, &deny, bridge);
	text_printf(t, "add rule %s out goto pass\n"
	    "add rule %s back goto repass\n", families[bridge],
	    families[bridge]);
}

/* It is added before it is deleted: it may not be there. */
void
script_member(struct text *t, const struct guard_ask *a, int bridge)
{
	struct endpoint who = a->who;
	char s[ADDR_STRLEN];
	char kind = who.by_mac ? 'm' :
	    who.addr.sa.sa_family == AF_INET ? '4' : '6';

	if (kind == '6')	/* a set has no scopes */
		who.addr.in6.sin6_scope_id = 0;
	endpoint_str(&who, s);
	text_printf(t, "add element %s d%u_%c { %s }\n", families[bridge],
	    a->number, kind, s);
	if (a->verb == GUARD_LEAVE)
		text_printf(t, "delete element %s d%u_%c { %s }\n",
		    families[bridge], a->number, kind, s);
}

void
guard_counted(const char *json, struct guard_counts *out)
{
	json_t *all = json_loads(json, 0, NULL), *one;
	const char *name;
	unsigned long n;
	size_t i;

	json_array_foreach(json_object_get(all, "nftables"), i, one) {
		one = json_object_get(one, "counter");
		name = json_string_value(json_object_get(one, "name"));
		if (name == NULL || name[0] != 's' ||
		    (n = strtoul(name + 1, NULL, 10)) >= GUARD_COUNTS)
			continue;
		out->packets[n] += (uint64_t)json_integer_value(
		    json_object_get(one, "packets"));
	}
	json_decref(all);
}
