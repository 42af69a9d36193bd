/*
 * A policy as those see it that walk over its rules: policy.c, which decides,
 * and explain.c, which tells why. It is made and freed by policy.c.
 */
#ifndef POLICY_POLICY_INNER_H
#define POLICY_POLICY_INNER_H

#include "policy/policy.h"
#include "policy/rule.h"
#include "policy/view.h"

struct policy {
	_Atomic int	 refs;
	struct conf	*conf;
	struct list	*lists;
	struct view_sets sets;
	struct rule	*rules;		/* as many as conf has */
	struct own_match *owns;
	int		 by_request, by_certificate;	/* a rule is */
	int		 decrypts;	/* a segment does */
};

#endif
