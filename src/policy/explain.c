/*
 * The words why: the facts, each rule up to the one that decides, and what that
 * one does besides.
 */
#include "policy/explain.h"

#include <string.h>

#include "policy/asked.h"
#include "policy/condition.h"
#include "policy/policy_inner.h"
#include "policy/segment.h"
#include "policy/verdict.h"

static const char *const stages[] = { "connection", "hello", "certificate",
    "request" };

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

/* NULL: there are no segments. */
static const char *
explain_segment(const struct policy *p, const struct facts *f)
{
	const struct conf_segment *s = policy_segment(p, f);

	if (!conf_segmented(p->conf))
		return NULL;
	return s != NULL ? s->name : "none";
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

	asked_assume(&known);
	if (f->category == NULL) {
		policy_categories(p, &known, &category);
		known.category = category.s;
	}
	policy_decide(p, &known, v);
	known.segment = explain_segment(p, &known);
	explain_facts(&known, out);
	if (conf_segmented(p->conf))
		segment_explain(&p->sets, p->conf, &known, out);
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
