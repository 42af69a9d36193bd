/*
 * The verbs deny, step-up, approve, reject and verdicts.
 */
#include "admin/measures.h"

#include <stdlib.h>
#include <string.h>

#include "admin/contained.h"
#include "admin/say.h"
#include "admin/span.h"
#include "admin/tags.h"
#include "conf/denied.h"
#include "conf/verdicts.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/denied.h"
#include "verdict/proposal.h"
#include "verdict/server.h"
#include "verdict/verdicts.h"

#define RING	256		/* verdicts that are kept */

const char *
measure_subject(enum state_kind kind, const struct contained *c)
{
	static char text[512];
	struct proposal p;

	if (kind == STATE_DENIAL)
		return c->profile;
	if (kind == STATE_PROPOSAL && proposal_read(&p, c) == 0 &&
	    p.what == DO_DENY_SERVER) {
		memcpy(text, p.object, sizeof(text));
		return text;
	}
	return endpoint_str(&c->who, text);
}

/* "=a.example" is shown so; an address as it is. */
static void
row_server(json_t *o, const char *server)
{
	json_object_set_new(o, "server", eve_string(server));
}

static void
row_endpoint(json_t *o, const struct contained *c)
{
	char who[ADDR_STRLEN], ip[ADDR_STRLEN];

	json_object_set_new(o, "endpoint", json_string(endpoint_str(&c->who,
	    who)));
	if (c->who.addr.sa.sa_family != AF_UNSPEC)
		json_object_set_new(o, "address",
		    json_string(addr_ip_str(&c->who.addr, ip)));
}

static void
row_proposal(json_t *o, const struct contained *c)
{
	static const char *const words[] = { [DO_QUARANTINE] = "quarantine",
	    [DO_DENY_SERVER] = "deny-server", [DO_STEP_UP] = "step-up" };
	struct proposal p;

	if (proposal_read(&p, c) != 0)
		return;
	json_object_set_new(o, "do", json_string(words[p.what]));
	json_object_set_new(o, "for", json_integer((json_int_t)(p.ms / 1000)));
	if (p.what == DO_DENY_SERVER) {
		row_server(o, p.object);
		return;
	}
	row_endpoint(o, c);
	json_object_set_new(o, p.what == DO_STEP_UP ? "mirror" : "profile",
	    p.what == DO_STEP_UP ? tags_words(p.object) : eve_string(p.object));
}

static json_t *
row(enum state_kind kind, const struct contained *c)
{
	json_t *o = json_pack("{s:I}", "id", (json_int_t)c->id);

	if (kind == STATE_DENIAL) {
		row_server(o, c->profile);
	} else if (kind == STATE_PROPOSAL) {
		row_proposal(o, c);
	} else {
		row_endpoint(o, c);
		json_object_set_new(o, "mirror", tags_words(c->profile));
	}
	json_object_set_new(o, "since", contained_time(c->since));
	json_object_set_new(o, "until", contained_time(c->until));
	json_object_set_new(o, "reason", eve_string(c->reason));
	json_object_set_new(o, "by", eve_string(c->by));
	return o;
}

json_t *
measure_event(enum state_kind kind, enum measure_what what,
    const struct contained *c, const char *why)
{
	json_t *o = row(kind, c);

	json_object_set_new(o, "action", json_string(measure_what_str(what)));
	if (why != NULL)
		json_object_set_new(o, "error", eve_string(why));
	return o;
}

struct listing {
	enum state_kind	 kind;
	json_t		*rows;
};

static json_t *
row_left(enum state_kind kind, const struct contained *c)
{
	uint64_t now = clock_ms();
	json_t *o = row(kind, c);

	json_object_set_new(o, "left", json_integer(c->end > now ?
	    (json_int_t)((c->end - now) / 1000) : 0));
	return o;
}

static void
list_row(void *arg, const struct contained *c)
{
	const struct listing *l = arg;

	json_array_append_new(l->rows, row_left(l->kind, c));
}

json_t *
measures_list(struct measures *m, enum state_kind kind)
{
	struct listing l = { kind, json_array() };

	contain_each(measure_table(m, kind), list_row, &l);
	return l.rows;
}

json_t *
measures_one(struct measures *m, enum state_kind kind, uint64_t id)
{
	struct contained *c = contain_find(measure_table(m, kind), id);
	json_t *o = c != NULL ? row_left(kind, c) : NULL;

	contained_unref(c);
	return o;
}

/* The number in a word; 0: it is none. */
static uint64_t
number(const char *s)
{
	char *end;
	uint64_t n;

	if (s == NULL || s[0] < '0' || s[0] > '9')
		return 0;
	n = strtoull(s, &end, 10);
	return *end == '\0' ? n : 0;
}

static json_t *
verb_release(struct measures *m, enum state_kind kind, const char *word)
{
	uint64_t id = number(word);

	if (id == 0 || measure_release(m, kind, id) != 0)
		return json_pack("{s:o}", "error", json_sprintf("there is no "
		    "%s of that number: see the list", measure_str(kind)));
	return json_pack("{s:I}", "released", (json_int_t)id);
}

