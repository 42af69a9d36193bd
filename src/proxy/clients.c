/*
 * Sessions by client address: a chained hash table.
 */
#include "proxy/clients.h"

#include <pthread.h>
#include <stdlib.h>

#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

#define SLOTS	4096

struct client {
	struct client	*next;
	struct addr	 addr;		/* port 0 */
	unsigned	 n;
};

static pthread_mutex_t	 mutex = PTHREAD_MUTEX_INITIALIZER;
static struct client	*slots[SLOTS];

/* The link to the client, or to where it would be. */
static struct client **
clients_find(const struct addr *a)
{
	struct client **c;
	uint64_t h = hash_fold(addr_hash(HASH_START, a));

	for (c = &slots[h % SLOTS]; *c != NULL; c = &(*c)->next)
		if (addr_eq(&(*c)->addr, a))
			break;
	return c;
}

int
clients_add(const struct addr *client, unsigned max)
{
	struct addr a = *client;
	struct client **c;
	int rv = 0;

	addr_set_port(&a, 0);
	pthread_mutex_lock(&mutex);
	c = clients_find(&a);
	if (*c == NULL) {
		*c = xcalloc(1, sizeof(**c));
		(*c)->addr = a;
	}
	if ((*c)->n >= max)
		rv = ERR_LIMIT;
	else
		(*c)->n++;
	pthread_mutex_unlock(&mutex);
	return rv;
}

void
clients_remove(const struct addr *client)
{
	struct addr a = *client;
	struct client **c, *gone;

	addr_set_port(&a, 0);
	pthread_mutex_lock(&mutex);
	c = clients_find(&a);
	if (*c != NULL && --(*c)->n == 0) {
		gone = *c;
		*c = gone->next;
		free(gone);
	}
	pthread_mutex_unlock(&mutex);
}
