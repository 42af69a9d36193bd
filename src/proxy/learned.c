#include "proxy/learned.h"

#include <pthread.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/hash.h"
#include "util/mem.h"

#define LEARNED_SLOTS	1024
/* then the server is asked again */
#define LEARNED_MS	(60 * 60 * 1000)

struct learned {
	pthread_mutex_t	 mutex;
	struct {
		uint64_t	 key;		/* 0: empty */
		uint64_t	 until;		/* ms */
	} slot[LEARNED_SLOTS];
};

struct learned *
learned_new(void)
{
	struct learned *l = xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->mutex, NULL);
	return l;
}

void
learned_free(struct learned *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

static uint64_t
learned_key(const struct facts *f, enum learned_what what)
{
	uint64_t h = addr_hash(HASH_START, &f->server);

	if (f->sni != NULL)
		h = hash_string(h, f->sni);
	h = hash_fold(hash_byte(h, (uint8_t)what));
	return h != 0 ? h : 1;
}

void
learned_set(struct learned *l, const struct facts *f, enum learned_what what)
{
	uint64_t key = learned_key(f, what);
	size_t i = key % LEARNED_SLOTS;

	pthread_mutex_lock(&l->mutex);
	l->slot[i].key = key;
	l->slot[i].until = clock_coarse_ms() + LEARNED_MS;
	pthread_mutex_unlock(&l->mutex);
}

int
learned_has(struct learned *l, const struct facts *f, enum learned_what what)
{
	uint64_t key = learned_key(f, what);
	size_t i = key % LEARNED_SLOTS;
	int has;

	pthread_mutex_lock(&l->mutex);
	has = l->slot[i].key == key && clock_coarse_ms() < l->slot[i].until;
	pthread_mutex_unlock(&l->mutex);
	return has;
}
