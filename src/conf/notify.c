/*
 * The tables of the section `notify`, and its checks.
 */
#include "conf/notify.h"

#include <stdlib.h>
#include <string.h>

#include "conf/contained.h"
#include "conf/keys.h"
#include "conf/notify_types.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

static void	check_notify(struct load *, yaml_node_t *, void *);

#define SET	(NOTICE_IS_CASE | NOTICE_IS_SET)
#define LONGER	(NOTICE_IS_CASE | NOTICE_IS_LONGER)
#define OVER	(NOTICE_IS_CASE | NOTICE_IS_OVER)
static const struct {
	const char	*word, *type;
	unsigned	 is;
} kinds[NOTICE_KINDS] = {
	[NOTICE_SET] = { "set", "quarantine", SET },
	[NOTICE_EXTENDED] = { "extended", "quarantine", LONGER },
	[NOTICE_RELEASED] = { "released", "quarantine", OVER },
	[NOTICE_EXPIRED] = { "expired", "quarantine", OVER },
	[NOTICE_REFUSED] = { "refused", "quarantine", 0 },
	[NOTICE_DENIAL_SET] = { "denial-set", "denial", SET },
	[NOTICE_DENIAL_EXTENDED] = { "denial-extended", "denial", LONGER },
	[NOTICE_DENIAL_RELEASED] = { "denial-released", "denial", OVER },
	[NOTICE_DENIAL_EXPIRED] = { "denial-expired", "denial", OVER },
	[NOTICE_DENIAL_REFUSED] = { "denial-refused", "denial", 0 },
	[NOTICE_STEP_UP_SET] = { "step-up-set", "step-up", SET },
	[NOTICE_STEP_UP_EXTENDED] = { "step-up-extended", "step-up", LONGER },
	[NOTICE_STEP_UP_RELEASED] = { "step-up-released", "step-up", OVER },
	[NOTICE_STEP_UP_EXPIRED] = { "step-up-expired", "step-up", OVER },
	[NOTICE_STEP_UP_REFUSED] = { "step-up-refused", "step-up", 0 },
	[NOTICE_PROPOSED] = { "proposed", "proposal", SET },
	/* What is done then is told of before: it is not undone. */
	[NOTICE_APPROVED] = { "approved", "proposal", NOTICE_IS_CASE },
	[NOTICE_REJECTED] = { "rejected", "proposal", OVER },
	[NOTICE_LAPSED] = { "lapsed", "proposal", OVER },
	[NOTICE_PROPOSAL_REFUSED] = { "proposal-refused", "proposal", 0 },
	[NOTICE_NOTIFIED] = { "notified", "verdict", NOTICE_IS_VERDICT },
	[NOTICE_DRY_RUN] = { "dry-run", "verdict", NOTICE_IS_VERDICT },
	[NOTICE_AMBIGUOUS] = { "ambiguous", "verdict", NOTICE_IS_VERDICT },
	[NOTICE_NOBODY] = { "nobody", "verdict", NOTICE_IS_VERDICT },
	[NOTICE_BREAKER] = { "breaker", "verdict", NOTICE_IS_VERDICT },
	[NOTICE_DONE] = { "done", "verdict", NOTICE_IS_VERDICT },
	[NOTICE_VERDICT] = { "verdict", "verdict", NOTICE_IS_VERDICT },
	[NOTICE_TEST] = { "test", "notify", 0 },
};
#undef SET
#undef LONGER
#undef OVER

const char *
conf_notice_str(enum conf_notice k)
{
	return kinds[k].word;
}

const char *
conf_notice_type(enum conf_notice k)
{
	return kinds[k].type;
}

int
conf_notice_is(enum conf_notice k, unsigned what)
{
	return (kinds[k].is & what) != 0;
}

int
conf_notice_of(const char *s, enum conf_notice *k)
{
	int i;

	for (i = 0; i < NOTICE_KINDS; i++)
		if (strcmp(kinds[i].word, s) == 0) {
			*k = (enum conf_notice)i;
			return 0;
		}
	return ERR_NOTFOUND;
}

