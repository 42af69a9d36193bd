/*
 * Denied servers, step-ups and what waits to be approved: their verbs, events
 * and metrics; and the verdicts of late.
 */
#ifndef ADMIN_MEASURES_H
#define ADMIN_MEASURES_H

#include <jansson.h>

#include "util/text.h"
#include "verdict/measure.h"

/* What an event says of one; the caller's. */
json_t		*measure_event(enum state_kind, enum measure_what,
		    const struct contained *, const char *why);
/* Of what it is: the server, the endpoint; static, good until the next call. */
const char	*measure_subject(enum state_kind, const struct contained *);

/* Whether there is a mirror of that name. */
int		 measures_mirror(const struct conf *, const char *name);

/* All of a kind, and the one of a number (NULL: there is none), with the
 * seconds that are left; the caller's. */
json_t		*measures_list(struct measures *, enum state_kind);
json_t		*measures_one(struct measures *, enum state_kind,
		    uint64_t id);

/* Verbs: what follows the word. Answers are the caller's. */
json_t		*deny_verb(struct measures *, const char *words);
json_t		*step_up_verb(struct measures *, const char *words);
json_t		*approve_verb(struct measures *, const char *id);
json_t		*reject_verb(struct measures *, const char *id);

/* The last verdicts, which are told; and what has become of them. */
struct verdict_ring;
struct verdict_ring *verdict_ring_new(void);
void		 verdict_ring_free(struct verdict_ring *);
/* The event is referred to. wall is seconds since 1970. */
void		 verdict_ring_add(struct verdict_ring *, json_t *event,
		    int64_t wall);
/* The numbers of all that a verdict did, if that number is among them, by its
 * event: how many, at most VERDICT_ALSO; or 0. */
size_t		 verdict_also(const json_t *event, uint64_t id,
		    uint64_t *also);
/* Likewise of the latest that has it; 0: it is not known any more. */
size_t		 verdict_ring_also(const struct verdict_ring *, uint64_t id,
		    uint64_t also[]);
/* At most n of them, the latest first; and what waits. */
json_t		*verdicts_verb(const struct verdict_ring *,
		    struct measures *, const char *n);

void		 measures_metrics(struct measures *, struct text *out);

#endif
