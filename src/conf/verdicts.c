/*
 * The tables and types of sensors and responses.
 */
#include "conf/verdicts.h"

#include <stdlib.h>
#include <string.h>

#include "conf/contained.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define UNIX_MAX	107	/* sun_path */

static const struct type type_eve, type_syslog, type_severity;

static void	check_sensor(struct load *, yaml_node_t *, void *);
static void	check_response(struct load *, yaml_node_t *, void *);

static const struct listof
    prefixes = { sizeof(struct prefix), { NULL, &type_prefix } },
    names = { sizeof(char *), { NULL, &type_name } },
    globs = { sizeof(char *), { NULL, &type_text, .max = 256 } };

#define F(member)	offsetof(struct conf_sensor, member)
static const struct key sensor_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "eve", &type_eve, 0, .given = F(eve) },
	{ "syslog", &type_syslog, 0, .given = F(syslog) },
	{ "from", &type_list, F(from), .arg = &prefixes, .max = 256 },
	{ "listen", &type_addr, F(address), .given = F(listen) },
	{ "token", &type_tokens, F(tokens) },
	{ "certificate", &type_text, F(certificate), .flags = KEY_EXISTS },
	{ "key", &type_text, F(key), .flags = KEY_EXISTS },
	{ "client-ca", &type_text, F(client_ca), .flags = KEY_EXISTS },
	{ "role", &type_word, F(role), "operator", .arg = conf_roles },
	{ NULL }
};
#undef F
static const struct map map_sensor = {
	"a sensor", sensor_keys, check_sensor
};
const struct listof sensor_list = {
	sizeof(struct conf_sensor),
	{ "sensors", &type_map, .arg = &map_sensor }
};

#define F(member)	offsetof(struct conf_response, when.member) - \
	offsetof(struct conf_response, when)
static const struct key count_keys[] = {
	{ "of", &type_uint, F(of), "1", 1, CONF_COUNT },
	{ "within", &type_time, F(within), "1m", SEC, DAY },
	{ NULL }
};
static const struct map map_count = { "count", count_keys, NULL };
static const struct key when_keys[] = {
	{ "sensor", &type_list, F(sensor), .arg = &names },
	{ "product", &type_list, F(product), .arg = &globs },
	{ "severity", &type_severity, F(severity), "0-10" },
	{ "signature", &type_list, F(signature), .arg = &globs },
	{ "category", &type_list, F(category), .arg = &globs },
	{ "fields", &type_fields, F(fields) },
	{ "count", &type_map, 0, .arg = &map_count },
	{ NULL }
};
#undef F
static const struct map map_when = { "when", when_keys, NULL };

static const struct word dos[] = {
	{ "notify", DO_NOTIFY }, { "quarantine", DO_QUARANTINE },
	{ "deny-server", DO_DENY_SERVER }, { "step-up", DO_STEP_UP },
	{ "tag", DO_TAG }, { NULL }
};
static const struct word deny_bys[] = {
	{ "both", DENY_BOTH }, { "name", DENY_NAME },
	{ "address", DENY_ADDRESS }, { NULL }
};
static const struct word approvals[] = {
	{ "no", APPROVAL_NO }, { "yes", APPROVAL_YES },
	{ "second-sensor", APPROVAL_SECOND }, { NULL }
};
static const struct listof step_up_mirrors = {
	sizeof(size_t), { "mirror", &type_mirror }
};
#define F(member)	offsetof(struct conf_response, member)
static const struct key response_keys[] = {
	{ "when", &type_map, F(when), .arg = &map_when },
	{ "do", &type_word, F(what), .arg = dos, .flags = KEY_REQUIRED,
	    .hint = "quarantine, deny-server, step-up, tag or notify" },
	{ "profile", &type_text, F(profile) },
	{ "tag", &type_tag, F(tag) },
	{ "clear", &type_tag, F(clear) },
	{ "for", &type_time, F(span), "8h", SEC, 366 * DAY },
	{ "server", &type_word, F(deny_by), "both", .arg = deny_bys },
	{ "mirror", &type_list, F(mirrors), .arg = &step_up_mirrors,
	    .max = CONF_RULE_MIRRORS, .given = F(mirrors_given) },
	{ "cut", &type_bool, F(cut), "no" },
	{ "approval", &type_word, F(approval), "no", .arg = approvals },
	{ "approve-within", &type_time, F(approve_within), "1h", SEC,
	    30 * DAY },
	{ "dry-run", &type_bool, F(dry_run), "no" },
	{ NULL }
};
#undef F
static const struct map map_response = {
	"a response", response_keys, check_response
};
const struct listof response_list = {
	sizeof(struct conf_response),
	{ "responses", &type_map, .arg = &map_response }
};

#define F(member)	offsetof(struct conf_breaker, member)
static const struct key breaker_keys[] = {
	{ "quarantines", &type_uint, F(quarantines), "10", 1, CONF_BREAKER },
	{ "per", &type_time, F(per), "1m", SEC, DAY },
	{ NULL }
};
#undef F
const struct map map_breaker = { "breaker", breaker_keys, NULL };

