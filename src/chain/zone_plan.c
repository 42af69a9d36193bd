/*
 * Names, addresses and texts of a device's zones.
 */
#include "chain/zone_plan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/hash.h"

/* For L2, where our ports are each other's neighbours; never on the wire. */
#define L2_V4		"169.254.9."
#define L2_V4_BITS	30
#define L2_V6		"fe80::"
#define L2_V6_BITS	64

static uint64_t
plan_hash(const char *machine, const char *device, unsigned salt)
{
	uint64_t h = hash_string(HASH_START, machine);

	h = hash_string(hash_byte(h, 0), device);
	return hash_fold(hash_byte(hash_byte(h, 0), (uint8_t)salt));
}

/* Locally administered, unicast (IEEE 802, 8.4). */
static void
plan_mac(uint8_t mac[6], const char *machine, const char *device,
    enum zone_side side)
{
	uint64_t h = plan_hash(machine, device, side);

	mac[0] = (uint8_t)((h >> 40 & 0xfc) | 2);
	mac[1] = (uint8_t)(h >> 32);
	mac[2] = (uint8_t)(h >> 24);
	mac[3] = (uint8_t)(h >> 16);
	mac[4] = (uint8_t)(h >> 8);
	mac[5] = (uint8_t)h;
}

/*
 * The ends of a probe through a bridge: 198.18.0.0/15 is set apart for testing
 * devices (RFC 2544, C.2.2), its lower half for the inside here. They differ by
 * machine, because two may share a device. Bit 0 of the last byte tells probes
 * from what must be blocked, so that a device that goes on to ban the latter's
 * source does not ban the probe's.
 */
static void
plan_probe_l2(struct prefix out[ZONE_SIDES], const char *machine,
    const char *device, int block)
{
	uint64_t h = plan_hash(machine, device, ZONE_SIDES);
	size_t i;

	for (i = 0; i < ZONE_SIDES; i++) {
		out[i].family = AF_INET;
		out[i].bits = 32;
		out[i].ip[0] = 198;
		out[i].ip[1] = 18;
		out[i].ip[2] = (uint8_t)((h >> 8 & 0x7f) | i << 7);
		/* 2 to 251: no network's or broadcast address */
		out[i].ip[3] = (uint8_t)(2 + h % 125 * 2 + (block != 0));
	}
}

/* Through a router: our own addresses, for which it needs no more routes. */
static void
plan_probe_l3(struct prefix out[ZONE_SIDES], const struct zone_plan *p)
{
	int f = zone_family(zone_plan_family(p));
	size_t i;

	for (i = 0; i < ZONE_SIDES; i++) {
		zone_plan_ours(&p->side[i].device[f], &out[i]);
		out[i].bits = out[i].family == AF_INET6 ? 128 : 32;
	}
}

void
zone_plan(struct zone_plan *p, const struct conf_device *d,
    const char *machine)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", d->name);
	p->kind = d->kind;
	p->offload = d->offload != 0;
	snprintf(p->side[ZONE_INSIDE].port, IFNAMSIZ, "%s", d->inside);
	snprintf(p->side[ZONE_OUTSIDE].port, IFNAMSIZ, "%s", d->outside);
	for (i = 0; i < ZONE_SIDES; i++)
		plan_mac(p->side[i].mac, machine, d->name, i);
	if (d->kind == DEVICE_L2) {
		plan_probe_l2(p->probe, machine, d->name, 0);
		plan_probe_l2(p->block, machine, d->name, 1);
		return;
	}
	for (i = 0; i < ZONE_FAMILIES; i++) {
		p->side[ZONE_INSIDE].device[i] = d->inside_address[i];
		p->side[ZONE_OUTSIDE].device[i] = d->outside_address[i];
	}
	plan_probe_l3(p->probe, p);
	plan_probe_l3(p->block, p);
}

/* An interface's name is pasted into the texts below. */
static int
name_ok(const char *s, size_t size)
{
	size_t i, n = strnlen(s, size);

	if (n == 0 || n == size || strcmp(s, ".") == 0 ||
	    strcmp(s, "..") == 0 || strcmp(s, "lo") == 0)
		return 0;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' ||
		    strchr("/:\"'\\{};#", s[i]) != NULL)
			return 0;
	return 1;
}

