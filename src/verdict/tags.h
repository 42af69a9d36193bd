/*
 * Tags of endpoints: words that rules and groups ask for (`tag:`, `groups:`).
 * They are set by verdicts, operators and the file of tags, each with an end,
 * and are kept like quarantines: a struct contained in a named table, whose
 * profile is the tag. Nothing else is done about them here. For the main
 * thread; anyone may ask contain_names() of quarantine.tags.
 */
#ifndef VERDICT_TAGS_H
#define VERDICT_TAGS_H

#include "verdict/quarantine.h"

/* The end of a tag that has none, in ms from now. */
#define TAG_FOREVER	(100ull * 366 * 24 * 3600 * 1000)

/*
 * Give an endpoint a tag (o->profile), identified as for quarantine_set(); one
 * that it has gets the later end. Returns 0 and its id; or, with a sentence in
 * why, ERR_FORMAT (it is no tag) or ERR_LIMIT.
 */
int	tags_set(struct quarantine *, const struct quarantine_order *,
	    int64_t wall, uint64_t now, uint64_t *id, struct text *why);
/* Take it from the endpoint. Returns 0 and its id, or ERR_NOTFOUND. */
int	tags_clear(struct quarantine *, const struct endpoint *,
	    const char *tag, uint64_t *id);
/* Those of the file (`endpoints: tags`) are those of this configuration now.
 * They are of exactly who is named. */
void	tags_renew(struct quarantine *, const struct conf *, int64_t wall,
	    uint64_t now);
/* End those whose time has come. */
void	tags_tick(struct quarantine *, uint64_t now);

#endif
