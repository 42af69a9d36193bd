/*
 * The checks that need more than one key: keys that need or exclude each
 * other, names given twice, the order of rules; and the defaults that follow
 * from other keys. Each check runs after its mapping has been read, even if
 * that had errors.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/segment.h"
#include "util/err.h"
#include "util/mem.h"

#define PEM_MAX	((size_t)16 << 20)

void
check_name(struct load *l, yaml_node_t *n, const char *what, void *v,
    size_t count, size_t size)
{
	const char *name, *other;
	size_t i;

	name = *(char **)(void *)((char *)v + (count - 1) * size);
	for (i = 0; name != NULL && i + 1 < count; i++) {
		other = *(char **)(void *)((char *)v + i * size);
		if (other != NULL && strcmp(name, other) == 0) {
			load_problem(l, node_get(l, n, "name"), "there is a "
			    "%s \"%s\" already; give each a name of its own",
			    what, name);
			return;
		}
	}
}

void
check_unwanted(struct load *l, yaml_node_t *n, const char *const *keys,
    const char *goes_with)
{
	yaml_node_t *kn;

	for (; *keys != NULL; keys++)
		if ((kn = node_key(l, n, *keys)) != NULL)
			load_problem(l, kn, "\"%s\" goes with %s only; take "
			    "it out", *keys, goes_with);
}

int
check_says(struct load *l, yaml_node_t *map, const char *name, const char *text)
{
	yaml_node_t *n = node_get(l, map, name);

	return n != NULL && n->type == YAML_SCALAR_NODE &&
	    strcmp((const char *)n->data.scalar.value, text) == 0;
}

void
check_listen(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const explicit_only[] = { "allow",
	    "allow-destinations", "authentication", NULL };
	static const char *const transparent_only[] = { "dns", NULL };
	struct conf_listen *me = item, *other;
	struct conf *c = l->conf;

	check_name(l, n, "listener", c->listens, c->nlistens, sizeof(*me));
	if (check_says(l, n, "mode", "transparent"))
		check_unwanted(l, n, explicit_only, "mode explicit");
	else {
		check_unwanted(l, n, transparent_only, "mode transparent");
		if (node_get(l, n, "allow") == NULL)
			allow_default(&me->allow);
	}
	if (me->v6only && me->address.sa.sa_family == AF_INET)
		load_problem(l, node_key(l, n, "v6only"), "\"v6only\" goes "
		    "with an IPv6 address only; take it out");
	for (other = c->listens; other < me; other++)
		if (me->address.sa.sa_family != AF_UNSPEC &&
		    addr_eq(&me->address, &other->address))
			load_problem(l, node_get(l, n, "address"), "the "
			    "listener \"%s\" has this address already",
			    other->name != NULL ? other->name : "?");
}

void
check_side(struct load *l, yaml_node_t *n, void *item)
{
	struct tls_side *s = item;
	yaml_node_t *at = node_get(l, n, "min");

	if (s->min > s->max)
		load_problem(l, at != NULL ? at : n, "\"min\" is above "
		    "\"max\"; write min: \"1.2\", max: \"1.3\"");
}

/* The keys of a rule that are conditions, those of later versions too. */
static const char *const conditions[] = { "client", "server", "port", "sni",
    "host", "site", "user", "alpn", "listener", "protocol", "ja3", "ja4",
    "certificate", "category", "country", "mac", "group", "tag", "time",
    "not", NULL };

/* `sni: []` looks like a condition but is none. */
void
check_filled(struct load *l, yaml_node_t *n, const char *const *key)
{
	yaml_node_t *v;

	for (; *key != NULL; key++) {
		v = node_get(l, n, *key);
		if (v != NULL && node_count(v) == 0)
			load_problem(l, v, "\"%s\" is an empty list and would "
			    "match nothing; fill it or take it out", *key);
	}
}

