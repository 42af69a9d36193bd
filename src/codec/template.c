/*
 * Templates of HTML pages, and the escaping of what is written into them.
 */
#include "codec/template.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/slice.h"
#include "util/err.h"
#include "util/mem.h"

/* For messages: as much of a name as shows which it is. */
#define NAME(s)		(s).len > 40 ? 40 : (int)(s).len, (s).p

enum part_kind {
	PART_TEXT,
	PART_VALUE,
	PART_IF,		/* up to the part `to` only with a value */
	PART_END
};

struct part {
	enum part_kind	 kind;
	size_t		 name;		/* VALUE, IF, END */
	size_t		 to;		/* IF: its END */
	size_t		 at, len;	/* TEXT */
};

struct template {
	char		*s;
	struct part	*parts;
	size_t		 n;
};

struct reading {
	struct template	*t;
	const char	*s;		/* the text */
	const char	*const *names;
	size_t		 nnames;
	size_t		 open[TEMPLATE_DEPTH];	/* parts not ended yet */
	size_t		 nopen;
	struct template_error *error;
};

static int	wrong(struct reading *, const char *at, const char *what, ...)
		    __attribute__((format(printf, 3, 4)));

static int
wrong(struct reading *r, const char *at, const char *what, ...)
{
	struct template_error *e = r->error;
	const char *p, *line = r->s;
	va_list ap;

	e->line = 1;
	for (p = r->s; p < at; p++)
		if (*p == '\n') {
			e->line++;
			line = p + 1;
		}
	e->column = (unsigned)(at - line) + 1;
	va_start(ap, what);
	vsnprintf(e->what, sizeof(e->what), what, ap);
	va_end(ap);
	return ERR_FORMAT;
}

static struct part *
add(struct template *t, enum part_kind kind)
{
	struct part *p;

	t->parts = xrealloc(t->parts, (t->n + 1) * sizeof(*t->parts));
	p = &t->parts[t->n++];
	memset(p, 0, sizeof(*p));
	p->kind = kind;
	return p;
}

static void
add_text(struct reading *r, const char *s, const char *end)
{
	struct part *p;

	if (s == end)
		return;
	p = add(r->t, PART_TEXT);
	p->at = (size_t)(s - r->s);
	p->len = (size_t)(end - s);
}

static int
begins(struct reading *r, const char *at, struct slice name)
{
	if (r->nopen == TEMPLATE_DEPTH)
		return wrong(r, at, "{{#%.*s}}: more than %d parts within each "
		    "other", NAME(name), TEMPLATE_DEPTH);
	r->open[r->nopen++] = r->t->n - 1;
	return 0;
}

static int
ends(struct reading *r, const char *at, struct slice name)
{
	const struct part *p = &r->t->parts[r->t->n - 1];
	struct part *begun;

	if (r->nopen == 0)
		return wrong(r, at, "{{/%.*s}} ends a part that has not "
		    "begun; write {{#name}} before it", NAME(name));
	begun = &r->t->parts[r->open[--r->nopen]];
	if (begun->name != p->name)
		return wrong(r, at, "{{/%.*s}} ends another part than the "
		    "last that has begun", NAME(name));
	begun->to = r->t->n - 1;
	return 0;
}

/* What is between the braces. */
static int
read_tag(struct reading *r, const char *at, struct slice tag)
{
	enum part_kind kind = PART_VALUE;
	size_t i;

	tag = slice_trim(tag);
	if (tag.len > 0 && (*tag.p == '#' || *tag.p == '/')) {
		kind = *tag.p == '#' ? PART_IF : PART_END;
		tag = slice_trim(slice_of(tag.p + 1, tag.len - 1));
	}
	for (i = 0; i < r->nnames; i++)
		if (slice_eq(tag, r->names[i]))
			break;
	if (i == r->nnames)
		return wrong(r, at, "\"%.*s\" is not a name that pages have; "
		    "clearspan.yaml(5) lists them", NAME(tag));
	add(r->t, kind)->name = i;
	return kind == PART_IF ? begins(r, at, tag) :
	    kind == PART_END ? ends(r, at, tag) : 0;
}

