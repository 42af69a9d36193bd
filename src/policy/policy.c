/*
 * Compiled rules, and the walk through them.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy/category.h"
#include "policy/condition.h"
#include "policy/denied.h"
#include "policy/group.h"
#include "policy/match.h"
#include "policy/own.h"
#include "policy/verdict.h"
#include "util/mem.h"

static const char *const stages[] = { "connection", "hello", "certificate",
    "request" };

struct rule {
	const struct conf_rule *conf;
	struct match	 match;
	struct match	 except;
	int		 excepts;	/* `not:` was given */
	int		 by_certificate;
};

struct policy {
	_Atomic int	 refs;
	struct conf	*conf;
	struct list	*lists;
	struct view_sets sets;
	struct rule	*rules;
	struct own_match *owns;
	int		 by_request, by_certificate;
};

static void
list_init(struct list *l, const struct conf_named_list *conf,
    struct match_names *names)
{
	const char *s = conf->names.s, *end = s + conf->names.len;
	size_t i;

	l->name = conf->name;
	l->names = names->next++;
	for (; s < end; s += strlen(s) + 1)
		nameset_add(names->names, l->names, s);
	for (i = 0; i < conf->naddresses; i++)
		rangeset_add(&l->addresses, &conf->addresses[i]);
	rangeset_done(&l->addresses);
}

static struct list *
lists_new(const struct conf_named_list *conf, size_t n,
    struct match_names *names)
{
	struct list *lists = xcalloc(n, sizeof(*lists));
	size_t i;

	for (i = 0; i < n; i++)
		list_init(&lists[i], &conf[i], names);
	return lists;
}

static void
lists_free(struct list *lists, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		rangeset_free(&lists[i].addresses);
	free(lists);
}

static void
rule_init(struct rule *r, const struct conf_rule *conf,
    const struct policy *p, struct match_names *names)
{
	size_t n = p->conf->nlists;

	r->conf = conf;
	match_init(&r->match, &conf->match, p->lists, n, &p->sets, names);
	match_init(&r->except, &conf->except, p->lists, n, &p->sets, names);
	r->excepts = match_given(&r->except);
	r->by_certificate = match_by_certificate(&r->match) ||
	    match_by_certificate(&r->except);
}

static int
rule_by_request(const struct rule *r)
{
	return match_by_request(&r->match) ||
	    (r->excepts && match_by_request(&r->except));
}

static void
groups_init(struct view_sets *s, const struct conf *c, const struct list *lists)
{
	s->groups = xcalloc(c->ngroups, sizeof(*s->groups));
	for (; s->ngroups < c->ngroups; s->ngroups++)
		group_init(&s->groups[s->ngroups], &c->groups[s->ngroups],
		    lists, c->nlists);
}

/* How many names all lists and rules have. */
static size_t
policy_count(const struct conf *c)
{
	size_t i, n = own_match_count(c);

	for (i = 0; i < c->nlists; i++)
		n += c->lists[i].nnames;
	for (i = 0; i < c->ncategories; i++)
		n += c->categories[i].nnames;
	for (i = 0; i < c->nrules; i++)
		n += match_count(&c->rules[i].match) +
		    match_count(&c->rules[i].except);
	return n;
}

struct policy *
policy_new(struct conf *c)
{
	struct match_names names = { NULL, 1 };
	struct policy *p;
	size_t i;

	p = xcalloc(1, sizeof(*p));
	p->refs = 1;
	p->conf = conf_ref(c);
	names.names = &p->sets.names;
	nameset_room(&p->sets.names, policy_count(c));
	p->lists = lists_new(c->lists, c->nlists, &names);
	p->sets.categories = lists_new(c->categories, c->ncategories, &names);
	p->sets.ncategories = c->ncategories;
	groups_init(&p->sets, c, p->lists);
	p->rules = xcalloc(c->nrules, sizeof(*p->rules));
	for (i = 0; i < c->nrules; i++)
		rule_init(&p->rules[i], &c->rules[i], p, &names);
	p->owns = xcalloc(c->nowns, sizeof(*p->owns));
	own_match_init(p->owns, c, p->lists, &names);
	for (i = 0; i < c->nrules; i++) {
		p->by_request |= rule_by_request(&p->rules[i]);
		p->by_certificate |= p->rules[i].by_certificate;
	}
	return p;
}

