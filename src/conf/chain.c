/*
 * The sections devices and chains, and what a rule says of them: `chain`, and
 * where its mirrors look, before the chain or after it: the tables and the
 * types. The checks are in checkchain.c.
 */
#include "conf/keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"


extern const struct type type_interface, type_side, type_device;

static const struct word kinds[] = {
	{ "l2", DEVICE_L2 },
	{ "l3", DEVICE_L3 },
	{ NULL }
};
static const struct word fails[] = {
	{ "closed" },
	{ "open", 1 },
	{ NULL }
};
static const struct word ports[] = {
	{ "keep" },
	{ "map", 1 },
	{ NULL }
};
static const struct word http2s[] = {
	{ "keep" },
	{ "http/1.1", 1 },
	{ NULL }
};
static const struct word alsos[] = {	/* numbers of bits */
	{ "bypassed" },
	{ "plain", 1 },
	{ NULL }
};
static const struct word ats[] = {
	{ "before" },
	{ "after", 1 },
	{ NULL }
};
static const struct word word_none = { "none" };

#define F(member)	offsetof(struct conf_device, health.member)
static const struct key health_keys[] = {
	{ "every", &type_time, F(every), "1s", 100, 60 * SEC },
	{ "down", &type_uint, F(down), "3", 1, 100 },
	{ "up", &type_uint, F(up), "3", 1, 100 },
	{ "hold", &type_time, F(hold), "5s", 0, HOUR },
	{ "must-block", &type_text, F(must_block), .flags = KEY_NONE },
	{ NULL }
};
#undef F
static const struct map map_health = { "health", health_keys, check_health };

#define F(member)	offsetof(struct conf_device, member)
static const struct key device_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "kind", &type_word, F(kind), "l2", .arg = kinds },
	{ "inside", &type_interface, F(inside), .flags = KEY_REQUIRED,
	    .hint = "the port towards its client side, such as eth2" },
	{ "outside", &type_interface, F(outside), .flags = KEY_REQUIRED,
	    .hint = "the port towards its server side, such as eth3" },
	{ "inside-address", &type_side, F(inside_address) },
	{ "outside-address", &type_side, F(outside_address) },
	{ "weight", &type_uint, F(weight), "1", 1, 100 /* pick() counts */ },
	{ "connections", &type_uint, F(connections), "none", 1, 10000000,
	    &word_none },
	{ "offload", &type_bool, F(offload), "off" },
	{ "health", &type_map, 0, .arg = &map_health },
	{ NULL }
};
#undef F
static const struct map map_device = {
	"a device", device_keys, check_device
};
const struct listof device_list = {
	sizeof(struct conf_device),
	{ "devices", &type_map, .arg = &map_device }
};

#define F(member)	offsetof(struct conf_slot, member)
static const struct listof slot_devices = {
	sizeof(struct conf_device *), { "devices", &type_device }
};
static const struct key slot_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "devices", &type_list, F(devices), .arg = &slot_devices,
	    .max = CONF_DEVICES, .flags = KEY_REQUIRED,
	    .hint = "the names of devices, as in [ips1, ips2]" },
	{ "fail", &type_word, F(fail_open), "closed", .arg = fails },
	{ NULL }
};
#undef F
static const struct map map_slot = { "a slot", slot_keys, check_slot };
static const struct listof slot_list = {
	sizeof(struct conf_slot), { "slots", &type_map, .arg = &map_slot }
};

#define F(member)	offsetof(struct conf_chain, member)
static const struct key chain_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "slots", &type_list, F(slots), .arg = &slot_list,
	    .max = CONF_CHAIN_SLOTS, .flags = KEY_REQUIRED,
	    .hint = "a list of slots, such as \"- {name: ips, devices: "
	    "[ips1]}\"" },
	{ "ports", &type_word, F(ports_map), "keep", .arg = ports },
	{ "http2", &type_word, F(http11), "keep", .arg = http2s },
	{ "also", &type_events, F(also), .arg = alsos },
	{ "verdict-timeout", &type_time, F(verdict_timeout), "5s", 100, HOUR },
	{ NULL }
};
#undef F
static const struct map map_chain = { "a chain", chain_keys, check_chain };
const struct listof chain_list = {
	sizeof(struct conf_chain), { "chains", &type_map, .arg = &map_chain }
};

#define F(member)	offsetof(struct conf_seen, member)
static const struct key seen_keys[] = {
	{ "name", &type_mirror, F(mirror), .flags = KEY_REQUIRED,
	    .hint = "the name of a mirror" },
	{ "at", &type_word, F(after), "before", .arg = ats },
	{ NULL }
};
#undef F
static const struct map map_seen = { "a mirror of a rule", seen_keys, NULL };
const struct listof rule_mirrors = {
	sizeof(struct conf_seen),
	{ "mirror", &type_short, .arg = &map_seen, .flags = KEY_ALONE }
};

