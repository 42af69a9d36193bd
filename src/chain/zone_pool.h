/*
 * Sockets of a device's zone, ready to be taken by any thread without waiting.
 * It grows when it was found empty, as more are wanted at once than its filler
 * brings in time, and shrinks while its filler has nothing to do; one of which
 * nothing was wanted yet may stay empty.
 */
#ifndef CHAIN_ZONE_POOL_H
#define CHAIN_ZONE_POOL_H

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

#define ZONE_POOL	1024	/* sockets, at most */

struct zone_pool {
	pthread_mutex_t	 mutex;
	int		 fds[ZONE_POOL];
	size_t		 n;
	size_t		 want;	/* as many as there should be */
};

void	zone_pool_init(struct zone_pool *, int fill);
void	zone_pool_free(struct zone_pool *);	/* closes what is in it */

/* A socket, or ERR_AGAIN. *low: it should be filled now. */
int	zone_pool_take(struct zone_pool *, int *low);

/* How many are missing. Of those given, what is too much is closed. */
size_t	zone_pool_room(struct zone_pool *);
void	zone_pool_give(struct zone_pool *, const int *fds, size_t n);

/* For the filler: wait until it is woken (0), or has nothing to do for two
 * seconds (1), when each pool may be halved, down to its first size. */
int	zone_pool_rest(sem_t *wake);
void	zone_pool_shrink(struct zone_pool *);

#endif
