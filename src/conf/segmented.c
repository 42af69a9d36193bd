/*
 * What follows from segments as they are configured.
 */
#include "conf/segment.h"

static char default_name[] = "segments-default";
const struct conf_segment conf_segment_default = {
	.name = default_name, .from = CONF_ANY, .to = CONF_ANY,
	.action = SEGMENT_BLOCK
};

int
conf_segment_refuses(const struct conf_segment *s)
{
	return s->action == SEGMENT_BLOCK || s->action == SEGMENT_RESET;
}

int
conf_segment_port(const struct conf_segment *s, uint16_t port)
{
	size_t i;

	for (i = 0; i < s->nport; i++)
		if (port >= s->port[i].lo && port <= s->port[i].hi)
			return 1;
	return s->nport == 0;
}

int
conf_segmented(const struct conf *c)
{
	return c->nsegments > 0 || c->segments_deny;
}

int
conf_segment_does(const struct conf *c, enum conf_segment_action action)
{
	size_t i;

	for (i = 0; i < c->nsegments; i++)
		if (c->segments[i].action == (int)action)
			return 1;
	return 0;
}
