/*
 * TZif files: a header, tables of version 1 that are passed over, and the same
 * in 64 bits, with a line of text behind them: a rule as in TZ (POSIX 8.3).
 */
#include "util/zone.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/cursor.h"
#include "util/mem.h"

#define TRANSITIONS_MAX	10000	/* a zone has some hundred */
#define HEADER		44
#define DAY_S		86400
#define RULE_MAX	128

struct when {			/* a day of any year, and the time of it */
	char	 kind;		/* 'M': month, week, day; 'J', '0': a number */
	int	 month, week, day;
	int32_t	 time;
};

struct zone {
	size_t	 n;
	int64_t	*at;		/* transitions, and the offset from then on */
	int32_t	*offset;
	int32_t	 first;		/* before them */
	int	 tail;		/* behind them there is a rule: */
	int32_t	 std, dst;
	int	 has_dst;
	struct when begin, end;
};

/* Days from 1970 to a day of the Gregorian calendar; month from 1. */
static int64_t
days_to(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* The second of the year's local time at which w is. */
static int64_t
when_in(const struct when *w, int64_t year)
{
	int64_t d, next;

	if (w->kind == '0')
		return (days_to(year, 1, 1) + w->day) * DAY_S + w->time;
	if (w->kind == 'J')	/* 29 February is never counted */
		return (days_to(year, 1, 1) + w->day - 1 + (is_leap(year) &&
		    w->day >= 60)) * DAY_S + w->time;
	d = days_to(year, w->month, 1);
	next = w->month == 12 ? days_to(year + 1, 1, 1) :
	    days_to(year, w->month + 1, 1);
	d += (w->day - (d + 4) % 7 + 14) % 7 + 7 * (w->week - 1);
	while (d >= next)	/* the fifth is the last */
		d -= 7;
	return d * DAY_S + w->time;
}

static int32_t
tail_offset(const struct zone *z, int64_t t)
{
	int64_t begin, end, year;
	time_t local = t + z->std;
	struct tm tm;

	if (!z->has_dst || gmtime_r(&local, &tm) == NULL)
		return z->std;
	year = tm.tm_year + 1900;
	begin = when_in(&z->begin, year) - z->std;
	end = when_in(&z->end, year) - z->dst;
	if (begin < end)
		return t >= begin && t < end ? z->dst : z->std;
	return t >= end && t < begin ? z->std : z->dst;
}

int32_t
zone_offset(const struct zone *z, int64_t t)
{
	size_t lo = 0, hi, mid;

	if (z == NULL)
		return 0;
	if (z->tail && (z->n == 0 || t >= z->at[z->n - 1]))
		return tail_offset(z, t);
	if (z->n == 0 || t < z->at[0])
		return z->first;
	for (hi = z->n; hi - lo > 1;) {
		mid = lo + (hi - lo) / 2;
		if (z->at[mid] <= t)
			lo = mid;
		else
			hi = mid;
	}
	return z->offset[lo];
}

/* A number up to max; -1 if there is none. */
static int
rule_number(const char **s, int max)
{
	int n = 0;

	if (!isdigit((unsigned char)**s))
		return -1;
	for (; isdigit((unsigned char)**s); (*s)++)
		if ((n = n * 10 + (**s - '0')) > max)
			return -1;
	return n;
}

/* "[+-]hh[:mm[:ss]]", in seconds. */
static int
rule_time(const char **s, int32_t *out)
{
	int sign = **s == '-' ? -1 : 1, part, unit;

	if (**s == '-' || **s == '+')
		(*s)++;
	*out = 0;
	for (unit = 3600; unit > 0; unit /= 60) {
		if ((part = rule_number(s, unit == 3600 ? 167 : 59)) == -1)
			return 0;
		*out += part * unit;
		if (**s != ':' || unit == 1)
			break;
		(*s)++;
	}
	*out *= sign;
	return 1;
}

/* A name: letters, or anything between "<" and ">". */
static int
rule_name(const char **s)
{
	const char *start = *s;

	if (**s == '<') {
		*s = strchr(start, '>');
		if (*s == NULL) {
			*s = start;
			return 0;
		}
		(*s)++;
		return 1;
	}
	while (isalpha((unsigned char)**s))
		(*s)++;
	return *s > start;
}

static int
rule_when(const char **s, struct when *w)
{
	if (*(*s)++ != ',')
		return 0;
	w->kind = **s == 'M' || **s == 'J' ? *(*s)++ : '0';
	w->time = 2 * 3600;
	w->day = rule_number(s, 365);
	if (w->kind == 'M') {
		w->month = w->day;
		w->week = *(*s)++ == '.' ? rule_number(s, 5) : -1;
		w->day = w->week >= 1 && *(*s)++ == '.' ? rule_number(s, 6) :
		    -1;
		if (w->month < 1 || w->month > 12)
			return 0;
	}
	if (w->day < 0)
		return 0;
	if (**s != '/')
		return 1;
	(*s)++;
	return rule_time(s, &w->time);
}

/* 1 if it is a rule that we understand. Its offsets are west of UTC. */
static int
rule_read(struct zone *z, const char *s)
{
	if (!rule_name(&s) || !rule_time(&s, &z->std))
		return 0;
	z->std = -z->std;
	z->has_dst = *s != '\0';
	if (!z->has_dst)
		return 1;
	if (!rule_name(&s))
		return 0;
	z->dst = z->std + 3600;
	if (*s != ',' && *s != '\0') {
		if (!rule_time(&s, &z->dst))
			return 0;
		z->dst = -z->dst;
	}
	return rule_when(&s, &z->begin) && rule_when(&s, &z->end) &&
	    *s == '\0';
}

struct counts {			/* of a header */
	uint32_t isut, isstd, leap, time, type, chars;
};

static int
header_read(struct cursor *c, struct counts *n)
{
	const uint8_t *magic = cursor_bytes(c, 4);
	uint8_t version = cursor_u8(c);

	cursor_bytes(c, 15);
	n->isut = cursor_u32(c);
	n->isstd = cursor_u32(c);
	n->leap = cursor_u32(c);
	n->time = cursor_u32(c);
	n->type = cursor_u32(c);
	n->chars = cursor_u32(c);
	return !c->bad && memcmp(magic, "TZif", 4) == 0 &&
	    version >= '2' && n->time <= TRANSITIONS_MAX && n->type > 0 &&
	    n->type <= 256 && n->isut <= 256 && n->isstd <= 256 &&
	    n->leap <= 1000 && n->chars <= 65536;
}

static int64_t
i64(struct cursor *c)
{
	uint64_t hi = cursor_u32(c);

	return (int64_t)(hi << 32 | cursor_u32(c));
}

static int
tables_read(struct zone *z, struct cursor *c, const struct counts *n)
{
	int32_t offset[256];
	const uint8_t *types;
	size_t i;

	z->n = n->time;
	z->at = xcalloc(z->n + 1, sizeof(*z->at));
	z->offset = xcalloc(z->n + 1, sizeof(*z->offset));
	for (i = 0; i < z->n; i++)
		z->at[i] = i64(c);
	types = cursor_bytes(c, z->n);
	for (i = 0; i < n->type; i++) {
		offset[i] = (int32_t)cursor_u32(c);
		cursor_bytes(c, 2);
		if (offset[i] < -DAY_S || offset[i] > DAY_S)
			return 0;
	}
	for (i = 0; !c->bad && i < z->n; i++) {
		if (types[i] >= n->type || (i > 0 && z->at[i] <= z->at[i - 1]))
			return 0;
		z->offset[i] = offset[types[i]];
	}
	z->first = offset[0];
	cursor_bytes(c, n->chars + 12 * (size_t)n->leap + n->isstd + n->isut);
	return !c->bad;
}

/* The line behind the tables. Without one the last offset stays. */
static void
footer_read(struct zone *z, struct cursor *c)
{
	size_t n = cursor_left(c);
	const char *s = (const char *)cursor_bytes(c, n), *end;
	char rule[RULE_MAX];

	if (n < 2 || s[0] != '\n' || (end = memchr(s + 1, '\n', n - 1)) ==
	    NULL || end - s > RULE_MAX)
		return;
	memcpy(rule, s + 1, (size_t)(end - s - 1));
	rule[end - s - 1] = '\0';
	z->tail = rule_read(z, rule);
}

struct zone *
zone_read(const uint8_t *data, size_t len)
{
	struct cursor c = cursor_of(data, len);
	struct zone *z = xcalloc(1, sizeof(*z));
	struct counts n;

	if (header_read(&c, &n)) {
		cursor_bytes(&c, 5 * (size_t)n.time + 6 * n.type + n.chars +
		    8 * (size_t)n.leap + n.isstd + n.isut);
		if (header_read(&c, &n) && tables_read(z, &c, &n)) {
			footer_read(z, &c);
			return z;
		}
	}
	zone_free(z);
	return NULL;
}

void
zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->at);
	free(z->offset);
	free(z);
}
