/*
 * The conditions on the server's certificate: who issued it, whose it is, and
 * how it verified. The functions are those of struct condition.
 */
#ifndef POLICY_CERTIFICATE_H
#define POLICY_CERTIFICATE_H

#include "policy/match.h"
#include "policy/view.h"

int	certificate_issuer_given(const struct conf_match *);
int	certificate_issuer_holds(const struct match *, struct view *);
int	certificate_issuer_fact(const struct facts *, struct text *);
void	certificate_issuer_wants(const struct conf_match *, struct text *);

int	certificate_subject_given(const struct conf_match *);
int	certificate_subject_holds(const struct match *, struct view *);
int	certificate_subject_fact(const struct facts *, struct text *);
void	certificate_subject_wants(const struct conf_match *, struct text *);

int	certificate_status_given(const struct conf_match *);
int	certificate_status_holds(const struct match *, struct view *);
int	certificate_status_fact(const struct facts *, struct text *);
void	certificate_status_wants(const struct conf_match *, struct text *);

#endif
