/*
 * Parsers of single values. Each error says what would be right.
 */
#include "conf/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/pattern.h"
#include "util/err.h"
#include "util/mac.h"
#include "util/mem.h"

#define TEXT_MAX	4096
#define NAME_MAX_LEN	63	/* fits a label, a metric, a thread */

const struct word word_auto = { "auto", 0 };

struct unit {
	const char	*name;
	uint64_t	 factor;
};

/* The largest first, for printing. */
static const struct unit times[] = {
	{ "d", 86400000 }, { "h", 3600000 },
	{ "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
static const struct unit sizes[] = {
	{ "G", 1 << 30 }, { "M", 1 << 20 }, { "k", 1 << 10 }, { "", 1 },
};

static int
text_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	size_t n = strlen(s), max = k->max != 0 ? (size_t)k->max : TEXT_MAX;

	if (n == 0 || n > max) {
		text_printf(why, "\"%s\" wants 1 to %zu characters, not %zu",
		    k->name, max, n);
		return ERR_FORMAT;
	}
	if ((k->flags & KEY_NONE) && strcmp(s, "none") == 0)
		return 0;
	*(char **)field = xstrdup(s);
	return 0;
}

static int
name_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const char *p;

	for (p = s; isalnum((unsigned char)*p) || strchr("._-", *p); p++)
		if (*p == '\0')
			break;
	if (*p != '\0' || p == s || p - s > NAME_MAX_LEN) {
		text_printf(why, "\"%.64s\" is not a name; write 1 to %d "
		    "letters, digits, \".\", \"_\" and \"-\"", s,
		    NAME_MAX_LEN);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

static int
bool_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	static const char *const word[] = { "no", "yes", "false", "true",
	    "off", "on" };
	size_t i;

	for (i = 0; i < NELEM(word); i++)
		if (strcmp(s, word[i]) == 0) {
			*(int *)field = (int)(i % 2);
			return 0;
		}
	text_printf(why, "\"%.64s\" is not yes or no", s);
	return ERR_FORMAT;
}

/* The number at the start of s. *end is after it, or s if there is none. */
static uint64_t
digits(const char *s, const char **end)
{
	uint64_t v = 0;

	for (*end = s; isdigit((unsigned char)**end); (*end)++) {
		if (v > UINT64_MAX / 10 - 1)
			v = UINT64_MAX / 10 - 1;	/* out of any range */
		v = v * 10 + (uint64_t)(**end - '0');
	}
	return v;
}

static int
uint_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const char *end;
	const struct word *w = k->arg;
	uint64_t v = digits(s, &end);
	int number = end != s && *end == '\0';

	if (w != NULL && strcmp(s, w->name) == 0) {
		*(int *)field = w->value;
		return 0;
	}
	if (number && v >= k->min && v <= k->max) {
		*(unsigned *)field = (unsigned)v;
		return 0;
	}
	text_printf(why, number ? "%.64s is out of range; write " :
	    "\"%.64s\" is not a number; write ", s);
	if (w != NULL)
		text_printf(why, "%s or ", w->name);
	text_printf(why, "%llu to %llu", (unsigned long long)k->min,
	    (unsigned long long)k->max);
	return ERR_FORMAT;
}

/* Print v in the largest exact unit, and 0 in the smallest. */
static void
unit_print(struct text *t, const struct unit *u, uint64_t v)
{
	while (u->factor > 1 && (v == 0 || v % u->factor != 0))
		u++;
	text_printf(t, "%llu%s", (unsigned long long)(v / u->factor),
	    u->name);
}

/* Read a number with its unit. ERR_FORMAT without why: it is none. */
static int
unit_parse(const struct key *k, const char *s, const struct unit *units,
    uint64_t *v, struct text *why)
{
	const char *end;
	uint64_t n = digits(s, &end);
	size_t i;

	if (end == s)
		return ERR_FORMAT;
	for (i = 0; strcmp(end, units[i].name) != 0; i++)
		if (units[i].factor == 1)	/* the last */
			return ERR_FORMAT;
	n = n > UINT64_MAX / units[i].factor ? UINT64_MAX :
	    n * units[i].factor;
	if (n >= k->min && n <= k->max) {
		*v = n;
		return 0;
	}
	text_printf(why, "%.64s is out of range; write ", s);
	unit_print(why, units, k->min);
	text_puts(why, " to ");
	unit_print(why, units, k->max);
	return ERR_FORMAT;
}

static int
time_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	int r = unit_parse(k, s, times, field, why);

	if (r != 0 && why->len == 0)
		text_printf(why, "\"%.64s\" is not a time; write 500ms, 10s, "
		    "5m or 2h", s);
	return r;
}

static int
size_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	int r = unit_parse(k, s, sizes, field, why);

	if (r != 0 && why->len == 0)
		text_printf(why, "\"%.64s\" is not a size; write 65536, 64k, "
		    "16M or 1G", s);
	return r;
}

static int
word_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct word *w = k->arg, *p;
	size_t ready = 0, told = 0;
	int later = 0;

	for (p = w; p->name != NULL; p++) {
		if (strcmp(s, p->name) == 0 && !p->later) {
			*(int *)field = p->value;
			return 0;
		}
		later |= strcmp(s, p->name) == 0;
		ready += !p->later;
	}
	text_printf(why, later ? "\"%.64s\" is not available for \"%s\" in "
	    "this version; write " : "\"%.64s\" is no \"%s\"; write ", s,
	    k->name);
	for (p = w; p->name != NULL; p++) {
		if (p->later)
			continue;
		told++;
		text_printf(why, "%s%s", told == 1 ? "" :
		    told == ready ? " or " : ", ", p->name);
	}
	return ERR_FORMAT;
}

