/*
 * Reports. Held to: what is read lies within the line and in its order, a
 * value is never longer than its text, and a line cut anywhere is no trouble.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/report.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
inside(struct slice s, const char *line, size_t len)
{
	if (s.len > 0)
		assert(s.p >= line && s.p + s.len <= line + len);
}

static void
check(const uint8_t *data, size_t len)
{
	static struct report r;
	const char *why = NULL;
	char *line = malloc(len + 1);
	size_t i, sum = 0;
	int rv;

	memcpy(line, data, len);
	rv = report_parse(line, len, &r, &why);
	assert((rv == 0) == (why == NULL));
	inside(r.host, line, len);
	inside(r.app, line, len);
	inside(r.json, line, len);
	for (i = 0; rv == 0 && i < r.nfield; i++) {
		inside(r.field[i].name, line, len);
		inside(r.field[i].value, line, len);
		assert(r.field[i].name.len > 0);
		sum += r.field[i].name.len + r.field[i].value.len + 1;
	}
	assert(sum <= len);
	assert(rv != 0 || r.dialect != REPORT_JSON || r.nfield == 0);
	free(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t i;

	if (len > 4096)
		return 0;
	for (i = 0; i <= len; i += i < 64 ? 1 : 61)
		check(data, i);
	check(data, len);
	return 0;
}
