/*
 * A list file. Held to: each entry is in its canonical form, which is its own,
 * and a name of the list is in it unless a more specific entry takes it out.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/listfile.h"
#include "conf/pattern.h"
#include "policy/nameset.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A second reading changes nothing. */
static void
check_canon(const char *s)
{
	char again[PATTERN_MAX + 1];

	assert(pattern_canon(again, s, strlen(s), 1) == strlen(s));
	assert(strcmp(again, s) == 0);
}

static void
check_entry(const struct nameset *set, const char *s)
{
	struct nameset_found found;
	const char *name;
	unsigned what;
	int has;

	check_canon(s);
	name = pattern_name(s, &what);
	assert(name[0] != '\0');
	nameset_find(set, name, &found);
	has = nameset_has(&found, 7);
	assert(!nameset_has(&found, 6) && !nameset_has(&found, 8));
	if (what & PATTERN_SELF)	/* an exception wins over its like */
		assert(!(what & PATTERN_NOT) || !has);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char name[] = "l";
	struct conf_named_list list = { name, name };
	struct problems problems = { 0 };
	struct text errors = { 0 };
	struct nameset set = { 0 };
	const char *names, *s, *end;
	size_t n = 0;

	listfile_parse(&list, (const char *)data, len, &problems, 1);
	names = list.names.s != NULL ? list.names.s : "";
	end = names + list.names.len;
	for (s = names; s < end; s += strlen(s) + 1, n++)
		nameset_add(&set, 7, s);
	assert(n == list.nnames);
	for (s = names; s < end; s += strlen(s) + 1)
		check_entry(&set, s);
	problems_tell(&problems, &errors);
	nameset_free(&set);
	text_free(&list.names);
	text_free(&errors);
	free(list.addresses);
	return 0;
}
