#include "proxy/learned.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/hash.h"
#include "util/mem.h"

#define LEARNED_SLOTS	1024
/* then the server is asked again */
#define LEARNED_MS	(60 * 60 * 1000)

struct learned {
	struct {
		uint64_t	 key;		/* 0: empty */
		uint64_t	 until;		/* ms */
		enum learned_what what;
	} slot[LEARNED_SLOTS];
};

struct learned *
learned_new(void)
{
	return xcalloc(1, sizeof(struct learned));
}

void
learned_free(struct learned *l)
{
	free(l);
}

static uint64_t
learned_key(const struct facts *f)
{
	uint64_t h = addr_hash(HASH_START, &f->server);

	if (f->sni != NULL)
		h = hash_string(h, f->sni);
	return h != 0 ? h : 1;
}

void
learned_set(struct learned *l, const struct facts *f, enum learned_what what)
{
	uint64_t key = learned_key(f);
	size_t i = key % LEARNED_SLOTS;

	l->slot[i].key = key;
	l->slot[i].what = what;
	l->slot[i].until = clock_coarse_ms() + LEARNED_MS;
}

enum learned_what
learned_get(const struct learned *l, const struct facts *f)
{
	uint64_t key = learned_key(f);
	size_t i = key % LEARNED_SLOTS;

	return l->slot[i].key == key && clock_coarse_ms() < l->slot[i].until ?
	    l->slot[i].what : LEARNED_NOTHING;
}
