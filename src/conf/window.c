/*
 * Windows of time: "mon-fri 08:00-18:00 Europe/Berlin". Each of the three
 * parts may be left out.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/keys.h"
#include "util/err.h"
#include "util/mem.h"

#define ZONES		"/usr/share/zoneinfo/"
#define ZONE_LOCAL	"/etc/localtime"
#define ZONE_MAX	65536	/* bytes of a file; they have some 4,000 */
#define DAY_MINUTES	1440

static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri",
    "sat" };

/* The day at *s, which is moved past it; -1: none. */
static int
day_read(const char **s)
{
	size_t i;

	for (i = 0; i < NELEM(days); i++)
		if (strncasecmp(*s, days[i], 3) == 0) {
			*s += 3;
			return (int)i;
		}
	return -1;
}

/* "mon-fri,sun"; 0, or ERR_FORMAT. */
static int
days_read(const char *s, unsigned *bits)
{
	int day, last;

	for (*bits = 0;; s++) {
		if ((day = last = day_read(&s)) == -1)
			return ERR_FORMAT;
		if (*s == '-') {
			s++;
			if ((last = day_read(&s)) == -1)
				return ERR_FORMAT;
		}
		for (; day != last; day = (day + 1) % 7)
			*bits |= 1u << day;
		*bits |= 1u << last;
		if (*s == '\0')
			return 0;
		if (*s != ',')
			return ERR_FORMAT;
	}
}

/* "HH:MM" at *s, in minutes; -1: none. */
static int
clock_read(const char **s)
{
	const char *p = *s;
	int at;

	if (!isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]) ||
	    p[2] != ':' || !isdigit((unsigned char)p[3]) ||
	    !isdigit((unsigned char)p[4]) || p[3] > '5')
		return -1;
	at = ((p[0] - '0') * 10 + p[1] - '0') * 60 + (p[3] - '0') * 10 +
	    p[4] - '0';
	*s += 5;
	return at <= DAY_MINUTES ? at : -1;
}

static int
clocks_read(const char *s, struct conf_window *w)
{
	w->from = clock_read(&s);
	if (w->from == -1 || *s++ != '-')
		return ERR_FORMAT;
	w->to = clock_read(&s);
	return w->to == -1 || *s != '\0' || w->from == w->to ||
	    w->from == DAY_MINUTES ? ERR_FORMAT : 0;
}

/* The name of a file below ZONES, or "local". */
static int
zone_load(struct load *l, const char *name, struct conf_window *w)
{
	struct text path = { 0 }, t = { 0 };
	const char *p;

	for (p = name; isalnum((unsigned char)*p) || (*p != '\0' &&
	    strchr("_+-/", *p) != NULL); p++)
		;
	if (*p != '\0' || name[0] == '/')
		return ERR_FORMAT;
	if (strcmp(name, "local") == 0)
		text_puts(&path, ZONE_LOCAL);
	else
		text_printf(&path, ZONES "%s", name);
	if (l->world->read != NULL &&
	    l->world->read(path.s, ZONE_MAX, &t) == 0)
		w->zone = zone_read((const uint8_t *)t.s, t.len);
	text_free(&path);
	text_free(&t);
	/* A host without a zone of its own is in UTC. */
	return w->zone == NULL && strcmp(name, "UTC") != 0 &&
	    strcmp(name, "local") != 0 && l->world->read != NULL ?
	    ERR_NOTFOUND : 0;
}

static int
window_part(struct load *l, const char *part, struct conf_window *w,
    int *zoned)
{
	unsigned bits;

	if (isdigit((unsigned char)part[0]))
		return w->from == -1 ? clocks_read(part, w) : ERR_FORMAT;
	if (days_read(part, &bits) == 0) {
		if (w->days != 0)
			return ERR_FORMAT;
		w->days = bits;
		return 0;
	}
	return (*zoned)++ ? ERR_FORMAT : zone_load(l, part, w);
}

static int
window_read(struct load *l, char *s, struct conf_window *w)
{
	char *part, *save;
	int zoned = 0, rv = 0;

	w->from = -1;
	for (part = strtok_r(s, " ", &save); rv == 0 && part != NULL;
	    part = strtok_r(NULL, " ", &save))
		rv = window_part(l, part, w, &zoned);
	if (rv == 0 && w->from == -1 && w->days == 0)
		rv = ERR_FORMAT;
	if (rv == 0 && !zoned)
		rv = zone_load(l, "local", w);
	if (w->days == 0)
		w->days = 0x7f;
	if (w->from == -1) {
		w->from = 0;
		w->to = DAY_MINUTES;
	}
	return rv;
}

static void
window_drop(const struct key *k, void *field)
{
	struct conf_window *w = field;

	free(w->text);
	zone_free(w->zone);
	memset(w, 0, sizeof(*w));
}

static int
window_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf_window *w = field;
	char *copy = xstrdup(s);
	int rv;

	rv = window_read(l, copy, w);
	free(copy);
	if (rv == 0) {
		w->text = xstrdup(s);
		return 0;
	}
	window_drop(k, field);
	if (rv == ERR_NOTFOUND)
		text_printf(why, "\"%.64s\": no such time zone in " ZONES
		    "; write one as in Europe/Berlin, or UTC", s);
	else
		text_printf(why, "\"%.64s\" is not a window of time; write "
		    "\"mon-fri 08:00-18:00\", \"22:00-06:00 Europe/Berlin\" "
		    "or \"sat,sun\"", s);
	return ERR_FORMAT;
}

static int
window_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_window *x = a, *y = b;

	return x->text == NULL || y->text == NULL ? x->text == y->text :
	    strcmp(x->text, y->text) == 0;
}

int
conf_window_has(const struct conf_window *w, int64_t now)
{
	int64_t local = now + zone_offset(w->zone, now);
	int64_t day = local / 86400 - (local % 86400 < 0);
	int minute = (int)((local - day * 86400) / 60);
	unsigned today = (unsigned)(((day + 4) % 7 + 7) % 7);
	unsigned before = (today + 6) % 7;

	if (w->from < w->to)
		return (w->days >> today & 1) && minute >= w->from &&
		    minute < w->to;
	return ((w->days >> today & 1) && minute >= w->from) ||
	    ((w->days >> before & 1) && minute < w->to);
}

const struct type type_window = { window_parse, NULL, window_drop,
	.same = window_same };
