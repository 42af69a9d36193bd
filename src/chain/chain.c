/*
 * A gate is a device as workers meet it: its zone, with listeners for each of
 * them, a door for each side of the device. It closes when the last snapshot
 * that has the device is gone. Then each worker takes its listeners out of its
 * event base, and who does so last closes the zone.
 */
#include "chain/chain.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "chain/device.h"
#include "chain/health.h"
#include "chain/hop.h"
#include "chain/way.h"
#include "chain/zone.h"
#include "net/mailbox.h"
#include "net/sock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define ARRIVALS	32	/* accepted in one event */
#define PAUSE_US	50000	/* when there are no descriptors */

struct gate {
	LIST_ENTRY(gate)	 link;
	struct chains		*chains;
	struct zone		*zone;
	const struct device	*device;	/* only compared */
	uint64_t		 exits[ZONE_SIDES];	/* device_exit() */
	struct health_watch	*_Atomic watch;	/* or NULL: not yet */
	int			 watched;	/* main thread's */
	/* Under the mutex: */
	unsigned		 doors;		/* that are open */
	int			 closing;
};

struct door {			/* a worker's listeners at a side of a gate */
	LIST_ENTRY(door)	 link;
	struct gate		*gate;
	enum zone_side		 side;
	struct seat		*seat;
	struct event		 ev[2];
	int			 fd[2];		/* the zone's; or -1 */
};

struct seat {			/* a worker's; freed at the very end */
	LIST_ENTRY(seat)	 link;
	struct chains		*chains;
	unsigned		 worker;
	struct event_base	*base;
	struct mailbox		*mailbox;
	struct hop_seat		*hops;
	struct ways		 ways;
	LIST_HEAD(, door)	 doors;
	struct event		 pause;		/* no door listens until then */
	int			 gone;		/* under the mutex */
};

struct chains {
	pthread_mutex_t		 mutex;		/* of the two lists */
	LIST_HEAD(, gate)	 gates;
	LIST_HEAD(, seat)	 seats;
	struct zones		*zones;
	struct health		*health;
	struct joins		*joins;
	unsigned		 workers;
};

struct order {			/* to a worker: look at gates and ways */
	struct mail	 mail;
	struct seat	*seat;
};

static void	door_event(evutil_socket_t, short, void *);
static void	seat_resume(evutil_socket_t, short, void *);
static void	gate_close(struct zone *);
static void	gate_forced(struct zone *);
static void	world_failed(struct zone *);
static void	world_connected(struct zone *);
static void	world_doubt(struct zone *);

static const struct way_world world = {
	.socket = zone_socket,
	.failed = world_failed,
	.connected = world_connected,
	.doubt = world_doubt
};

static const struct device_zone_ops gate_ops = { gate_close, gate_forced };

static void
world_failed(struct zone *z)
{
	struct gate *g = zone_data(z);
	struct health_watch *w = g->watch;

	if (w != NULL)
		health_failed(w);
}

static void
world_connected(struct zone *z)
{
	struct gate *g = zone_data(z);
	struct health_watch *w = g->watch;

	if (w != NULL)
		health_connected(w);
}

static void
world_doubt(struct zone *z)
{
	struct gate *g = zone_data(z);
	struct health_watch *w = g->watch;

	if (w != NULL)
		health_ask(w);
}

static void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	health_free(g->watch);
	zone_close(g->zone);
	free(g);
}

/* Nobody listens at it, and it is in no list any more. */
static struct gate *
gate_last(struct gate *g)
{
	if (!g->closing || g->doors > 0)
		return NULL;
	LIST_REMOVE(g, link);
	return g;
}

static void
door_open(struct seat *s, struct gate *g, enum zone_side side)
{
	static const int family[2] = { AF_INET, AF_INET6 };
	struct door *d = xcalloc(1, sizeof(*d));
	int i;

	d->gate = g;
	d->seat = s;
	d->side = side;
	for (i = 0; i < 2; i++) {
		d->fd[i] = zone_listener(g->zone, side, s->worker, family[i]);
		if (d->fd[i] == -1)
			continue;
		event_assign(&d->ev[i], s->base, d->fd[i], EV_READ |
		    EV_PERSIST, door_event, d);
		event_add(&d->ev[i], NULL);
	}
	LIST_INSERT_HEAD(&s->doors, d, link);
	g->doors++;
}

