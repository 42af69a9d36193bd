/*
 * The dialects of reports. What stands before one is in codec/report_syslog.
 */
#include "codec/report.h"

#include <stdlib.h>

#include "codec/report_inner.h"
#include "util/err.h"

struct slice
report_field(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nfield; i++)
		if (slice_is(r->field[i].name, name))
			return r->field[i].value;
	return slice_of("", 0);
}

static void
field_add(struct report *r, struct slice name, struct slice value)
{
	if (name.len == 0)
		return;
	if (r->nfield == REPORT_FIELDS) {
		r->dropped++;
		return;
	}
	r->field[r->nfield].name = name;
	r->field[r->nfield++].value = value;
}

/* What an escaped c stands for; 0: the backslash is meant as such. */
static char
escaped(char c)
{
	switch (c) {
	case '\\': case '=': case '|': case '"': case ']':
		return c;
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	default:
		return 0;
	}
}

/* Take backslashes out of the text, where it lies. */
static struct slice
unescape(char *p, size_t len)
{
	size_t i, n = 0;
	char c;

	for (i = 0; i < len; i++) {
		c = p[i] == '\\' && i + 1 < len ? escaped(p[i + 1]) : 0;
		if (c != 0)
			i++;
		p[n++] = c != 0 ? c : p[i];
	}
	return slice_of(p, n);
}