static const struct word events[] = {
	{ "set", NOTICE_SET }, { "extended", NOTICE_EXTENDED },
	{ "released", NOTICE_RELEASED }, { "expired", NOTICE_EXPIRED },
	{ "refused", NOTICE_REFUSED },
	{ "denial-set", NOTICE_DENIAL_SET },
	{ "denial-extended", NOTICE_DENIAL_EXTENDED },
	{ "denial-released", NOTICE_DENIAL_RELEASED },
	{ "denial-expired", NOTICE_DENIAL_EXPIRED },
	{ "denial-refused", NOTICE_DENIAL_REFUSED },
	{ "step-up-set", NOTICE_STEP_UP_SET },
	{ "step-up-extended", NOTICE_STEP_UP_EXTENDED },
	{ "step-up-released", NOTICE_STEP_UP_RELEASED },
	{ "step-up-expired", NOTICE_STEP_UP_EXPIRED },
	{ "step-up-refused", NOTICE_STEP_UP_REFUSED },
	{ "proposed", NOTICE_PROPOSED }, { "approved", NOTICE_APPROVED },
	{ "rejected", NOTICE_REJECTED }, { "lapsed", NOTICE_LAPSED },
	{ "proposal-refused", NOTICE_PROPOSAL_REFUSED },
	{ "notified", NOTICE_NOTIFIED },
	{ "dry-run", NOTICE_DRY_RUN }, { "ambiguous", NOTICE_AMBIGUOUS },
	{ "nobody", NOTICE_NOBODY }, { "breaker", NOTICE_BREAKER },
	{ "done", NOTICE_DONE }, { "verdict", NOTICE_VERDICT }, { NULL }
}, formats[] = {
	{ "cee", FORMAT_CEE }, { "json", FORMAT_JSON }, { "cef", FORMAT_CEF },
	{ NULL }
}, facilities[] = {
	{ "user", 1 }, { "daemon", 3 }, { "auth", 4 }, { "authpriv", 10 },
	{ "local0", 16 }, { "local1", 17 }, { "local2", 18 },
	{ "local3", 19 }, { "local4", 20 }, { "local5", 21 },
	{ "local6", 22 }, { "local7", 23 }, { NULL }
}, requests[] = {
	{ "disconnect", RADIUS_DISCONNECT }, { "coa", RADIUS_COA },
	{ "none", REQUEST_NONE }, { NULL }
}, identifies[] = {
	{ "mac", IDENTIFY_MAC }, { "address", IDENTIFY_ADDRESS },
	{ "both", IDENTIFY_BOTH }, { NULL }
};
static const struct listof names = {
	sizeof(char *), { NULL, &type_name }
};

#define F(member)	offsetof(struct conf_target, member)
/* What all have. */
#define COMMON(timeout_, retries_)					\
	{ "name", &type_name, F(name) },				\
	{ "events", &type_events, F(events), .arg = events,		\
	    .given = F(events_given) },					\
	{ "profiles", &type_list, F(profiles), .arg = &names,		\
	    .max = 64 },						\
	{ "timeout", &type_time, F(timeout), timeout_, 100,		\
	    10 * 60 * SEC },						\
	{ "retries", &type_uint, F(retries), retries_, 0, 1000 },	\
	{ "queue", &type_uint, F(queue), "1000", 1, 100000 }
#define TLS							\
	{ "trust", &type_text, F(trust), "system",		\
	    .flags = KEY_SYSTEM },				\
	{ "certificate", &type_text, F(certificate),		\
	    .flags = KEY_EXISTS },				\
	{ "key", &type_text, F(key), .flags = KEY_EXISTS }