static void
door_close(struct door *d)
{
	int i;

	for (i = 0; i < 2; i++)
		if (d->fd[i] != -1)
			event_del(&d->ev[i]);
	LIST_REMOVE(d, link);
	d->gate->doors--;
	free(d);
}

static int
seat_has(const struct seat *s, const struct gate *g)
{
	const struct door *d;

	LIST_FOREACH(d, &s->doors, link)
		if (d->gate == g)
			return 1;
	return 0;
}

/* With the mutex: open what is new, and close one door that is to be closed;
 * returns its gate if that was the last. */
static struct gate *
seat_look(struct seat *s, int *more)
{
	struct gate *g;
	struct door *d;

	*more = 0;
	LIST_FOREACH(g, &s->chains->gates, link)
		if (!s->gone && !g->closing && !seat_has(s, g)) {
			door_open(s, g, ZONE_INSIDE);
			door_open(s, g, ZONE_OUTSIDE);
		}
	LIST_FOREACH(d, &s->doors, link)
		if (s->gone || d->gate->closing) {
			g = d->gate;
			door_close(d);
			*more = 1;
			return gate_last(g);
		}
	return NULL;
}

static void
seat_sync(struct seat *s)
{
	struct gate *g;
	int more;

	do {
		pthread_mutex_lock(&s->chains->mutex);
		g = seat_look(s, &more);
		pthread_mutex_unlock(&s->chains->mutex);
		gate_free(g);
	} while (more);
}

static void
order_run(struct mail *m)
{
	struct order *o = (struct order *)m;

	seat_sync(o->seat);
	ways_look(&o->seat->ways);
	free(o);
}

/* With the mutex, so that the mailboxes are there. */
static void
seats_order(struct chains *c)
{
	struct order *o;
	struct seat *s;

	LIST_FOREACH(s, &c->seats, link) {
		if (s->gone)
			continue;
		o = xcalloc(1, sizeof(*o));
		o->mail.run = order_run;
		o->seat = s;
		mailbox_post(s->mailbox, &o->mail);
	}
}

/* The device is gone: any thread. */
static void
gate_close(struct zone *z)
{
	struct gate *g = zone_data(z), *last;
	struct chains *c = g->chains;

	pthread_mutex_lock(&c->mutex);
	g->closing = 1;
	if ((last = gate_last(g)) == NULL)
		seats_order(c);
	pthread_mutex_unlock(&c->mutex);
	gate_free(last);
}

/* The operator took it down: any thread. */
static void
gate_forced(struct zone *z)
{
	struct chains *c = ((struct gate *)zone_data(z))->chains;

	pthread_mutex_lock(&c->mutex);
	seats_order(c);
	pthread_mutex_unlock(&c->mutex);
}

/* With all doors, or with none. */
static void
seat_listen(struct seat *s, int on)
{
	struct door *d;
	int i;

	LIST_FOREACH(d, &s->doors, link)
		for (i = 0; i < 2; i++)
			if (d->fd[i] != -1 && on)
				event_add(&d->ev[i], NULL);
			else if (d->fd[i] != -1)
				event_del(&d->ev[i]);
}

static void
seat_resume(evutil_socket_t fd, short what, void *arg)
{
	seat_listen(arg, 1);
}

static void
door_event(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval pause = { 0, PAUSE_US };
	struct door *d = arg;
	struct addr peer;
	int i, new;

	for (i = 0; i < ARRIVALS; i++) {
		if ((new = sock_accept((int)fd, &peer)) == ERR_LIMIT) {
			seat_listen(d->seat, 0);
			evtimer_add(&d->seat->pause, &pause);
		}
		if (new < 0)
			return;
		if (!hop_arrived(d->seat->hops, d->gate->exits[d->side], new,
		    &peer))
			log_debug("device: a connection that nobody waits for "
			    "was reset");
	}
}

static int
gate_open(struct chains *c, const struct conf_device *dc, struct text *why)
{
	struct gate *g = xcalloc(1, sizeof(*g));
	int rv;

	rv = zone_open(c->zones, dc, c->workers, &g->zone, why);
	if (rv != 0) {
		free(g);
		return rv;
	}
	g->chains = c;
	g->device = dc->running;
	g->exits[ZONE_INSIDE] = device_exit(dc->running, ZONE_INSIDE);
	g->exits[ZONE_OUTSIDE] = device_exit(dc->running, ZONE_OUTSIDE);
	zone_set_data(g->zone, g);
	device_set_zone(dc->running, g->zone, &gate_ops);
	pthread_mutex_lock(&c->mutex);
	LIST_INSERT_HEAD(&c->gates, g, link);
	seats_order(c);
	pthread_mutex_unlock(&c->mutex);
	return 0;
}

