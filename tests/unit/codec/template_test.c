/*
 * Templates: names, parts, and errors with their places.
 */
#include <string.h>

#include "codec/template.h"
#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static const char *const names[] = { "one", "two" };

static void
writes(const char *text, const char *one, const char *two, const char *want)
{
	const char *const values[] = { one, two };
	struct template_error e;
	struct text out = { 0 };
	struct template *t;

	ck_assert_int_eq(template_read(&t, text, strlen(text), names, 2, &e),
	    0);
	template_write(t, values, &out);
	ck_assert_str_eq(out.s != NULL ? out.s : "", want);
	text_free(&out);
	template_free(t);
}

TEST(values_are_written_escaped)
{
	writes("a {{one}}{{ two }}!", "<&>\"'", "2", "a &lt;&amp;&gt;&quot;"
	    "&#39;2!");
	writes("", NULL, NULL, "");
	writes("{ {{one}} }", NULL, NULL, "{  }");
	writes("}} {x}", NULL, NULL, "}} {x}");
	/* A value is no template. */
	writes("{{one}}", "{{two}}", "2", "{{two}}");
}
END

TEST(a_part_needs_its_value)
{
	writes("{{#one}}1{{#two}}2{{/two}}{{/one}}.", "x", "y", "12.");
	writes("{{#one}}1{{#two}}2{{/two}}{{/one}}.", "x", "", "1.");
	writes("{{#one}}1{{#two}}2{{/two}}{{/one}}.", NULL, "y", ".");
}
END

TEST(what_is_no_text_is_replaced)
{
	writes("{{one}}", "a\x80\xc0\xaf\xed\xa0\x80z", NULL,
	    "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	    "\xef\xbf\xbdz");
	writes("{{one}}", "a\n\x1b\x7f", NULL,
	    "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	writes("{{one}}", "\xe2\x80\xaegpj.exe", NULL,
	    "\xef\xbf\xbdgpj.exe");
	writes("{{one}}", "\xe6\x97\xa5\xf0\x9f\x98\x80", NULL,
	    "\xe6\x97\xa5\xf0\x9f\x98\x80");
}
END

static void
fails(const char *text, size_t len, unsigned line, unsigned column,
    const char *what)
{
	struct template_error e;
	struct template *t;

	ck_assert_int_eq(template_read(&t, text, len, names, 2, &e),
	    ERR_FORMAT);
	ck_assert_ptr_null(t);
	ck_assert_msg(e.line == line && e.column == column &&
	    strstr(e.what, what) != NULL, "%s: %u:%u: %s", text, e.line,
	    e.column, e.what);
}

TEST(errors_have_their_place)
{
	static const char nested[] = "{{#one}}{{#one}}{{#one}}{{#one}}"
	    "{{#one}}{{#one}}{{#one}}{{#one}}{{#one}}";
	char *big = xmalloc(TEMPLATE_MAX + 1);

#define FAILS(s, ...) fails(s, sizeof(s) - 1, __VA_ARGS__)
	FAILS("a\nbc{{three}}", 2, 3, "\"three\" is not a name");
	FAILS("{{}}", 1, 1, "\"\" is not a name");
	FAILS("{{one", 1, 1, "without");
	FAILS("x{{/one}}", 1, 2, "has not begun");
	FAILS("{{#one}}{{#two}}{{/one}}", 1, 17, "another part");
	FAILS("{{#one}}\n", 2, 1, "{{#one}} does not end");
	FAILS("a\0b", 1, 2, "a byte 0");
	FAILS(nested, 1, 65, "more than 8");
	memset(big, 'a', TEMPLATE_MAX + 1);
	fails(big, TEMPLATE_MAX + 1, 1, 1, "longer");
	free(big);
}
END

SUITE("template", values_are_written_escaped, a_part_needs_its_value,
    what_is_no_text_is_replaced, errors_have_their_place)
