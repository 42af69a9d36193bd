/*
 * The daemon's side of the zones: it starts the helper, asks it, and keeps a
 * pool of sockets for each device, which a thread refills, so that a worker
 * never waits for the helper.
 */
#include "chain/zone.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chain/zone_helper.h"
#include "net/link.h"
#include "chain/zone_pool.h"
#include "chain/zone_wire.h"
#include "util/err.h"
#include "util/helper.h"
#include "util/log.h"
#include "util/mem.h"

#define ANSWER		30	/* s for an answer: it runs ip(8) and nft(8) */
#define STOP_MS		10000	/* for the helper to end */

struct zone {
	struct zones	*zones;
	uint32_t	 id;
	struct zone_plan plan;
	unsigned	 workers;
	int		*listeners[ZONE_SIDES][ZONE_FAMILIES];
	int		 probe;			/* listener */
	int		 links[ZONE_SIDES];	/* netlink */
	struct zone_pool pools[ZONE_SIDES][ZONE_FAMILIES];
	void		*data;
};

struct zones {
	int		 fd;		/* to the helper */
	pid_t		 pid;
	char		 machine[64];
	_Atomic int	 gone;		/* it answers no more */
	pthread_mutex_t	 call;		/* one question at a time */
	pthread_mutex_t	 list;
	struct zone	*open[ZONE_MAX];	/* by id */
	pthread_t	 thread;
	int		 threaded;
	_Atomic int	 hungry, stop;
	sem_t		 wake;
};