struct chains *
chains_new(struct zones *zones, unsigned workers)
{
	struct chains *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->mutex, NULL);
	LIST_INIT(&c->gates);
	LIST_INIT(&c->seats);
	c->zones = zones;
	c->workers = workers;
	c->joins = joins_new();
	return c;
}

int
chains_open(struct chains *c, const struct conf *conf, struct text *why)
{
	size_t i;
	int rv = 0;

	for (i = 0; i < conf->ndevices && rv == 0; i++)
		if (device_zone(conf->devices[i].running) == NULL)
			rv = gate_open(c, &conf->devices[i], why);
	return rv;
}

static int
gate_in(const struct gate *g, const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->ndevices; i++)
		if (conf->devices[i].running == g->device)
			return 1;
	return 0;
}

/* What is watched though no snapshot in force has it; conf NULL: all. */
static struct gate *
gate_stale(struct chains *c, const struct conf *conf)
{
	struct gate *g;

	pthread_mutex_lock(&c->mutex);
	LIST_FOREACH(g, &c->gates, link)
		if (g->watched && (conf == NULL || !gate_in(g, conf)))
			break;
	pthread_mutex_unlock(&c->mutex);
	return g;
}

static void
chains_unwatch(struct chains *c, const struct conf *conf)
{
	struct gate *g;

	while ((g = gate_stale(c, conf)) != NULL) {
		g->watched = 0;
		health_forget(g->watch);	/* which may close the gate */
	}
}

int
chains_watch(struct chains *c, const struct conf *conf, struct text *why)
{
	const struct conf_device *d;
	struct gate *g;
	size_t i;
	int rv;

	if (c->health == NULL && (rv = health_start(&c->health, why)) != 0)
		return rv;
	for (i = 0; i < conf->ndevices; i++) {
		d = &conf->devices[i];
		g = zone_data(device_zone(d->running));
		if (g->watched) {
			health_change(g->watch, d);
		} else {
			g->watched = 1;
			g->watch = health_watch(c->health, g->zone, d);
		}
	}
	chains_unwatch(c, conf);
	return 0;
}

void
chains_forget(struct chains *c)
{
	if (c != NULL)
		chains_unwatch(c, NULL);
}

void
chains_free(struct chains *c)
{
	struct seat *s;

	if (c == NULL)
		return;
	health_stop(c->health);
	while ((s = LIST_FIRST(&c->seats)) != NULL) {
		LIST_REMOVE(s, link);
		free(s);
	}
	joins_free(c->joins);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

static void *
inline_attach(void *env, unsigned worker, struct event_base *base,
    struct mailbox *mailbox)
{
	struct chains *c = env;
	struct seat *s = xcalloc(1, sizeof(*s));

	s->chains = c;
	s->worker = worker;
	s->base = base;
	s->mailbox = mailbox;
	s->hops = hop_attach(c->joins, base, mailbox);
	s->ways.seat = s->hops;
	s->ways.world = &world;
	LIST_INIT(&s->ways.first);
	evtimer_assign(&s->pause, base, seat_resume, s);
	LIST_INIT(&s->doors);
	pthread_mutex_lock(&c->mutex);
	LIST_INSERT_HEAD(&c->seats, s, link);
	pthread_mutex_unlock(&c->mutex);
	seat_sync(s);
	return s;
}

static void
inline_detach(void *arg)
{
	struct seat *s = arg;

	pthread_mutex_lock(&s->chains->mutex);
	s->gone = 1;
	pthread_mutex_unlock(&s->chains->mutex);
	event_del(&s->pause);
	seat_sync(s);
	hop_detach(s->hops);
}

static struct chain_way *
inline_begin(void *seat, const struct chain_want *want)
{
	return way_begin(&((struct seat *)seat)->ways, want);
}

const struct chain_ops chain_inline = {
	.attach = inline_attach,
	.detach = inline_detach,
	.begin = inline_begin,
	.state = way_state,
	.hops = way_hops,
	.take = way_take,
	.event = way_event,
	.doubt = way_doubt,
	.record = way_record,
	.end = way_end,
};