/* Nothing is kept: only one word is ready. */
static int
only_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	int value;

	return word_parse(l, k, s, &value, why);
}

static int
addr_value(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct addr a;

	if (addr_parse(&a, s) != 0) {
		text_printf(why, "\"%.64s\" is not an address with a port; "
		    "write 192.0.2.1:8080 or \"[::1]:8080\"", s);
		return ERR_FORMAT;
	}
	if (addr_port(&a) == 0) {
		text_printf(why, "\"%.64s\": a port is 1 to 65535", s);
		return ERR_FORMAT;
	}
	*(struct addr *)field = a;
	return 0;
}

static int
mac_value(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (mac_parse(field, s) == 0)
		return 0;
	text_printf(why, "\"%s\" is not an Ethernet address; write "
	    "02:00:5e:10:00:01", k->name);
	return ERR_FORMAT;
}

static int
prefix_value(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (prefix_parse(field, s) == 0)
		return 0;
	text_printf(why, "\"%.64s\" is not an address or prefix; write "
	    "192.0.2.1, 10.0.0.0/8 or \"2001:db8::/32\"", s);
	return ERR_FORMAT;
}

static int
ports_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf_ports *p = field;
	const char *end, *second;
	uint64_t lo = digits(s, &end), hi = lo;
	int bad = end == s;

	if (*end == '-') {
		second = end + 1;
		hi = digits(second, &end);
		bad |= end == second;
	}
	if (bad || *end != '\0' || lo == 0 || hi > 65535 || lo > hi) {
		text_printf(why, "\"%.64s\" is not a port; write 443 or "
		    "\"8000-8999\", within 1 to 65535", s);
		return ERR_FORMAT;
	}
	p->lo = (uint16_t)lo;
	p->hi = (uint16_t)hi;
	return 0;
}

int
name_valid(const char *s)
{
	char name[PATTERN_MAX + 1];

	return name_canon(name, s, strlen(s)) > 0;
}

/* The list that "@name" means, or NULL with why. */
static const struct conf_named_list *
list_ref(struct load *l, const char *s, struct text *why)
{
	const char *names[64], *near;
	size_t i, n = 0;

	for (i = 0; i < l->conf->nlists; i++) {
		if (strcmp(l->conf->lists[i].name, s + 1) == 0)
			return &l->conf->lists[i];
		if (n < NELEM(names))
			names[n++] = l->conf->lists[i].name;
	}
	near = nearest(s + 1, names, n);
	if (near != NULL)
		text_printf(why, "no list \"%.64s\" under \"lists\", did you "
		    "mean \"@%s\"?", s + 1, near);
	else
		text_printf(why, "no list \"%.64s\" under \"lists\"; define "
		    "it there, or write names without \"@\"", s + 1);
	return NULL;
}

char *
name_lower(const char *s)
{
	char *out = xstrdup(s), *p;

	for (p = out; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (p - out > 1 && p[-1] == '.')
		p[-1] = '\0';
	return out;
}

static int
pattern_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct conf_named_list *list;
	char out[PATTERN_MAX + 1];
	struct prefix ip;

	if (s[0] == '@') {
		if ((list = list_ref(l, s, why)) == NULL)
			return ERR_FORMAT;
		if (list->nnames == 0 && list->naddresses > 0)
			text_printf(why, "\"%s\" wants names, and the list "
			    "\"%s\" has only addresses", k->name, s + 1);
	} else if (pattern_canon(out, s, strlen(s), 0) > 0) {
		*(char **)field = xstrdup(out);
		return 0;
	} else if (strchr(s, '/') != NULL || prefix_parse(&ip, s) != 0)
		text_printf(why, "\"%.64s\" is not a name; write "
		    "\"example.com\" (and all below it), "
		    "\"=example.com\", \"*.example.com\" or \"@list\"", s);
	if (why->len > 0)
		return ERR_FORMAT;
	*(char **)field = s[0] == '@' ? xstrdup(s) : name_lower(s);
	return 0;
}

static int
domain_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (s[0] != '@')
		return pattern_parse(l, k, s, field, why);
	text_printf(why, "\"%s\" wants names, and takes no list", k->name);
	return ERR_FORMAT;
}

static int
source_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct conf_named_list *list;
	struct prefix p;

	if (s[0] == '@') {
		if ((list = list_ref(l, s, why)) == NULL)
			return ERR_FORMAT;
		if (list->nnames > 0 && list->naddresses == 0)
			text_printf(why, "\"%s\" wants addresses, and the "
			    "list \"%s\" has only names", k->name, s + 1);
	} else
		prefix_value(l, k, s, &p, why);
	if (why->len > 0)
		return ERR_FORMAT;
	*(char **)field = xstrdup(s);
	return 0;
}

const struct type type_text = { text_parse, NULL, text_drop };
const struct type type_name = { name_parse, NULL, text_drop };
const struct type type_bool = { bool_parse, .size = sizeof(int) };
const struct type type_uint = { uint_parse, .size = sizeof(unsigned) };
const struct type type_size = { size_parse, .size = sizeof(uint64_t) };
const struct type type_time = { time_parse, .size = sizeof(uint64_t) };
const struct type type_word = { word_parse, .size = sizeof(int) };
const struct type type_only = { only_parse };
const struct type type_addr = { addr_value, .size = sizeof(struct addr) };
const struct type type_mac = { mac_value, .size = 6 };
const struct type type_prefix = { prefix_value, .size = sizeof(struct prefix) };
const struct type type_ports = { ports_parse,
	.size = sizeof(struct conf_ports) };
const struct type type_pattern = { pattern_parse, NULL, text_drop };
const struct type type_domain = { domain_parse, NULL, text_drop };
const struct type type_source = { source_parse, NULL, text_drop };
