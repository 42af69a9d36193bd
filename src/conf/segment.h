/*
 * The section `segments`: which group may reach which (east-west). What is
 * intercepted is judged by rules of our own, behind those of quarantines and
 * before the operator's: one for each segment that refuses, and one for
 * `segments-default: deny`. What is not is stopped by verdict/guard.
 */
#ifndef CONF_SEGMENT_H
#define CONF_SEGMENT_H

#include "conf/conf.h"

#define CONF_SEGMENTS	256	/* at most */
#define CONF_SEGMENT_PORTS 64	/* of one */
#define CONF_ANY	SIZE_MAX	/* in place of a group: everyone */

enum conf_segment_action {
	SEGMENT_ALLOW,		/* the rules decide */
	SEGMENT_DECRYPT,	/* whatever the rule says, if it lets pass */
	SEGMENT_BYPASS,
	SEGMENT_BLOCK,
	SEGMENT_RESET
};

struct conf_segment {
	char		*name;		/* given, or "FROM to TO" */
	struct conf_pos	 pos;
	size_t		 from, to;	/* of conf.groups, or CONF_ANY */
	struct conf_ports *port;	/* none: all, and what has no ports */
	size_t		 nport;
	int		 action;	/* enum conf_segment_action */
};

/* In place of a segment, for `segments-default: deny`. */
extern const struct conf_segment conf_segment_default;

/* "allow", "decrypt", ...; static. */
const char	*conf_segment_action_str(int);
/* Whether it refuses. */
int		 conf_segment_refuses(const struct conf_segment *);
/* Whether a connection to this port may be of the segment; 0: what has no
 * ports. */
int		 conf_segment_port(const struct conf_segment *, uint16_t);
/* Whether there are segments, or a default that denies. */
int		 conf_segmented(const struct conf *);
/* Whether one of them has this action. */
int		 conf_segment_does(const struct conf *,
		    enum conf_segment_action);

#endif
