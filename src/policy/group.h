/*
 * Groups of endpoints, compiled; and the conditions `group` and `tag`, whose
 * functions are those of struct condition.
 */
#ifndef POLICY_GROUP_H
#define POLICY_GROUP_H

#include "conf/group.h"
#include "policy/match.h"
#include "policy/view.h"

struct group {
	const char	*name;
	struct match_set addresses;
	struct mac_pattern *macs;
	size_t		 nmacs;
	struct conf_list tags;		/* the texts are the configuration's */
};

void	group_init(struct group *, const struct conf_group *,
	    const struct list *, size_t nlists);
void	group_free(struct group *);

/*
 * Whether an endpoint is in it: by its address; by mac (MAC_LEN bytes), unless
 * NULL; by tags ("a,b"), unless NULL.
 */
int	group_has(const struct group *, const struct addr *,
	    const uint8_t *mac, const char *tags);
/* Whether a tag is one of tags ("a,b", or NULL). */
int	tags_have(const char *tags, const char *tag);

int	group_holds(const struct match *, struct view *);
int	group_fact(const struct facts *, struct text *);
int	tag_holds(const struct match *, struct view *);
int	tag_fact(const struct facts *, struct text *);

#endif
