/*
 * Segments, compiled: which one decides for a connection between two ends; and
 * the condition of the rules that follow from them (conf/segment.h), whose
 * functions are those of struct condition.
 */
#ifndef POLICY_SEGMENT_H
#define POLICY_SEGMENT_H

#include "conf/segment.h"
#include "policy/match.h"
#include "policy/view.h"

struct policy;

struct segment {
	const struct conf_segment *conf;
	const struct group *from, *to;	/* NULL: any */
};

/* Of the configuration; the groups of sets are there. */
void	segments_init(struct view_sets *, const struct conf *);

/*
 * The first that matches; &conf_segment_default, if none does and the default
 * denies what goes to a member of a group or to `endpoints: inside`; or NULL.
 * An upstream proxy's address is in no group.
 */
const struct conf_segment *segment_of(const struct view_sets *,
	    const struct facts *);
/* That, found once for a view. */
const struct conf_segment *segment_view(struct view *);

/*
 * Whether the server's address is still to come, so that another one may
 * decide.
 */
int	segment_open(const struct facts *);

/* What a segment makes of the rule's action. */
enum conf_action segment_action(const struct conf_segment *,
	    const struct conf_rule *);
/* What becomes of it where it is not intercepted: SEGMENT_ALLOW, _BLOCK or
 * _RESET. */
enum conf_segment_action segment_forwarded(const struct conf *,
	    const struct conf_segment *);

/* A line in out for each segment that was tried, and two for the result. */
void	segment_explain(const struct view_sets *, const struct conf *,
	    const struct facts *, struct text *out);

int	segment_given(const struct conf_match *);
int	segment_holds(const struct match *, struct view *);
int	segment_fact(const struct facts *, struct text *);
void	segment_wants(const struct conf_match *, struct text *);

#endif
