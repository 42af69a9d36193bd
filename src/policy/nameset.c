/*
 * A table with open addressing. Hashing runs from a name's end to its start, so
 * that one pass yields the hash of every suffix. A reference is a set's number
 * and what it has of the name; a name in several sets has a sorted array.
 */
#include "policy/nameset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/pattern.h"
#include "util/hash.h"
#include "util/mem.h"

#define NAME_LEN_MAX	255
#define MORE		0x80000000u	/* ref: the rest is an index */
#define WHAT_BITS	4
#define OUT		2	/* of WHAT_BITS: excepted, and shifted so */
#define SELF		PATTERN_SELF
#define BELOW		PATTERN_BELOW

struct nameset_refs {
	uint32_t	 n, cap;
	uint32_t	 v[];
};

struct suffix {			/* of a name */
	uint32_t	 at, hash;
};

static uint64_t
hash_letter(uint64_t h, char c)
{
	return hash_byte(h, (uint8_t)tolower((unsigned char)c));
}

static uint32_t
hash_name(const char *s, size_t n)
{
	uint64_t h = HASH_START;

	while (n > 0)
		h = hash_letter(h, s[--n]);
	return (uint32_t)hash_fold(h);
}

/* The slot of the name, or the free slot for it. */
static struct nameset_slot *
slot_find(const struct nameset *set, uint32_t h, const char *s, size_t n)
{
	size_t i = h & (set->cap - 1);
	struct nameset_slot *slot;

	for (;; i = (i + 1) & (set->cap - 1)) {
		slot = &set->slots[i];
		if (slot->name == NULL || (slot->hash == h &&
		    strncasecmp(slot->name, s, n) == 0 &&
		    slot->name[n] == '\0'))
			return slot;
	}
}

static void
resize(struct nameset *set, size_t cap)
{
	struct nameset_slot *old = set->slots, *o;
	size_t i, was = set->cap;

	set->cap = cap;
	set->slots = xcalloc(cap, sizeof(*set->slots));
	for (i = 0; i < was; i++) {
		o = &old[i];
		if (o->name != NULL)
			*slot_find(set, o->hash, o->name, strlen(o->name)) =
			    *o;
	}
	free(old);
}

void
nameset_room(struct nameset *set, size_t n)
{
	size_t cap = set->cap == 0 ? 16 : set->cap;

	while (cap / 4 * 3 < n)
		cap *= 2;
	if (cap > set->cap)
		resize(set, cap);
}

/* Another set has the name too. */
static void
slot_more(struct nameset *set, struct nameset_slot *slot, uint32_t ref)
{
	struct nameset_refs *r;
	uint32_t i = slot->ref & ~MORE;

	if (!(slot->ref & MORE)) {
		r = xmalloc(sizeof(*r) + 4 * sizeof(r->v[0]));
		r->n = 1;
		r->cap = 4;
		r->v[0] = slot->ref;
		i = (uint32_t)set->nmore++;
		if ((i & (i - 1)) == 0)
			set->more = xrealloc(set->more, (i == 0 ? 1 : 2 *
			    (size_t)i) * sizeof(*set->more));
		slot->ref = MORE | i;
		set->more[i] = r;
	}
	r = set->more[i];
	if (r->v[r->n - 1] >> WHAT_BITS == ref >> WHAT_BITS) {
		r->v[r->n - 1] |= ref;
		return;
	}
	if (r->n == r->cap) {
		r->cap *= 2;
		r = set->more[i] = xrealloc(r, sizeof(*r) + r->cap *
		    sizeof(r->v[0]));
	}
	r->v[r->n++] = ref;
}

