/*
 * The verb tag, and its events.
 */
#include "admin/tags.h"

#include <stdlib.h>
#include <string.h>

#include "admin/contained.h"
#include "admin/say.h"
#include "admin/span.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/mem.h"
#include "verdict/tags.h"

json_t *
tags_words(const char *list)
{
	json_t *a = json_array();
	size_t n;

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		json_array_append_new(a, json_stringn(list, n));
	}
	return a;
}

const char *
tag_action(enum quarantine_what what)
{
	return what == QUARANTINE_RELEASED ? "cleared" : quarantine_str(what);
}

/* Without an end where it was given none. */
static json_t *
row(const struct contained *c)
{
	json_t *o = contained_row(c, "tag");

	if (c->until - c->since > (int64_t)(TAG_FOREVER / 2000))
		json_object_set_new(o, "until", json_null());
	return o;
}

json_t *
tag_event(enum quarantine_what what, const struct contained *c)
{
	json_t *o = row(c);

	json_object_set_new(o, "action", json_string(tag_action(what)));
	return o;
}

static void
list_row(void *arg, const struct contained *c)
{
	json_array_append_new(arg, row(c));
}

static json_t *
verb_list(struct quarantine *q)
{
	json_t *rows = json_array();

	contain_each(q->tags, list_row, rows);
	return json_pack("{s:o}", "tags", rows);
}

/* rest: "2h the reason", "the reason" or "". */
static json_t *
verb_add(struct quarantine *q, const struct endpoint *who, const char *tag,
    char *rest)
{
	struct quarantine_order o = { .who = *who, .profile = tag,
	    .ms = TAG_FOREVER, .by = "operator" };
	struct text why = { 0 };
	char *word = xstrndup(rest, strcspn(rest, " \t"));
	unsigned long span = span_read(word);
	uint64_t id;
	json_t *a;

	if (span > 0) {
		o.ms = (uint64_t)span * 1000;
		rest += strlen(word);
		rest += strspn(rest, " \t");
	}
	free(word);
	o.reason = rest[0] != '\0' ? rest : "set by the operator";
	if (tags_set(q, &o, clock_wall().tv_sec, clock_ms(), &id, &why) != 0)
		a = say_wrong(why.s);
	else
		a = json_pack("{s:I}", "tag", (json_int_t)id);
	text_free(&why);
	return a;
}

static json_t *
verb_clear(struct quarantine *q, const struct endpoint *who, const char *tag)
{
	uint64_t id;

	if (tags_clear(q, who, tag, &id) != 0)
		return say_wrong("that endpoint has no such tag: see tag list");
	return json_pack("{s:I}", "cleared", (json_int_t)id);
}

static json_t *
verb_on(struct quarantine *q, const char *verb, const char *who,
    const char *tag, char *rest)
{
	struct endpoint e;

	if (strcmp(verb, "add") != 0 && strcmp(verb, "clear") != 0)
		return say_wrong("tag takes list, add WHO TAG [FOR] [REASON] "
		    "or clear WHO TAG");
	if (who == NULL || tag == NULL)
		return say_wrong("tag takes who (an address or a MAC) and a "
		    "tag");
	if (endpoint_parse(&e, who) != 0)
		return say_wrong("write who as 192.0.2.7, 2001:db8::7 or "
		    "02:00:5e:10:00:01");
	return verb[0] == 'a' ? verb_add(q, &e, tag, rest) :
	    verb_clear(q, &e, tag);
}

json_t *
tags_verb(struct quarantine *q, const char *words)
{
	char *copy = xstrdup(words), *rest = NULL, *verb, *who, *tag;
	char none[] = "";
	json_t *o;

	verb = strtok_r(copy, " \t", &rest);
	who = strtok_r(NULL, " \t", &rest);
	tag = strtok_r(NULL, " \t", &rest);
	if (rest != NULL)
		rest += strspn(rest, " \t");
	if (verb == NULL || (strcmp(verb, "list") == 0 && who == NULL))
		o = verb_list(q);
	else if (strcmp(verb, "clear") == 0 && rest != NULL && *rest != '\0')
		o = say_wrong("tag clear takes WHO TAG, one tag");
	else
		o = verb_on(q, verb, who, tag, rest != NULL ? rest : none);
	free(copy);
	return o;
}
