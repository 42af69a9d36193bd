/*
 * The section `groups`: endpoints under a name, by their address, their MAC
 * address or a tag; for the conditions of rules and for segments.
 */
#ifndef CONF_GROUP_H
#define CONF_GROUP_H

#include "conf/conf.h"

#define CONF_GROUPS	256	/* at most */
#define CONF_TAG_MAX	63	/* bytes of a tag */

struct conf_group {
	char		*name;
	struct conf_pos	 pos;
	/* prefixes, "@list", MAC addresses as mac_pattern_str() writes them,
	 * "tag:NAME" */
	struct conf_list members;
};

/* Whether it may be a tag: letters, digits, "-", "_" and ".". */
int		 conf_tag_valid(const char *);

/* The tag of a member, or NULL if it is not by one. */
const char	*conf_member_tag(const char *member);

/* The index of a group, or -1. */
int		 conf_group_find(const struct conf *, const char *name);

/* Whether rules, groups or responses speak of tags, so that they are to be
 * kept. */
int		 conf_tags(const struct conf *);

#endif