struct policy *
policy_ref(struct policy *p)
{
	p->refs++;
	return p;
}

void
policy_unref(struct policy *p)
{
	size_t i;

	if (p == NULL || --p->refs > 0)
		return;
	for (i = 0; i < p->conf->nrules; i++) {
		match_free(&p->rules[i].match);
		match_free(&p->rules[i].except);
	}
	lists_free(p->lists, p->conf->nlists);
	lists_free(p->sets.categories, p->sets.ncategories);
	for (i = 0; i < p->sets.ngroups; i++)
		group_free(&p->sets.groups[i]);
	free(p->sets.groups);
	own_match_free(p->owns, p->conf->nowns);
	free(p->owns);
	nameset_free(&p->sets.names);
	free(p->rules);
	conf_unref(p->conf);
	free(p);
}

const struct conf *
policy_conf(const struct policy *p)
{
	return p->conf;
}

static int
rule_matches(const struct rule *r, struct view *v)
{
	return match_holds(&r->match, v, NULL) &&
	    !(r->excepts && match_holds(&r->except, v, NULL));
}

/* An endpoint under step-up is decrypted though the rule bypasses it. */
static int
rule_raised(const struct rule *r, const struct facts *f)
{
	return f->step_up != NULL && r->conf->action == ACTION_BYPASS &&
	    !r->conf->never_decrypt;
}

static enum conf_action
rule_does(const struct rule *r, const struct facts *f)
{
	return rule_raised(r, f) ? ACTION_DECRYPT : r->conf->action;
}

static enum match_may
rule_may_match(const struct rule *r, struct view *v)
{
	enum match_may may = match_may(&r->match, v);
	enum match_may not = r->excepts ? match_may(&r->except, v) : MATCH_NOT;

	if (may == MATCH_NOT || not == MATCH_SURE)
		return MATCH_NOT;
	return not == MATCH_PERHAPS ? MATCH_PERHAPS : may;
}

/* Whether a rule before the one that matches may do so by a certificate that
 * will come. */
static int
policy_later(const struct policy *p, struct view *view, size_t match)
{
	size_t i;

	if (!p->by_certificate || view->f->protocol != PROTO_TLS ||
	    view->f->cert != NULL || view->f->cert_none)
		return 0;
	for (i = 0; i < match; i++)
		if (p->rules[i].by_certificate &&
		    rule_may_match(&p->rules[i], view) != MATCH_NOT)
			return 1;
	return p->rules[match].by_certificate;
}

void
policy_decide(const struct policy *p, const struct facts *f,
    struct verdict *v)
{
	struct view view;
	size_t i;

	view_init(&view, f, &p->sets);
	for (i = 0; i + 1 < p->conf->nrules; i++)
		if (rule_matches(&p->rules[i], &view))
			break;
	memset(v, 0, sizeof(*v));
	v->rule_index = i;	/* the last has no conditions */
	v->rule = p->rules[i].conf;
	v->action = rule_does(&p->rules[i], f);
	v->why = rule_raised(&p->rules[i], f) ? "step-up" : NULL;
	v->later = policy_later(p, &view, i);
}

void
policy_server(const struct policy *p, struct facts *f,
    const struct addr *server)
{
	f->server = *server;
	if (p->conf->geo.db != NULL && server->sa.sa_family != AF_UNSPEC)
		geo_country(p->conf->geo.db, server, f->country);
}

size_t
policy_own(const struct policy *p, const struct facts *f)
{
	struct view view;

	if (p->conf->nowns == 0)
		return 0;
	view_init(&view, f, &p->sets);
	return own_match_find(p->owns, p->conf->nowns, &view);
}