void
check_match(struct load *l, yaml_node_t *n, void *item)
{
	check_filled(l, n, conditions);
	if (n->data.mapping.pairs.start == n->data.mapping.pairs.top)
		load_problem(l, n, "\"not\" has no conditions; give it some "
		    "or take it out");
}

/* without is the key that is missing; n is what it is missing from. */
static void
all_mirrors(struct load *l, yaml_node_t *n, struct conf_rule *r,
    const char *without)
{
	struct conf *c = l->conf;
	size_t i;

	r->mirrors = xcalloc(c->nmirrors, sizeof(*r->mirrors));
	r->nmirrors = c->nmirrors;
	for (i = 0; i < c->nmirrors; i++)
		r->mirrors[i].mirror = i;
	if (c->nmirrors > CONF_RULE_MIRRORS)
		load_problem(l, n, "without \"%s\" all mirrors are used, and "
		    "that can be %d at most; write \"%s\" and name those "
		    "wanted", without, CONF_RULE_MIRRORS, without);
}

static void
all_services(struct conf *c, struct conf_rule *r)
{
	size_t i;

	if (c->nicaps == 0)
		return;
	r->icaps = xcalloc(c->nicaps, sizeof(*r->icaps));
	r->nicaps = c->nicaps;
	for (i = 0; i < c->nicaps; i++)
		r->icaps[i] = i;
}

/* The place of the first index that occurs twice, or n; elements of a size
 * begin with theirs. */
static size_t
first_twice(const void *v, size_t n, size_t size)
{
	const char *p = v;
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (memcmp(p + i * size, p + j * size,
			    sizeof(size_t)) == 0)
				return i;
	return n;
}

void
check_rule(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const decrypt_keys[] = { "mirror", "icap",
	    "inspect", "must-decrypt", "client-certificate", NULL };
	static const char *const ca[] = { "ca", NULL };
	static const char *const bypass_keys[] = { "never-decrypt", NULL };
	struct conf_rule *r = item;
	struct conf *c = l->conf;
	size_t i;

	r->pos = node_pos(n);
	if (r->inspect == NULL)
		r->inspect = &c->inspect;
	check_name(l, n, "rule", c->rules, c->nrules, sizeof(*r));
	check_filled(l, n, conditions);
	if (r->action != ACTION_DECRYPT && r->action != ACTION_WARN)
		check_unwanted(l, n, decrypt_keys, "action decrypt");
	else if (node_get(l, n, "mirror") == NULL)
		all_mirrors(l, n, r, "mirror");
	if (r->action != ACTION_BYPASS)
		check_unwanted(l, n, bypass_keys, "action bypass");
	if (r->action == ACTION_BYPASS || r->action == ACTION_RESET)
		check_unwanted(l, n, ca, "action decrypt, warn or block");
	if (l->problems.n > 0)
		return;		/* an index may be wrong */
	if ((i = first_twice(r->mirrors, r->nmirrors,
	    sizeof(*r->mirrors))) < r->nmirrors)
		load_problem(l, node_get(l, n, "mirror"),
		    "the mirror \"%s\" is named twice",
		    c->mirrors[r->mirrors[i].mirror].name);
	if ((i = first_twice(r->icaps, r->nicaps, sizeof(*r->icaps))) <
	    r->nicaps)
		load_problem(l, node_get(l, n, "icap"),
		    "the service \"%s\" is named twice",
		    c->icaps[r->icaps[i]].name);
}

/* The node of rule i; the rules were read from it. */
static yaml_node_t *
rule_node(struct load *l, yaml_node_t *root, size_t i)
{
	return node_item(l, node_get(l, root, "rules"), i);
}

/* A condition counts here even if its value is wrong. */
static int
unconditional(struct load *l, yaml_node_t *n)
{
	const char *const *key;

	if (n->type != YAML_MAPPING_NODE)
		return 0;
	for (key = conditions; *key != NULL; key++)
		if (node_key(l, n, *key) != NULL)
			return 0;
	return 1;
}