/* The first may be given alone. */
static const struct key syslog_keys[] = {
	{ "url", &type_syslog_url, F(act.url), .flags = KEY_REQUIRED,
	    .hint = "udp://HOST:514, tcp://HOST:601 or tls://HOST:6514" },
	COMMON("10s", "10"), TLS,
	{ "format", &type_word, F(format), "cee", .arg = formats },
	{ "facility", &type_word, F(facility), "daemon", .arg = facilities },
	{ NULL }
};
static const struct key webhook_keys[] = {
	{ "url", &type_web_url, F(act.url), .flags = KEY_REQUIRED,
	    .hint = "https://HOST/PATH" },
	COMMON("10s", "10"), TLS,
	{ "undo", &type_web_url, F(undo.url) },
	{ "method", &type_method, F(act.method), "POST" },
	{ "undo-method", &type_method, F(undo.method), "POST" },
	{ "headers", &type_headers, F(headers) },
	{ "body", &type_fill, F(act.body) },
	{ "undo-body", &type_fill, F(undo.body) },
	{ "token", &type_secret, F(token) },
	{ "mac", &type_mac_form, F(mac), "aa:bb:cc:dd:ee:ff" },
	{ NULL }
};
static const struct key radius_keys[] = {
	{ "server", &type_radius_server, F(act.url), .flags = KEY_REQUIRED,
	    .hint = "HOST or HOST:3799" },
	COMMON("10s", "3"),
	{ "secret", &type_secret, F(secret), .flags = KEY_REQUIRED,
	    .hint = "the path of a file with the shared secret" },
	{ "request", &type_word, F(act.request), "disconnect",
	    .arg = requests },
	{ "undo", &type_word, F(undo.request), "none", .arg = requests },
	{ "attributes", &type_attributes, F(act.attributes) },
	{ "undo-attributes", &type_attributes, F(undo.attributes) },
	{ "identify", &type_word, F(identify), "mac", .arg = identifies },
	{ "mac", &type_mac_form, F(mac), "AA-BB-CC-DD-EE-FF" },
	{ "nas-address", &type_nas_address, F(nas_address) },
	{ "nas-identifier", &type_text, F(nas_identifier), .max = 253 },
	{ NULL }
};
#undef F
static const struct map maps[NOTIFY_LISTS] = {
	{ "a target of syslog", syslog_keys, NULL },
	{ "a webhook", webhook_keys, NULL },
	{ "a target of RADIUS", radius_keys, NULL }
};
static const struct listof lists[NOTIFY_LISTS] = {
	{ sizeof(struct conf_target), { "syslog", &type_short,
	    .arg = &maps[NOTIFY_SYSLOG], .flags = KEY_ALONE } },
	{ sizeof(struct conf_target), { "webhook", &type_short,
	    .arg = &maps[NOTIFY_WEBHOOK], .flags = KEY_ALONE } },
	{ sizeof(struct conf_target), { "radius", &type_short,
	    .arg = &maps[NOTIFY_RADIUS], .flags = KEY_ALONE } }
};

#define F(member)	offsetof(struct conf_notify, member)
static const struct key notify_keys[] = {
	{ "syslog", &type_list, F(lists[NOTIFY_SYSLOG]),
	    .arg = &lists[NOTIFY_SYSLOG], .max = 32 },
	{ "webhook", &type_list, F(lists[NOTIFY_WEBHOOK]),
	    .arg = &lists[NOTIFY_WEBHOOK], .max = 32 },
	{ "radius", &type_list, F(lists[NOTIFY_RADIUS]),
	    .arg = &lists[NOTIFY_RADIUS], .max = 256 },
	{ "state", &type_text, F(state), "/var/lib/clearspan/notify.queue",
	    .flags = KEY_NONE },
	{ NULL }
};
#undef F
const struct map map_notify = { "notify", notify_keys, check_notify };

size_t
conf_targets(const struct conf_notify *c)
{
	return c->lists[NOTIFY_SYSLOG].n + c->lists[NOTIFY_WEBHOOK].n +
	    c->lists[NOTIFY_RADIUS].n;
}

const struct conf_target *
conf_target(const struct conf_notify *c, size_t i)
{
	int k;

	for (k = 0; i >= c->lists[k].n; k++)
		i -= c->lists[k].n;
	return &c->lists[k].v[i];
}

static int
list_of(const struct conf_target *t)
{
	return t->act.url.kind == TARGET_RADIUS ? NOTIFY_RADIUS :
	    t->act.url.kind == TARGET_WEBHOOK ? NOTIFY_WEBHOOK :
	    NOTIFY_SYSLOG;
}

int
conf_target_same(const struct conf_target *a, const struct conf_target *b)
{
	return list_of(a) == list_of(b) && strcmp(a->name, b->name) == 0 &&
	    schema_same(&maps[list_of(a)], NULL, a, b);
}

