/*
 * The checks of devices, chains and the rules that name them, where more than
 * one key is needed.
 */
#include <errno.h>
#include <string.h>

#include "conf/keys.h"
#include "util/err.h"

#define MUST_BLOCK_MAX	((size_t)1 << 20)	/* sent with every probe */

/* What must not come through is read at boot, and sent with the probes. */
void
check_health(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_device *d = item;
	yaml_node_t *at = node_get(l, n, "must-block");
	const char *path = d->health.must_block, *wrong = NULL;
	struct text t = { 0 };
	int r;

	if (path == NULL || at == NULL || l->world->read == NULL)
		return;
	r = l->world->read(path, MUST_BLOCK_MAX, &t);
	if (r == ERR_LIMIT)
		wrong = "it is longer than 1 MiB";
	else if (r != 0 && errno != EACCES)
		wrong = err_str(r);
	else if (r == 0 && t.len == 0)
		wrong = "it is empty";
	if (wrong != NULL)
		load_problem(l, at, "\"must-block\": \"%.256s\": %s; write "
		    "the path of a file that the device blocks, such as the "
		    "EICAR test file, or none", path, wrong);
	text_free(&t);
}

/* Whose port it is already: "the device \"x\"" and so on into who; 0: none. */
static int
port_taken(struct load *l, const struct conf_device *me, const char *port,
    struct text *who)
{
	const struct conf *c = l->conf;
	const struct conf_device *d;
	size_t i;

	for (d = c->devices; d < me; d++)
		if ((d->inside != NULL && strcmp(d->inside, port) == 0) ||
		    (d->outside != NULL && strcmp(d->outside, port) == 0)) {
			text_printf(who, "the device \"%s\"", d->name != NULL ?
			    d->name : "?");
			return 1;
		}
	for (i = 0; i < c->nmirrors; i++)
		if (c->mirrors[i].interface != NULL &&
		    strcmp(c->mirrors[i].interface, port) == 0) {
			text_printf(who, "the mirror \"%s\"",
			    c->mirrors[i].name != NULL ? c->mirrors[i].name :
			    "?");
			return 1;
		}
	return 0;
}

static void
check_ports(struct load *l, yaml_node_t *n, struct conf_device *d)
{
	static const char *const keys[] = { "inside", "outside" };
	const char *const port[] = { d->inside, d->outside };
	struct text who = { 0 };
	yaml_node_t *at;
	size_t i;

	for (i = 0; i < 2; i++) {
		at = node_get(l, n, keys[i]);
		d->port_pos[i] = node_pos(at != NULL ? at : n);
		text_clear(&who);
		if (port[i] != NULL && port_taken(l, d, port[i], &who))
			load_problem(l, at, "%s has the port \"%s\" already; a "
			    "port belongs to one side of one device", who.s,
			    port[i]);
	}
	if (d->inside != NULL && d->outside != NULL &&
	    strcmp(d->inside, d->outside) == 0)
		load_problem(l, node_get(l, n, "outside"), "\"inside\" and "
		    "\"outside\" are the same port; write the two that the "
		    "device stands between");
	text_free(&who);
}

/* A device between two nets of which one is in the other routes nothing. */
static int
prefixes_meet(const struct prefix *a, const struct prefix *b)
{
	const struct prefix *wide = a->bits < b->bits ? a : b;
	struct addr other = prefix_addr(wide == a ? b : a, 0);

	return prefix_has(wide, &other);
}

static void
check_sides(struct load *l, yaml_node_t *n, struct conf_device *d)
{
	static const char *const sides[] = { "inside-address",
	    "outside-address" };
	static const char *const family[] = { "IPv4", "IPv6" };
	static const char *const such[] = { "198.19.0.2/24 and 198.19.1.2/24",
	    "\"fd00:19:0::2/64\" and \"fd00:19:1::2/64\"" };
	const struct prefix *in = d->inside_address;
	const struct prefix *out = d->outside_address;
	yaml_node_t *at = node_get(l, n, sides[1]);
	size_t i;

	for (i = 0; i < 2; i++)
		if (node_get(l, n, sides[i]) == NULL)
			load_problem(l, n, "a device of kind l3 needs \"%s\", "
			    "its own address on that side; write such as "
			    "198.19.%zu.2/24", sides[i], i);
	if (in[0].family + in[1].family == 0 ||
	    out[0].family + out[1].family == 0)
		return;			/* not given, or told already */
	for (i = 0; i < 2; i++) {
		if (in[i].family != out[i].family)
			load_problem(l, at, "it has an %s address on one side "
			    "only; write one for both", family[i]);
		else if (in[i].family != 0 && prefixes_meet(&in[i], &out[i]))
			load_problem(l, at, "the %s networks of its two sides "
			    "overlap; a router stands between two, such as "
			    "%s", family[i], such[i]);
	}
}

