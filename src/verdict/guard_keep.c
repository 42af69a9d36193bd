/*
 * What is left of a table when it is made anew. On a bridge the guard itself
 * remembers which flows have passed, and knows replies by that: without the
 * memory, what a server sends next would be judged as if it had begun the flow.
 * So all that is in the table is taken out by its name, but not the table, nor
 * those sets.
 */
#include "verdict/guard_wire.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

static const char *const kept[] = { "flows4", "flows6", "pairs4", "pairs6" };

static int
is_kept(const char *name)
{
	size_t i;

	for (i = 0; i < NELEM(kept) && strcmp(name, kept[i]) != 0; i++)
		;
	return i < NELEM(kept);
}

/* Of ours are only such names. */
static int
name_ok(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return 0;
	return i > 0;
}

/* Objects of a kind: "chain out" and so on. Returns how many sets are kept, or
 * ERR_FORMAT. */
static int
script_delete(struct text *t, const json_t *all, const char *kind)
{
	const char *name;
	const json_t *one;
	size_t i;
	int n = 0;

	json_array_foreach(all, i, one) {
		if ((one = json_object_get(one, kind)) == NULL)
			continue;
		name = json_string_value(json_object_get(one, "name"));
		if (name == NULL || !name_ok(name))
			return ERR_FORMAT;
		if (is_kept(name))
			n++;
		else
			text_printf(t, "delete %s bridge " GUARD_TABLE
			    " %s\n", kind, name);
	}
	return n;
}

/*
 * Rules first, which refer to all else; then maps, whose elements refer to
 * chains.
 */
int
script_clear(struct text *t, const char *json)
{
	static const char *const kinds[] = { "map", "chain", "set",
	    "counter" };
	json_t *all = json_loads(json, 0, NULL);
	const json_t *list = json_object_get(all, "nftables");
	size_t i;
	int n = 0, rv = 0;

	text_puts(t, "flush table bridge " GUARD_TABLE "\n");
	for (i = 0; rv >= 0 && i < NELEM(kinds); i++) {
		rv = script_delete(t, list, kinds[i]);
		n += rv;
	}
	json_decref(all);
	if (rv < 0 || n != (int)NELEM(kept))
		text_clear(t);
	return rv < 0 ? rv : n == (int)NELEM(kept) ? 0 : ERR_NOTFOUND;
}
