#include "admin/say.h"

#include "sink/eve.h"

json_t *
say_wrong(const char *what)
{
	return json_pack("{s:o}", "error", eve_string(what));
}

void
say_metric(struct text *t, const char *name, const char *type,
    const char *help)
{
	text_printf(t, "# HELP clearspan_%s %s\n# TYPE clearspan_%s %s\n",
	    name, help, name, type);
}

void
say_label(struct text *t, const char *name, const char *value)
{
	text_printf(t, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			text_add(t, "\\", 1);
		if (*value == '\n')
			text_puts(t, "\\n");
		else
			text_add(t, value, 1);
	}
	text_puts(t, "\"");
}

void
say_sample(struct text *t, const char *metric, const char *name1,
    const char *value1, const char *name2, const char *value2, uint64_t n)
{
	text_printf(t, "clearspan_%s{", metric);
	say_label(t, name1, value1);
	if (name2 != NULL) {
		text_puts(t, ",");
		say_label(t, name2, value2);
	}
	text_printf(t, "} %llu\n", (unsigned long long)n);
}