static int
rule_signs(const struct conf_rule *r)
{
	return r->ca_given || r->action == ACTION_DECRYPT ||
	    r->action == ACTION_WARN;
}

size_t
policy_ca(const struct policy *p, const struct facts *f,
    const struct verdict *v)
{
	size_t i = v->rule != NULL ? v->rule_index : 0;
	struct view view;

	if (p->conf->ncas == 0 || (v->rule != NULL && rule_signs(v->rule)))
		return v->rule != NULL ? v->rule->ca : 0;
	view_init(&view, f, &p->sets);
	for (; i < p->conf->nrules; i++)
		if (rule_signs(p->rules[i].conf) &&
		    rule_matches(&p->rules[i], &view))
			return p->rules[i].conf->ca;
	return 0;
}

size_t
policy_client_ca(const struct policy *p, const struct facts *f)
{
	static const struct verdict none;
	struct facts known = { .now = f->now, .listener = f->listener,
	    .user = f->user, .mode = f->mode, .client = f->client,
	    .port = 443, .protocol = PROTO_TLS };

	return policy_ca(p, &known, &none);
}

int
policy_by_request(const struct policy *p)
{
	return p->by_request;
}

static enum policy_request
request_is(const struct verdict *of, const struct verdict *v)
{
	if (v->action == ACTION_BLOCK || v->action == ACTION_RESET)
		return REQUEST_REFUSED;
	return verdict_same(of, v) ? REQUEST_SAME : REQUEST_OTHERWISE;
}

enum policy_request
policy_request(const struct policy *p, const struct facts *conn,
    const struct verdict *of, const char *name, struct verdict *v)
{
	struct facts f = *conn;
	enum policy_request rv;
	struct addr ip;
	int same = f.protocol != PROTO_TLS || addr_parse_ip(&ip, name) == 0 ||
	    (f.sni != NULL && strcmp(f.sni, name) == 0);

	*v = *of;
	if (same && !p->by_request && !denied_names(conn))
		return REQUEST_SAME;
	f.request = name;
	policy_decide(p, &f, v);
	if ((rv = request_is(of, v)) != REQUEST_SAME || same)
		return rv;
	f.sni = name;
	policy_decide(p, &f, v);
	/* A hello without a name is not bypassed by name. */
	if (v->rule->match.sni.n == 0 ||
	    (conn->sni == NULL && v->action == ACTION_BYPASS))
		return REQUEST_SAME;
	return request_is(of, v);
}

/* Assume that the hello will have the name that CONNECT asked for. */
static void
facts_stand(struct facts *f)
{
	struct addr ip;

	if (f->protocol == PROTO_UNKNOWN && f->sni == NULL &&
	    f->host != NULL && addr_parse_ip(&ip, f->host) != 0)
		f->sni = f->host;
}

/* Whether every rule that may still decide has one of these actions
 * (1 << ACTION_*, or'ed), and sends the session the same way: through devices,
 * and through upstream proxies. */
static int
policy_surely(const struct policy *p, const struct facts *f,
    unsigned actions)
{
	const struct conf_rule *r, *first = NULL;
	enum match_may may = MATCH_NOT;
	struct view view;
	size_t i;

	view_init(&view, f, &p->sets);
	for (i = 0; i < p->conf->nrules && may != MATCH_SURE; i++) {
		if ((may = rule_may_match(&p->rules[i], &view)) == MATCH_NOT)
			continue;
		r = p->rules[i].conf;
		if (first == NULL)
			first = r;
		if (!(actions & 1u << rule_does(&p->rules[i], f)) ||
		    r->chain != first->chain ||
		    !conf_proxies_same(r, first))
			return 0;
	}
	return 1;
}

int
policy_refuses(const struct policy *p, const struct facts *f,
    struct verdict *v)
{
	struct facts known = *f;

	if (p->conf->monitor)
		return 0;
	facts_stand(&known);
	if (!policy_surely(p, &known, 1u << ACTION_BLOCK |
	    1u << ACTION_RESET))
		return 0;
	/* One of the rules that refuse: the one that explain shows. */
	policy_decide(p, &known, v);
	v->later = 0;
	return 1;
}