void
nameset_add(struct nameset *set, uint32_t number, const char *pattern)
{
	struct nameset_slot *slot;
	const char *name;
	unsigned what;
	uint32_t h, ref;
	size_t n;

	name = pattern_name(pattern, &what);
	if ((n = strlen(name)) > NAME_LEN_MAX)
		return;
	if (what & PATTERN_NOT)
		what = (what & ~PATTERN_NOT) << OUT;
	ref = number << WHAT_BITS | what;
	nameset_room(set, set->n + 1);
	h = hash_name(name, n);
	slot = slot_find(set, h, name, n);
	if (slot->name == NULL) {
		set->n++;
		slot->name = name;
		slot->hash = h;
		slot->ref = ref;
	} else if (!(slot->ref & MORE) &&
	    slot->ref >> WHAT_BITS == number) {
		slot->ref |= ref;
	} else {
		slot_more(set, slot, ref);
	}
}

/* The suffixes of a name that begin with a label, the empty one first. Their
 * slots are asked of the memory meanwhile. */
static size_t
suffixes(const struct nameset *set, const char *s, size_t n, struct suffix *v)
{
	uint64_t h = HASH_START;
	size_t i = n, k = 0;

	for (;;) {
		if ((i == n || i == 0 || s[i - 1] == '.') &&
		    k < NAMESET_FOUND) {	/* more: it is no name */
			v[k].at = (uint32_t)i;
			v[k].hash = (uint32_t)hash_fold(h);
			__builtin_prefetch(&set->slots[v[k].hash &
			    (set->cap - 1)]);
			k++;
		}
		if (i == 0)
			return k;
		h = hash_letter(h, s[--i]);
	}
}

/* Look at one of them; 1: some set has it. */
static int
found_add(const struct nameset *set, uint32_t hash, const char *s, size_t n,
    struct nameset_found *f)
{
	const struct nameset_slot *slot = slot_find(set, hash, s, n);
	const struct nameset_refs *r;

	if (slot->name == NULL)
		return 0;
	r = slot->ref & MORE ? set->more[slot->ref & ~MORE] : NULL;
	f->at[f->n].refs = r != NULL ? r->v : &slot->ref;
	f->at[f->n++].n = r != NULL ? r->n : 1;
	return 1;
}

void
nameset_find(const struct nameset *set, const char *s,
    struct nameset_found *f)
{
	struct suffix v[NAMESET_FOUND];
	size_t n = strlen(s), k, i;

	f->n = 0;
	f->whole = 0;
	if (n > 0 && s[n - 1] == '.')
		n--;
	if (set->n == 0 || n == 0 || n > NAME_LEN_MAX)
		return;
	k = suffixes(set, s, n, v);
	for (i = 0; i < k; i++)
		f->whole = found_add(set, v[i].hash, s + v[i].at,
		    n - v[i].at, f) && v[i].at == 0;
}

/* What the set has of one name: bits, or 0. */
static uint32_t
refs_get(const uint32_t *v, uint32_t n, uint32_t number)
{
	uint32_t lo = 0, hi = n, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (v[mid] >> WHAT_BITS <= number)
			lo = mid;
		else
			hi = mid;
	}
	return v[lo] >> WHAT_BITS == number ?
	    v[lo] & ((1u << WHAT_BITS) - 1) : 0;
}

int
nameset_has(const struct nameset_found *f, uint32_t number)
{
	uint32_t what, bit;
	size_t i;

	for (i = f->n; i > 0; i--) {
		what = refs_get(f->at[i - 1].refs, f->at[i - 1].n, number);
		bit = i == f->n && f->whole ? SELF : BELOW;
		if (what & bit << OUT)
			return 0;
		if (what & bit)
			return 1;
	}
	return 0;
}

int
nameset_any(const struct nameset_found *f, uint32_t first, uint32_t end)
{
	uint32_t k, set;
	size_t i;

	for (i = 0; i < f->n; i++)
		for (k = 0; k < f->at[i].n; k++) {
			set = f->at[i].refs[k] >> WHAT_BITS;
			if (set >= first && set < end && nameset_has(f, set))
				return 1;
		}
	return 0;
}

void
nameset_free(struct nameset *set)
{
	size_t i;

	for (i = 0; i < set->nmore; i++)
		free(set->more[i]);
	free(set->more);
	free(set->slots);
	memset(set, 0, sizeof(*set));
}
