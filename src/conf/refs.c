/*
 * Types whose values refer to something elsewhere: a mirror, a listener, the
 * file of a list; or that OpenSSL or libpcap must understand.
 */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/listfile.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define LISTS_MAX	256
#define LISTFILE_MAX	((size_t)256 << 20)	/* some ten million names */

static void
event_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct text why = { 0 };
	const char *s;
	int event;

	if ((s = node_text(l, k->name, n)) == NULL)
		return;
	if (type_word.parse(l, k, s, &event, &why) == 0)
		*(unsigned *)field |= 1u << event;
	else
		load_problem(l, n, "%s", why.s);
	text_free(&why);
}

static void
events_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	size_t i;

	*(unsigned *)field = 0;
	for (i = 0; i < node_count(n); i++)
		event_set(l, k, node_item(l, n, i), field);
}

void
load_file(struct load *l, const char *path)
{
	struct conf *c = l->conf;
	struct conf_file *f;

	if (path == NULL)		/* it was wrong, and is told of */
		return;
	c->files = xrealloc(c->files, (c->nfiles + 1) * sizeof(*c->files));
	f = &c->files[c->nfiles++];
	memset(f, 0, sizeof(*f));
	f->path = xstrdup(path);
	if (l->world->stamp != NULL)
		l->world->stamp(path, &f->stamp);
}

/* Read the file of a list that has a name and a path. */
static void
list_read(struct load *l, yaml_node_t *n, struct conf_named_list *list)
{
	struct text t = { 0 };
	int r;

	if (l->world->stamp != NULL)
		l->world->stamp(list->path, &list->stamp);
	if (l->world->read == NULL)
		return;
	r = l->world->read(list->path, LISTFILE_MAX, &t);
	if (r == ERR_LIMIT)
		load_problem(l, n, "\"%.256s\" is longer than %zu MiB",
		    list->path, LISTFILE_MAX >> 20);
	else if (r != 0)
		load_problem(l, n, "cannot read \"%.256s\": %s; make it (one "
		    "name or address a line), or take the list out",
		    list->path, err_str(r));
	else
		listfile_parse(list, t.s != NULL ? t.s : "", t.len,
		    &l->problems, (unsigned)l->conf->nlists);
	text_free(&t);
}

static void
list_one(struct load *l, yaml_node_t *kn, yaml_node_t *vn)
{
	static const struct key as_name = { "lists" };
	struct conf_named_list *list = &l->conf->lists[l->conf->nlists];
	const char *name, *path;
	struct text why = { 0 };

	if ((name = node_text(l, "lists", kn)) == NULL ||
	    (path = node_text(l, name, vn)) == NULL)
		return;
	if (type_name.parse(l, &as_name, name, &list->name, &why) != 0)
		load_problem(l, kn, "%s", why.s);
	else if (path[0] == '\0') {
		load_problem(l, kn, "the list \"%s\" has no file; write its "
		    "path", name);
		text_drop(NULL, &list->name);
	} else {
		list->path = xstrdup(path);
		l->conf->nlists++;
		list_read(l, vn, list);
	}
	text_free(&why);
}

static void
lists_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	yaml_node_pair_t *p, *end;
	yaml_node_t *kn;
	const char *name;

	if (n->type != YAML_MAPPING_NODE) {
		load_problem(l, n, "\"lists\" is a mapping; write \"name: "
		    "FILE\" for each list");
		return;
	}
	p = n->data.mapping.pairs.start;
	end = n->data.mapping.pairs.top;
	if (end - p > LISTS_MAX) {
		load_problem(l, n, "too many lists; at most %d", LISTS_MAX);
		return;
	}
	l->conf->lists = xcalloc((size_t)(end - p), sizeof(*l->conf->lists));
	for (; p < end; p++) {
		kn = yaml_document_get_node(&l->doc, p->key);
		name = (const char *)kn->data.scalar.value;
		if (kn->type == YAML_SCALAR_NODE &&
		    node_key(l, n, name) != kn)
			load_problem(l, kn, "the list \"%.64s\" is given "
			    "twice", name);
		else
			list_one(l, kn, yaml_document_get_node(&l->doc,
			    p->value));
	}
}

