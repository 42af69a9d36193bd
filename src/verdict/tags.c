/*
 * Tags as they are set, cleared and end.
 */
#include "verdict/tags.h"

#include "conf/group.h"
#include "util/err.h"
#include "verdict/state.h"

static void
tell(struct quarantine *q, enum quarantine_what what,
    const struct contained *c)
{
	if (what == QUARANTINE_SET || what == QUARANTINE_EXTENDED)
		state_held(q->state, STATE_TAG, c);
	else
		state_freed(q->state, c);
	if (what != QUARANTINE_EXTENDED)
		q->retagged(q->arg, &c->who);
	q->tagged(q->arg, what, c);
}

int
tags_set(struct quarantine *q, const struct quarantine_order *o, int64_t wall,
    uint64_t now, uint64_t *id, struct text *why)
{
	struct contained wish = { .id = q->last + 1, .who = o->who,
	    .profile = (char *)(uintptr_t)o->profile, .since = wall,
	    .until = wall + (int64_t)(o->ms / 1000), .end = now + o->ms,
	    .reason = (char *)(uintptr_t)o->reason,
	    .by = (char *)(uintptr_t)o->by };
	struct contained *old, *c;
	int rv = 0;

	if (!conf_tag_valid(o->profile)) {
		text_printf(why, "\"%.64s\" is not a tag", o->profile);
		return ERR_FORMAT;
	}
	quarantine_identify(q, &wish.who);
	old = contain_of(q->tags, &wish.who, wish.profile);
	if (old != NULL) {
		wish.id = old->id;
		wish.since = old->since;
	}
	*id = wish.id;
	if (old == NULL || old->end < wish.end) {
		c = contained_new(&wish);
		if ((rv = contain_put(q->tags, c)) != 0)
			text_puts(why, "too many endpoints have tags");
		q->last += rv == 0 && old == NULL;
		if (rv == 0)
			tell(q, old == NULL || old->end <= now ?
			    QUARANTINE_SET : QUARANTINE_EXTENDED, c);
		contained_unref(c);
	}
	contained_unref(old);
	return rv;
}

int
tags_clear(struct quarantine *q, const struct endpoint *who, const char *tag,
    uint64_t *id)
{
	struct endpoint named = *who;
	struct contained *c;

	quarantine_identify(q, &named);
	if ((c = contain_of(q->tags, &named, tag)) == NULL)
		c = contain_of(q->tags, who, tag);
	if (c == NULL)
		return ERR_NOTFOUND;
	*id = c->id;
	contained_unref(contain_take(q->tags, c->id));
	tell(q, QUARANTINE_RELEASED, c);
	contained_unref(c);
	return 0;
}

void
tags_tick(struct quarantine *q, uint64_t now)
{
	struct contained *c;

	while ((c = contain_over(q->tags, now)) != NULL) {
		tell(q, QUARANTINE_EXPIRED, c);
		contained_unref(c);
	}
}
