/*
 * The section `mirrors:`: its keys and checks.
 */
#include <string.h>

#include "conf/keys.h"
#include "conf/value.h"
#include "util/mem.h"
#include "util/timeglob.h"

static const struct word ports_words[] = {
	{ "keep", 0 }, { "map", 1 }, { NULL }
};
static const struct word http2_words[] = {
	{ "keep", 0 }, { "http/1.1", 1 }, { NULL }
};
static const struct word starttls_words[] = {
	{ "strip", 0 }, { "keep", 1 }, { NULL }
};
static const struct word offloads[] = {
	{ "auto", OFFLOAD_AUTO }, { "on", OFFLOAD_ON }, { "off", OFFLOAD_OFF },
	{ NULL }
};
static const struct word acks[] = { { "burst", 0 }, { "2", 2 }, { NULL } };
static const struct word formats[] = {
	{ "pcap", 0 }, { "pcapng", 1 }, { NULL }
};
static const struct word word_no_vlan = { "none", -1 };

static void
check_rotate(struct load *l, yaml_node_t *n, void *item)
{
	if (node_get(l, n, "size") == NULL && node_get(l, n, "every") == NULL)
		load_problem(l, n, "\"rotate\" needs \"size\" or \"every\"; "
		    "write {size: 1G, every: 1h, keep: 100}");
}

/* Exactly one key names the kind of a mirror. */
static int
mirror_kind(struct load *l, yaml_node_t *n, struct conf_mirror *m)
{
	static const char *const keys[] = { "interface", "pcap",
	    "pcap-over-ip" };
	size_t i, n_given = 0;

	for (i = 0; i < NELEM(keys); i++) {
		if (node_get(l, n, keys[i]) == NULL)
			continue;
		m->kind = (enum conf_mirror_kind)i;
		m->place = node_pos(node_get(l, n, keys[i]));
		if (n_given++ > 0)
			load_problem(l, node_key(l, n, keys[i]), "a mirror is "
			    "one of \"interface\", \"pcap\" and "
			    "\"pcap-over-ip\"; make a second one");
	}
	if (n_given == 0)
		load_problem(l, n, "a mirror needs \"interface\", \"pcap\" or "
		    "\"pcap-over-ip\"; write one of them");
	return n_given == 1;
}

static int
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* `keep` removes files, so it must recognize our own by their names. */
static void
check_keep(struct load *l, yaml_node_t *n, const struct conf_mirror *m)
{
	yaml_node_t *rotate = node_get(l, n, "rotate");
	struct text glob = { 0 };
	char bad;

	if (m->rotate_keep != 0 && m->path != NULL && rotate != NULL &&
	    timeglob(&glob, m->path, &bad) != 0)
		load_problem(l, node_get(l, rotate, "keep"), "\"keep\" cannot "
		    "tell the names %%%c gives from those of other files; use "
		    "digits in \"pcap\", such as %%Y%%m%%d-%%H%%M%%S", bad);
	text_free(&glob);
}

static void
check_mirror(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const port_keys[] = { "source-mac",
	    "destination-mac", "mtu", "vlan", "offload", NULL };
	static const char *const file_keys[] = { "rotate", NULL };
	static const char *const stream_keys[] = { "format", "queue", NULL };
	static const char *const server_keys[] = { "allow", NULL };
	struct conf_mirror *m = item;
	struct conf *c = l->conf;

	m->pos = node_pos(n);
	check_name(l, n, "mirror", c->mirrors, c->nmirrors, sizeof(*m));
	memcpy(m->reply_mac, m->source_mac, 6);
	m->reply_mac[5]++;
	if ((m->source_mac[0] & 1) != 0)
		load_problem(l, node_get(l, n, "source-mac"), "a source "
		    "address cannot be a multicast one; make its first octet "
		    "even, as in 02:00:5e:10:00:01");
	if (!mirror_kind(l, n, m))
		return;
	if (m->kind != MIRROR_PORT)
		check_unwanted(l, n, port_keys, "\"interface\"");
	else
		check_unwanted(l, n, stream_keys,
		    "\"pcap\" and \"pcap-over-ip\"");
	if (m->kind != MIRROR_PCAPIP)
		check_unwanted(l, n, server_keys, "\"pcap-over-ip\"");
	else if (!(m->allow_given = node_get(l, n, "allow") != NULL))
		allow_default(&m->allow);
	if (m->kind != MIRROR_PCAP)
		check_unwanted(l, n, file_keys, "\"pcap\"");
	else
		check_keep(l, n, m);
	if (m->kind == MIRROR_PCAP && m->path != NULL &&
	    node_get(l, n, "format") == NULL)
		m->pcapng = ends_with(m->path, ".pcapng");
}

#define F(member)	offsetof(struct conf_mirror, member)
static const struct listof mirror_prefixes = {
	sizeof(struct prefix), { NULL, &type_prefix }
};
static const struct key rotate_keys[] = {
	{ "size", &type_size, F(rotate_size), NULL, 64 * K, T },
	{ "every", &type_time, F(rotate_ms), NULL, SEC, 366 * DAY },
	{ "keep", &type_uint, F(rotate_keep), NULL, 1, 1000000 },
	{ NULL }
};
static const struct map map_rotate = { "rotate", rotate_keys, check_rotate };
static const struct key mirror_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "interface", &type_text, F(interface), .max = 15 /* IFNAMSIZ - 1 */ },
	{ "pcap", &type_text, F(path) },
	{ "pcap-over-ip", &type_addr, F(listen) },
	{ "allow", &type_list, F(allow), .arg = &mirror_prefixes },
	{ "source-mac", &type_mac, F(source_mac), "02:00:5e:10:00:01" },
	{ "destination-mac", &type_mac, F(destination_mac),
	    "ff:ff:ff:ff:ff:ff" },
	{ "mtu", &type_uint, F(mtu), "auto", 576, 65535, &word_auto },
	{ "vlan", &type_uint, F(vlan), "none", 0, 4094, &word_no_vlan },
	{ "offload", &type_word, F(offload), "auto", .arg = offloads },
	{ "acks", &type_word, F(acks), "burst", .arg = acks },
	{ "ports", &type_word, F(ports_map), "keep", .arg = ports_words },
	{ "http2", &type_word, F(http11), "keep", .arg = http2_words },
	{ "starttls", &type_word, F(starttls), "strip",
	    .arg = starttls_words },
	{ "filter", &type_filter, F(filter) },
	{ "rotate", &type_map, 0, .arg = &map_rotate },
	{ "format", &type_word, F(pcapng), "pcap", .arg = formats },
	{ "queue", &type_size, F(queue), "64M", 64 * K, 64 * G },
	{ NULL }
};
#undef F
const struct map map_mirror = {
	"a mirror", mirror_keys, check_mirror
};
const struct listof mirror_list = {
	sizeof(struct conf_mirror),
	{ "mirrors", &type_map, .arg = &map_mirror }
};
