/*
 * What a rule's two halves say together: all conditions of the first hold, and
 * not all of the second.
 */
#include "policy/rule.h"

void
rule_init(struct rule *r, const struct conf_rule *conf,
    const struct list *lists, size_t n, const struct view_sets *sets,
    struct match_names *names)
{
	r->conf = conf;
	match_init(&r->match, &conf->match, lists, n, sets, names);
	match_init(&r->except, &conf->except, lists, n, sets, names);
	r->excepts = match_given(&r->except);
	r->by_certificate = match_by_certificate(&r->match) ||
	    match_by_certificate(&r->except);
}

void
rule_free(struct rule *r)
{
	match_free(&r->match);
	match_free(&r->except);
}

int
rule_by_request(const struct rule *r)
{
	return match_by_request(&r->match) ||
	    (r->excepts && match_by_request(&r->except));
}

int
rule_matches(const struct rule *r, struct view *v)
{
	return match_holds(&r->match, v, NULL) &&
	    !(r->excepts && match_holds(&r->except, v, NULL));
}

enum match_may
rule_may_match(const struct rule *r, struct view *v)
{
	enum match_may may = match_may(&r->match, v);
	enum match_may not = r->excepts ? match_may(&r->except, v) : MATCH_NOT;

	if (may == MATCH_NOT || not == MATCH_SURE)
		return MATCH_NOT;
	return not == MATCH_PERHAPS ? MATCH_PERHAPS : may;
}

enum policy_stage
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
