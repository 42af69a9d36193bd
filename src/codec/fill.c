/*
 * Names are taken from the operator's text alone: what is in a value is never
 * looked at.
 */
#include "codec/fill.h"

#include <ctype.h>

const char *
fill_next(const char *s, struct slice *name, const char **after)
{
	size_t n;

	if ((s = strstr(s, "%{")) == NULL)
		return NULL;
	n = strcspn(s + 2, "}");
	*name = slice_of(s + 2, s[2 + n] == '}' ? n : 0);
	*after = s + 2 + n + (s[2 + n] == '}');
	return s;
}

/* Whether the media type says so: "application/problem+json". */
static int
says(const char *type, const char *what)
{
	return strcasestr(type, what) != NULL;
}

enum fill_as
fill_as_of(const char *type)
{
	if (type == NULL || says(type, "json"))
		return FILL_JSON;
	if (says(type, "urlencoded"))
		return FILL_URL;
	return says(type, "xml") || says(type, "html") ? FILL_XML :
	    FILL_PLAIN;
}

static void
escape_json(struct text *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		text_printf(out, "\\%c", c);
	else if (c < 0x20 || c == 0x7f)
		text_printf(out, "\\u%04x", c);
	else
		text_add(out, (const char *)&c, 1);
}

static void
escape_url(struct text *out, unsigned char c)
{
	if (isalnum(c) || (c != '\0' && strchr("-._~", c) != NULL))
		text_add(out, (const char *)&c, 1);
	else
		text_printf(out, "%%%02X", c);
}

static void
escape_xml(struct text *out, unsigned char c)
{
	if (c < 0x20 || c == 0x7f)
		text_add(out, " ", 1);
	else if (strchr("<>&\"'", c) != NULL)
		text_printf(out, "&#%u;", c);
	else
		text_add(out, (const char *)&c, 1);
}

void
fill_escape(struct text *out, const char *s, enum fill_as as)
{
	unsigned char c;

	for (; (c = (unsigned char)*s) != '\0'; s++)
		switch (as) {
		case FILL_JSON:
			escape_json(out, c);
			break;
		case FILL_URL:
			escape_url(out, c);
			break;
		case FILL_XML:
			escape_xml(out, c);
			break;
		case FILL_PLAIN:
			text_add(out, c < 0x20 || c == 0x7f ? " " : s, 1);
			break;
		}
}

void
fill(struct text *out, const char *s, enum fill_as as, fill_value value,
    void *arg)
{
	const char *at, *after, *v;
	struct slice name;
	int raw;

	while ((at = fill_next(s, &name, &after)) != NULL) {
		text_add(out, s, (size_t)(at - s));
		raw = 0;
		v = value(arg, name, &raw);
		if (v != NULL && raw)
			text_puts(out, v);
		else if (v != NULL)
			fill_escape(out, v, as);
		s = after;
	}
	text_puts(out, s);
}