const struct conf_rule *
policy_way(const struct policy *p, const struct facts *f)
{
	struct facts known = *f;
	struct verdict v;

	facts_stand(&known);
	policy_decide(p, &known, &v);
	return v.rule;
}

int
policy_bypasses(const struct policy *p, const struct facts *f)
{
	struct facts known = *f;

	known.protocol = PROTO_UNKNOWN;
	return policy_surely(p, &known, 1u << ACTION_BYPASS);
}

/* The rule that decides for this protocol; nrules: it depends. */
static size_t
policy_settles(const struct policy *p, struct facts *f,
    enum policy_protocol protocol)
{
	enum match_may may;
	struct view view;
	size_t i;

	view_init(&view, f, &p->sets);
	for (i = 0; i < p->conf->nrules; i++) {
		f->protocol = protocol;
		if (protocol == PROTO_HTTP && f->request == NULL &&
		    rule_by_request(&p->rules[i]))
			f->protocol = PROTO_UNKNOWN;	/* it may come */
		may = rule_may_match(&p->rules[i], &view);
		if (may != MATCH_NOT)
			return may == MATCH_SURE &&
			    f->protocol == protocol ? i : p->conf->nrules;
	}
	return i;
}

int
policy_settled(const struct policy *p, const struct facts *f)
{
	struct facts known = *f;
	size_t http = policy_settles(p, &known, PROTO_HTTP);

	return http < p->conf->nrules &&
	    http == policy_settles(p, &known, PROTO_OTHER);
}

int
policy_bypasses_any(const struct policy *p, const struct facts *f)
{
	struct facts open = *f;

	open.sni_open = 1;
	return policy_surely(p, &open, 1u << ACTION_BYPASS);
}

/* List each given condition of `not:` with its fact. */
static void
explain_except(const struct rule *r, const struct facts *f, struct text *out)
{
	const struct condition *const *c;

	text_puts(out, "\"not\" holds: ");
	for (c = r->except.given; *c != NULL; c++) {
		text_printf(out, "%s%s \"", c > r->except.given ? ", " : "",
		    (*c)->name);
		(*c)->fact(f, out);
		text_puts(out, "\" is in ");
		(*c)->wants(r->except.conf, out);
	}
}

static void
explain_condition(const struct rule *r, const struct facts *f,
    const struct condition *c, struct text *out)
{
	struct text fact = { 0 };

	if (c->fact(f, &fact))
		text_printf(out, "%s \"%s\" is not in ", c->name, fact.s);
	else
		text_printf(out, "%s is not known%s%s%s, and must be in ",
		    c->name, c->none != NULL ? " (" : "",
		    c->none != NULL ? c->none : "",
		    c->none != NULL ? ")" : "");
	c->wants(r->match.conf, out);
	text_free(&fact);
}

/* When it is known whether the rule matches. */
static enum policy_stage
rule_stage(const struct rule *r, struct view *v)
{
	enum policy_stage at, not;
	int holds;

	if (!match_holds(&r->match, v, NULL))
		return match_stage(&r->match, v, 0);
	at = match_stage(&r->match, v, 1);
	if (!r->excepts)
		return at;
	holds = match_holds(&r->except, v, NULL);
	not = match_stage(&r->except, v, holds);
	return holds || not > at ? not : at;
}

static void
explain_rule(const struct policy *p, const struct rule *r, struct view *v,
    struct text *out)
{
	const char *stage = stages[rule_stage(r, v)];
	const struct condition *which;

	if (r->conf->pos.line == 0)
		text_printf(out, "rule %s (built in): ", r->conf->name);
	else
		text_printf(out, "rule %s (%s:%u): ", r->conf->name,
		    p->conf->path, r->conf->pos.line);
	if (!match_holds(&r->match, v, &which)) {
		text_printf(out, "no match by the %s: ", stage);
		explain_condition(r, v->f, which, out);
	} else if (r->excepts && match_holds(&r->except, v, NULL)) {
		text_printf(out, "no match by the %s: ", stage);
		explain_except(r, v->f, out);
	} else {
		text_printf(out, "match");
	}
	text_puts(out, "\n");
}

