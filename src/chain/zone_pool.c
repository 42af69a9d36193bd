/*
 * A stack of descriptors under a mutex.
 */
#include "chain/zone_pool.h"

#include <errno.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/err.h"

#define FIRST	64		/* sockets, until more are wanted at once */
#define REST	2		/* s without a need for more */

void
zone_pool_init(struct zone_pool *p, int fill)
{
	pthread_mutex_init(&p->mutex, NULL);
	p->n = 0;
	p->want = fill ? FIRST : 0;
}

void
zone_pool_free(struct zone_pool *p)
{
	while (p->n > 0)
		close(p->fds[--p->n]);
	pthread_mutex_destroy(&p->mutex);
}

int
zone_pool_take(struct zone_pool *p, int *low)
{
	int fd = ERR_AGAIN;

	pthread_mutex_lock(&p->mutex);
	if (p->n > 0)
		fd = p->fds[--p->n];
	else if (p->want < ZONE_POOL)
		p->want = p->want > 0 ? p->want * 2 : FIRST;
	*low = p->n < p->want / 4;	/* a question for many costs less */
	pthread_mutex_unlock(&p->mutex);
	return fd;
}

size_t
zone_pool_room(struct zone_pool *p)
{
	size_t room;

	pthread_mutex_lock(&p->mutex);
	room = p->want - p->n;
	pthread_mutex_unlock(&p->mutex);
	return room;
}

void
zone_pool_give(struct zone_pool *p, const int *fds, size_t n)
{
	size_t i = 0;

	pthread_mutex_lock(&p->mutex);
	while (i < n && p->n < p->want)
		p->fds[p->n++] = fds[i++];
	pthread_mutex_unlock(&p->mutex);
	while (i < n)
		close(fds[i++]);
}

int
zone_pool_rest(sem_t *wake)
{
	struct timespec until = clock_wall();

	until.tv_sec += REST;
	return sem_timedwait(wake, &until) != 0 && errno == ETIMEDOUT;
}

void
zone_pool_shrink(struct zone_pool *p)
{
	pthread_mutex_lock(&p->mutex);
	if (p->want > FIRST)
		p->want /= 2;
	while (p->n > p->want)
		close(p->fds[--p->n]);
	pthread_mutex_unlock(&p->mutex);
}
