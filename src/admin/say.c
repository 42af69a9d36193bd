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
