/*
 * Values in templates. Held to: in JSON a value stays within its string and is
 * read back as it was; elsewhere nothing of it ends its place.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "codec/fill.h"
#include "codec/syslog.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *
value(void *arg, struct slice name, int *raw)
{
	return name.len > 0 ? arg : NULL;
}

static void
check_json(const char *s)
{
	json_t *was = json_string(s), *o;
	struct text t = { 0 };

	fill(&t, "[\"%{x}\"]", FILL_JSON, value, (void *)(uintptr_t)s);
	o = json_loads(t.s, 0, NULL);
	if (was != NULL) {	/* it is UTF-8 */
		assert(o != NULL && json_array_size(o) == 1);
		assert(json_equal(json_array_get(o, 0), was));
	}
	json_decref(o);
	json_decref(was);
	text_free(&t);
}

static void
check_others(const char *s)
{
	static const char *const never[] = {
		[FILL_PLAIN] = "\r\n", [FILL_URL] = "/?#& \r\n\"<",
		[FILL_XML] = "<>\"'\r\n"
	};
	struct text t = { 0 };
	int as;

	for (as = FILL_PLAIN; as <= FILL_XML; as++) {
		if (as == FILL_JSON)
			continue;
		text_clear(&t);
		text_puts(&t, "");
		fill_escape(&t, s, (enum fill_as)as);
		assert(strlen(t.s) == t.len);
		assert(t.s[strcspn(t.s, never[as])] == '\0');
	}
	text_clear(&t);
	cef_field(&t, "a", s);
	if (t.len > 0)
		assert(strchr(t.s, '\n') == NULL && strchr(t.s, '\r') == NULL);
	text_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct text t = { 0 };
	char *s = malloc(len + 1);

	memcpy(s, data, len);
	s[len] = '\0';
	check_json(s);
	check_others(s);
	fill(&t, s, FILL_JSON, value, s);	/* as the operator's, too */
	text_free(&t);
	free(s);
	return 0;
}
