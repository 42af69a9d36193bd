/*
 * The life of a configuration: reading it, and its references.
 */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf/denied.h"
#include "conf/keys.h"
#include "util/err.h"
#include "util/mem.h"

#define CONF_MAX	((size_t)16 << 20)

static struct conf *
conf_new(struct load *l)
{
	struct conf *c;

	c = xcalloc(1, sizeof(*c));
	c->refs = 1;
	c->path = xstrdup(l->path);
	l->conf = c;
	schema_defaults(l, &map_conf, c);
	inspect_default(&c->inspect);
	return c;
}

/* Read the text into l->conf. scan_yaml() has passed it. */
static void
load_tree(struct load *l, const char *yaml, size_t len)
{
	static const struct conf_pos start = { 1, 1 };
	yaml_parser_t parser;
	yaml_node_t *root;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml,
	    len);
	if (!yaml_parser_load(&parser, &l->doc)) {
		problem_add(&l->problems, l->path, 0, start, "YAML: %s",
		    parser.problem != NULL ? parser.problem : "no memory");
	} else {
		root = yaml_document_get_root_node(&l->doc);
		if (root == NULL)
			problem_add(&l->problems, l->path, 0, start,
			    "nothing in it; write at least \"listen\"");
		else
			schema_map(l, &map_conf, root, l->conf);
		yaml_document_delete(&l->doc);
	}
	yaml_parser_delete(&parser);
}

int
conf_parse_in(const struct conf_world *world, const char *path,
    const char *yaml, size_t len, struct conf **out, struct text *errors)
{
	struct load l = { .path = path, .world = world };

	*out = NULL;
	conf_new(&l);
	if (len > CONF_MAX)
		problem_add(&l.problems, path, 0, (struct conf_pos){ 1, 1 },
		    "longer than %zu MiB; move long lists to files under "
		    "\"lists\"", CONF_MAX >> 20);
	else if (scan_yaml(path, yaml, len, &l.problems) == 0)
		load_tree(&l, yaml, len);
	if (l.problems.n > 0) {
		problems_tell(&l.problems, errors);
		conf_unref(l.conf);
		return ERR_USAGE;
	}
	denied_rule(l.conf);
	quarantine_rules(l.conf);
	*out = l.conf;
	return 0;
}

int
conf_parse(const char *path, const char *yaml, size_t len, struct conf **out,
    struct text *errors)
{
	return conf_parse_in(&conf_world_real, path, yaml, len, out, errors);
}

int
conf_load(const char *path, struct conf **out, struct text *errors)
{
	struct text t = { 0 };
	struct conf_stamp stamp;
	int r;

	*out = NULL;
	conf_world_real.stamp(path, &stamp);
	r = conf_world_real.read(path, CONF_MAX, &t);
	if (r == 0)
		r = conf_parse(path, t.s != NULL ? t.s : "", t.len, out,
		    errors);
	else {
		text_printf(errors, "%s:1:1: cannot be read: %s; -c names "
		    "another file\n", path,
		    r == ERR_LIMIT ? "longer than 16 MiB" : err_str(r));
		r = ERR_USAGE;
	}
	text_free(&t);
	if (r == 0)
		(*out)->stamp = stamp;
	return r;
}

struct conf *
conf_ref(struct conf *c)
{
	c->refs++;
	return c;
}

void
conf_unref(struct conf *c)
{
	size_t i;

	if (c == NULL || --c->refs > 0)
		return;
	if (c->release != NULL)
		c->release(c);
	schema_drop(&map_conf, c);
	feeds_drop(c);
	conf_pages_drop(&c->pages);
	for (i = 0; i < c->nfiles; i++)
		free(c->files[i].path);
	free(c->files);
	free(c->path);
	free(c);
}

int
conf_same(const struct conf *a, const struct conf *b, const char *key)
{
	return schema_same(&map_conf, key, a, b);
}

int
conf_mirror_same(const struct conf_mirror *a, const struct conf_mirror *b)
{
	return schema_same(&map_mirror, NULL, a, b);
}

int
conf_icap_same(const struct conf_icap *a, const struct conf_icap *b)
{
	return schema_same(&map_icap, NULL, a, b);
}

int
conf_tls_same(const struct conf *a, const struct conf *b)
{
	static const char *const keys[] = { "tls", "upstream.trust",
	    "upstream.trust-also", "upstream.max-chain",
	    "upstream.intermediates", "upstream.crl", "log.keys" };
	size_t i;

	for (i = 0; i < NELEM(keys); i++)
		if (!conf_same(a, b, keys[i]))
			return 0;
	for (i = 0; i < a->crl.n; i++)
		if (memcmp(&a->files[a->crl_files + i].stamp,
		    &b->files[b->crl_files + i].stamp,
		    sizeof(struct conf_stamp)) != 0)
			return 0;
	return conf_cas_same(a, b) && sum_same(a->trust_sum, b->trust_sum);
}

const char *
conf_action_str(enum conf_action a)
{
	static const char *const names[] = {
		[ACTION_DECRYPT] = "decrypt", [ACTION_BYPASS] = "bypass",
		[ACTION_BLOCK] = "block", [ACTION_RESET] = "reset",
		[ACTION_WARN] = "warn"
	};

	return (size_t)a < NELEM(names) ? names[a] : "unknown";
}
