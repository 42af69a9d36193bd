/*
 * Notices, and the values that templates take from them.
 */
#include "verdict/notice.h"
#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/err.h"
#include "util/mem.h"

const char *
notice_text(const struct notice *n, const char *member)
{
	return json_string_value(json_object_get(n->about, member));
}

static void
read_addresses(struct notice *n)
{
	const char *mac = notice_text(n, "mac");
	const char *ip = notice_text(n, "address");
	const char *who = notice_text(n, "endpoint");

	if (mac == NULL)
		mac = who;
	n->has_mac = mac != NULL && mac_parse(n->mac, mac) == 0;
	if (ip == NULL)
		ip = who;
	if (ip == NULL || addr_parse_ip(&n->addr, ip) != 0)
		memset(&n->addr, 0, sizeof(n->addr));
}

struct notice *
notice_new(enum conf_notice kind, uint64_t id, int64_t at, int64_t until,
    json_t *about, const char *line)
{
	struct notice *n = xcalloc(1, sizeof(*n));

	n->refs = 1;
	n->kind = kind;
	n->id = id;
	n->at = at;
	n->until = until;
	n->about = about;
	n->line = xstrdup(line);
	read_addresses(n);
	return n;
}

struct notice *
notice_ref(struct notice *n)
{
	n->refs++;
	return n;
}

void
notice_unref(struct notice *n)
{
	if (n == NULL || --n->refs > 0)
		return;
	json_decref(n->about);
	free(n->line);
	free(n);
}

const char *
notice_type(const struct notice *n)
{
	return conf_notice_type(n->kind);
}

static const char *
or(const char *s, const char *other)
{
	return s != NULL && s[0] != '\0' ? s : other;
}

/* "02:00:00:00:00:07 (10.1.0.7)" */
static void
say_who(const struct notice *n, struct text *t)
{
	const char *who = notice_text(n, "endpoint");
	const char *ip = notice_text(n, "address");

	text_puts(t, or(who, "nobody"));
	if (who != NULL && ip != NULL && strcmp(who, ip) != 0)
		text_printf(t, " (%s)", ip);
}

/* Who asked for it, why, and its number. */
static void
say_asked(const struct notice *n, struct text *t)
{
	text_printf(t, "; %s by %s: %s", conf_notice_is(n->kind,
	    NOTICE_IS_LONGER) ? "extended" : "asked for",
	    or(notice_text(n, "by"), "?"), or(notice_text(n, "reason"),
	    "no reason is known"));
	if (n->id != 0)
		text_printf(t, " [%llu]", (unsigned long long)n->id);
}

/* A denied server, or a step-up. */
static void
say_measure(const struct notice *n, struct text *t)
{
	const char *server = notice_text(n, "server");
	const char *is = server != NULL ? "denied to everybody" :
	    "under step-up";

	if (server != NULL)
		text_puts(t, server);
	else
		say_who(n, t);
	if (conf_notice_is(n->kind, NOTICE_IS_OVER))
		text_printf(t, " is no longer %s (%s)", is, or(notice_text(n,
		    "action"), "over"));
	else if (!conf_notice_is(n->kind, NOTICE_IS_CASE))
		text_printf(t, " is not %s: %s", is, or(notice_text(n,
		    "error"), "refused"));
	else
		text_printf(t, " is %s until %s", is, or(notice_text(n,
		    "until"), "?"));
	say_asked(n, t);
}

static void
say_proposal(const struct notice *n, struct text *t)
{
	const char *server = notice_text(n, "server");

	text_printf(t, "%s of ", or(notice_text(n, "do"), "something"));
	if (server != NULL)
		text_puts(t, server);
	else
		say_who(n, t);
	if (n->kind == NOTICE_PROPOSED)
		text_printf(t, " waits to be approved until %s", or(
		    notice_text(n, "until"), "?"));
	else
		text_printf(t, " is %s", n->kind == NOTICE_LAPSED ?
		    "approved by nobody in time" : n->kind ==
		    NOTICE_PROPOSAL_REFUSED ? or(notice_text(n, "error"),
		    "refused") : or(notice_text(n, "action"), "?"));
	say_asked(n, t);
}

static void
say_quarantine(const struct notice *n, struct text *t)
{
	const char *profile = or(notice_text(n, "profile"), "?");

	say_who(n, t);
	if (conf_notice_is(n->kind, NOTICE_IS_OVER))
		text_printf(t, " is out of quarantine \"%s\" (%s)", profile,
		    conf_notice_str(n->kind));
	else if (n->kind == NOTICE_REFUSED)
		text_printf(t, " is not put into quarantine \"%s\": %s",
		    profile, or(notice_text(n, "error"), "refused"));
	else
		text_printf(t, " is in quarantine \"%s\" until %s", profile,
		    or(notice_text(n, "until"), "?"));
	say_asked(n, t);
}

