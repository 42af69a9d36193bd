#include "chain/way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/device.h"
#include "chain/pick.h"
#include "codec/packet.h"
#include "util/clock.h"
#include "util/mem.h"

struct way_slot {
	struct chain_way *way;
	const struct conf_slot *conf;
	uint64_t	 tried;		/* see device_enter() */
	const struct conf_device *device; /* that it is in; or NULL */
	struct hop	*hop;
	int		 done;		/* its hop is ready, or it is skipped */
	int		 foreign;	/* a device has no such family */
	enum device_result result;
	uint64_t	 bytes[2];
	struct record_hop *tries;	/* the last is the one it is in */
	size_t		 ntries;
	char		 said[96];
};

struct chain_way {
	LIST_ENTRY(chain_way) link;
	struct ways	*ways;
	struct hop_want	 want;
	uint64_t	 patience;	/* ms */
	uint64_t	 pair;
	void		(*changed)(void *);
	void		*owner;
	int		 begun;		/* changes are told */
	int		 used;		/* its sockets were taken */
	const char	*refused;	/* why; or NULL */
	struct record_hop *record;
	size_t		 nslots;
	struct way_slot	 slot[CONF_CHAIN_SLOTS];
};

static void	slot_enter(struct way_slot *);

static void
slot_note(struct way_slot *s, const char *event, uint64_t us)
{
	struct record_hop *h;

	s->tries = xrealloc(s->tries, (s->ntries + 1) * sizeof(*s->tries));
	h = &s->tries[s->ntries++];
	h->slot = s->conf->name;
	h->device = s->device != NULL ? s->device->name : NULL;
	h->event = event;
	h->us = us;
}

/* It is in no device any more. */
static void
slot_leave(struct way_slot *s, enum device_result result)
{
	if (s->device != NULL)
		device_leave(s->device->running, result, s->bytes);
	s->device = NULL;
	hop_free(s->hop);
	s->hop = NULL;
}

static void
way_refuse(struct way_slot *s, const char *what, const char *name,
    const char *rest)
{
	if (s->way->refused != NULL)
		return;
	snprintf(s->said, sizeof(s->said), "%s %s%s", what, name, rest);
	s->way->refused = s->said;
}

/* No device is left. */
static void
slot_without(struct way_slot *s)
{
	s->device = NULL;
	s->done = 1;
	slot_note(s, s->conf->fail_open ? "skipped" : "refused", 0);
	slot_count(s->conf, s->conf->fail_open ? SLOT_SKIPPED : SLOT_REFUSED);
	if (!s->conf->fail_open)
		way_refuse(s, "slot", s->conf->name, !s->foreign ?
		    " has no device" : s->way->want.client.sa.sa_family ==
		    AF_INET6 ? " has no device for IPv6" :
		    " has no device for IPv4");
}

static void
slot_again(struct way_slot *s, enum device_result result)
{
	slot_leave(s, result);
	slot_enter(s);
	if (s->device != NULL)
		slot_count(s->conf, SLOT_NEXT);
}

/* The device did not take it, by no will of its own: try the next. */
static void
slot_next(struct way_slot *s, enum device_result result, const char *event)
{
	slot_note(s, event, hop_us(s->hop));
	slot_again(s, result);
}

/* It did not take it, and it is well: that is what it wants. */
static void
slot_verdict(struct way_slot *s, enum device_result result,
    const char *event)
{
	slot_note(s, event, hop_us(s->hop));
	way_refuse(s, result == DEVICE_RESET ? "reset by device" :
	    "dropped by device", s->device->name, "");
	slot_leave(s, result);
	s->done = 1;
}

static void
slot_ready(struct way_slot *s)
{
	slot_note(s, "open", hop_us(s->hop));
	s->done = 1;
	s->result = DEVICE_PASSED;
	s->way->ways->world->connected(device_zone(s->device->running));
}

static void
slot_failed(struct way_slot *s, enum hop_state state)
{
	struct device *d = s->device->running;

	if (state == HOP_BUSY) {
		slot_next(s, DEVICE_BUSY, "busy");
		return;
	}
	if (state == HOP_FOREIGN) {	/* which is no fault of its */
		s->foreign = 1;
		slot_next(s, DEVICE_FAILED, "failed");
		return;
	}
	s->way->ways->world->failed(device_zone(d));
	if (state == HOP_REJECTED && device_health(d) != DEVICE_DOWN)
		slot_verdict(s, DEVICE_RESET, "reset_by_device");
	else if (state == HOP_SILENT && device_well(d, hop_began(s->hop)))
		slot_verdict(s, DEVICE_DROPPED, "dropped_by_device");
	else
		slot_next(s, DEVICE_FAILED, "failed");
}

static void
way_changed(struct chain_way *w)
{
	const char *why;

	if (w->begun && way_state(w, &why) != CHAIN_WAIT)
		w->changed(w->owner);
}

static void
slot_changed(void *owner)
{
	struct way_slot *s = owner;
	enum hop_state state = hop_state(s->hop);

	if (state == HOP_READY)
		slot_ready(s);
	else
		slot_failed(s, state);
	way_changed(s->way);
}

static void
slot_slow(void *owner)
{
	struct way_slot *s = owner;

	s->way->ways->world->doubt(device_zone(s->device->running));
}

/* The device that it is in was taken down by the operator. */
static void
slot_forced(struct way_slot *s)
{
	if (!s->done)
		slot_note(s, "failed", 0);
	s->tries[s->ntries - 1].event = "failed";
	s->result = DEVICE_FAILED;
	if (s->way->used) {
		way_refuse(s, "device", s->device->name,
		    " was taken down by the operator");
		return;
	}
	s->done = 0;
	slot_again(s, DEVICE_FAILED);
}

