/*
 * A sensor's line to a sighting; and a message from the process that reads
 * sensors, of which anything may be expected once it has been taken over. Held
 * to: a message that was made is read, its texts are within it, a severity is
 * one, and who it is about is said or not.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "verdict/sighting.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
inside(void *arg, const struct addr *a)
{
	return a->sa.sa_family == AF_INET;
}

static void
read_one(const void *message, size_t len)
{
	static const struct conf_products own;
	static struct fields f;
	struct endpoint who;
	struct sighting s;
	char out[ADDR_STRLEN];

	if (fields_read(&f, message, len) != 0)
		return;
	sighting_read(&s, &own, &f);
	assert(s.severity >= 0 && s.severity <= 10);
	if (sighting_who(&s, &who, inside, NULL) == 0)
		assert(endpoint_parse(&who, endpoint_str(&who, out)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct text t;
	static struct fields f;
	const char *why;
	char *line;

	if (len > 65536)
		return 0;
	read_one(data, len);
	line = malloc(len + 1);
	memcpy(line, data, len);
	if (fields_make(&t, 0, 0, line, len, &why) == 0) {
		assert(t.len <= FIELDS_BYTES && fields_read(&f, t.s, t.len) ==
		    0);
		read_one(t.s, t.len);
	}
	free(line);
	return 0;
}