/* machine-id(5), or the machine's name. */
static void
zones_machine(char *out, size_t size)
{
	FILE *f = fopen("/etc/machine-id", "re");

	if (f == NULL || fgets(out, (int)size, f) == NULL || out[0] == '\n')
		gethostname(out, size);
	out[size - 1] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

int
zones_start(struct zones **out, char *const exec[], struct text *why)
{
	struct timeval answer = { ANSWER, 0 };
	struct zones *z;
	pid_t pid;
	int fd;

	if (helper_start(exec, exec == NULL ? zone_helper : NULL, &fd,
	    &pid) != 0) {
		text_printf(why, "cannot start the zone helper: %s",
		    strerror(errno));
		return ERR_SYS;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof(answer));
	z = xcalloc(1, sizeof(*z));
	z->fd = fd;
	z->pid = pid;
	zones_machine(z->machine, sizeof(z->machine));
	pthread_mutex_init(&z->call, NULL);
	pthread_mutex_init(&z->list, NULL);
	sem_init(&z->wake, 0, 0);
	*out = z;
	return 0;
}

static int
zones_lost(struct zones *z, int rv, struct text *why)
{
	if (!atomic_exchange(&z->gone, 1))
		log_error("the zone helper has ended (%s): all devices are "
		    "down until clearspan is started again", err_str(rv));
	text_puts(why, "the zone helper has ended");
	return ERR_EOF;
}

/* Ask, and wait for the answer. *nfds: room, then number. 0 or ERR_*. */
static int
zones_ask(struct zones *z, const struct zone_ask *ask, int *fds,
    size_t *nfds, struct text *why)
{
	struct zone_answer a = { 0 };
	size_t none = 0;
	int rv;

	pthread_mutex_lock(&z->call);
	rv = atomic_load(&z->gone) ? ERR_EOF :
	    parcel_send(z->fd, ask, sizeof(*ask), NULL, 0);
	if (rv >= 0)
		rv = parcel_recv(z->fd, &a, sizeof(a), fds,
		    nfds != NULL ? nfds : &none);
	if (rv == ERR_LIMIT)		/* the descriptors; it lives on */
		a.rv = ERR_LIMIT;
	else if (rv >= 0 && rv != sizeof(a))
		rv = ERR_FORMAT;
	/* A late answer would be taken for the next question's. */
	if (rv < 0 && rv != ERR_LIMIT && !atomic_load(&z->gone))
		shutdown(z->fd, SHUT_RDWR);
	pthread_mutex_unlock(&z->call);
	if (rv < 0 && rv != ERR_LIMIT)
		return zones_lost(z, rv, why);
	a.why[sizeof(a.why) - 1] = '\0';
	text_puts(why, a.why);
	errno = a.err;
	return a.rv;
}

static struct zone_ask
zone_asking(const struct zone *zone, enum zone_verb verb)
{
	struct zone_ask ask;

	memset(&ask, 0, sizeof(ask));
	ask.verb = verb;
	ask.id = zone->id;
	return ask;
}

/* A question that is answered with descriptors: as many as there is room. */
static int
zone_fetch(struct zone *zone, enum zone_verb verb, enum zone_side side,
    int family, unsigned port, int *fds, size_t n)
{
	struct zone_ask ask = zone_asking(zone, verb);
	struct text why = { 0 };
	size_t got = n, i;
	int rv;

	ask.side = side;
	ask.family = (uint32_t)family;
	ask.port = port;
	ask.n = (uint32_t)n;
	rv = zones_ask(zone->zones, &ask, fds, &got, &why);
	text_free(&why);
	if (rv != 0 || got == n)
		return rv;
	for (i = 0; i < got; i++)
		close(fds[i]);
	return ERR_FORMAT;
}

static int
zone_fill(struct zone *zone, enum zone_side side, int family)
{
	struct zone_pool *p = &zone->pools[side][zone_family(family)];
	int fds[ZONE_FDS], rv;
	size_t n;

	while ((n = zone_pool_room(p)) > 0) {
		if (n > ZONE_FDS)
			n = ZONE_FDS;
		rv = zone_fetch(zone, ZONE_SOCKETS, side, family, 0, fds, n);
		if (rv != 0)
			return rv;
		zone_pool_give(p, fds, n);
	}
	return 0;
}

static const int families[ZONE_FAMILIES] = { AF_INET, AF_INET6 };

/* Of each side and family that there is; until one fails. */
static int
zone_each(struct zone *zone, int (*run)(struct zone *, enum zone_side, int))
{
	enum zone_side side;
	int rv = 0;
	size_t i;

	for (side = ZONE_INSIDE; side < ZONE_SIDES; side++)
		for (i = 0; i < ZONE_FAMILIES && rv == 0; i++)
			if (zone_plan_has(&zone->plan, families[i]))
				rv = run(zone, side, families[i]);
	return rv;
}

static int
zone_shrink(struct zone *zone, enum zone_side side, int family)
{
	zone_pool_shrink(&zone->pools[side][zone_family(family)]);
	return 0;
}

/* The list stays locked while a zone is served: who closes one waits. */
static void *
zones_refill(void *arg)
{
	struct zones *z = arg;
	int rest;
	size_t i;

	while (rest = zone_pool_rest(&z->wake), !atomic_load(&z->stop)) {
		atomic_store(&z->hungry, 0);
		pthread_mutex_lock(&z->list);
		for (i = 0; i < ZONE_MAX; i++)
			if (z->open[i] != NULL)
				zone_each(z->open[i], rest ? zone_shrink :
				    zone_fill);
		pthread_mutex_unlock(&z->list);
	}
	return NULL;
}

static void
zones_wake(struct zones *z)
{
	if (!atomic_exchange(&z->hungry, 1))
		sem_post(&z->wake);
}

int
zone_socket(struct zone *zone, enum zone_side side, int family)
{
	int fd, low;

	if (!zone_plan_has(&zone->plan, family))
		return ERR_UNSUPPORTED;
	if (atomic_load(&zone->zones->gone))
		return ERR_EOF;
	fd = zone_pool_take(&zone->pools[side][zone_family(family)], &low);
	if (low)
		zones_wake(zone->zones);
	return fd;
}

static int
zone_listen(struct zone *zone, enum zone_side side, int family)
{
	int *l = xcalloc(zone->workers, sizeof(*l));
	unsigned have = 0, n;
	int rv = 0;

	while (have < zone->workers && rv == 0) {
		n = zone->workers - have;
		if (n > ZONE_FDS)
			n = ZONE_FDS;
		rv = zone_fetch(zone, ZONE_LISTEN, side, family, ZONE_PORT,
		    l + have, n);
		if (rv == 0)
			have += n;
	}
	while (rv != 0 && have > 0)
		close(l[--have]);
	if (rv == 0)
		zone->listeners[side][zone_family(family)] = l;
	else
		free(l);
	return rv;
}

/* Everything that is made from the new namespaces. */
static int
zone_furnish(struct zone *zone)
{
	int rv;

	if ((rv = zone_each(zone, zone_listen)) != 0 ||
	    (rv = zone_each(zone, zone_fill)) != 0)
		return rv;
	rv = zone_fetch(zone, ZONE_LISTEN, ZONE_OUTSIDE,
	    zone_plan_family(&zone->plan), ZONE_PROBE_PORT, &zone->probe, 1);
	if (rv != 0)
		zone->probe = -1;
	if (rv == 0 && (rv = zone_fetch(zone, ZONE_LINKS, 0, 0, 0,
	    zone->links, ZONE_SIDES)) != 0)
		zone->links[0] = zone->links[1] = -1;
	return rv;
}

static struct zone *
zone_new(struct zones *z, const struct conf_device *d, unsigned workers)
{
	struct zone *zone = xcalloc(1, sizeof(*zone));
	size_t i;

	zone->zones = z;
	zone->workers = workers;
	zone->probe = zone->links[0] = zone->links[1] = -1;
	zone_plan(&zone->plan, d, z->machine);
	zone->plan.ipv6 = (uint32_t)link_ipv6("all");
	for (i = 0; i < ZONE_FAMILIES; i++) {
		zone_pool_init(&zone->pools[ZONE_INSIDE][i], 1);
		zone_pool_init(&zone->pools[ZONE_OUTSIDE][i], 0);
	}
	pthread_mutex_lock(&z->list);
	while (zone->id < ZONE_MAX && z->open[zone->id] != NULL)
		zone->id++;
	if (zone->id < ZONE_MAX)
		z->open[zone->id] = zone;
	pthread_mutex_unlock(&z->list);
	return zone;
}

/* The thread is started when it is first needed: after the fork, when the
 * daemon's other threads are there. */
static int
zones_thread(struct zones *z)
{
	if (!z->threaded)
		z->threaded = pthread_create(&z->thread, NULL, zones_refill,
		    z) == 0;
	return z->threaded ? 0 : ERR_SYS;
}

int
zone_open(struct zones *z, const struct conf_device *d, unsigned workers,
    struct zone **out, struct text *why)
{
	struct zone *zone;
	struct zone_ask ask;
	int rv;

	zone = zone_new(z, d, workers);
	if (zone->id == ZONE_MAX || zones_thread(z) != 0) {
		text_printf(why, "device %s: too many devices at once",
		    d->name);
		zone_close(zone);
		return ERR_LIMIT;
	}
	ask = zone_asking(zone, ZONE_OPEN);
	ask.plan = zone->plan;
	rv = zones_ask(z, &ask, NULL, NULL, why);
	if (rv == ERR_SYS && (errno == EPERM || errno == EACCES ||
	    errno == EROFS))
		text_puts(why, "; under systemd: " ZONE_UNIT);
	if (rv == 0 && (rv = zone_furnish(zone)) != 0)
		text_printf(why, "device %s: cannot make sockets in its "
		    "zones: %s", d->name, err_str(rv));
	if (rv != 0)
		zone_close(zone);
	else
		*out = zone;
	return rv;
}

int
zone_listener(const struct zone *zone, enum zone_side side, unsigned worker,
    int family)
{
	const int *l = zone->listeners[side][zone_family(family)];

	return l != NULL && worker < zone->workers ? l[worker] : -1;
}

const struct zone_plan *
zone_its_plan(const struct zone *zone)
{
	return &zone->plan;
}

int
zone_probe_listener(const struct zone *zone)
{
	return zone->probe;
}

int
zone_link_events(const struct zone *zone, enum zone_side side)
{
	return zone->links[side];
}

int
zone_link(const struct zone *zone, enum zone_side side)
{
	return link_state(zone->links[side], zone->plan.side[side].port,
	    NULL);
}

unsigned
zone_mtu(const struct zone *zone)
{
	unsigned least = 0, mtu;
	size_t i;

	for (i = 0; i < ZONE_SIDES; i++) {
		mtu = 0;
		link_state(zone->links[i], zone->plan.side[i].port, &mtu);
		if (i == 0 || mtu < least)
			least = mtu;
	}
	return least;
}

int
zone_repair(struct zone *zone, struct text *why)
{
	struct zone_ask ask = zone_asking(zone, ZONE_REPAIR);

	return zones_ask(zone->zones, &ask, NULL, NULL, why);
}

int
zone_helpless(const struct zone *zone)
{
	struct pollfd p = { zone->zones->fd, POLLRDHUP, 0 };
	struct text why = { 0 };

	if (!atomic_load(&zone->zones->gone) && poll(&p, 1, 0) == 1 &&
	    (p.revents & (POLLHUP | POLLRDHUP | POLLERR)))
		zones_lost(zone->zones, ERR_EOF, &why);
	text_free(&why);
	return atomic_load(&zone->zones->gone);
}

static void
close_all(int *fds, size_t n)
{
	while (fds != NULL && n > 0)
		if (fds[--n] >= 0)
			close(fds[n]);
}

static void
zone_leave(struct zone *zone)
{
	struct zone_ask ask = zone_asking(zone, ZONE_CLOSE);
	struct text why = { 0 };

	zones_ask(zone->zones, &ask, NULL, NULL, &why);
	text_free(&why);
	pthread_mutex_lock(&zone->zones->list);
	zone->zones->open[zone->id] = NULL;
	pthread_mutex_unlock(&zone->zones->list);
}

void
zone_close(struct zone *zone)
{
	size_t side, i;

	if (zone == NULL)
		return;
	if (zone->id < ZONE_MAX)
		zone_leave(zone);
	for (side = 0; side < ZONE_SIDES; side++)
		for (i = 0; i < ZONE_FAMILIES; i++) {
			close_all(zone->listeners[side][i], zone->workers);
			free(zone->listeners[side][i]);
			zone_pool_free(&zone->pools[side][i]);
		}
	close_all(zone->links, ZONE_SIDES);
	close_all(&zone->probe, 1);
	free(zone);
}

void
zone_set_data(struct zone *zone, void *data)
{
	zone->data = data;
}

void *
zone_data(const struct zone *zone)
{
	return zone->data;
}

pid_t
zones_pid(const struct zones *z)
{
	return z->pid;
}

/* It ends because its socket is closed. */
static void
zones_reap(pid_t pid)
{
	const struct timespec look = { 0, 10 * 1000000 };
	int i;

	for (i = 0; i < STOP_MS / 10; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		nanosleep(&look, NULL);
	}
	log_warn("the zone helper, process %d, has not ended", (int)pid);
}

void
zones_stop(struct zones *z)
{
	if (z == NULL)
		return;
	atomic_store(&z->stop, 1);
	sem_post(&z->wake);
	if (z->threaded)
		pthread_join(z->thread, NULL);
	atomic_store(&z->gone, 1);
	pthread_mutex_lock(&z->call);
	close(z->fd);
	pthread_mutex_unlock(&z->call);
	zones_reap(z->pid);
	sem_destroy(&z->wake);
	pthread_mutex_destroy(&z->call);
	pthread_mutex_destroy(&z->list);
	free(z);
}