/* As the kernel's dev_valid_name(); and no device is behind the loopback. */
static int
interface_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	const char *p;

	for (p = s; isgraph((unsigned char)*p) && *p != '/' && *p != ':'; p++)
		continue;
	if (*p != '\0' || p == s || p - s > 15 /* IFNAMSIZ - 1 */ ||
	    strcmp(s, ".") == 0 || strcmp(s, "..") == 0 ||
	    strcmp(s, "lo") == 0) {
		text_printf(why, "\"%.64s\" is no name of a port; write one "
		    "as \"ip -br link\" shows it, such as eth2", s);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

/* Whether all bits of the host's part of an address are this one. */
static int
host_bits(const struct prefix *p, int one)
{
	size_t i, n = p->family == AF_INET ? 32 : 128;

	for (i = p->bits; i < n; i++)
		if ((p->ip[i / 8] >> (7 - i % 8) & 1) != one)
			return 0;
	return 1;
}

/* Why a router cannot have this address beside ours, or NULL. */
static const char *
side_wrong(const struct prefix *p)
{
	static const uint8_t none[16], v6_self[16] = { [15] = 1 };
	unsigned host = (p->family == AF_INET ? 32u : 128u) - p->bits;

	if (host == 0)
		return "leaves no room for an address of ours beside it";
	if (p->bits == 0)
		return "has a prefix of all addresses";
	if (p->family == AF_INET && (p->ip[0] == 0 || p->ip[0] == 127 ||
	    p->ip[0] >= 224))
		return "is no address of a host";
	if (p->family == AF_INET6 && (p->ip[0] == 0xff ||
	    memcmp(p->ip, none, 16) == 0 || memcmp(p->ip, v6_self, 16) == 0))
		return "is no address of a host";
	if (p->family == AF_INET6 && p->ip[0] == 0xfe &&
	    (p->ip[1] & 0xc0) == 0x80)
		return "is a link-local address";
	if (host > 1 && host_bits(p, 0))
		return "is the network's address, not a host's";
	if (host > 1 && p->family == AF_INET && host_bits(p, 1))
		return "is the network's broadcast address";
	return NULL;
}

static void
side_one(struct load *l, const struct key *k, yaml_node_t *n,
    struct prefix *side)
{
	const char *s = node_text(l, k->name, n), *wrong;
	struct prefix p;

	if (s == NULL)
		return;
	if (strchr(s, '/') == NULL || prefix_parse(&p, s) != 0)
		load_problem(l, n, "\"%.64s\" is not an address with the "
		    "length of its prefix; write 198.19.0.2/24 or "
		    "\"fd00:19::2/64\"", s);
	else if ((wrong = side_wrong(&p)) != NULL)
		load_problem(l, n, "\"%.64s\" %s; write the device's own, "
		    "such as 198.19.0.2/24 or \"fd00:19::2/64\"", s, wrong);
	else if (side[p.family == AF_INET6].family != 0)
		load_problem(l, n, "\"%s\" has two %s addresses; write one",
		    k->name, p.family == AF_INET ? "IPv4" : "IPv6");
	else
		side[p.family == AF_INET6] = p;
}

static void
side_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	size_t i;

	if (node_count(n) == 0)
		load_problem(l, n, "\"%s\" is empty; write such as "
		    "198.19.0.2/24", k->name);
	for (i = 0; i < node_count(n); i++)
		side_one(l, k, node_item(l, n, i), field);
}

static int
device_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf *c = l->conf;
	size_t i;

	if (ref_find(c->devices, c->ndevices, sizeof(*c->devices), "device",
	    "devices", s, &i, why) != 0)
		return ERR_FORMAT;
	*(struct conf_device **)field = &c->devices[i];
	return 0;
}

static int
chain_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf *c = l->conf;
	size_t i;

	if (strcmp(s, "none") == 0)
		return 0;
	if (ref_find(c->chains, c->nchains, sizeof(*c->chains), "chain",
	    "chains", s, &i, why) != 0)
		return ERR_FORMAT;
	*(struct conf_chain **)field = &c->chains[i];
	return 0;
}

const struct type type_interface = { interface_parse, NULL, text_drop };
const struct type type_side = { NULL, side_set, NULL };
const struct type type_device = { device_parse, NULL, NULL };
const struct type type_chain = { chain_parse, NULL, NULL };
