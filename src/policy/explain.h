/*
 * Why a policy decides as it does, in lines for the operator: `clearspan
 * explain` and `ctl explain`. It only asks what policy.c decides by.
 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "policy/policy.h"

/*
 * What policy_decide() does, and `on:` after it (verdict_apply()), with a line
 * of the facts, a line for each rule that says why it did not match, and what
 * `on:` says. If the protocol is unknown, the host stands for the SNI, as in
 * policy_refuses().
 */
void	policy_explain(const struct policy *, const struct facts *,
	    struct verdict *, struct text *out);

#endif
