/*
 * What is posted to /v1/verdicts: a body to reports, and each of them to a
 * sighting. Held to: reports lie in the body, one behind the other, and are not
 * empty; an error stays; an object is taken whole.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/bundle.h"
#include "codec/report.h"
#include "util/err.h"
#include "verdict/sighting.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
inside(void *arg, const struct addr *a)
{
	return a->sa.sa_family == AF_INET;
}

static void
read_one(struct slice s)
{
	static const struct conf_products own;
	static struct text t;
	static struct fields f;
	struct sighting sighting;
	struct endpoint who;
	const char *why;
	char *line;

	if (s.len > REPORT_MAX)
		return;
	line = malloc(s.len + 1);
	memcpy(line, s.p, s.len);
	if (fields_make(&t, 0, 0, line, s.len, &why) == 0) {
		assert(fields_read(&f, t.s, t.len) == 0);
		sighting_read(&sighting, &own, &f);
		sighting_who(&sighting, &who, inside, NULL);
	}
	free(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *at = (const char *)data, *end = at + len;
	struct bundle b;
	struct slice s;
	int rv;

	bundle_init(&b, slice_of(data, len));
	while ((rv = bundle_next(&b, &s)) == 1) {
		assert(s.len > 0 && s.p >= at && s.p + s.len <= end);
		at = s.p + s.len;
		assert(b.in.p == at && b.in.len == (size_t)(end - at));
		assert(s.p[0] != '{' || s.p[s.len - 1] == '}' ||
		    s.p[s.len - 1] == ']');
		read_one(s);
	}
	assert((rv == 0) == (b.why == NULL));
	assert(bundle_next(&b, &s) == rv);
	return 0;
}
