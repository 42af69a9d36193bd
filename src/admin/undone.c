/*
 * The numbers, and then one after the other.
 */
#include "admin/undone.h"

#include <string.h>

#include "sink/eve.h"
#include "verdict/cases.h"
#include "verdict/undo.h"

#define IDS_MAX		64	/* that one report undoes */

/* Of the case: the last verdict in it that has the number. */
static size_t
case_also(const struct cases *cases, uint64_t id, uint64_t *also)
{
	uint64_t broken;
	json_t *lines = cases != NULL ? cases_read(cases, id, &broken) : NULL;
	size_t i = json_array_size(lines), n = 0;

	while (n == 0 && i-- > 0)
		n = verdict_also(json_object_get(json_array_get(lines, i),
		    "about"), id, also);
	json_decref(lines);
	return n;
}

/* Only of servers a verdict may have done something to several. */
static size_t
ids_of(const struct undoing *u, uint64_t id, uint64_t *ids)
{
	struct measures *m = u->verdicts->measures;
	enum state_kind kind;
	struct contained *c = undo_find(m, id, &kind);
	size_t n = 0, i;

	if (c != NULL && (kind == STATE_DENIAL || kind == STATE_PROPOSAL)) {
		n = verdict_ring_also(u->ring, id, ids);
		if (n == 0)
			n = case_also(m->quarantine->cases, id, ids);
	}
	contained_unref(c);
	for (i = 1; i < n; i++)		/* the one that was named is first */
		if (ids[i] == id) {
			ids[i] = ids[0];
			ids[0] = id;
		}
	if (n == 0 || ids[0] != id) {
		ids[0] = id;
		n = 1;
	}
	return n;
}

static void
put_about(json_t *row, enum state_kind kind, const struct contained *c)
{
	char who[ADDR_STRLEN];

	json_object_set_new(row, "id", json_integer((json_int_t)c->id));
	json_object_set_new(row, "what", json_string(measure_str(kind)));
	if (kind == STATE_DENIAL)
		json_object_set_new(row, "server", eve_string(c->profile));
	else if (c->who.by_mac || c->who.addr.sa.sa_family != AF_UNSPEC)
		json_object_set_new(row, "endpoint", json_string(endpoint_str(
		    &c->who, who)));
}

/* One of them: the row says what the first was. */
static void
undo_one(const struct undoing *u, uint64_t id, json_t *row, json_t *ids)
{
	struct measures *m = u->verdicts->measures;
	enum state_kind kind;
	struct contained *c = undo_find(m, id, &kind);
	int mine = c != NULL && (!u->own || strcmp(c->by, u->sensor->name) ==
	    0);

	if (c != NULL && (json_object_get(row, "id") == NULL ||
	    (mine && json_array_size(ids) == 0)))
		put_about(row, kind, c);
	if (c != NULL && !mine && json_array_size(ids) == 0) {
		json_object_set_new(row, "result", json_string("refused"));
		json_object_set_new(row, "why", json_string("another has set "
		    "it, and the role is sensor"));
	} else if (mine && undo_id(m, id, u->by) == 0) {
		json_array_append_new(ids, json_integer((json_int_t)id));
		json_object_set_new(row, "result", json_string("released"));
		json_object_del(row, "why");
	}
	contained_unref(c);
}

static json_t *
undo(const struct undoing *u, const uint64_t *ids, size_t n)
{
	json_t *row = json_pack("{s:s}", "result", "not found");
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		undo_one(u, ids[i], row, all);
	if (json_array_size(all) > 1)
		json_object_set(row, "ids", all);
	json_decref(all);
	return row;
}

json_t *
undone_id(const struct undoing *u, uint64_t id)
{
	uint64_t ids[VERDICT_ALSO];
	size_t n = ids_of(u, id, ids);

	return undo(u, ids, n);
}

json_t *
undone_said(const struct undoing *u, const struct fields *f)
{
	struct verdicts *v = u->verdicts;
	uint64_t ids[IDS_MAX];
	struct servers servers;
	struct sighting s;
	struct endpoint who, *known;
	size_t n;

	sighting_read(&s, &v->quarantine->conf->products, f);
	known = verdicts_who(v, &s, &who) == 0 ? &who : NULL;
	servers_of(&servers, &s, known);
	n = undo_about(v->measures, known, &servers, u->sensor->name, ids,
	    IDS_MAX);
	return undo(u, ids, n);
}