/* The first c in the text that no backslash stands before; or its end. */
static char *
find(char *p, char *end, char c)
{
	for (; p < end && *p != c; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p;
}

/* Read n fields that end in a bar each; *p moves behind them. */
static int
header(char **p, char *end, struct slice *const *out, size_t n)
{
	char *bar;
	size_t i;

	for (i = 0; i < n; i++) {
		bar = find(*p, end, '|');
		if (bar >= end)
			return ERR_FORMAT;
		*out[i] = unescape(*p, (size_t)(bar - *p));
		*p = bar + 1;
	}
	return 0;
}

/* The beginning of the key that ends before eq, a '='; or NULL if what stands
 * there is none, but part of a value. */
static char *
key_before(char *from, char *eq)
{
	char *p = eq;

	while (p > from && report_is_key(p[-1]))
		p--;
	return p < eq && (p == from || is_blank(p[-1])) ? p : NULL;
}

/* The next key and its '=', from p on; NULL: there is none. */
static char *
next_key(char *from, char *end, char **eq)
{
	char *p, *key;

	for (p = from; (p = find(p, end, '=')) < end; p++)
		if ((key = key_before(from, p)) != NULL) {
			*eq = p;
			return key;
		}
	return NULL;
}

/* Values have blanks; each lasts until the next key. */
static void
read_blanks(struct report *r, char *p, char *end)
{
	char *eq, *next_eq = NULL, *key = next_key(p, end, &eq), *next, *stop;

	for (; key != NULL; key = next, eq = next_eq) {
		next = next_key(eq + 1, end, &next_eq);
		stop = next != NULL ? next : end;
		while (stop > eq + 1 && is_blank(stop[-1]))
			stop--;
		field_add(r, slice_of(key, (size_t)(eq - key)),
		    unescape(eq + 1, (size_t)(stop - eq - 1)));
	}
}

static void
read_pair(struct report *r, char *p, char *end)
{
	char *eq = memchr(p, '=', (size_t)(end - p));

	if (eq != NULL)
		field_add(r, slice_trim(slice_of(p, (size_t)(eq - p))),
		    slice_trim(slice_of(eq + 1, (size_t)(end - eq - 1))));
}

/* Values end at a delimiter, and nothing is escaped. */
static void
read_delimited(struct report *r, char *p, char *end, struct slice delimiter)
{
	char *stop;

	for (; p < end; p = stop + delimiter.len) {
		stop = memmem(p, (size_t)(end - p), delimiter.p, delimiter.len);
		if (stop == NULL) {
			read_pair(r, p, end);
			return;
		}
		read_pair(r, p, stop);
	}
}

/* The value at p: a word, or in quotes. Returns what follows it. */
static char *
read_word(char *p, char *end, struct slice *out)
{
	char *stop = p;

	if (p < end && *p == '"') {
		stop = find(p + 1, end, '"');
		*out = unescape(p + 1, (size_t)(stop - p - 1));
		return stop < end ? stop + 1 : end;
	}
	while (stop < end && !is_blank(*stop) && *stop != ',')
		stop++;
	*out = slice_of(p, (size_t)(stop - p));
	return stop;
}

static void
read_keys(struct report *r, char *p, char *end)
{
	struct slice value;
	char *key;

	while (p < end) {
		for (key = p; p < end && report_is_key(*p); p++)
			;
		if (p == key || p == end || *p != '=') {
			p += p < end;
			continue;
		}
		struct slice name = slice_of(key, (size_t)(p - key));

		p = read_word(p + 1, end, &value);
		field_add(r, name, value);
	}
}

static int
read_cef(struct report *r, char *p, char *end)
{
	struct slice version, *const out[] = { &version, &r->vendor,
	    &r->product, &r->version, &r->id, &r->name, &r->severity };

	if (header(&p, end, out, 7) != 0)
		return ERR_FORMAT;
	read_blanks(r, p, end);
	return 0;
}

/* A character, or its code in hexadecimal. */
static char
delimiter_of(struct slice s)
{
	char code[8], *end;
	unsigned long v;

	if (s.len == 1)
		return s.p[0];
	if (s.len >= 2 && s.p[0] == '0')
		s = slice_of(s.p + 1, s.len - 1);
	if (s.len < 2 || s.len > 5 || (s.p[0] != 'x' && s.p[0] != 'X'))
		return '\t';
	memcpy(code, s.p + 1, s.len - 1);
	code[s.len - 1] = '\0';
	v = strtoul(code, &end, 16);
	return *end == '\0' && v > 0 && v < 256 ? (char)v : '\t';
}

static int
read_leef(struct report *r, char *p, char *end)
{
	struct slice version, given = { "", 0 }, *const out[] = { &version,
	    &r->vendor, &r->product, &r->version, &r->id, &given };
	char delimiter;
	int two = end - p > 0 && *p == '2';

	if (header(&p, end, out, two ? 6 : 5) != 0)
		return ERR_FORMAT;
	delimiter = delimiter_of(given);
	/* rsyslog writes control characters in octal. */
	if (memchr(p, delimiter, (size_t)(end - p)) == NULL &&
	    delimiter == '\t' &&
	    memmem(p, (size_t)(end - p), "#011", 4) != NULL)
		read_delimited(r, p, end, slice_of("#011", 4));
	else
		read_delimited(r, p, end, slice_of(&delimiter, 1));
	r->severity = report_field(r, "sev");
	return 0;
}

int
report_parse(char *line, size_t len, struct report *r, const char **why)
{
	char *end = line + len, *p, *data, *data_end;
	int rv = 0;

	memset(r, 0, offsetof(struct report, field));
	r->nfield = r->dropped = 0;
	r->json = slice_of("", 0);
	if (len > REPORT_MAX) {
		*why = "the line is too long";
		return ERR_LIMIT;
	}
	p = report_header(line, end, r, &data, &data_end);
	*why = "neither CEF, LEEF, JSON nor key=value";
	if (p == NULL && data == NULL)
		return ERR_FORMAT;
	if (p == NULL) {		/* what it has is there */
		r->dialect = REPORT_KEYS;
		p = end;
	}
	switch (r->dialect) {
	case REPORT_CEF:
		rv = read_cef(r, p, end);
		break;
	case REPORT_LEEF:
		rv = read_leef(r, p, end);
		break;
	case REPORT_JSON:
		r->json = slice_of(p, (size_t)(end - p));
		break;
	default:
		read_keys(r, p, end);
		if (data != NULL)
			read_keys(r, data, data_end);
	}
	*why = rv != 0 ? "the header is cut short" : NULL;
	return rv;
}
