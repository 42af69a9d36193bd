/*
 * The products. Where a field's name stands for several things, the order of a
 * row says which is meant first.
 */
#include "verdict/sighting.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/err.h"
#include "util/mem.h"

struct scale {
	const char	*word;
	int		 severity;
};

struct product {
	const char	*name;
	/* What a line of it has: field and pattern. */
	const char	*has[2][2];
	const char	*named[4], *ends[2];
	const char	*severity[3], *signature[4], *category[3], *peer[3];
	const struct scale *scale;	/* or NULL: numbers from 0 to 10 */
};

/* Suricata's 1 is the worst. */
static const struct scale suricata[] = {
	{ "1", 9 }, { "2", 6 }, { "3", 3 }, { "4", 1 }, { NULL }
};
static const struct scale words[] = {
	{ "informational", 1 }, { "information", 1 }, { "info", 1 },
	{ "debug", 0 }, { "notice", 3 }, { "low", 3 }, { "warning", 5 },
	{ "medium", 5 }, { "moderate", 5 }, { "unknown", 5 }, { "error", 7 },
	{ "high", 8 }, { "alert", 9 }, { "very-high", 10 },
	{ "critical", 10 }, { "emergency", 10 }, { NULL }
};

static const struct product products[] = {
	{
		.name = "suricata",
		.has = { { "event_type", "alert" } },
		/* A rule with `target:` says who was hit. */
		.named = { "alert.target.ip", "alert.source.ip" },
		.ends = { "src_ip", "dest_ip" },
		.severity = { "alert.severity" },
		.signature = { "alert.signature", "alert.signature_id" },
		.category = { "alert.category" },
		.scale = suricata
	},
	{
		.name = "zeek",
		.has = { { "note", "*::*" } },
		.named = { "src" },
		.ends = { "id.orig_h", "id.resp_h" },
		.signature = { "note" },
		.category = { "msg" },
		.peer = { "dst" }
	},
	{
		.name = "ddi",
		.has = { { "@vendor", "Trend Micro" },
		    { "@product", "Deep Discovery Inspector" } },
		/* src is not always the one that is infected. */
		.named = { "interestedIp" },
		.ends = { "src", "dst" },
		.severity = { "sev", "@severity" },
		.signature = { "malName", "ruleName", "msg", "@name" },
		.category = { "evtCat", "cat", "@id" },
		.peer = { "cccaDestination", "peerIp" }
	},
	{
		.name = "deep-security",
		.has = { { "@vendor", "Trend Micro" },
		    { "@product", "Deep Security*" } },
		.named = { "dvc", "dvcip", "@host" },
		.severity = { "sev", "@severity" },
		.signature = { "@name", "msg", "@id" },
		.category = { "cat", "cn1Label", "@id" },
		.peer = { "src" }
	},
	{
		.name = "palo-alto",
		.has = { { "@vendor", "Palo Alto Networks" } },
		.ends = { "src", "dst" },
		.severity = { "@severity", "sev" },
		.signature = { "@name", "@id" },
		.category = { "cat", "@id" }
	},
	{
		.name = "fortigate",
		.has = { { "devid", "*" }, { "logid", "*" } },
		.ends = { "srcip", "dstip" },
		.severity = { "crlevel", "severity", "level" },
		.signature = { "attack", "virus", "msg", "logdesc" },
		.category = { "subtype", "eventtype", "type" },
		.peer = { "hostname" }
	},
	{
		.name = "generic",
		.named = { "endpoint", "interestedIp" },
		.ends = { "src", "dst" },
		.severity = { "@severity", "severity", "sev" },
		.signature = { "@name", "signature", "msg", "@id" },
		.category = { "cat", "category" },
		.peer = { "peer", "peerIp" }
	},
	{	/* The same with other names for the ends: webhooks. */
		.name = "generic",
		.named = { "endpoint" },
		.ends = { "srcip", "dstip" },
		.severity = { "severity", "sev", "level" },
		.signature = { "signature", "attack", "virus", "msg" },
		.category = { "category", "subtype" },
		.peer = { "peer", "hostname" }
	},
	{
		.name = "generic",
		.named = { "endpoint", "mac" },
		.ends = { "src_ip", "dest_ip" },
		.severity = { "severity" },
		.signature = { "signature", "msg", "name" },
		.category = { "category" },
		.peer = { "peer" }
	},
};

