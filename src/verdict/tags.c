/*
 * Tags as they are set, cleared and end.
 */
#include "verdict/tags.h"

#include <stdlib.h>
#include <string.h>

#include "conf/group.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/segments.h"
#include "verdict/state.h"

#define BY_FILE	"file"

static void
tell(struct quarantine *q, enum quarantine_what what,
    const struct contained *c)
{
	if (what == QUARANTINE_SET || what == QUARANTINE_EXTENDED)
		state_held(q->state, STATE_TAG, c);
	else
		state_freed(q->state, c);
	if (what != QUARANTINE_EXTENDED && q->segments != NULL)
		segments_retag(q->segments, &c->who);
	if (what != QUARANTINE_EXTENDED)
		q->retagged(q->arg, &c->who);
	q->tagged(q->arg, what, c);
}

/* Of exactly this endpoint. */
static int
put(struct quarantine *q, const struct quarantine_order *o, int64_t wall,
    uint64_t now, uint64_t *id, struct text *why)
{
	struct contained wish = { .id = q->last + 1, .who = o->who,
	    .profile = (char *)(uintptr_t)o->profile, .since = wall,
	    .until = wall + (int64_t)(o->ms / 1000), .end = now + o->ms,
	    .reason = (char *)(uintptr_t)o->reason,
	    .by = (char *)(uintptr_t)o->by };
	struct contained *old, *c;
	int rv = 0;

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
tags_set(struct quarantine *q, const struct quarantine_order *o, int64_t wall,
    uint64_t now, uint64_t *id, struct text *why)
{
	struct quarantine_order named = *o;

	if (!conf_tag_valid(o->profile)) {
		text_printf(why, "\"%.64s\" is not a tag", o->profile);
		return ERR_FORMAT;
	}
	quarantine_identify(q, &named.who);
	return put(q, &named, wall, now, id, why);
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

/* What an endpoint has by its address, it has by its MAC address, once that is
 * known; but not what the file says of an address. */
static void
named_anew(void *arg, struct contained *c)
{
	struct quarantine *q = arg;
	struct endpoint who = c->who;
	struct contained *is;

	quarantine_identify(q, &who);
	if (!who.by_mac || strcmp(c->by, BY_FILE) == 0 ||
	    (is = contain_rename(q->tags, c, &who)) == NULL)
		return;
	state_freed(q->state, c);
	tell(q, QUARANTINE_EXTENDED, is);
	if (q->segments != NULL) {
		segments_retag(q->segments, &c->who);
		segments_retag(q->segments, &is->who);
	}
	contained_unref(is);
}

void
tags_tick(struct quarantine *q, uint64_t now)
{
	struct contained *c;

	while ((c = contain_over(q->tags, now)) != NULL) {
		tell(q, QUARANTINE_EXPIRED, c);
		contained_unref(c);
	}
	if (!q->conf->endpoints.by_address)
		contain_each_nameless(q->tags, named_anew, q);
}

struct stale {			/* ids of tags that the file has no more */
	const struct conf_tagfile *file;
	uint64_t	*ids;
	size_t		 n;
};

static int
tagged_order(const void *a, const void *b)
{
	const struct conf_tagged *x = a, *y = b;
	int n = strcmp(x->who, y->who);

	return n != 0 ? n : strcmp(x->tag, y->tag);
}

static void
stale_see(void *arg, const struct contained *c)
{
	struct stale *s = arg;
	char who[ADDR_STRLEN];
	struct conf_tagged key = { endpoint_str(&c->who, who), c->profile };

	if (strcmp(c->by, BY_FILE) != 0 || (s->file->n > 0 &&
	    bsearch(&key, s->file->v, s->file->n, sizeof(key),
	    tagged_order) != NULL))
		return;
	s->ids = xrealloc(s->ids, (s->n + 1) * sizeof(*s->ids));
	s->ids[s->n++] = c->id;
}

/* Those that are not there yet. */
static void
file_put(struct quarantine *q, const struct conf_tagged *t, int64_t wall,
    uint64_t now)
{
	struct quarantine_order o = { .profile = t->tag, .by = BY_FILE,
	    .reason = "set by the file of tags" };
	struct text why = { 0 };
	struct contained *is;
	uint64_t id;

	endpoint_parse(&o.who, t->who);
	is = contain_of(q->tags, &o.who, t->tag);
	/* Its end is far away, and would come. */
	o.ms = TAG_FOREVER;
	if ((is == NULL || strcmp(is->by, BY_FILE) != 0) &&
	    put(q, &o, wall, now, &id, &why) != 0)
		log_error("the tag %s of %s is not set: %s", t->tag, t->who,
		    why.s);
	contained_unref(is);
	text_free(&why);
}

void
tags_renew(struct quarantine *q, const struct conf *conf, int64_t wall,
    uint64_t now)
{
	struct stale s = { .file = &conf->endpoints.tags };
	struct contained *c;
	size_t i;

	contain_each(q->tags, stale_see, &s);
	for (i = 0; i < s.n; i++)
		if ((c = contain_take(q->tags, s.ids[i])) != NULL) {
			tell(q, QUARANTINE_RELEASED, c);
			contained_unref(c);
		}
	free(s.ids);
	for (i = 0; i < s.file->n; i++)
		file_put(q, &s.file->v[i], wall, now);
}