/* "unix:/run/eve.sock", "unix-dgram:..." or a file's path. */
static int
eve_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf_sensor *c = field;
	const char *path = s;

	c->kind = SENSOR_FILE;
	if (strncmp(s, "unix:", 5) == 0) {
		c->kind = SENSOR_UNIX;
		path = s + 5;
	} else if (strncmp(s, "unix-dgram:", 11) == 0) {
		c->kind = SENSOR_UNIX_DGRAM;
		path = s + 11;
	}
	if (path[0] != '/' || (c->kind != SENSOR_FILE &&
	    strlen(path) > UNIX_MAX)) {
		text_printf(why, "\"%.256s\" is not where events come from; "
		    "write unix:/run/clearspan/eve.sock, unix-dgram:/PATH or "
		    "the file's path", s);
		return ERR_FORMAT;
	}
	free(c->path);
	c->path = xstrdup(path);
	return 0;
}

static int
syslog_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	static const struct {
		const char	*scheme;
		enum sensor_kind kind;
	} ways[] = { { "udp://", SENSOR_UDP }, { "tcp://", SENSOR_TCP },
	    { "tls://", SENSOR_TLS } };
	struct conf_sensor *c = field;
	size_t i;

	for (i = 0; i < NELEM(ways); i++)
		if (strncmp(s, ways[i].scheme, 6) == 0 &&
		    addr_parse(&c->address, s + 6) == 0) {
			c->kind = ways[i].kind;
			return 0;
		}
	text_printf(why, "\"%.256s\" is not an address for syslog; write "
	    "udp://0.0.0.0:5514, tcp://[::1]:5514 or tls://0.0.0.0:6514", s);
	return ERR_FORMAT;
}

static void
eve_drop(const struct key *k, void *field)
{
	struct conf_sensor *c = field;

	free(c->path);
	c->path = NULL;
}

static int
eve_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_sensor *p = a, *q = b;

	return p->kind == q->kind && (p->path == NULL) == (q->path == NULL) &&
	    (p->path == NULL || strcmp(p->path, q->path) == 0);
}

static int
syslog_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_sensor *p = a, *q = b;

	return p->kind == q->kind && addr_eq(&p->address, &q->address);
}

/* The files are watched, and what is in them counts. */
static void
check_sensor_tls(struct load *l, yaml_node_t *n, struct conf_sensor *c)
{
	static const char *const keys[] = { "certificate", "key", "client-ca",
	    NULL };
	const char *files[] = { c->certificate, c->key, c->client_ca };
	size_t i;

	if (c->listen || (c->syslog && c->kind == SENSOR_FILE))
		return;			/* told already */
	if (c->kind != SENSOR_TLS) {
		check_unwanted(l, n, keys, "syslog: tls:// and listen");
		return;
	}
	if (c->certificate == NULL || c->key == NULL) {
		load_problem(l, n, "syslog over TLS needs \"certificate\" and "
		    "\"key\"; write the PEM files that senders are shown");
		return;
	}
	for (i = 0; i < 2; i++)
		c->tls_pos[i] = node_pos(node_get(l, n, keys[i]));
	for (i = 0; i < NELEM(files); i++)
		if (files[i] != NULL)
			load_file(l, files[i]);
	check_sum(l, files, NELEM(files), c->tls_sum);
}

static int
text_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int
conf_sensor_tls_same(const struct conf_sensor *a, const struct conf_sensor *b)
{
	return text_same(a->certificate, b->certificate) &&
	    text_same(a->key, b->key) &&
	    text_same(a->client_ca, b->client_ca) &&
	    sum_same(a->tls_sum, b->tls_sum);
}

static void
check_sensor(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const rest[] = { "token", "role", NULL };
	struct conf_sensor *c = item;
	struct conf *conf = l->conf;

	c->pos = node_pos(n);
	check_name(l, n, "sensor", conf->sensors, conf->nsensors, sizeof(*c));
	if (c->eve + c->syslog + c->listen != 1)
		load_problem(l, n, "a sensor has either \"eve\", \"syslog\" "
		    "or \"listen\"; give it one of them");
	else if (c->listen)
		check_rest(l, n, c);
	else
		check_unwanted(l, n, rest, "listen");
	if (c->from.n > 0 && c->eve)
		load_problem(l, node_key(l, n, "from"), "\"from\" goes with "
		    "syslog and listen only; take it out");
	check_sensor_tls(l, n, c);
}