void
check_device(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const l3_keys[] = { "inside-address",
	    "outside-address", NULL };
	struct conf_device *d = item;
	struct conf *c = l->conf;

	d->pos = node_pos(n);
	check_name(l, n, "device", c->devices, c->ndevices, sizeof(*d));
	check_ports(l, n, d);
	if (d->kind == DEVICE_L3)
		check_sides(l, n, d);
	else
		check_unwanted(l, n, l3_keys, "kind l3");
}

void
check_slot(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_slot *s = item;
	yaml_node_t *at = node_get(l, n, "devices");
	size_t i, j;

	s->pos = node_pos(n);
	if (at != NULL && node_count(at) == 0)
		load_problem(l, at, "\"devices\" is empty; name at least one "
		    "device, or take the slot out");
	for (i = 0; i < s->ndevices; i++)
		for (j = 0; j < i; j++)
			if (s->devices[i] != NULL &&
			    s->devices[i] == s->devices[j])
				load_problem(l, at, "the device \"%s\" is "
				    "named twice; take one out, or give it "
				    "more \"weight\"",
				    s->devices[i]->name != NULL ?
				    s->devices[i]->name : "?");
}

/* A slot before slot at that has the device, or NULL. */
static const struct conf_slot *
slot_before(const struct conf_chain *ch, size_t at,
    const struct conf_device *d)
{
	size_t i, k;

	for (i = 0; i < at; i++)
		for (k = 0; k < ch->slots[i].ndevices; k++)
			if (ch->slots[i].devices[k] == d)
				return &ch->slots[i];
	return NULL;
}

static void
check_slots(struct load *l, yaml_node_t *list, const struct conf_chain *ch)
{
	const struct conf_slot *s, *before;
	yaml_node_t *n;
	size_t i, k;

	for (i = 0; i < ch->nslots; i++) {
		s = &ch->slots[i];
		if ((n = node_item(l, list, i))->type != YAML_MAPPING_NODE)
			continue;
		check_name(l, n, "slot", ch->slots, i + 1, sizeof(*s));
		for (k = 0; k < s->ndevices; k++)
			if (s->devices[k] != NULL && (before = slot_before(ch,
			    i, s->devices[k])) != NULL)
				load_problem(l, node_get(l, n, "devices"),
				    "the device \"%s\" is in the slot \"%s\" "
				    "already; a session passes a device once",
				    s->devices[k]->name != NULL ?
				    s->devices[k]->name : "?",
				    before->name != NULL ? before->name : "?");
	}
}

void
check_chain(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_chain *ch = item;
	struct conf *c = l->conf;
	yaml_node_t *slots = node_get(l, n, "slots");

	ch->pos = node_pos(n);
	check_name(l, n, "chain", c->chains, c->nchains, sizeof(*ch));
	if (check_says(l, n, "name", "none"))
		load_problem(l, node_get(l, n, "name"), "\"none\" is what a "
		    "rule without a chain says; choose another name");
	if (slots == NULL || slots->type != YAML_SEQUENCE_NODE)
		return;
	if (node_count(slots) == 0)
		load_problem(l, slots, "\"slots\" is empty; write such as "
		    "\"- {name: ips, devices: [ips1]}\"");
	check_slots(l, slots, ch);
}

/* No mirror looks behind a chain that is not there. */
static void
check_after(struct load *l, yaml_node_t *n, const struct conf_rule *r)
{
	yaml_node_t *list = node_get(l, n, "mirror");
	size_t i;

	for (i = 0; list != NULL && i < r->nmirrors; i++)
		if (r->mirrors[i].after)
			load_problem(l, node_item(l, list, i), "\"at: after\" "
			    "is behind a chain, and the rule has none; write "
			    "its name under \"chain\", or at: before");
}

/* A rule's chain goes with its action, and its mirrors with the chain. */
void
check_rule_chain(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_rule *r = item;
	yaml_node_t *at = node_get(l, n, "chain");

	check_rule(l, n, item);
	if (at == NULL || check_says(l, n, "chain", "none"))
		check_after(l, n, r);
	else if (r->action == ACTION_BLOCK || r->action == ACTION_RESET)
		load_problem(l, node_key(l, n, "chain"), "\"chain\" goes with "
		    "action decrypt and bypass only; take it out");
	else if (r->action == ACTION_BYPASS && r->chain != NULL &&
	    r->chain->also == 0)
		load_problem(l, at, "the chain \"%s\" takes decrypted sessions "
		    "only; write \"also: [bypassed]\" there, or take "
		    "\"chain\" out here",
		    r->chain->name != NULL ? r->chain->name : "?");
}

/* Without rules the only chain is used, by the rule that is built in. */
void
check_conf_chain(struct load *l, yaml_node_t *root, void *item)
{
	struct conf *c = item;

	check_conf(l, root, item);
	if (node_get(l, root, "rules") != NULL)
		return;
	if (c->nchains == 1)
		c->rules[0].chain = &c->chains[0];
	else if (c->nchains > 1)
		load_problem(l, node_key(l, root, "chains"), "without "
		    "\"rules\" the chain is used, and there are %zu; write "
		    "rules that name them", c->nchains);
}