/* Give the order; a span that cannot be read is 0. */
static json_t *
verb_order(struct measures *m, struct measure_order *o, const char *span,
    const char *reason, const char *key)
{
	struct text why = { 0 };
	uint64_t id;
	json_t *a;

	if ((o->ms = (uint64_t)span_read(span) * 1000) == 0)
		return say_wrong(SPAN_HINT);
	o->by = "operator";
	o->reason = reason != NULL && *reason != '\0' ? reason :
	    "set by the operator";
	if (measure_do(m, o, clock_wall().tv_sec, clock_ms(), &id, &why) != 0)
		a = say_wrong(why.s);
	else
		a = json_pack("{s:I}", key, (json_int_t)id);
	text_free(&why);
	return a;
}

static json_t *
deny_add(struct measures *m, const char *server, const char *span,
    const char *reason)
{
	struct measure_order o = { .what = DO_DENY_SERVER };
	char text[SERVER_STRLEN];

	if (server == NULL || span == NULL)
		return say_wrong("deny add takes a server (an address, a name "
		    "or a URL), a time (10m, 2h), and perhaps the reason");
	if (server_read(text, server, 0) != 0)
		return say_wrong("write the server as 203.0.113.9, "
		    "evil.example (and all below it), =evil.example or a URL");
	o.object = text;
	return verb_order(m, &o, span, reason, "denial");
}

int
measures_mirror(const struct conf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nmirrors; i++)
		if (strcmp(c->mirrors[i].name, name) == 0)
			return 1;
	return 0;
}

/* Names of mirrors, as "mirror=a,b" before the reason. 0: one is not known. */
static int
mirrors_take(const struct conf *c, char *list)
{
	char *copy = xstrdup(list), *save = NULL, *name;
	int known = 1;

	for (name = strtok_r(copy, ",", &save); name != NULL && known;
	    name = strtok_r(NULL, ",", &save))
		known = measures_mirror(c, name);
	free(copy);
	return known;
}

static json_t *
step_up_add(struct measures *m, const char *who, const char *span,
    char *reason)
{
	struct measure_order o = { .what = DO_STEP_UP, .object = "*" };
	char *mirrors;

	if (who == NULL || span == NULL)
		return say_wrong("step-up add takes who (an address or a MAC), "
		    "a time (10m, 2h), and perhaps mirror=NAME,... and the "
		    "reason");
	if (endpoint_parse(&o.who, who) != 0)
		return say_wrong("write who as 192.0.2.7, 2001:db8::7 or "
		    "02:00:5e:10:00:01");
	if (reason != NULL && strncmp(reason, "mirror=", 7) == 0) {
		mirrors = reason + 7;
		reason = mirrors + strcspn(mirrors, " \t");
		if (*reason != '\0')
			*reason++ = '\0';
		if (!mirrors_take(m->quarantine->conf, mirrors))
			return say_wrong("there is no such mirror: see mirrors "
			    "in the configuration");
		o.object = mirrors;
	}
	return verb_order(m, &o, span, reason, "step-up");
}

static json_t *
verb(struct measures *m, enum state_kind kind, const char *words)
{
	char *copy = xstrdup(words), *save = NULL, *what, *a, *b;
	json_t *o;

	what = strtok_r(copy, " \t", &save);
	a = strtok_r(NULL, " \t", &save);
	b = strtok_r(NULL, " \t", &save);
	if (what == NULL || (strcmp(what, "list") == 0 && a == NULL)) {
		o = json_pack("{s:o}", kind == STATE_DENIAL ? "denied" :
		    "step-up", measures_list(m, kind));
	} else if (strcmp(what, "add") == 0) {
		save = save != NULL ? save + strspn(save, " \t") : save;
		o = kind == STATE_DENIAL ? deny_add(m, a, b, save) :
		    step_up_add(m, a, b, save);
	} else if (strcmp(what, "release") == 0 && b == NULL) {
		o = verb_release(m, kind, a);
	} else {
		o = say_wrong(kind == STATE_DENIAL ?
		    "deny takes list, add SERVER FOR [REASON] or release ID" :
		    "step-up takes list, add WHO FOR [mirror=NAME,...] "
		    "[REASON] or release ID");
	}
	free(copy);
	return o;
}

json_t *
deny_verb(struct measures *m, const char *words)
{
	return verb(m, STATE_DENIAL, words);
}

json_t *
step_up_verb(struct measures *m, const char *words)
{
	return verb(m, STATE_STEP_UP, words);
}

json_t *
approve_verb(struct measures *m, const char *word)
{
	uint64_t id = number(word);
	struct text why = { 0 };
	json_t *o;

	if (proposal_approve(m, "operator", clock_wall().tv_sec, clock_ms(),
	    &id, &why) != 0)
		o = say_wrong(why.s);
	else
		o = json_pack("{s:I}", "approved", (json_int_t)id);
	text_free(&why);
	return o;
}

