/*
 * A ring of events.
 */
#include "admin/recent.h"

#include <stdlib.h>
#include <string.h>

#include "sink/eve.h"
#include "util/mem.h"

struct recent {
	json_t		*v[RECENT];
	size_t		 n;		/* there have been so many */
};

struct recent *
recent_new(void)
{
	return xcalloc(1, sizeof(struct recent));
}

void
recent_free(struct recent *r)
{
	size_t i;

	for (i = 0; r != NULL && i < RECENT; i++)
		json_decref(r->v[i]);
	free(r);
}

void
recent_add(struct recent *r, json_t *event, const struct timespec *at)
{
	json_t *line = json_object_get(event, "line"), *o;
	char cut[RECENT_LINE + 1];

	if (r == NULL)
		return;
	o = json_pack("{s:o}", "timestamp", eve_time(at));
	json_object_update(o, event);
	if (json_string_length(line) > RECENT_LINE) {
		memcpy(cut, json_string_value(line), RECENT_LINE);
		cut[RECENT_LINE] = '\0';
		json_object_set_new(o, "line", eve_string(cut));
	}
	json_decref(r->v[r->n % RECENT]);
	r->v[r->n++ % RECENT] = o;
}

json_t *
recent_json(const struct recent *r, size_t n)
{
	json_t *rows = json_array();
	size_t i;

	for (i = 0; r != NULL && i < n && i < r->n && i < RECENT; i++)
		json_array_append(rows, r->v[(r->n - 1 - i) % RECENT]);
	return json_pack("{s:o}", "verdicts", rows);
}