static void
slot_enter(struct way_slot *s)
{
	struct chain_way *w = s->way;
	struct hop_want want = w->want;
	int i = device_enter(s->conf, w->pair, &s->tried);

	if (i < 0) {
		slot_without(s);
		return;
	}
	s->device = s->conf->devices[i];
	want.exit = device_exit(s->device->running, !want.side);
	want.zone = device_zone(s->device->running);
	want.changed = slot_changed;
	want.slow = slot_slow;
	want.owner = s;
	s->hop = hop_begin(w->ways->seat, &want);
}

struct chain_way *
way_begin(struct ways *ways, const struct chain_want *want)
{
	const struct conf_chain *chain = want->chain;
	struct chain_way *w = xcalloc(1, sizeof(*w));
	size_t i;

	w->ways = ways;
	LIST_INSERT_HEAD(&ways->first, w, link);
	w->want.socket = ways->world->socket;
	w->want.side = want->from_outside ? ZONE_OUTSIDE : ZONE_INSIDE;
	w->want.client = *want->client;
	w->want.server = *want->server;
	if (want->client->sa.sa_family != want->server->sa.sa_family) {
		addr_translate6(&w->want.client);
		addr_translate6(&w->want.server);
	}
	addr_set_port(&w->want.server, packet_shown_port(
	    addr_port(want->server), want->decrypted && chain->ports_map));
	w->pair = pick_pair(want->client, want->server);
	w->patience = chain->verdict_timeout;
	w->changed = want->changed;
	w->owner = want->owner;
	w->nslots = chain->nslots;
	for (i = 0; i < w->nslots; i++) {
		w->slot[i].way = w;
		w->slot[i].conf = &chain->slots[i];
		slot_enter(&w->slot[i]);
	}
	w->begun = 1;
	return w;
}

enum chain_state
way_state(const struct chain_way *w, const char **why)
{
	size_t i;

	*why = w->refused;
	if (w->refused != NULL)
		return CHAIN_REFUSED;
	for (i = 0; i < w->nslots; i++)
		if (!w->slot[i].done)
			return CHAIN_WAIT;
	return CHAIN_READY;
}

/* The slot of a hop: those that were skipped have none. */
static struct way_slot *
way_slot(struct chain_way *w, unsigned hop)
{
	size_t i;

	for (i = 0; i < w->nslots; i++)
		if (w->slot[i].device != NULL && hop-- == 0)
			return &w->slot[i];
	return NULL;
}

unsigned
way_hops(const struct chain_way *w)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < w->nslots; i++)
		n += w->slot[i].device != NULL;
	return n;
}

int
way_take(struct chain_way *w, unsigned hop, int far)
{
	w->used = 1;
	return hop_take(way_slot(w, hop)->hop, far);
}

/* In the words of the record. */
static const char *
event_str(enum device_result r)
{
	switch (r) {
	case DEVICE_RESET:
		return "reset_by_device";
	case DEVICE_DROPPED:
		return "dropped_by_device";
	case DEVICE_PASSED:
		return "passed";
	default:
		return "failed";
	}
}

const char *
way_event(struct chain_way *w, unsigned hop, enum chain_event event,
    const uint64_t bytes[2])
{
	struct way_slot *s = way_slot(w, hop);
	struct device *d = s->device->running;
	const char *what = "passed device";
	uint64_t since;
	int well;

	s->bytes[0] = bytes[0];
	s->bytes[1] = bytes[1];
	if (event == CHAIN_RESET) {
		s->result = DEVICE_RESET;
		what = "reset by device";
	} else if (event == CHAIN_DROPPED) {
		since = clock_ms() - w->patience;
		if (since < hop_began(s->hop))
			since = hop_began(s->hop);
		well = device_well(d, since);
		s->result = well ? DEVICE_DROPPED : DEVICE_FAILED;
		what = well ? "dropped by device" : "lost in device";
		w->ways->world->failed(device_zone(d));
	}
	s->tries[s->ntries - 1].event = event_str(s->result);
	snprintf(s->said, sizeof(s->said), "%s %s", what, s->device->name);
	return s->said;
}

const struct record_hop *
way_record(struct chain_way *w, size_t *n)
{
	const struct way_slot *s;
	size_t i;

	*n = 0;
	for (i = 0; i < w->nslots; i++)
		*n += w->slot[i].ntries;
	w->record = xrealloc(w->record, (*n + 1) * sizeof(*w->record));
	*n = 0;
	for (i = 0; i < w->nslots; i++) {
		s = &w->slot[i];
		if (s->ntries > 0)
			memcpy(w->record + *n, s->tries,
			    s->ntries * sizeof(*s->tries));
		*n += s->ntries;
	}
	return w->record;
}

void
way_doubt(struct chain_way *w, unsigned hop)
{
	slot_slow(way_slot(w, hop));
}

static int
slot_is_forced(const struct way_slot *s)
{
	return s->device != NULL &&
	    device_admin(s->device->running) == DEVICE_FORCED_DOWN;
}

/* A way that is told of may end. */
void
ways_look(struct ways *ways)
{
	struct chain_way *w, *next;
	size_t i;
	int any;

	for (w = LIST_FIRST(&ways->first); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		for (i = any = 0; i < w->nslots; i++)
			if (slot_is_forced(&w->slot[i])) {
				slot_forced(&w->slot[i]);
				any = 1;
			}
		if (any)
			way_changed(w);
	}
}

void
way_end(struct chain_way *w)
{
	size_t i;

	LIST_REMOVE(w, link);
	for (i = 0; i < w->nslots; i++) {
		slot_leave(&w->slot[i], w->slot[i].result);
		free(w->slot[i].tries);
	}
	free(w->record);
	free(w);
}