static void
check_order(struct load *l, yaml_node_t *root)
{
	struct conf *c = l->conf;
	yaml_node_t *n;
	size_t i;

	for (i = 0; i < c->nrules; i++) {
		n = rule_node(l, root, i);
		if (!unconditional(l, n)) {
			if (i + 1 == c->nrules && n->type == YAML_MAPPING_NODE)
				load_problem(l, n, "the last rule must have "
				    "no conditions, to decide for all the "
				    "rest; add such as \"- {name: default, "
				    "action: decrypt}\"");
			continue;
		}
		if (i + 1 < c->nrules)
			load_problem(l, rule_node(l, root, i + 1), "this rule "
			    "is never reached: \"%s\" before it (line %u) has "
			    "no conditions; move that one to the end",
			    c->rules[i].name != NULL ? c->rules[i].name : "?",
			    node_pos(n).line);
		return;
	}
}

void
check_sum(struct load *l, const char *const *paths, size_t n, uint8_t *sum)
{
	struct text t = { 0 };
	size_t i;

	for (i = 0; l->world->read != NULL && i < n; i++) {
		if (paths[i] == NULL)
			continue;
		text_printf(&t, "%s:", paths[i]);
		if (strcmp(paths[i], "system") != 0 &&
		    l->world->read(paths[i], PEM_MAX, &t) != 0 &&
		    errno != EISDIR) {
			text_free(&t);
			return;
		}
	}
	if (t.len > 0)
		EVP_Digest(t.s, t.len, sum, NULL, EVP_sha256(), NULL);
	if (t.len > 0)			/* keys may be in it */
		OPENSSL_cleanse(t.s, t.len);
	text_free(&t);
}

int
sum_same(const uint8_t a[32], const uint8_t b[32])
{
	static const uint8_t unknown[32];

	return memcmp(a, b, 32) == 0 || memcmp(a, unknown, 32) == 0 ||
	    memcmp(b, unknown, 32) == 0;
}

/* The place of a key's value, or else of its mapping or of the whole. */
static struct conf_pos
place(struct load *l, yaml_node_t *root, const char *map, const char *key)
{
	yaml_node_t *m = map != NULL ? node_get(l, root, map) : root, *n;

	if (m == NULL || m->type != YAML_MAPPING_NODE)
		return node_pos(root);
	n = node_get(l, m, key);
	return node_pos(n != NULL ? n : m);
}

/* A default path has no key of its own that could be shown. */
static void
check_ca_file(struct load *l, yaml_node_t *ca, yaml_node_t *at,
    const char *key, const char *path)
{
	char *dir;

	if (path == NULL || l->world->exists == NULL ||
	    (ca != NULL && node_get(l, ca, key) != NULL) ||
	    l->world->exists(path) == 0)
		return;
	dir = xdirname(path);
	load_problem(l, at, "no \"%s\" under \"ca\", and no file \"%s\"; "
	    "make a CA with \"clearspan ca create --dir %s\"", key, path,
	    dir);
	free(dir);
}

/* Whether the default CA will have to forge a certificate. */
static int
needs_ca(const struct conf *c)
{
	size_t i;

	for (i = 0; i < c->nrules; i++)
		if ((c->rules[i].action == ACTION_DECRYPT ||
		    c->rules[i].action == ACTION_WARN) && c->rules[i].ca == 0)
			break;
	return !c->monitor && (c->nrules == 0 || i < c->nrules ||
	    conf_segment_does(c, SEGMENT_DECRYPT));
}

/* What all CAs have in common; at is the mapping, or what is in its place. */
void
check_ca_files(struct load *l, yaml_node_t *at, struct conf_ca *ca)
{
	const char *certs[] = { ca->cert, ca->untrusted_cert };

	ca->pos[0] = place(l, at, NULL, "certificate");
	ca->pos[1] = place(l, at, NULL, "key");
	ca->untrusted_pos[0] = place(l, at, NULL, "untrusted-certificate");
	ca->untrusted_pos[1] = place(l, at, NULL, "untrusted-key");
	if ((ca->untrusted_cert == NULL) != (ca->untrusted_key == NULL))
		load_problem(l, at, "\"untrusted-certificate\" and "
		    "\"untrusted-key\" go together; give both or none");
	check_sum(l, certs, NELEM(certs), ca->sum);
}

