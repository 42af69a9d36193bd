/*
 * Reads Accept, Accept-Language and what tells browsers from programs.
 */
#include "http/wants.h"

#include <stdlib.h>

#define Q_ONE	1000
#define JSON	"application/json"

struct choice {
	int		 q;		/* thousandths; -1: not listed */
	int		 fit;		/* see range_fits() */
	unsigned	 place;		/* in the list, from 0 */
};

/* "0", "1", "0.5", "0.125"; what is malformed is 0 (never chosen). */
static int
q_value(struct slice s)
{
	int q, digit = Q_ONE / 10;
	size_t i;

	if (s.len == 0 || (s.p[0] != '0' && s.p[0] != '1'))
		return 0;
	q = (s.p[0] - '0') * Q_ONE;
	for (i = 2; i < s.len && s.p[1] == '.'; i++, digit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		q += (s.p[i] - '0') * digit;
	}
	return q > Q_ONE ? Q_ONE : q;
}

/* Cut the parameters off an item; its weight. */
static int
item_q(struct slice *item)
{
	struct slice rest = *item, name, part;
	int q = Q_ONE;

	if (!slice_cut(&rest, ';', &name))
		return q;
	*item = slice_trim(name);
	while (rest.len > 0) {
		if (!slice_cut(&rest, ';', &part)) {
			part = rest;
			rest.len = 0;
		}
		part = slice_trim(part);
		if (part.len >= 2 && (part.p[0] | ' ') == 'q' &&
		    part.p[1] == '=')
			q = q_value(slice_of(part.p + 2, part.len - 2));
	}
	return q;
}

/* How well a range names it: 0 not, 1 by "*", 2 itself. */
static int
range_fits(struct slice range, const char *what)
{
	size_t n = strlen(what);

	if (slice_eq(range, "*") || slice_eq(range, "*/*"))
		return 1;
	if (range.len > n && range.p[n] == '-')
		range.len = n;		/* ja-JP */
	if (strcmp(what, JSON) == 0 && range.len > 5 && slice_is(
	    slice_of(range.p + range.len - 5, 5), "+json"))
		return 2;		/* RFC 6839, 3.1 */
	return slice_is(range, what) ? 2 : 0;
}

/* The weight that a list gives it; the best fit counts. */
static struct choice
choice_of(struct slice list, const char *what)
{
	struct choice c = { -1, 0, 0 };
	unsigned place = 0;
	struct slice item;
	int q, fit;

	for (; slice_item(&list, &item); place++) {
		q = item_q(&item);
		fit = range_fits(item, what);
		if (fit < c.fit || fit == 0 || (fit == c.fit && q <= c.q))
			continue;
		c.fit = fit;
		c.q = q;
		c.place = place;
	}
	return c;
}

enum page_language
wants_language(const struct http_head *h, const int *languages, size_t n)
{
	struct choice c, most = { 0, 0, 0 };
	size_t i, best = 0;
	struct slice list;

	if (h == NULL)
		return (enum page_language)languages[0];
	list = http_value(h, "Accept-Language");
	for (i = 0; i < n; i++) {
		c = choice_of(list, page_language_str(
		    (enum page_language)languages[i]));
		if (c.q > most.q || (c.q == most.q && c.q > 0 &&
		    c.place < most.place)) {
			most = c;
			best = i;
		}
	}
	return (enum page_language)languages[best];
}

/* A script's request, or a picture's: nobody would see the page. In the clear
 * browsers do not say, and libraries of scripts do. */
static int
is_for_program(const struct http_head *h)
{
	static const char *const shown[] = { "document", "iframe", "frame" };
	struct slice dest = http_value(h, "Sec-Fetch-Dest");

	return (dest.len > 0 && !slice_among(dest, shown, 3)) ||
	    slice_is(http_value(h, "X-Requested-With"), "XMLHttpRequest");
}

int
wants_json(const struct http_head *h)
{
	struct slice accept, agent;
	struct choice json, html;

	if (h == NULL)
		return 0;
	accept = http_value(h, "Accept");
	agent = http_value(h, "User-Agent");
	json = choice_of(accept, JSON);
	html = choice_of(accept, "text/html");
	if (json.q != html.q)
		return json.q > html.q;
	if (json.fit != html.fit)
		return json.fit > html.fit;
	return is_for_program(h) || !slice_starts(agent, "Mozilla/");
}