/* The events of one that says nothing of them. */
static unsigned
events_default(const struct conf_target *t)
{
	unsigned all = (1u << NOTICE_KINDS) - 1;
	unsigned contains = 1u << NOTICE_SET | 1u << NOTICE_EXTENDED |
	    1u << NOTICE_RELEASED | 1u << NOTICE_EXPIRED;

	switch (t->act.url.kind) {
	case TARGET_WEBHOOK:
		return t->undo.url.text != NULL ? contains :
		    all & ~(1u << NOTICE_VERDICT);
	case TARGET_RADIUS:	/* who is out is not put out again */
		return contains & ~(1u << NOTICE_EXTENDED);
	default:
		return all;
	}
}

/* What `syslog` and the others are called, unless they have names. */
static void
target_name(struct load *l, struct conf_target *t, yaml_node_t *n,
    const char *kind, size_t number)
{
	const struct conf_notify *c = &l->conf->notify;
	const struct conf_target *other;
	size_t i;

	if (t->name == NULL)
		t->name = number == 0 ? xstrdup(kind) :
		    xasprintf("%s-%zu", kind, number + 1);
	for (i = 0; i < conf_targets(c); i++) {
		other = conf_target(c, i);
		if (other == t)
			return;
		if (other->name != NULL && strcmp(other->name, t->name) == 0)
			load_problem(l, n, "there is a target \"%.64s\" "
			    "already; give each a \"name\" of its own",
			    t->name);
	}
}

static void
check_tls(struct load *l, yaml_node_t *n, const struct conf_target *t)
{
	static const char *const keys[] = { "trust", "certificate", "key",
	    NULL };

	if (!t->act.url.tls && !t->undo.url.tls)
		check_unwanted(l, n, keys, "https:// and tls://");
	else if ((t->certificate == NULL) != (t->key == NULL))
		load_problem(l, n, "\"certificate\" and \"key\" go together");
}

static void
check_webhook(struct load *l, yaml_node_t *n, struct conf_target *t)
{
	static const char *const undo[] = { "undo-method", "undo-body", NULL };

	if (t->undo.url.text == NULL)
		check_unwanted(l, n, undo, "undo");
	check_tls(l, n, t);
}

static void
check_radius(struct load *l, yaml_node_t *n, struct conf_target *t)
{
	static const char *const undo[] = { "undo-attributes", NULL };
	unsigned denials = (2u << NOTICE_DENIAL_REFUSED) -
	    (1u << NOTICE_DENIAL_SET);

	if (t->events & denials)
		load_problem(l, n, "a denial is about a server, which no "
		    "switch has on a port; leave denial-* out of \"events\"");
	if (t->undo.request == REQUEST_NONE)
		check_unwanted(l, n, undo, "undo");
	if (t->act.request == REQUEST_NONE && t->undo.request == REQUEST_NONE)
		load_problem(l, n, "this asks for nothing: \"request\" and "
		    "\"undo\" are none");
}

static void
check_target(struct load *l, yaml_node_t *n, struct conf_target *t)
{
	size_t i;

	if (!t->events_given)
		t->events = events_default(t);
	for (i = 0; i < t->profiles.n; i++)
		if (t->profiles.v[i] != NULL && conf_quarantine_find(l->conf,
		    t->profiles.v[i]) < 0)
			load_problem(l, n, "there is no quarantine \"%.64s\"; "
			    "name one of those under \"quarantines\"",
			    t->profiles.v[i]);
	if (n->type != YAML_MAPPING_NODE)
		return;
	if (t->act.url.kind == TARGET_WEBHOOK)
		check_webhook(l, n, t);
	else if (t->act.url.kind == TARGET_RADIUS)
		check_radius(l, n, t);
	else
		check_tls(l, n, t);
}

static void
check_notify(struct load *l, yaml_node_t *map, void *item)
{
	struct conf_notify *c = item;
	struct conf_target *t;
	yaml_node_t *n, *one;
	size_t i;
	int k;

	for (k = 0; k < NOTIFY_LISTS; k++) {
		n = node_get(l, map, lists[k].item.name);
		for (i = 0; i < c->lists[k].n; i++) {
			t = &c->lists[k].v[i];
			one = node_item(l, n, i);
			t->pos = node_pos(one);
			target_name(l, t, one, lists[k].item.name, i);
			if (t->act.url.text != NULL)
				check_target(l, one, t);
			else if (one->type != YAML_MAPPING_NODE &&
			    k == NOTIFY_RADIUS)
				load_problem(l, one, "a target of RADIUS is a "
				    "mapping with \"server\" and \"secret\"");
		}
	}
}
