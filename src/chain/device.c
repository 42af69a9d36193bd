/*
 * The state of devices and slots: atomics, because workers enter and leave
 * while the health thread judges and the main thread looks on.
 */
#include "chain/device.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "chain/pick.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define RECENT	128	/* probes that the quantiles are of */

struct device {
	_Atomic unsigned	 refs;
	uint64_t		 id;
	char			*name;
	struct zone		*zone;
	const struct device_zone_ops *zone_ops;
	_Atomic int		 health, admin;
	_Atomic int		 open, full;
	_Atomic(const char *)	 why;
	_Atomic uint64_t	 since;		/* ms, of the health */
	_Atomic uint64_t	 risen;		/* ms: last not down any more */
	_Atomic uint64_t	 changes;
	_Atomic uint64_t	 sessions;
	_Atomic uint64_t	 results[DEVICE_RESULTS];
	_Atomic uint64_t	 bytes[2];
	_Atomic uint64_t	 probes, probe_us;
	_Atomic uint64_t	 proved;	/* ms: a hit began */
	_Atomic uint32_t	 recent[RECENT];	/* us */
};

struct slot_state {
	_Atomic unsigned	 refs;
	_Atomic uint64_t	 results[SLOT_RESULTS];
};

static const char	 not_probed[] = "not probed yet";

static struct device *
device_new(const char *name)
{
	static _Atomic uint64_t ids;
	struct device *d = xcalloc(1, sizeof(*d));

	d->refs = 1;
	d->id = ++ids;
	d->name = xstrdup(name);
	d->why = not_probed;
	d->since = clock_ms();
	return d;
}

struct device *
device_ref(struct device *d)
{
	d->refs++;
	return d;
}

void
device_unref(struct device *d)
{
	if (d == NULL || --d->refs > 0)
		return;
	if (d->zone_ops != NULL)
		d->zone_ops->close(d->zone);
	free(d->name);
	free(d);
}

static void
slot_unref(struct slot_state *s)
{
	if (s != NULL && --s->refs == 0)
		free(s);
}

static int
device_same(const struct conf_device *a, const struct conf_device *b)
{
	return strcmp(a->name, b->name) == 0 && a->kind == b->kind &&
	    strcmp(a->inside, b->inside) == 0 &&
	    strcmp(a->outside, b->outside) == 0 &&
	    a->offload == b->offload &&
	    memcmp(a->inside_address, b->inside_address,
	    sizeof(a->inside_address)) == 0 &&
	    memcmp(a->outside_address, b->outside_address,
	    sizeof(a->outside_address)) == 0;
}

static struct device *
device_before(const struct conf *old, const struct conf_device *d)
{
	size_t i;

	for (i = 0; old != NULL && i < old->ndevices; i++)
		if (device_same(&old->devices[i], d))
			return old->devices[i].running;
	return NULL;
}

static struct slot_state *
slot_before(const struct conf *old, const char *chain, const char *slot)
{
	const struct conf_chain *ch;
	size_t i, k;

	for (i = 0; old != NULL && i < old->nchains; i++) {
		ch = &old->chains[i];
		for (k = 0; strcmp(ch->name, chain) == 0 && k < ch->nslots; k++)
			if (strcmp(ch->slots[k].name, slot) == 0)
				return ch->slots[k].running;
	}
	return NULL;
}

static void
slots_attach(struct conf_chain *ch, const struct conf *old)
{
	struct conf_slot *s;
	size_t i;

	for (i = 0; i < ch->nslots; i++) {
		s = &ch->slots[i];
		s->running = slot_before(old, ch->name, s->name);
		if (s->running == NULL)
			s->running = xcalloc(1, sizeof(*s->running));
		s->running->refs++;
	}
}

void
device_detach(struct conf *c)
{
	struct conf_slot *s;
	size_t i, k;

	for (i = 0; i < c->ndevices; i++) {
		device_unref(c->devices[i].running);
		c->devices[i].running = NULL;
	}
	for (i = 0; i < c->nchains; i++)
		for (k = 0; k < c->chains[i].nslots; k++) {
			s = &c->chains[i].slots[k];
			slot_unref(s->running);
			s->running = NULL;
		}
}

void
device_attach(struct conf *c, const struct conf *in_force)
{
	struct device *d;
	size_t i;

	c->release = device_detach;
	for (i = 0; i < c->ndevices; i++) {
		d = device_before(in_force, &c->devices[i]);
		c->devices[i].running = d != NULL ? device_ref(d) :
		    device_new(c->devices[i].name);
	}
	for (i = 0; i < c->nchains; i++)
		slots_attach(&c->chains[i], in_force);
}

const char *
device_name(const struct device *d)
{
	return d->name;
}

uint64_t
device_exit(const struct device *d, int side)
{
	return d->id * 2 + (uint64_t)side;
}

void
device_set_zone(struct device *d, struct zone *zone,
    const struct device_zone_ops *ops)
{
	d->zone = zone;
	d->zone_ops = ops;
}

struct zone *
device_zone(const struct device *d)
{
	return d->zone;
}

/* Returns what it was. Only what is up becomes suspect. */
static int
health_swap(struct device *d, enum device_health health)
{
	int was = DEVICE_UP;

	if (health != DEVICE_SUSPECT)
		return atomic_exchange(&d->health, (int)health);
	return atomic_compare_exchange_strong(&d->health, &was,
	    DEVICE_SUSPECT) ? DEVICE_UP : DEVICE_SUSPECT;
}

