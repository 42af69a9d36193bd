/*
 * A configuration's rules, compiled with the lists, groups and segments that
 * they share; and the walk over them, when all is known and when facts are
 * still to come. What one rule says is rule.c's, the words why are explain.c's.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy/asked.h"
#include "policy/category.h"
#include "policy/denied.h"
#include "policy/group.h"
#include "policy/own.h"
#include "policy/policy_inner.h"
#include "policy/segment.h"
#include "policy/verdict.h"
#include "util/mem.h"

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
	segments_init(&p->sets, c);
	p->decrypts = conf_segment_does(c, SEGMENT_DECRYPT);
	p->rules = xcalloc(c->nrules, sizeof(*p->rules));
	for (i = 0; i < c->nrules; i++)
		rule_init(&p->rules[i], &c->rules[i], p->lists, c->nlists,
		    &p->sets, &names);
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
	for (i = 0; i < p->conf->nrules; i++)
		rule_free(&p->rules[i]);
	lists_free(p->lists, p->conf->nlists);
	lists_free(p->sets.categories, p->sets.ncategories);
	for (i = 0; i < p->sets.ngroups; i++)
		group_free(&p->sets.groups[i]);
	free(p->sets.groups);
	free(p->sets.segments);
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

/* An endpoint under step-up is decrypted though the rule bypasses it. */
static int
raised(enum conf_action action, const struct conf_rule *r,
    const struct facts *f)
{
	return f->step_up != NULL && action == ACTION_BYPASS &&
	    !r->never_decrypt;
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

/* What the segment makes of the rule's action. */
static void
policy_segment_acts(struct view *view, struct verdict *v)
{
	const struct conf_segment *s = segment_view(view);

	v->action = segment_action(s, v->rule);
	if (v->action == v->rule->action)
		return;
	v->why = v->action == ACTION_BYPASS ? "the segment says bypass" :
	    "the segment says decrypt";
	if (v->action == ACTION_BYPASS)
		v->undecrypted = UNDECRYPTED_SEGMENT;
}

static void
policy_raise(const struct facts *f, struct verdict *v)
{
	if (!raised(v->action, v->rule, f))
		return;
	v->action = ACTION_DECRYPT;
	v->undecrypted = UNDECRYPTED_RULE;
	v->why = "step-up";
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
	policy_segment_acts(&view, v);
	policy_raise(f, v);
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

/* What is done by a rule that may still decide. If the server is not known yet,
 * a segment may want to decrypt what the rule bypasses. */
static enum conf_action
policy_action(const struct policy *p, const struct conf_rule *r,
    struct view *view)
{
	enum conf_action a;

	if (!segment_open(view->f))
		a = segment_action(segment_view(view), r);
	else
		a = r->action == ACTION_BYPASS && p->decrypts ?
		    ACTION_DECRYPT : r->action;
	return raised(a, r, view->f) ? ACTION_DECRYPT : a;
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
		if (!(actions & 1u << policy_action(p, r, &view)) ||
		    r->chain != first->chain || !conf_proxies_same(r, first))
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
	asked_assume(&known);
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

	asked_assume(&known);
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

void
policy_categories(const struct policy *p, const struct facts *f,
    struct text *out)
{
	struct view view;

	view_init(&view, f, &p->sets);
	if (p->conf->nfeeds > 0)
		category_text(&view, out);
}

const struct conf_segment *
policy_segment(const struct policy *p, const struct facts *f)
{
	return segment_of(&p->sets, f);
}