static int
prefix_ok(const struct prefix *p, int family, int required)
{
	if (p->family == AF_UNSPEC)
		return !required;
	if (family != AF_UNSPEC && p->family != family)
		return 0;
	return (p->family == AF_INET && p->bits > 0 && p->bits <= 32) ||
	    (p->family == AF_INET6 && p->bits > 0 && p->bits <= 128);
}

/* A family must have both addresses of the device, or neither. */
static int
addresses_ok(const struct zone_plan *p)
{
	const struct prefix *in, *out;
	int i, some = 0;

	for (i = 0; i < ZONE_FAMILIES; i++) {
		in = &p->side[ZONE_INSIDE].device[i];
		out = &p->side[ZONE_OUTSIDE].device[i];
		if (!prefix_ok(in, i ? AF_INET6 : AF_INET, 0) ||
		    !prefix_ok(out, i ? AF_INET6 : AF_INET, 0) ||
		    in->family != out->family)
			return 0;
		some |= in->family != AF_UNSPEC;
	}
	return some || p->kind == DEVICE_L2;
}

int
zone_plan_check(const struct zone_plan *p)
{
	size_t i;

	if (strnlen(p->name, ZONE_NAME) == ZONE_NAME || p->name[0] == '\0' ||
	    (p->kind != DEVICE_L2 && p->kind != DEVICE_L3) ||
	    !addresses_ok(p))
		return ERR_FORMAT;
	for (i = 0; i < ZONE_SIDES; i++)
		if (!name_ok(p->side[i].port, IFNAMSIZ) ||
		    (p->side[i].mac[0] & 3) != 2 ||
		    !prefix_ok(&p->probe[i], p->probe[0].family, 1) ||
		    !prefix_ok(&p->block[i], p->probe[0].family, 1))
			return ERR_FORMAT;
	return strcmp(p->side[0].port, p->side[1].port) == 0 ? ERR_FORMAT : 0;
}

int
zone_plan_has(const struct zone_plan *p, int family)
{
	if (family == AF_INET6 && !p->ipv6)
		return 0;
	return p->kind == DEVICE_L2 || p->side[ZONE_INSIDE].
	    device[zone_family(family)].family != AF_UNSPEC;
}

int
zone_plan_family(const struct zone_plan *p)
{
	return p->kind == DEVICE_L2 ||
	    p->side[ZONE_INSIDE].device[0].family == AF_INET ?
	    AF_INET : AF_INET6;
}

/* The network's number, with n added to it. */
static void
host_number(struct prefix *p, uint8_t n)
{
	size_t i, len = p->family == AF_INET6 ? 16 : 4;
	unsigned keep;

	for (i = 0; i < len; i++) {
		keep = p->bits > i * 8 ? p->bits - (unsigned)i * 8 : 0;
		if (keep < 8)
			p->ip[i] &= (uint8_t)(0xff00 >> keep);
	}
	p->ip[len - 1] |= n;
}

void
zone_plan_ours(const struct prefix *device, struct prefix *ours)
{
	/* In a /31 or /127 (RFC 3021, RFC 6164) the first host is 0. */
	unsigned full = device->family == AF_INET6 ? 128 : 32;
	uint8_t first = device->bits >= full - 1 ? 0 : 1;
	size_t len = full / 8;

	*ours = *device;
	host_number(ours, first);
	if (memcmp(ours->ip, device->ip, len) == 0) {
		*ours = *device;
		host_number(ours, (uint8_t)(first + 1));
	}
}

static const char *
ip_text(const struct prefix *p, char out[INET6_ADDRSTRLEN])
{
	inet_ntop(p->family, p->ip, out, INET6_ADDRSTRLEN);
	return out;
}

static void
plan_next_hop_l2(const struct zone_plan *p, enum zone_side side, int family,
    struct text *t)
{
	const char *net = family == AF_INET6 ? L2_V6 : L2_V4;
	const char *port = p->side[side].port;
	const uint8_t *mac = p->side[!side].mac;

