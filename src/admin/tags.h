/*
 * Tags of endpoints as an operator and the event log see them.
 */
#ifndef ADMIN_TAGS_H
#define ADMIN_TAGS_H

#include <jansson.h>

#include "verdict/quarantine.h"

/*
 * The answers of `ctl tag`, which the caller owns. words is what follows the
 * verb: nothing or "list"; "add WHO TAG [FOR] [REASON ...]"; "clear WHO TAG".
 */
json_t	*tags_verb(struct quarantine *, const char *words);

/* The words of "a,b" (or NULL: none) as an array; the caller owns it. */
json_t	*tags_words(const char *);

/* What is said of a change: "set", "extended", "cleared" or "expired". */
const char *tag_action(enum quarantine_what);
/* The object of an event. */
json_t	*tag_event(enum quarantine_what, const struct contained *);

#endif