void
device_set_health(struct device *d, enum device_health health,
    const char *why)
{
	int first = health == DEVICE_DOWN && d->why == not_probed, was;

	/* Before anybody sees that it is up: see device_well(). */
	if (health == DEVICE_UP && d->health == DEVICE_DOWN)
		d->risen = clock_ms();
	was = health_swap(d, health);

	if (was == (int)health && !first) {
		if (health == DEVICE_DOWN)
			d->why = why;
		return;
	}
	d->why = why;
	d->since = clock_ms();
	if (!first && (was == DEVICE_DOWN || health == DEVICE_DOWN))
		d->changes++;
	if (health == DEVICE_DOWN)
		log_warn("device %s is down: %s", d->name, why);
	else
		log_info("device %s is %s: %s", d->name,
		    device_health_str(health), why);
}

enum device_health
device_health(const struct device *d)
{
	return (enum device_health)d->health;
}

void
device_set_open(struct device *d, int open)
{
	if (atomic_exchange(&d->open, open) == open)
		return;
	if (open)
		log_error("device %s is open: what it must block came through",
		    d->name);
	else
		log_info("device %s blocks again what it must", d->name);
}

void
device_probed(struct device *d, uint64_t began, uint64_t us)
{
	uint64_t n = d->probes++;

	d->proved = began;
	d->probe_us += us;
	d->recent[n % RECENT] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

int
device_well(const struct device *d, uint64_t since)
{
	return d->health != DEVICE_DOWN && d->risen <= since &&
	    d->proved >= since;
}

void
device_set_admin(struct device *d, enum device_admin admin)
{
	if (atomic_exchange(&d->admin, (int)admin) == (int)admin)
		return;
	log_info("device %s: %s, by the operator", d->name,
	    device_admin_str(admin));
	if (admin == DEVICE_FORCED_DOWN && d->zone_ops != NULL)
		d->zone_ops->forced(d->zone);
}

enum device_admin
device_admin(const struct device *d)
{
	return (enum device_admin)d->admin;
}

/*
 * Whether the limit is reached. A device that was full has room again when
 * a tenth of it is free, so that it does not fill and empty with each session.
 */
static int
device_full(const struct conf_device *dc)
{
	struct device *d = dc->running;
	uint64_t n = d->sessions;

	if (dc->connections == 0 || n * 10 <= (uint64_t)dc->connections * 9)
		d->full = 0;
	else if (n >= dc->connections)
		d->full = 1;
	return d->full;
}

static int
device_usable(const struct conf_device *dc)
{
	const struct device *d = dc->running;

	return d->health != DEVICE_DOWN && d->admin == DEVICE_AUTO &&
	    !device_full(dc);
}

/* Count a session in; 0 if another worker's took the last place. */
static int
device_count(const struct conf_device *dc)
{
	struct device *d = dc->running;

	if (++d->sessions <= dc->connections || dc->connections == 0)
		return 1;
	d->sessions--;
	return 0;
}

int
device_enter(const struct conf_slot *s, uint64_t pair, uint64_t *tried)
{
	struct pick picks[CONF_DEVICES];
	size_t i;

	for (;;) {
		for (i = 0; i < s->ndevices; i++) {
			picks[i].name = s->devices[i]->name;
			picks[i].weight = s->devices[i]->weight;
			picks[i].usable = !(*tried >> i & 1) &&
			    device_usable(s->devices[i]);
		}
		if ((i = pick(picks, s->ndevices, pair)) == PICK_NONE)
			return -1;
		*tried |= (uint64_t)1 << i;
		if (device_count(s->devices[i]))
			return (int)i;
	}
}

void
device_leave(struct device *d, enum device_result result,
    const uint64_t bytes[2])
{
	d->sessions--;
	d->results[result]++;
	d->bytes[0] += bytes[0];
	d->bytes[1] += bytes[1];
}

void
slot_count(const struct conf_slot *s, enum slot_result result)
{
	s->running->results[result]++;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
quantiles(const struct device *d, struct device_stats *st)
{
	uint32_t v[RECENT];
	size_t i, n = st->probes < RECENT ? st->probes : RECENT;

	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		v[i] = d->recent[i];
	qsort(v, n, sizeof(*v), by_number);
	st->p50_us = v[n / 2];
	st->p99_us = v[n * 99 / 100];
}

void
device_stats(const struct conf_device *dc, struct device_stats *st)
{
	const struct device *d = dc->running;
	size_t i;

	memset(st, 0, sizeof(*st));
	st->health = (enum device_health)d->health;
	st->admin = (enum device_admin)d->admin;
	st->why = d->why;
	st->open = d->open;
	st->full = device_full(dc);
	st->since = clock_ms() - d->since;
	st->changes = d->changes;
	st->sessions = d->sessions;
	for (i = 0; i < DEVICE_RESULTS; i++)
		st->results[i] = d->results[i];
	st->bytes[0] = d->bytes[0];
	st->bytes[1] = d->bytes[1];
	st->probes = d->probes;
	st->probe_us = d->probe_us;
	quantiles(d, st);
}

void
slot_stats(const struct conf_slot *s, uint64_t results[SLOT_RESULTS])
{
	size_t i;

	for (i = 0; i < SLOT_RESULTS; i++)
		results[i] = s->running->results[i];
}

const char *
device_health_str(enum device_health health)
{
	static const char *const names[] = { "down", "suspect", "up" };

	return names[health];
}

const char *
device_admin_str(enum device_admin admin)
{
	static const char *const names[] = { "auto", "drain", "down" };

	return names[admin];
}

const char *
device_result_str(enum device_result result)
{
	static const char *const names[] = { "passed", "reset", "dropped",
	    "failed", "busy" };

	return names[result];
}

const char *
slot_result_str(enum slot_result result)
{
	static const char *const names[] = { "next", "skipped", "refused" };

	return names[result];
}