	text_printf(t, "addr replace %s%d/%d dev %s%s\n", net, side + 1,
	    family == AF_INET6 ? L2_V6_BITS : L2_V4_BITS, port,
	    family == AF_INET6 ? " nodad" : "");
	text_printf(t, "neigh replace %s%d lladdr %02x:%02x:%02x:%02x:%02x:"
	    "%02x nud permanent dev %s\n", net, !side + 1, mac[0], mac[1],
	    mac[2], mac[3], mac[4], mac[5], port);
	text_printf(t, "route replace default via %s%d dev %s\n", net,
	    !side + 1, port);
}

static void
plan_next_hop_l3(const struct zone_plan *p, enum zone_side side, int family,
    struct text *t)
{
	const struct prefix *device =
	    &p->side[side].device[zone_family(family)];
	const char *port = p->side[side].port;
	char buf[INET6_ADDRSTRLEN];
	struct prefix ours;

	zone_plan_ours(device, &ours);
	text_printf(t, "addr replace %s/%u dev %s%s\n", ip_text(&ours, buf),
	    ours.bits, port, family == AF_INET6 ? " nodad" : "");
	text_printf(t, "route replace default via %s dev %s\n",
	    ip_text(device, buf), port);
}

void
zone_plan_ip(const struct zone_plan *p, enum zone_side side, int family,
    struct text *t)
{
	if (!zone_plan_has(p, family))
		return;
	if (p->kind == DEVICE_L2)
		plan_next_hop_l2(p, side, family, t);
	else
		plan_next_hop_l3(p, side, family, t);
}

/*
 * What comes in by the port is looked up in the table `local`, in which
 * everything is local, and what we send is not looked up there at all. It must
 * be this table: before the kernel sends a reset for a connection that it does
 * not know, it looks there whether the address is its own.
 */
void
zone_plan_rules(const struct zone_plan *p, enum zone_side side,
    struct text *t)
{
	text_printf(t, "rule add pref 10 iif %s lookup local\n"
	    "rule del pref 0\n"
	    "route add local default dev lo table local\n",
	    p->side[side].port);
}

/* What begins a connection is brought to a listener; what follows finds the
 * connection's own socket. */
#define BEGINS	"tcp flags & (syn | ack) == syn tproxy "

static void
plan_probe(const struct zone_plan *p, struct text *t)
{
	const char *v = p->probe[0].family == AF_INET6 ? "ip6" : "ip";
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

	ip_text(&p->probe[ZONE_OUTSIDE], a);
	ip_text(&p->block[ZONE_OUTSIDE], b);
	text_printf(t, "		%s daddr { %s%s%s } " BEGINS
	    "%s to :%u accept\n", v, a, strcmp(a, b) != 0 ? ", " : "",
	    strcmp(a, b) != 0 ? b : "", v, ZONE_PROBE_PORT);
}

/* Nothing is forwarded. Through a bridge nothing goes that is not of a
 * connection: an IPS should see two MACs and our sessions. In a table of IPv6,
 * so that packets of IPv4 need not be looked at. */
void
zone_plan_nft(const struct zone_plan *p, enum zone_side side, struct text *t)
{
	text_puts(t, "table inet zone {\n"
	    "	chain come {\n"
	    "		type filter hook prerouting priority mangle;\n");
	if (side == ZONE_OUTSIDE)
		plan_probe(p, t);
	text_printf(t, "		" BEGINS "to :%u accept\n"
	    "	}\n", ZONE_PORT);
	text_puts(t, "	chain forward {\n"
	    "		type filter hook forward priority filter; "
	    "policy drop;\n"
	    "	}\n"
	    "}\n");
	if (p->ipv6)
		text_puts(t, "table ip6 zone {\n"
		    "	chain go {\n"
		    "		type filter hook output priority filter;\n"
		    "		icmpv6 type { mld-listener-report, "
		    "mld2-listener-report, nd-router-solicit } drop\n"
		    "	}\n"
		    "}\n");
}