/* Those that only `on:` asks for. */
static void
explain_more(const struct facts *f, size_t n, struct text *out)
{
	if (f->ech)
		text_printf(out, "%s ech", n++ > 0 ? "," : "");
	if (f->late)
		text_printf(out, "%s late", n++ > 0 ? "," : "");
	if (f->lacks_issuer)
		text_printf(out, "%s incomplete", n++ > 0 ? "," : "");
	text_puts(out, n > 0 ? "\n" : " none\n");
}

static void
explain_facts(const struct facts *f, struct text *out)
{
	const struct condition *c;
	struct text fact = { 0 };
	size_t n = 0;

	text_puts(out, "facts:");
	for (c = conditions; c->name != NULL; c++) {
		text_clear(&fact);
		if (c->fact(f, &fact) && fact.len > 0)
			text_printf(out, "%s %s \"%s\"", n++ > 0 ? "," : "",
			    c->name, fact.s);
	}
	explain_more(f, n, out);
	text_free(&fact);
}

/* What the verdict's rule does besides. */
static void
explain_way(const struct policy *p, const struct facts *f,
    const struct verdict *v, struct text *out)
{
	const struct conf_rule *r = v->rule;
	size_t i;

	if (p->conf->ncas > 0 && r->action != ACTION_BYPASS &&
	    r->action != ACTION_RESET)
		text_printf(out, "ca: %s\n", conf_ca_name(conf_ca(p->conf,
		    policy_ca(p, f, v))));
	for (i = 0; i < r->nproxies; i++)
		text_printf(out, "%s%s", i > 0 ? ", " : "upstream-proxy: ",
		    r->proxies[i] != NULL ? r->proxies[i]->name : "direct");
	if (r->nproxies > 0)
		text_puts(out, "\n");
}

/* What a step-up changes. */
static void
explain_step_up(const struct facts *f, const struct verdict *v,
    struct text *out)
{
	if (f->step_up == NULL)
		return;
	if (v->rule->action == ACTION_BYPASS)
		text_puts(out, v->rule->never_decrypt ? "step-up: the rule "
		    "says never-decrypt\n" : "step-up: decrypted, though the "
		    "rule bypasses it\n");
	if (v->action == ACTION_DECRYPT && f->step_up[0] != '\0')
		text_printf(out, "step-up: shown to mirrors besides: %s\n",
		    strcmp(f->step_up, "*") == 0 ? "all" : f->step_up);
}

void
policy_categories(const struct policy *p, const struct facts *f,
    struct text *out)
{
	struct view view;

	view_init(&view, f, &p->sets);
	if (p->conf->nfeeds > 0)
		category_text(&view, out);
}

void
policy_explain(const struct policy *p, const struct facts *f,
    struct verdict *v, struct text *out)
{
	enum policy_stage stage, at = STAGE_CONNECTION;
	struct facts known = *f;
	struct text category = { 0 };
	struct view view;
	size_t i;

	facts_stand(&known);
	if (f->category == NULL) {
		policy_categories(p, &known, &category);
		known.category = category.s;
	}
	policy_decide(p, &known, v);
	explain_facts(&known, out);
	view_init(&view, &known, &p->sets);
	for (i = 0; i <= v->rule_index; i++) {
		explain_rule(p, &p->rules[i], &view, out);
		stage = rule_stage(&p->rules[i], &view);
		at = stage > at ? stage : at;
	}
	text_printf(out, "decided at: %s\n", stages[at]);
	explain_way(p, &known, v, out);
	explain_step_up(&known, v, out);
	verdict_explain(v, p->conf, &known, out);
	text_printf(out, "verdict: %s rule: %s\n", conf_action_str(v->action),
	    v->rule->name);
	text_free(&category);
}
