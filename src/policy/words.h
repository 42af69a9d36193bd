/*
 * Conditions and facts as words: what the kinds of conditions share.
 */
#ifndef POLICY_WORDS_H
#define POLICY_WORDS_H

#include "conf/match.h"
#include "util/text.h"

/* Whether one of the words is in s, which is "a,b"; in any case. */
int	words_have(const struct conf_list *, const char *s);
/* Append the words that are accepted: "a, b". */
void	words_print(const struct conf_list *, struct text *);
/* Append a fact. Returns 0 if it is not known: NULL or "". */
int	words_fact(const char *, struct text *);

#endif