static int
read_all(struct reading *r, size_t len)
{
	const char *s = r->s, *end = s + len, *open, *close;
	int rv;

	while ((open = memmem(s, (size_t)(end - s), "{{", 2)) != NULL) {
		add_text(r, s, open);
		close = memmem(open, (size_t)(end - open), "}}", 2);
		if (close == NULL)
			return wrong(r, open, "\"{{\" without \"}}\"");
		if ((rv = read_tag(r, open, slice_of(open + 2,
		    (size_t)(close - open) - 2))) != 0)
			return rv;
		s = close + 2;
	}
	add_text(r, s, end);
	if (r->nopen == 0)
		return 0;
	return wrong(r, end, "the part {{#%s}} does not end",
	    r->names[r->t->parts[r->open[r->nopen - 1]].name]);
}

int
template_read(struct template **out, const char *s, size_t len,
    const char *const *names, size_t n, struct template_error *error)
{
	struct template *t = xcalloc(1, sizeof(*t));
	struct reading r = { .t = t, .names = names, .nnames = n,
	    .error = error };
	const char *nul = len > 0 ? memchr(s, '\0', len) : NULL;
	int rv;

	t->s = xmalloc(len + 1);
	memcpy(t->s, len > 0 ? s : "", len);
	r.s = t->s;
	if (len > TEMPLATE_MAX)
		rv = wrong(&r, t->s, "longer than 512 KiB");
	else if (nul != NULL)
		rv = wrong(&r, t->s + (nul - s), "a byte 0: this is no text");
	else
		rv = read_all(&r, len);
	if (rv != 0) {
		template_free(t);
		t = NULL;
	}
	*out = t;
	return rv;
}

void
template_free(struct template *t)
{
	if (t == NULL)
		return;
	free(t->parts);
	free(t->s);
	free(t);
}

void
template_write(const struct template *t, const char *const *values,
    struct text *out)
{
	const struct part *p;
	const char *v;
	size_t i;

	for (i = 0; i < t->n; i++) {
		p = &t->parts[i];
		v = values[p->name] != NULL ? values[p->name] : "";
		if (p->kind == PART_TEXT)
			text_add(out, t->s + p->at, p->len);
		else if (p->kind == PART_VALUE)
			template_escape(out, v);
		else if (p->kind == PART_IF && *v == '\0')
			i = p->to;
	}
}

/* The code point at s (RFC 3629), and its bytes in *n; 0: none. */
static unsigned
utf8_at(const uint8_t *s, size_t *n)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned c, i;

	*n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
	    (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	if (*n <= 1)
		return *n == 1 ? s[0] : 0;
	c = s[0] & (0x7fu >> *n);
	for (i = 1; i < *n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	return c < least[*n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ?
	    0 : c;
}

/* Controls, and what turns the direction of a line (Unicode, UAX 9). */
static int
is_shown(unsigned c)
{
	return c >= ' ' && !(c >= 0x7f && c < 0xa0) &&
	    !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	    !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

static const char *
entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

static void
put(struct text *out, const char *s, int html)
{
	const char *e;
	unsigned c;
	size_t n;

	for (; *s != '\0'; s += n) {
		c = utf8_at((const uint8_t *)s, &n);
		if (c == 0)
			n = 1;
		if (c == 0 || !is_shown(c))
			text_puts(out, "\xef\xbf\xbd");
		else if (html && (e = entity(*s)) != NULL)
			text_puts(out, e);
		else
			text_add(out, s, n);
	}
}

void
template_escape(struct text *out, const char *s)
{
	put(out, s, 1);
}

void
template_clean(struct text *out, const char *s)
{
	put(out, s, 0);
}
