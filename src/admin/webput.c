/*
 * Pieces of HTML. What was said by anybody else goes through view_put(), which
 * escapes it.
 */
#include "admin/webput.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
view_word(const struct view *v, enum web_word w)
{
	return webtext(v->lang, w);
}

static void
escape(struct text *t, const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		switch (*s) {
		case '<':
			text_puts(t, "&lt;");
			break;
		case '&':
			text_puts(t, "&amp;");
			break;
		case '"':
			text_puts(t, "&quot;");
			break;
		case '\'':
			text_puts(t, "&#39;");
			break;
		default:
			text_add(t, s, 1);
		}
}

/* Markup, in which each "%s" is a text to be escaped (or NULL: nothing). */
void
view_put(const struct view *v, const char *markup, ...)
{
	const char *at;
	va_list ap;

	va_start(ap, markup);
	while ((at = strstr(markup, "%s")) != NULL) {
		text_add(v->out, markup, (size_t)(at - markup));
		escape(v->out, va_arg(ap, const char *));
		markup = at + 2;
	}
	va_end(ap);
	text_puts(v->out, markup);
}

const char *
view_str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Into one of a few texts that are used in turn. */
static char *
scratch(size_t *size)
{
	static char texts[4][64];
	static unsigned next;

	*size = sizeof(texts[0]);
	return texts[next++ % 4];
}

const char *
view_count(const json_t *n)
{
	size_t size;
	char *s = scratch(&size);

	snprintf(s, size, "%lld", (long long)json_integer_value(n));
	return s;
}

const char *
view_bytes(const json_t *n)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double d = (double)json_integer_value(n);
	size_t size, i = 0;
	char *s = scratch(&size);

	for (; d >= 1000 && i < 4; i++)
		d /= 1000;
	snprintf(s, size, i == 0 || d >= 100 ? "%.0f %s" : "%.1f %s", d,
	    units[i]);
	return s;
}

/* Seconds, in the two largest units. */
const char *
view_span(const struct view *v, long long n)
{
	size_t size;
	char *s = scratch(&size);

	if (n >= 86400)
		snprintf(s, size, "%lld %s %lld %s", n / 86400,
		    view_word(v, W_DAYS), n % 86400 / 3600,
		    view_word(v, W_HOURS));
	else if (n >= 3600)
		snprintf(s, size, "%lld %s %lld %s", n / 3600,
		    view_word(v, W_HOURS), n % 3600 / 60,
		    view_word(v, W_MINUTES));
	else if (n >= 60)
		snprintf(s, size, "%lld %s", n / 60, view_word(v, W_MINUTES));
	else
		snprintf(s, size, "%lld %s", n, view_word(v, W_SECONDS));
	return s;
}

/* An endpoint, as a link to its page. */
void
view_who(const struct view *v, const char *who)
{
	view_put(v, "<a href=\"/ui/endpoint/%s\">%s</a>", who, who);
}

void
view_heads(const struct view *v, const enum web_word *w, size_t n,
    unsigned numbers)
{
	size_t i;

	text_puts(v->out, "<div class=wide><table><thead><tr>");
	for (i = 0; i < n; i++)
		view_put(v, numbers >> i & 1 ? "<th class=n>%s" : "<th>%s",
		    w[i] == W_WORDS ? "" : view_word(v, w[i]));
	text_puts(v->out, "</tr></thead><tbody>\n");
}
void
view_end(const struct view *v)
{
	text_puts(v->out, "</tbody></table></div>\n");
}

/* The beginning of a form that changes something. */
void
view_form(const struct view *v, const char *class, const char *action,
    const char *id)
{
	view_put(v,
	    "<form class=%s method=post action=\"%s%s\">"
	    "<input type=hidden name=form value=\"%s\">",
	    class, action, id, v->form);
}

void
view_field(const struct view *v, enum web_word label, const char *name,
    const char *more)
{
	view_put(v,
	    "<div><label for=\"%s\">%s</label><input id=\"%s\" "
	    "name=\"%s\" ",
	    name, view_word(v, label), name, name);
	view_put(v, more);
	text_puts(v->out, "></div>");
}

void
view_button(const struct view *v, enum web_word w, const char *class)
{
	view_put(v, "<button class=\"%s\">%s</button></form>", class,
	    view_word(v, w));
}
