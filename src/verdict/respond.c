/*
 * Matching walks over the list. What is remembered, of counts and of what was
 * told, is in two tables of fixed size, in which a newer entry takes the place
 * of an older one.
 */
#include "verdict/respond.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/mem.h"

#define SLOTS	4096
#define AGAIN	60000		/* ms */

struct count {			/* the times of one response and endpoint */
	uint64_t	 key;
	unsigned	 n, next;
	uint64_t	 at[CONF_COUNT];
};

struct told {
	uint64_t	 key, at;
};

struct respond {
	uint64_t	 seed;
	struct count	*counts;	/* SLOTS, once one is needed */
	struct told	 told[SLOTS];
	/* of the breaker: a ring */
	uint64_t	 held[CONF_BREAKER];
	unsigned	 nheld, next;
};

struct respond *
respond_new(uint64_t seed)
{
	struct respond *r = xcalloc(1, sizeof(*r));

	r->seed = seed;
	return r;
}

void
respond_free(struct respond *r)
{
	if (r != NULL)
		free(r->counts);
	free(r);
}

static int
globs_have(const struct conf_list *l, const char *s)
{
	size_t i;

	for (i = 0; s != NULL && i < l->n; i++)
		if (fnmatch(l->v[i], s, FNM_NOESCAPE | FNM_CASEFOLD) == 0)
			return 1;
	return l->n == 0;
}

static int
names_have(const struct conf_list *l, const char *s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return 1;
	return l->n == 0;
}

static int
fields_match(const struct conf_response *r, const struct fields *f)
{
	const char *value;
	size_t i;

	for (i = 0; i < r->when.nfields; i++)
		if ((value = fields_get(f, r->when.fields[i].name)) == NULL ||
		    fnmatch(r->when.fields[i].pattern, value,
		    FNM_NOESCAPE | FNM_CASEFOLD) != 0)
			return 0;
	return 1;
}

static int
matches(const struct conf_response *r, const char *sensor,
    const struct sighting *s)
{
	return names_have(&r->when.sensor, sensor) &&
	    s->severity >= r->when.severity.lo &&
	    s->severity <= r->when.severity.hi &&
	    globs_have(&r->when.product, s->product) &&
	    globs_have(&r->when.signature, s->signature) &&
	    globs_have(&r->when.category, s->category) &&
	    fields_match(r, s->fields);
}

/* Of a response (by its place) and an endpoint; 0 is no key. */
static uint64_t
key_of(const struct respond *d, const struct conf_response *r,
    const struct endpoint *who)
{
	uint64_t h = hash_bytes(HASH_START ^ d->seed, &r->pos,
	    sizeof(r->pos));
	const uint8_t *ip;
	size_t len;

	if (who != NULL && who->by_mac) {
		h = hash_bytes(h, who->mac, MAC_LEN);
	} else if (who != NULL) {
		ip = addr_ip(&who->addr, &len);
		h = hash_bytes(h, ip, len);
	}
	return hash_fold(h) | 1;
}

/* Whether this is the one that it takes. */
static int
counted(struct respond *d, const struct conf_response *r,
    const struct endpoint *who, uint64_t now)
{
	uint64_t key = key_of(d, r, who);
	struct count *c;
	unsigned i, recent = 0;

	if (r->when.of <= 1)
		return 1;
	if (d->counts == NULL)
		d->counts = xcalloc(SLOTS, sizeof(*d->counts));
	c = &d->counts[key / 2 % SLOTS];
	if (c->key != key)
		memset(c, 0, sizeof(*c));
	c->key = key;
	c->at[c->next] = now;
	c->next = (c->next + 1) % CONF_COUNT;
	c->n += c->n < CONF_COUNT;
	for (i = 0; i < c->n; i++)
		recent += now - c->at[i] < r->when.within;
	if (recent < r->when.of)
		return 0;
	c->n = c->next = 0;		/* it takes as many again */
	return 1;
}

const struct conf_response *
respond_match(struct respond *d, const struct conf *conf, const char *sensor,
    const struct sighting *s, const struct endpoint *who, uint64_t now)
{
	const struct conf_response *r;
	size_t i;

	for (i = 0; i < conf->nresponses; i++) {
		r = &conf->responses[i];
		if (matches(r, sensor, s) && counted(d, r, who, now))
			return r;
	}
	return NULL;
}

int
respond_again(struct respond *d, const struct conf_response *r,
    const struct sighting *s, const struct endpoint *who, int result,
    uint64_t now)
{
	const char *texts[] = { s->signature, who == NULL ? s->ends[0] : NULL,
	    who == NULL ? s->ends[1] : NULL };
	uint64_t key = key_of(d, r, who);
	struct told *t;
	size_t i;
	int again;

	for (i = 0; i < NELEM(texts); i++)
		if (texts[i] != NULL)
			key = hash_string(key, texts[i]);
	key = hash_fold(hash_byte(key, (uint8_t)result)) | 1;
	t = &d->told[key / 2 % SLOTS];
	again = t->key == key && now - t->at < AGAIN;
	if (!again) {
		t->key = key;
		t->at = now;
	}
	return again;
}

int
respond_may(struct respond *d, const struct conf_breaker *b, uint64_t now)
{
	unsigned i, recent = 0;

	for (i = 0; i < d->nheld; i++)
		recent += now - d->held[i] < b->per;
	if (recent >= b->quarantines)
		return 0;
	d->held[d->next] = now;
	d->next = (d->next + 1) % CONF_BREAKER;
	d->nheld += d->nheld < CONF_BREAKER;
	return 1;
}