static int
product_is(const struct product *p, const struct fields *f)
{
	const char *value;
	size_t i;

	for (i = 0; i < NELEM(p->has) && p->has[i][0] != NULL; i++)
		if ((value = fields_get(f, p->has[i][0])) == NULL ||
		    fnmatch(p->has[i][1], value, FNM_CASEFOLD) != 0)
			return 0;
	/* The generic rows are told by the ends they have. */
	return i > 0 || fields_get(f, p->ends[0]) != NULL;
}

static const struct product *
product_of(const struct fields *f)
{
	size_t i;

	for (i = 0; i + 1 < NELEM(products); i++)
		if (product_is(&products[i], f))
			break;
	return &products[i];
}

static const char *
first_of(const struct fields *f, const char *const *names, size_t n)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < n && names[i] != NULL && value == NULL; i++)
		value = fields_get(f, names[i]);
	return value;
}

static int
severity_word(const char *s, const struct scale *scale)
{
	for (; scale->word != NULL; scale++)
		if (strcasecmp(s, scale->word) == 0)
			return scale->severity;
	return -1;
}

static int
severity_of(const struct product *p, const struct fields *f)
{
	const char *s = first_of(f, p->severity, NELEM(p->severity));
	char *end;
	double d;
	int n;

	if (s == NULL)
		return SIGHTING_SEVERITY;
	if (p->scale != NULL && (n = severity_word(s, p->scale)) >= 0)
		return n;
	if ((n = severity_word(s, words)) >= 0)
		return n;
	d = strtod(s, &end);
	if (end == s || *end != '\0' || !(d >= 0))
		return SIGHTING_SEVERITY;
	return d > 10 ? 10 : (int)d;
}

void
sighting_read(struct sighting *s, const struct fields *f)
{
	const struct product *p = product_of(f);
	size_t i;

	memset(s, 0, sizeof(*s));
	s->fields = f;
	s->product = p->name;
	s->severity = severity_of(p, f);
	s->signature = first_of(f, p->signature, NELEM(p->signature));
	s->category = first_of(f, p->category, NELEM(p->category));
	s->peer = first_of(f, p->peer, NELEM(p->peer));
	for (i = 0; i < NELEM(p->named) && p->named[i] != NULL; i++)
		s->named[i] = fields_get(f, p->named[i]);
	for (i = 0; i < NELEM(p->ends) && p->ends[i] != NULL; i++)
		s->ends[i] = fields_get(f, p->ends[i]);
}

struct asking {
	int	(*is_inside)(void *, const struct addr *);
	void	*arg;
};

/* Whether it names an endpoint. A hardware address is always one's. */
static int
names_one(const char *s, struct endpoint *who, const struct asking *a)
{
	return s != NULL && endpoint_parse(who, s) == 0 &&
	    (who->by_mac || a->is_inside(a->arg, &who->addr));
}

int
sighting_who(const struct sighting *s, struct endpoint *who,
    int (*is_inside)(void *arg, const struct addr *), void *arg)
{
	struct asking a = { is_inside, arg };
	struct endpoint other;
	size_t i;

	for (i = 0; i < NELEM(s->named); i++)
		if (names_one(s->named[i], who, &a))
			return 0;
	if (!names_one(s->ends[0], who, &a))
		return names_one(s->ends[1], who, &a) ? 0 : ERR_NOTFOUND;
	return names_one(s->ends[1], &other, &a) &&
	    !endpoint_same(who, &other) ? ERR_UNSUPPORTED : 0;
}
