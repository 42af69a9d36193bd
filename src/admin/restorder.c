/*
 * What handlers of REST that change something have in common.
 */
#include <stdlib.h>

#include "admin/rest.h"
#include "admin/span.h"
#include "verdict/quarantine.h"

void
rest_acts(struct rest_request *r)
{
	r->env->quarantine->actor = rest_actor(r);
}

void
rest_acted(struct rest_request *r)
{
	free((char *)(uintptr_t)r->env->quarantine->actor);
	r->env->quarantine->actor = NULL;
}

uint64_t
rest_id(struct rest_request *r, const char *of)
{
	const char *s = r->param;
	char *end;
	uint64_t n;

	n = s[0] >= '0' && s[0] <= '9' ? strtoull(s, &end, 10) : 0;
	if (n == 0 || *end != '\0') {
		rest_error(r, 400, "write the number of a %s", of);
		return 0;
	}
	return n;
}

uint64_t
rest_span(const json_t *v)
{
	if (json_is_integer(v) && json_integer_value(v) > 0 &&
	    json_integer_value(v) <= 366 * 24 * 3600)
		return (uint64_t)json_integer_value(v) * 1000;
	return json_is_string(v) ?
	    (uint64_t)span_read(json_string_value(v)) * 1000 : 0;
}