static void
check_ca(struct load *l, yaml_node_t *root)
{
	yaml_node_t *n = node_get(l, root, "ca"), *at = n != NULL ? n : root;
	struct conf *c = l->conf;
	struct conf_ca *ca = &c->ca;

	if (n != NULL && n->type != YAML_MAPPING_NODE)
		return;
	if (n == NULL && !needs_ca(c) && ca->cert != NULL &&
	    l->world->exists != NULL && l->world->exists(ca->cert) != 0) {
		text_drop(NULL, &ca->cert);
		text_drop(NULL, &ca->key);
	}
	check_ca_file(l, n, at, "certificate", ca->cert);
	check_ca_file(l, n, at, "key", ca->key);
	check_ca_files(l, at, ca);
}

static void
check_sums(struct load *l)
{
	struct conf *c = l->conf;
	const char **trust = xcalloc(c->trust_also.n + 2, sizeof(*trust));
	size_t i;

	for (i = 0; i < c->trust_also.n; i++)
		trust[i] = c->trust_also.v[i];
	trust[i++] = c->trust;
	if (c->intermediates != NULL)
		trust[i++] = c->intermediates;
	check_sum(l, trust, i, c->trust_sum);
	free(trust);
	c->crl_files = c->nfiles;
	for (i = 0; i < c->crl.n; i++)
		load_file(l, c->crl.v[i]);
}

static void
check_places(struct load *l, yaml_node_t *root)
{
	struct conf *c = l->conf;

	c->pos.user = place(l, root, NULL, "user");
	c->pos.log_file = place(l, root, "log", "file");
	c->pos.trust = place(l, root, "upstream", "trust");
	c->pos.trust_also = place(l, root, "upstream", "trust-also");
	c->pos.crl = place(l, root, "upstream", "crl");
	c->pos.lifetime = place(l, root, "forge", "lifetime");
	c->pos.intermediates = place(l, root, "upstream", "intermediates");
}

static unsigned
cores(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return CPU_COUNT(&set) > 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

void
check_conf(struct load *l, yaml_node_t *root, void *item)
{
	struct conf *c = item;
	yaml_node_t *n;

	if (c->workers == 0)
		c->workers = cores();
	if (c->log.events == 0 && ((n = node_get(l, root, "log")) == NULL ||
	    n->type != YAML_MAPPING_NODE || node_get(l, n, "events") == NULL))
		c->log.events = 1u << EVENT_FLOW;
	check_ca(l, root);
	check_places(l, root);
	check_sums(l);
	n = node_get(l, root, "listen");
	if (n != NULL && n->type == YAML_SEQUENCE_NODE && c->nlistens == 0)
		load_problem(l, n, "\"listen\" is empty; give it at least one "
		    "listener");
	n = node_get(l, root, "rules");
	if (n != NULL && n->type == YAML_SEQUENCE_NODE && c->nrules > 0) {
		check_order(l, root);
		if (l->problems.n == 0)
			check_reached(l, n);
	} else if (n != NULL && node_count(n) == 0)
		load_problem(l, n, "\"rules\" is empty; fill it or take it "
		    "out");
	if (c->nrules > 0)
		return;
	c->rules = xcalloc(1, sizeof(*c->rules));
	c->nrules = 1;
	c->rules[0].name = xstrdup("default");
	c->rules[0].inspect = &c->inspect;
	all_mirrors(l, node_key(l, root, "mirrors"), &c->rules[0], "rules");
	all_services(c, &c->rules[0]);
	if (c->nicaps > CONF_RULE_ICAPS)
		load_problem(l, node_key(l, root, "icap"), "without \"rules\" "
		    "all services are used, and that can be %d at most; write "
		    "rules that name them", CONF_RULE_ICAPS);
}
