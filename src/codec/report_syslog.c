/*
 * What stands before a report: <PRI>, a header of syslog in the form of RFC
 * 5424 or something like that of RFC 3164, and the word that names a dialect.
 */
#include <ctype.h>
#include <string.h>

#include "codec/report_inner.h"

int
report_is_key(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static const struct {
	const char	*word;
	enum report_dialect dialect;
	size_t		 skip;		/* of the word */
} words[] = {
	{ "CEF:", REPORT_CEF, 4 },
	{ "LEEF:", REPORT_LEEF, 5 },
	{ "@cee:", REPORT_JSON, 5 },
	{ "{", REPORT_JSON, 0 },
};

static char *
blanks(char *p, char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* The word at p; *next is behind it and its blanks. */
static struct slice
word(char *p, char *end, char **next)
{
	char *stop = p;

	while (stop < end && !is_blank(*stop))
		stop++;
	*next = blanks(stop, end);
	return slice_of(p, (size_t)(stop - p));
}

/* <PRI>: facility * 8 + level, three digits at most (RFC 5424, 6.2.1). */
static char *
priority(char *p, char *end, struct report *r)
{
	char *q = p + 1;
	int n = 0;

	r->facility = r->level = -1;
	if (p == end || *p != '<')
		return p;
	while (q < end && q < p + 4 && isdigit((unsigned char)*q))
		n = n * 10 + (*q++ - '0');
	if (q == p + 1 || q == end || *q != '>' || n > 191)
		return p;
	r->facility = n / 8;
	r->level = n % 8;
	return q + 1;
}

/* "-" is how RFC 5424 writes nothing. */
static struct slice
or_nothing(struct slice s)
{
	return slice_eq(s, "-") ? slice_of("", 0) : s;
}

/* An element of structured data, its values in quotes (RFC 5424, 6.3). */
static char *
element(char *p, char *end)
{
	int quoted = 0;

	for (p++; p < end; p++) {
		if (*p == '\\' && quoted && p + 1 < end)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == ']' && !quoted)
			return p + 1;
	}
	return end;
}

/* Whether an element is of syslog itself (RFC 5424, 7), and of no product. */
static int
is_of_syslog(char *p, char *end)
{
	static const char *const ids[] = { "timeQuality", "origin", "meta" };
	size_t n = 1;

	while (p + n < end && p[n] != ' ' && p[n] != ']')
		n++;
	return slice_among(slice_of(p + 1, n - 1), ids, 3);
}

/* Structured data. What is of no product becomes blanks, where it lies. */
static char *
elements(char *p, char *end, char **data, char **data_end)
{
	char *next;

	for (; p < end && *p == '['; p = next) {
		next = element(p, end);
		if (is_of_syslog(p, next)) {
			memset(p, ' ', (size_t)(next - p));
			continue;
		}
		if (*data == NULL)
			*data = p;
		*data_end = next;
	}
	return p;
}

/* Behind "1 ": time, host, application, process, message's id, data. */
static char *
header_5424(char *p, char *end, struct report *r, char **data,
    char **data_end)
{
	word(p, end, &p);
	r->host = or_nothing(word(p, end, &p));
	r->app = or_nothing(word(p, end, &p));
	word(p, end, &p);
	word(p, end, &p);
	if (p < end && *p == '[')
		p = elements(p, end, data, data_end);
	else
		word(p, end, &p);
	p = blanks(p, end);
	return end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? p + 3 : p;
}

/* Whether a dialect begins here; p moves behind its word. */
static int
dialect_here(char **p, char *end, struct report *r)
{
	struct slice s = slice_of(*p, (size_t)(end - *p));
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_starts(s, words[i].word)) {
			r->dialect = words[i].dialect;
			*p = blanks(*p + words[i].skip, end);
			return 1;
		}
	for (i = 0; i < s.len && report_is_key(s.p[i]); i++)
		;
	r->dialect = REPORT_KEYS;
	return i > 0 && i < s.len && s.p[i] == '=';
}

/* Of "Nov", "29", "01:02:03", a year, or a time of RFC 3339? */
static int
is_of_time(struct slice s)
{
	static const char *const months[] = { "jan", "feb", "mar", "apr",
	    "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec" };
	size_t i;

	if (slice_among(s, months, 12))
		return 1;
	for (i = 0; i < s.len; i++)
		if (!isdigit((unsigned char)s.p[i]) &&
		    memchr(":.-+TZ", s.p[i], 6) == NULL)
			return 0;
	return s.len > 0 && isdigit((unsigned char)s.p[0]) &&
	    (s.len <= 4 || memchr(s.p, ':', s.len) != NULL);
}

/* A word between the time and the dialect: "host", "app[12]:" or "app:". */
static void
host_or_app(struct report *r, struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.p[n] != '[' && s.p[n] != ':')
		n++;
	if (n < s.len && n > 0)
		r->app = slice_of(s.p, n);
	else if (r->host.len == 0)
		r->host = s;
}

/* RFC 3164 says what was found in 2001, and since then it has got no better:
 * a time of some form, perhaps a host, perhaps an application. */
static char *
header_3164(char *p, char *end, struct report *r)
{
	struct slice s;

	while (p < end) {
		if (dialect_here(&p, end, r))
			return p;
		s = word(p, end, &p);
		if (r->host.len > 0 || !is_of_time(s))
			host_or_app(r, s);
	}
	return NULL;
}

char *
report_header(char *p, char *end, struct report *r, char **data,
    char **data_end)
{
	*data = *data_end = NULL;
	p = blanks(priority(blanks(p, end), end, r), end);
	if (r->facility >= 0 && end - p > 2 && p[0] == '1' && p[1] == ' ')
		p = header_5424(p + 2, end, r, data, data_end);
	return header_3164(p, end, r);
}