json_t *
reject_verb(struct measures *m, const char *word)
{
	uint64_t id = number(word);

	if (proposal_reject(m, id, "operator") != 0)
		return say_wrong("nothing waits under that number: see "
		    "verdicts");
	return json_pack("{s:I}", "rejected", (json_int_t)id);
}

struct verdict_ring {
	json_t		*v[RING];
	size_t		 n;		/* ever added */
};

struct verdict_ring *
verdict_ring_new(void)
{
	return xcalloc(1, sizeof(struct verdict_ring));
}

void
verdict_ring_free(struct verdict_ring *r)
{
	size_t i;

	for (i = 0; r != NULL && i < RING; i++)
		json_decref(r->v[i]);
	free(r);
}

void
verdict_ring_add(struct verdict_ring *r, json_t *event, int64_t wall)
{
	json_t *o = json_copy(event);

	json_object_del(o, "line");	/* it may be long; the case has it */
	json_object_set_new(o, "at", contained_time(wall));
	json_decref(r->v[r->n % RING]);
	r->v[r->n++ % RING] = o;
}

size_t
verdict_also(const json_t *event, uint64_t id, uint64_t *also)
{
	const json_t *ids = json_object_get(event, "denials"), *n;
	size_t i, found = 0;

	json_array_foreach(ids, i, n) {
		if (i < VERDICT_ALSO)
			also[i] = (uint64_t)json_integer_value(n);
		found |= (uint64_t)json_integer_value(n) == id;
	}
	return found ? (i < VERDICT_ALSO ? i : VERDICT_ALSO) : 0;
}

size_t
verdict_ring_also(const struct verdict_ring *r, uint64_t id, uint64_t *also)
{
	size_t i, n = 0;

	for (i = 0; i < r->n && i < RING && n == 0; i++)
		n = verdict_also(r->v[(r->n - 1 - i) % RING], id, also);
	return n;
}

/* What has become of a number that a verdict has. */
struct state_of {
	uint64_t	 id;
	const char	*is;
};

static void
is_held(void *arg, const struct contained *c)
{
	struct state_of *s = arg;

	if (c->id == s->id)
		s->is = "in force";
}

static void
is_waiting(void *arg, const struct contained *c)
{
	struct state_of *s = arg;

	if (c->id == s->id)
		s->is = "waiting";
}

static const char *
state_of(struct measures *m, uint64_t id)
{
	struct state_of s = { id, "over" };

	contain_each(m->quarantine->contain, is_held, &s);
	contain_each(denied_table(m->denied), is_held, &s);
	contain_each(m->step_ups, is_held, &s);
	contain_each(m->proposals, is_waiting, &s);
	return s.is;
}

static json_t *
ring_row(struct measures *m, json_t *event)
{
	static const char *const keys[] = { "quarantine", "denial", "step-up",
	    "proposal" };
	json_t *o = json_copy(event);
	uint64_t id = 0;
	size_t i;

	for (i = 0; i < NELEM(keys) && id == 0; i++)
		id = (uint64_t)json_integer_value(json_object_get(o,
		    keys[i]));

	if (id != 0)
		json_object_set_new(o, "state", json_string(state_of(m,
		    id)));
	return o;
}

json_t *
verdicts_verb(const struct verdict_ring *r, struct measures *m,
    const char *word)
{
	size_t i, n = word != NULL ? (size_t)number(word) : 20;
	json_t *rows = json_array();

	if (n == 0) {
		json_decref(rows);
		return say_wrong("verdicts takes how many: verdicts 50");
	}
	for (i = 0; i < n && i < r->n && i < RING; i++)
		json_array_append_new(rows, ring_row(m,
		    r->v[(r->n - 1 - i) % RING]));
	return json_pack("{s:o,s:o}", "waiting", measures_list(m,
	    STATE_PROPOSAL), "verdicts", rows);
}

void
measures_metrics(struct measures *m, struct text *out)
{
	static const enum state_kind kinds[] = { STATE_DENIAL, STATE_STEP_UP,
	    STATE_PROPOSAL };
	struct contain *tables[3];
	size_t i;
	int what;

	if (m == NULL || !conf_measures(m->quarantine->conf))
		return;
	tables[0] = denied_table(m->denied);
	tables[1] = m->step_ups;
	tables[2] = m->proposals;
	say_metric(out, "measures", "gauge",
	    "Servers that are denied, endpoints under step-up, and what waits "
	    "to be approved.");
	for (i = 0; i < NELEM(kinds); i++)
		text_printf(out, "clearspan_measures{kind=\"%s\"} %u\n",
		    measure_str(kinds[i]), contain_count(tables[i]));
	say_metric(out, "measures_total", "counter", "What became of them.");
	for (i = 0; i < NELEM(kinds); i++)
		for (what = 0; what < MEASURE_MAX; what++)
			if (m->counts[kinds[i]][what] > 0)
				text_printf(out, "clearspan_measures_total{"
				    "kind=\"%s\",action=\"%s\"} %llu\n",
				    measure_str(kinds[i]), measure_what_str(
				    (enum measure_what)what),
				    (unsigned long long)
				    m->counts[kinds[i]][what]);
}