static void
say_verdict(const struct notice *n, struct text *t)
{
	text_printf(t, "%s reports about ", or(notice_text(n, "sensor"),
	    "a sensor"));
	say_who(n, t);
	text_printf(t, ": %s (severity %d): %s", or(notice_text(n,
	    "signature"), "a finding"), (int)json_integer_value(
	    json_object_get(n->about, "severity")), conf_notice_str(n->kind));
	if (notice_text(n, "error") != NULL)
		text_printf(t, ": %s", notice_text(n, "error"));
}

void
notice_say(const struct notice *n, struct text *t)
{
	if (n->kind == NOTICE_TEST)
		text_puts(t, "a test of what clearspan tells you");
	else if (conf_notice_is(n->kind, NOTICE_IS_VERDICT))
		say_verdict(n, t);
	else if (n->kind <= NOTICE_REFUSED)
		say_quarantine(n, t);
	else if (n->kind < NOTICE_PROPOSED)
		say_measure(n, t);
	else
		say_proposal(n, t);
}

struct filling {
	const struct notice *n;
	const struct conf_target *t;
	struct text	 value;
};

static const char *
time_of(struct text *out, int64_t at)
{
	char s[CLOCK_STAMP];

	text_puts(out, clock_stamp(at, s));
	return out->s;
}

static const char *
put_number(struct text *out, int64_t v)
{
	text_printf(out, "%lld", (long long)v);
	return out->s;
}

static const char *
put_mac(struct filling *f)
{
	if (!f->n->has_mac)
		return NULL;
	conf_mac(f->t->mac != NULL ? f->t->mac : "aa:bb:cc:dd:ee:ff",
	    f->n->mac, &f->value);
	return f->value.s;
}

static const char *
put_address(struct filling *f)
{
	char s[ADDR_STRLEN];

	if (f->n->addr.sa.sa_family == AF_UNSPEC)
		return NULL;
	text_puts(&f->value, addr_ip_str(&f->n->addr, s));
	return f->value.s;
}

/* "a,b" */
static const char *
put_words(struct text *out, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		text_printf(out, "%s%s", i > 0 ? "," : "",
		    or(json_string_value(one), ""));
	return out->s;
}

/* What about has under that name, whatever it is. */
static const char *
put_member(struct filling *f, struct slice name)
{
	char key[32];
	json_t *v;

	snprintf(key, sizeof(key), "%.*s", SLICE(name));
	v = json_object_get(f->n->about, key);
	if (json_is_integer(v))
		return put_number(&f->value, json_integer_value(v));
	return json_is_array(v) ? put_words(&f->value, v) :
	    json_string_value(v);
}

static const char *
value_of(void *arg, struct slice name, int *raw)
{
	struct filling *f = arg;
	const struct notice *n = f->n;

	text_clear(&f->value);
	if (slice_eq(name, "json")) {
		*raw = 1;
		return n->line;
	}
	if (slice_eq(name, "text")) {
		notice_say(n, &f->value);
		return f->value.s;
	}
	if (slice_eq(name, "type"))
		return notice_type(n);
	if (slice_eq(name, "event"))
		return conf_notice_str(n->kind);
	if (slice_eq(name, "id"))
		return put_number(&f->value, (int64_t)n->id);
	if (slice_eq(name, "mac"))
		return put_mac(f);
	if (slice_eq(name, "address"))
		return put_address(f);
	if (slice_eq(name, "time"))
		return time_of(&f->value, n->at);
	if (slice_eq(name, "seconds"))
		return put_number(&f->value, n->until > n->at ?
		    n->until - n->at : 0);
	if (slice_eq(name, "token"))
		return f->t->token.text;
	if (slice_eq(name, "reason") && conf_notice_is(n->kind,
	    NOTICE_IS_VERDICT))
		return notice_text(n, "signature");
	if (slice_eq(name, "severity") &&
	    json_object_get(n->about, "severity") == NULL)
		return "0";
	return put_member(f, name);
}

void
notice_fill(const struct notice *n, const struct conf_target *t,
    const char *s, enum fill_as as, struct text *out)
{
	struct filling f = { .n = n, .t = t };

	fill(out, s, as, value_of, &f);
	text_free(&f.value);
}

json_t *
notice_pack(const struct notice *n)
{
	return json_pack("{s:s,s:I,s:I,s:I,s:O,s:s}", "kind",
	    conf_notice_str(n->kind), "id", (json_int_t)n->id, "at",
	    (json_int_t)n->at, "until", (json_int_t)n->until, "about",
	    n->about, "line", n->line);
}

struct notice *
notice_unpack(json_t *o)
{
	json_int_t id, at, until;
	enum conf_notice k;
	const char *kind, *line;
	json_t *about;

	if (json_unpack(o, "{s:s,s:I,s:I,s:I,s:o,s:s}", "kind", &kind, "id",
	    &id, "at", &at, "until", &until, "about", &about, "line", &line)
	    != 0 || !json_is_object(about) || conf_notice_of(kind, &k) != 0)
		return NULL;
	return notice_new(k, (uint64_t)id, at, until, json_incref(about),
	    line);
}
