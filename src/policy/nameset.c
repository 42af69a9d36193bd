/*
 * A table with open addressing. Hashing runs from a name's end to its start, so
 * that one pass yields the hash of every suffix.
 */
#include "policy/nameset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/hash.h"
#include "util/mem.h"

#define NAME_LEN_MAX	255

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

static size_t
slot_of(const struct nameset *set, uint32_t h)
{
	return h & (set->cap - 1);
}

/* The slot of the name, or the free slot for it. */
static struct nameset_slot *
slot_find(const struct nameset *set, uint32_t h, const char *s, size_t n)
{
	size_t i = slot_of(set, h);
	struct nameset_slot *slot;

	for (;; i = (i + 1) & (set->cap - 1)) {
		slot = &set->slots[i];
		if (slot->name == NULL || (slot->hash == h &&
		    slot->len == n && strncasecmp(slot->name, s, n) == 0))
			return slot;
	}
}

static void
grow(struct nameset *set)
{
	struct nameset_slot *old = set->slots, *o;
	size_t i, cap = set->cap;

	set->cap = cap == 0 ? 16 : cap * 2;
	set->slots = xcalloc(set->cap, sizeof(*set->slots));
	for (i = 0; i < cap; i++) {
		o = &old[i];
		if (o->name != NULL)
			*slot_find(set, o->hash, o->name, o->len) = *o;
	}
	free(old);
}

static size_t
name_length(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && s[n - 1] == '.' ? n - 1 : n;
}

void
nameset_add(struct nameset *set, const char *s, int what)
{
	struct nameset_slot *slot;
	uint32_t h;
	size_t n;

	if (strcmp(s, "*") == 0) {
		set->all = 1;
		return;
	}
	if (strncmp(s, "*.", 2) == 0) {
		s += 2;
		what = NAMESET_BELOW;
	}
	n = name_length(s);
	if (n == 0 || n > NAME_LEN_MAX)
		return;
	if (set->n * 2 >= set->cap)
		grow(set);
	h = hash_name(s, n);
	slot = slot_find(set, h, s, n);
	if (slot->name == NULL)
		set->n++;
	slot->name = s;
	slot->hash = h;
	slot->len = (uint8_t)n;
	slot->what |= (uint8_t)what;
}

int
nameset_has(const struct nameset *set, const char *s)
{
	size_t n = name_length(s), i = n;
	const struct nameset_slot *slot;
	uint64_t h = HASH_START;

	if (set->all && n > 0)
		return 1;
	if (set->n == 0 || n > NAME_LEN_MAX)
		return 0;
	while (i > 0) {
		h = hash_letter(h, s[--i]);
		if (i > 0 && s[i - 1] != '.')
			continue;
		slot = slot_find(set, (uint32_t)hash_fold(h), s + i,
		    n - i);
		if (slot->name != NULL && (slot->what &
		    (i == 0 ? NAMESET_SELF : NAMESET_BELOW)) != 0)
			return 1;
	}
	return 0;
}

void
nameset_free(struct nameset *set)
{
	free(set->slots);
	memset(set, 0, sizeof(*set));
}