/* ">=8", ">7", "<=3", "<4", "5" or "2-4". */
static int
severity_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	struct { int lo, hi; } *v = field;
	const char *digits = s + strspn(s, "<>=");
	char *end;
	long n = strtol(digits, &end, 10);

	v->lo = 0;
	v->hi = 10;
	if (digits == s && *end == '-') {
		v->lo = (int)n;
		v->hi = (int)strtol(end + 1, &end, 10);
	} else if (s[0] == '>') {
		v->lo = (int)n + (s[1] != '=');
	} else if (s[0] == '<') {
		v->hi = (int)n - (s[1] != '=');
	} else {
		v->lo = v->hi = (int)n;
	}
	if (*digits >= '0' && *digits <= '9' && *end == '\0' &&
	    digits - s <= 2 && v->lo >= 0 && v->hi <= 10 && v->lo <= v->hi)
		return 0;
	text_printf(why, "\"%.64s\" is not a severity from 0 to 10; write "
	    "\">=8\", \"<4\", 5 or 2-4", s);
	return ERR_FORMAT;
}

/* A mapping of fields to patterns. */
static void
fields_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct vec *v = field;
	struct conf_field *f;
	yaml_node_pair_t *p;
	const char *name, *pattern;

	if (n->type != YAML_MAPPING_NODE) {
		load_problem(l, n, "\"%s\" is a mapping, as in {malType: "
		    "\"RANSOM*\"}", k->name);
		return;
	}
	for (p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	    p++) {
		name = node_text(l, k->name, yaml_document_get_node(&l->doc,
		    p->key));
		pattern = node_text(l, k->name, yaml_document_get_node(
		    &l->doc, p->value));
		if (name == NULL || pattern == NULL)
			return;
		v->v = xrealloc(v->v, (v->n + 1) * sizeof(*f));
		f = (struct conf_field *)v->v + v->n++;
		f->name = xstrdup(name);
		f->pattern = xstrdup(pattern);
	}
}

static void
fields_drop(const struct key *k, void *field)
{
	struct vec *v = field;
	struct conf_field *f = v->v;

	while (v->n > 0) {
		free(f[--v->n].name);
		free(f[v->n].pattern);
	}
	free(v->v);
	v->v = NULL;
}

static void
check_sensors_named(struct load *l, yaml_node_t *n,
    const struct conf_response *r)
{
	struct text why = { 0 };
	size_t i, at;

	for (i = 0; i < r->when.sensor.n; i++)
		if (r->when.sensor.v[i] != NULL &&
		    ref_find(l->conf->sensors, l->conf->nsensors,
		    sizeof(*l->conf->sensors), "sensor", "sensors",
		    r->when.sensor.v[i], &at, &why) != 0) {
			load_problem(l, n, "%s", why.s);
			text_clear(&why);
		}
	text_free(&why);
}

/* What goes with one kind of response only. */
static void
check_measures(struct load *l, yaml_node_t *n, const struct conf_response *r)
{
	static const char *const denies[] = { "server", NULL };
	static const char *const steps[] = { "mirror", "cut", NULL };
	static const char *const approves[] = { "approval", NULL };
	static const char *const waits[] = { "approve-within", NULL };

	if (r->what != DO_DENY_SERVER)
		check_unwanted(l, n, denies, "do: deny-server");
	if (r->what != DO_STEP_UP)
		check_unwanted(l, n, steps, "do: step-up");
	if (r->what == DO_NOTIFY || r->what == DO_TAG)
		check_unwanted(l, n, approves, "do: quarantine, deny-server "
		    "and step-up");
	if (r->approval == APPROVAL_NO)
		check_unwanted(l, n, waits, "approval");
}

static void
check_response(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const contains[] = { "profile", NULL };
	static const char *const tags[] = { "tag", "clear", NULL };
	static const char *const lasts[] = { "for", NULL };
	struct conf_response *r = item;
	yaml_node_t *at = node_get(l, n, "profile");

	r->pos = node_pos(n);
	check_sensors_named(l, n, r);
	check_measures(l, n, r);
	if (r->what == DO_NOTIFY)
		check_unwanted(l, n, lasts, "a do: that lasts");
	if (r->what != DO_TAG)
		check_unwanted(l, n, tags, "do: tag");
	else if (r->tag == NULL && r->clear == NULL)
		load_problem(l, n, "\"do: tag\" needs the \"tag\" to set, or "
		    "the one to \"clear\"");
	if (r->what != DO_QUARANTINE)
		check_unwanted(l, n, contains, "do: quarantine");
	else if (r->profile == NULL)
		load_problem(l, n, "\"do: quarantine\" needs the \"profile\"; "
		    "write one of those under \"quarantines\"");
	else if (conf_quarantine_find(l->conf, r->profile) < 0)
		load_problem(l, at != NULL ? at : n, "there is no quarantine "
		    "\"%.64s\"; name one of those under \"quarantines\"",
		    r->profile);
}

static const struct type type_eve = { eve_parse, NULL, eve_drop,
	.same = eve_same };
static const struct type type_syslog = { syslog_parse,
	.same = syslog_same };
static const struct type type_severity = { severity_parse,
	.size = 2 * sizeof(int) };
const struct type type_fields = { NULL, fields_set, fields_drop };
