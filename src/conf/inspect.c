/*
 * The section inspect, at the top level and under a rule: it says what may not
 * opt out of inspection. A rule without a section uses that of the top level.
 * In a rule's own section, a missing key has the top level's value. Content
 * codings are read here for the section icap too.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/slice.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

static int
is_token(const char *s, size_t n)
{
	return slice_is_token(slice_of(s, n));
}

/* As in Accept-Encoding, without weights. */
static int
coding_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (!is_token(s, strlen(s)) || strlen(s) > 32) {
		text_printf(why, "\"%.64s\" is not a content coding; write "
		    "such as gzip, deflate or br, or any", s);
		return ERR_FORMAT;
	}
	*(char **)field = name_lower(s);
	return 0;
}

/* As in Upgrade (RFC 9110, 7.8): a name, perhaps with a version. */
static int
upgrade_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	size_t n = strcspn(s, "/"), m = s[n] == '/' ? strlen(s + n + 1) : 0;

	if (!is_token(s, n) || (s[n] == '/' && !is_token(s + n + 1, m)) ||
	    n + m > 31) {
		text_printf(why, "\"%.64s\" is not a protocol; write such as "
		    "websocket, or [] for none", s);
		return ERR_FORMAT;
	}
	*(char **)field = name_lower(s);
	return 0;
}

static void
list_copy(struct conf_list *to, const char *const *v, size_t n)
{
	size_t i;

	to->v = xcalloc(n + 1, sizeof(*to->v));
	to->n = n;
	for (i = 0; i < n; i++)
		to->v[i] = v[i] != NULL ? xstrdup(v[i]) : NULL;
}

/* The codings that scanners decode: those of browsers, except zstd. */
void
inspect_default(struct conf_inspect *in)
{
	static const char *const upgrade[] = { "websocket" };
	static const char *const encodings[] = { "gzip", "deflate", "br" };

	list_copy(&in->upgrade, upgrade, NELEM(upgrade));
	list_copy(&in->encodings, encodings, NELEM(encodings));
}

static struct conf_inspect *
inspect_copy(const struct conf_inspect *top)
{
	struct conf_inspect *in = xmemdup(top, sizeof(*top));

	in->of_rule = 1;
	list_copy(&in->upgrade, (const char *const *)top->upgrade.v,
	    top->upgrade.n);
	list_copy(&in->encodings, (const char *const *)top->encodings.v,
	    top->encodings.n);
	return in;
}

/* A rule's section. Missing keys have the values of the top level. */
static void
inspect_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct conf_inspect *in = inspect_copy(&l->conf->inspect);

	*(struct conf_inspect **)field = in;
	schema_map(l, k->arg, n, in);
}

static void
inspect_drop(const struct key *k, void *field)
{
	struct conf_inspect *in = *(struct conf_inspect **)field;

	if (in == NULL || !in->of_rule)
		return;
	schema_drop(k->arg, in);
	free(in);
	*(struct conf_inspect **)field = NULL;
}

void
check_codings(struct load *l, yaml_node_t *n, const char *key,
    const struct conf_list *codings)
{
	yaml_node_t *v = node_get(l, n, key);
	size_t i;

	if (v == NULL)
		return;
	if (codings->n == 0 && v->type == YAML_SEQUENCE_NODE)
		load_problem(l, v, "\"%s\" is empty; write identity for none, "
		    "or any", key);
	for (i = 0; i < codings->n && codings->n > 1; i++)
		if (codings->v[i] != NULL && strcmp(codings->v[i], "any") == 0)
			load_problem(l, v, "\"any\" stands alone; write %s: "
			    "any", key);
}

static void
check_inspect(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_inspect *in = item;

	check_codings(l, n, "encodings", &in->encodings);
}

/* Without a value it is off. */
static void
trickle_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	const char *s;

	memset(field, 0, sizeof(struct conf_trickle));
	if (n->type == YAML_MAPPING_NODE) {
		schema_defaults(l, k->arg, field);
		schema_map(l, k->arg, n, field);
	} else if ((s = node_text(l, k->name, n)) != NULL &&
	    strcmp(s, "off") != 0)
		load_problem(l, n, "\"%.64s\" is not off, nor what trickles; "
		    "write {after: 5s, bytes: 1k, every: 1s}", s);
}

const struct type type_inspect = { NULL, inspect_set, inspect_drop };
static const struct type type_trickle = {
	NULL, trickle_set, NULL, sizeof(struct conf_trickle), NULL
};
static const struct type type_coding = { coding_parse, NULL, text_drop };
static const struct type type_upgrade = { upgrade_parse, NULL, text_drop };

static const struct word ranges[] = {
	{ "strip", RANGES_STRIP }, { "pass", RANGES_PASS },
	{ "whole", RANGES_WHOLE }, { NULL }
};
static const struct word alt_svcs[] = {
	{ "strip", 0 }, { "pass", 1 }, { NULL }
};
static const struct word dns_words[] = {
	{ "pass", DNS_PASS }, { "strip", DNS_STRIP },
	{ "strip-signed", DNS_STRIP_SIGNED }, { NULL }
};
static const struct word fails[] = { { "closed", 0 }, { "open", 1 }, { NULL } };
static const struct word allowed[] = {
	{ "allow", 0 }, { "block", 1 }, { NULL }
};
static const struct word mismatches[] = {
	{ "block", MISMATCH_BLOCK }, { "log", MISMATCH_LOG },
	{ "allow", MISMATCH_ALLOW }, { NULL }
};

const struct listof coding_list = {
	sizeof(char *), { NULL, &type_coding }
};
static const struct listof upgrades = {
	sizeof(char *), { NULL, &type_upgrade }
};

#define F(member)	offsetof(struct conf_inspect, member)
static const struct key streams_keys[] = {
	{ "after", &type_time, F(streams.after), "0s", 0, HOUR },
	{ "below", &type_size, F(streams.below), "64k", 1, G },
	{ NULL }
};
static const struct map map_streams = { "streams", streams_keys, NULL };
#undef F
#define F(member)	offsetof(struct conf_trickle, member)
static const struct key trickle_keys[] = {
	{ "after", &type_time, F(after), "5s", 0, HOUR },
	{ "bytes", &type_size, F(bytes), "1k", 1, M },
	{ "every", &type_time, F(every), "1s", 100, HOUR },
	{ NULL }
};
static const struct map map_trickle = { "trickle", trickle_keys, NULL };
#undef F
#define F(member)	offsetof(struct conf_inspect, member)
static const struct key inspect_keys[] = {
	{ "non-http", &type_word, F(non_http_block), "allow", .arg = allowed },
	{ "upgrade", &type_list, F(upgrade), .arg = &upgrades, .max = 64 },
	{ "encodings", &type_list, F(encodings), .arg = &coding_list,
	    .max = 64 },
	{ "host-mismatch", &type_word, F(host_mismatch), "block",
	    .arg = mismatches },
	{ "alt-svc", &type_word, F(alt_svc_pass), "strip", .arg = alt_svcs },
	{ "dns", &type_word, F(dns), "pass", .arg = dns_words },
	{ "ranges", &type_word, F(ranges), "strip", .arg = ranges },
	{ "trickle", &type_trickle, F(trickle), .arg = &map_trickle },
	{ "streams", &type_map, 0, .arg = &map_streams },
	{ "endless", &type_word, F(endless_open), "closed", .arg = fails },
	{ NULL }
};
#undef F
const struct map map_inspect = { "inspect", inspect_keys, check_inspect };
