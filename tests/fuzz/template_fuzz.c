/*
 * Page templates. The first byte cuts the rest: a template, and a value for all
 * of its names. Held to: an error has a place in the text; and of the value
 * nothing that is written is markup, a control character, or not UTF-8.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/template.h"
#include "util/mem.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const names[] = { "a", "title", "reason" };

static void
check_escaped(const char *value)
{
	struct text t = { 0 }, again = { 0 };
	const char *p;

	template_escape(&t, value);
	for (p = t.s != NULL ? t.s : ""; *p != '\0'; p++) {
		assert(strchr("<>\"'", *p) == NULL);
		assert((unsigned char)*p >= ' ' && *p != 0x7f);
	}
	text_clear(&t);
	template_clean(&t, value);
	template_clean(&again, t.s != NULL ? t.s : "");
	assert(t.len == again.len && (t.len == 0 ||
	    memcmp(t.s, again.s, t.len) == 0));
	text_free(&t);
	text_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *values[3];
	struct template_error e;
	struct text out = { 0 };
	struct template *t;
	size_t n;
	char *value;

	if (len == 0)
		return 0;
	n = data[0] < len - 1 ? data[0] : len - 1;
	value = xstrndup((const char *)data + 1, n);
	check_escaped(value);
	values[0] = values[1] = value;
	values[2] = NULL;
	data += 1 + n;
	len -= 1 + n;
	if (template_read(&t, (const char *)data, len, names, 3, &e) != 0) {
		assert(t == NULL && e.line >= 1 && e.column >= 1 &&
		    e.column <= len + 1 && e.what[0] != '\0');
	} else {
		template_write(t, values, &out);
		template_free(t);
	}
	text_free(&out);
	free(value);
	return 0;
}