static void
lists_drop(const struct key *k, void *field)
{
	struct vec vec;
	struct conf_named_list *v;
	size_t i;

	memcpy(&vec, field, sizeof(vec));
	v = vec.v;
	for (i = 0; i < vec.n; i++) {
		free(v[i].name);
		free(v[i].path);
		text_free(&v[i].names);
		free(v[i].addresses);
	}
	free(v);
	memset(field, 0, sizeof(vec));
}

int
ref_find(const void *v, size_t n, size_t size, const char *what,
    const char *under, const char *s, size_t *index, struct text *why)
{
	const char *names[256], *name, *near;
	size_t i, told = 0;

	for (i = 0; i < n; i++) {
		name = *(char *const *)(const void *)((const char *)v +
		    i * size);
		if (name == NULL)
			continue;
		if (strcmp(name, s) == 0) {
			*index = i;
			return 0;
		}
		if (told < NELEM(names))
			names[told++] = name;
	}
	text_printf(why, "no %s \"%.64s\" under \"%s\"", what, s, under);
	if ((near = nearest(s, names, told)) != NULL)
		text_printf(why, ", did you mean \"%s\"?", near);
	else
		text_puts(why, "; define it there, or take it out");
	return ERR_FORMAT;
}

static int
mirror_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct conf *c = l->conf;

	return ref_find(c->mirrors, c->nmirrors, sizeof(*c->mirrors),
	    "mirror", "mirrors", s, field, why);
}

static int
service_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct conf *c = l->conf;

	return ref_find(c->icaps, c->nicaps, sizeof(*c->icaps), "service",
	    "icap", s, field, why);
}

static int
listener_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	const struct conf *c = l->conf;
	size_t i;

	if (ref_find(c->listens, c->nlistens, sizeof(*c->listens), "listener",
	    "listen", s, &i, why) != 0)
		return ERR_FORMAT;
	*(char **)field = xstrdup(s);
	return 0;
}

static int
protocol_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	int value;

	if (type_word.parse(l, k, s, &value, why) != 0)
		return ERR_FORMAT;
	*(char **)field = xstrdup(s);
	return 0;
}

/* Whether OpenSSL accepts the text. */
static int
openssl_takes(const char *s, int groups)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	int ok;

	ok = ctx != NULL && (groups ? SSL_CTX_set1_groups_list(ctx, s) :
	    SSL_CTX_set_cipher_list(ctx, s)) == 1;
	SSL_CTX_free(ctx);
	return ok;
}

static int
openssl_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	int groups = k->type == &type_groups;

	if (openssl_takes(s, groups)) {
		*(char **)field = xstrdup(s);
		return 0;
	}
	text_printf(why, groups ? "OpenSSL does not know all groups in "
	    "\"%.64s\"; write such as X25519:P-256" : "OpenSSL knows no cipher "
	    "in \"%.64s\"; write as for \"openssl ciphers\", such as "
	    "HIGH:!aNULL", s);
	return ERR_FORMAT;
}

static int
filter_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct text said = { 0 };
	int r = 0;

	if (l->world->filter != NULL)
		r = l->world->filter(s, &said);
	if (r != 0)
		text_printf(why, "\"%.64s\" is not a filter (%s); write one "
		    "as in pcap-filter(7)", s, said.s);
	else
		*(char **)field = xstrdup(s);
	text_free(&said);
	return r;
}

const struct type type_events = { NULL, events_set, .size = sizeof(unsigned) };
const struct type type_lists = { NULL, lists_set, lists_drop };
const struct type type_mirror = { mirror_parse };
const struct type type_service = { service_parse };
const struct type type_listener = { listener_parse, NULL, text_drop };
const struct type type_ciphers = { openssl_parse, NULL, text_drop };
const struct type type_groups = { openssl_parse, NULL, text_drop };
const struct type type_filter = { filter_parse, NULL, text_drop };
const struct type type_protocol = { protocol_parse, NULL, text_drop };
