/*
 * Probes, links, and what follows from them. All of a watch belongs to the
 * thread, but for what is marked.
 */
#include "chain/health.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "chain/device.h"
#include "chain/through.h"
#include "chain/updown.h"
#include "net/link.h"
#include "chain/zone_plan.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define SUSPECT		3	/* sessions in a row that did not connect */
#define SUSPECT_MS	50	/* between probes of what is in doubt */
#define BLOCK_EVERY	60	/* probes between two tries of must-block */
#define BLOCK_OPEN	10	/* ... while it is open */
#define BLOCK_MS	2000	/* what has not come by then is blocked */
#define REPAIR_MS	1000	/* between looks for a missing port */
#define HTTP		80	/* where must-block is asked for */

struct health {
	struct event_base *base;
	struct mailbox	*box;
	pthread_t	 thread;
	struct mail	 stop;
};

struct settings {
	uint64_t	 every;
	unsigned	 down, up;
	uint64_t	 hold;
	char		*body;		/* of must-block, or NULL */
	size_t		 len;
};

/* A mail with what it is about. */
struct letter {
	struct mail	 mail;
	struct health_watch *watch;
	struct settings	 settings;
};

struct health_watch {
	struct health	*health;
	struct device	*device;
	struct zone	*zone;
	struct settings	 set;
	struct updown	 updown;
	struct through_server *server;
	struct event	*links[ZONE_SIDES];
	struct event	*timer;
	struct through	*probe, *block;
	uint64_t	 began;		/* ms: the latest probe */
	uint64_t	 repaired;	/* ms: the latest look */
	uint64_t	 block_due;	/* ms */
	int		 blocks;	/* seen to block what it must */
	int		 open;		/* seen not to */
	int		 suspect;
	int		 asked;		/* for one more probe */
	/* other threads' too */
	_Atomic unsigned failures;	/* in a row */
	pthread_mutex_t	 mutex;
	int		 gone;		/* forgotten */
	struct letter	 soon, end;
	sem_t		 ended;
};

static void	on_timer(evutil_socket_t, short, void *);

static void
settings_body(struct settings *s, const struct conf_device *d)
{
	struct text t = { 0 };
	int rv = conf_world_real.read(d->health.must_block, THROUGH_BODY, &t);

	if (rv != 0 || t.len == 0)
		log_warn("device %s: must-block: %s: %s; it is not tried",
		    d->name, d->health.must_block, rv != 0 ? err_str(rv) :
		    "it is empty");
	if (rv == 0 && t.len > 0) {
		s->len = t.len;
		s->body = text_take(&t);
	}
	text_free(&t);
}

static struct settings
settings_of(const struct conf_device *d)
{
	struct settings s = { .every = d->health.every,
	    .down = d->health.down, .up = d->health.up,
	    .hold = d->health.hold };

	if (d->health.must_block != NULL)
		settings_body(&s, d);
	return s;
}

static void
watch_again(struct health_watch *w, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	event_add(w->timer, &tv);
}

/* What all of it comes to, after a probe or a try of must-block. */
static void
watch_say(struct health_watch *w)
{
	if (w->open)
		device_set_health(w->device, DEVICE_DOWN,
		    "what it must block came through");
	else if (!w->updown.is_up)
		device_set_health(w->device, DEVICE_DOWN,
		    "its probes are not answered");
	else if (w->set.body == NULL || w->blocks)
		device_set_health(w->device, DEVICE_UP,
		    "its probes are answered");
}

static void
watch_lost(struct health_watch *w, const char *why)
{
	through_cancel(w->probe);
	through_cancel(w->block);
	w->probe = w->block = NULL;
	w->blocks = 0;
	w->suspect = 0;
	updown_lost(&w->updown);
	device_set_health(w->device, DEVICE_DOWN, why);
}

static void
watch_repair(struct health_watch *w)
{
	struct text why = { 0 };
	uint64_t now = clock_ms();
	int rv;

	if (now - w->repaired < REPAIR_MS)
		return;
	w->repaired = now;
	rv = zone_repair(w->zone, &why);
	if (rv == 0)
		log_info("device %s: its ports are back",
		    device_name(w->device));
	else if (rv != ERR_NOTFOUND)
		log_warn("%s", why.s);
	text_free(&why);
}

static const char *
watch_links(struct health_watch *w)
{
	static const char *const whys[ZONE_SIDES][LINK_UP] = {
		{ "its inside port is missing", "its inside port is down",
		    "its inside port has no link" },
		{ "its outside port is missing", "its outside port is down",
		    "its outside port has no link" }
	};
	int side, state;

	if (zone_helpless(w->zone))
		return "the zone helper has ended";
	for (side = 0; side < ZONE_SIDES; side++) {
		state = zone_link(w->zone, (enum zone_side)side);
		if (state == LINK_GONE)
			watch_repair(w);
		if (state != LINK_UP)
			return whys[side][state];
	}
	return NULL;
}

static void
on_blocked(void *arg, int came, uint64_t us)
{
	struct health_watch *w = arg;

	w->block = NULL;
	w->blocks = !came;
	if (came != w->open)
		device_set_open(w->device, came);
	w->open = came;
	w->block_due = clock_ms() + w->set.every *
	    (came ? BLOCK_OPEN : BLOCK_EVERY);
	watch_say(w);
}

static void
watch_block(struct health_watch *w)
{
	const struct zone_plan *plan = zone_its_plan(w->zone);
	struct through_want want = {
		.zone = w->zone, .timeout = BLOCK_MS,
		.body = w->set.body, .len = w->set.len,
		.done = on_blocked, .arg = w
	};

	want.from = prefix_addr(&plan->block[ZONE_INSIDE], 0);
	want.to = prefix_addr(&plan->block[ZONE_OUTSIDE], HTTP);
	w->block = through_start(w->health->base, &want);
}

static void
on_probed(void *arg, int came, uint64_t us)
{
	struct health_watch *w = arg;
	uint64_t now = clock_ms(), due = w->began + w->set.every;

	w->probe = NULL;
	if (came) {
		device_probed(w->device, w->began, us);
		updown_hit(&w->updown, now);
		w->suspect = 0;
		if (w->set.body != NULL && w->block == NULL &&
		    (now >= w->block_due || !(w->blocks || w->open)))
			watch_block(w);
	} else {
		updown_miss(&w->updown);
	}
	if (came || !w->updown.is_up)
		watch_say(w);
	if (w->suspect || w->asked)
		due = now + SUSPECT_MS;
	watch_again(w, due > now ? due - now : 0);
}

static void
watch_probe(struct health_watch *w)
{
	const struct zone_plan *plan = zone_its_plan(w->zone);
	struct through_want want = {
		.zone = w->zone, .timeout = w->set.every,
		.done = on_probed, .arg = w
	};

	want.from = prefix_addr(&plan->probe[ZONE_INSIDE], 0);
	want.to = prefix_addr(&plan->probe[ZONE_OUTSIDE], ZONE_PROBE_PORT);
	w->began = clock_ms();
	w->asked = 0;
	w->probe = through_start(w->health->base, &want);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct health_watch *w = arg;
	const char *why = watch_links(w);

	if (w->probe != NULL)
		return;
	if (why != NULL) {
		watch_lost(w, why);
		watch_again(w, w->set.every);
	} else {
		watch_probe(w);
	}
}

/* The messages are only the reason to look. */
static void
on_link(evutil_socket_t fd, short what, void *arg)
{
	struct health_watch *w = arg;
	const char *why;
	char buf[4096];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0 ||
	    errno == ENOBUFS)
		;
	if ((why = watch_links(w)) != NULL) {
		watch_lost(w, why);
		watch_again(w, w->set.every);
	} else if (w->probe == NULL) {
		watch_again(w, 0);
	}
}

static void
watch_settings(struct health_watch *w, struct settings *s)
{
	through_cancel(w->block);
	w->block = NULL;
	through_server_free(w->server);
	free(w->set.body);
	w->set = *s;
	w->updown.down = s->down;
	w->updown.up = s->up;
	w->updown.hold = s->hold;
	w->server = through_server_new(w->health->base,
	    zone_probe_listener(w->zone), s->body, s->len);
	if (w->open && s->body == NULL) {
		device_set_open(w->device, 0);
		w->open = 0;
	}
	w->block_due = 0;
}

static void
run_begin(struct mail *m)
{
	struct letter *l = (struct letter *)m;
	struct health_watch *w = l->watch;
	int side;

	watch_settings(w, &l->settings);
	free(l);
	w->timer = event_new(w->health->base, -1, 0, on_timer, w);
	for (side = 0; side < ZONE_SIDES; side++) {
		w->links[side] = event_new(w->health->base,
		    zone_link_events(w->zone, (enum zone_side)side),
		    EV_READ | EV_PERSIST, on_link, w);
		event_add(w->links[side], NULL);
	}
	watch_again(w, 0);
}

static void
run_change(struct mail *m)
{
	struct letter *l = (struct letter *)m;

	watch_settings(l->watch, &l->settings);
	free(l);
}

static void
run_soon(struct mail *m)
{
	struct health_watch *w = ((struct letter *)m)->watch;
	uint64_t ago = clock_ms() - w->began;

	if (!w->updown.is_up)
		return;
	if (atomic_load(&w->failures) >= SUSPECT) {
		atomic_store(&w->failures, 0);
		device_set_health(w->device, DEVICE_SUSPECT,
		    "sessions do not get through");
		w->suspect = 1;
	}
	w->asked = 1;
	if (w->probe == NULL)
		watch_again(w, ago < SUSPECT_MS ? SUSPECT_MS - ago : 0);
}

static void
run_end(struct mail *m)
{
	struct health_watch *w = ((struct letter *)m)->watch;
	int side;

	through_cancel(w->probe);
	through_cancel(w->block);
	through_server_free(w->server);
	for (side = 0; side < ZONE_SIDES; side++)
		event_free(w->links[side]);
	event_free(w->timer);
	free(w->set.body);
	sem_post(&w->ended);
}

static struct letter *
letter_new(struct health_watch *w, const struct conf_device *d,
    void (*run)(struct mail *))
{
	struct letter *l = xcalloc(1, sizeof(*l));

	l->mail.run = run;
	l->watch = w;
	l->settings = settings_of(d);
	return l;
}

struct health_watch *
health_watch(struct health *h, struct zone *zone,
    const struct conf_device *d)
{
	struct health_watch *w = xcalloc(1, sizeof(*w));

	w->health = h;
	w->device = device_ref(d->running);
	w->zone = zone;
	pthread_mutex_init(&w->mutex, NULL);
	sem_init(&w->ended, 0, 0);
	w->soon.mail.run = run_soon;
	w->end.mail.run = run_end;
	w->soon.watch = w->end.watch = w;
	mailbox_post(h->box, &letter_new(w, d, run_begin)->mail);
	return w;
}

void
health_change(struct health_watch *w, const struct conf_device *d)
{
	mailbox_post(w->health->box, &letter_new(w, d, run_change)->mail);
}

void
health_forget(struct health_watch *w)
{
	pthread_mutex_lock(&w->mutex);
	w->gone = 1;
	pthread_mutex_unlock(&w->mutex);
	mailbox_post(w->health->box, &w->end.mail);
	while (sem_wait(&w->ended) != 0)
		;
	device_unref(w->device);
}

void
health_free(struct health_watch *w)
{
	if (w == NULL)
		return;
	pthread_mutex_destroy(&w->mutex);
	sem_destroy(&w->ended);
	free(w);
}

void
health_failed(struct health_watch *w)
{
	if (atomic_fetch_add(&w->failures, 1) + 1 >= SUSPECT)
		health_ask(w);
}

void
health_ask(struct health_watch *w)
{
	pthread_mutex_lock(&w->mutex);
	if (!w->gone)
		mailbox_post(w->health->box, &w->soon.mail);
	pthread_mutex_unlock(&w->mutex);
}

void
health_connected(struct health_watch *w)
{
	if (atomic_load_explicit(&w->failures, memory_order_relaxed) != 0)
		atomic_store(&w->failures, 0);
}

static void *
health_run(void *arg)
{
	struct health *h = arg;

	event_base_loop(h->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static void
run_stop(struct mail *m)
{
	struct health *h = (struct health *)((char *)m -
	    offsetof(struct health, stop));

	event_base_loopbreak(h->base);
}

int
health_start(struct health **out, struct text *why)
{
	struct health *h = xcalloc(1, sizeof(*h));

	h->stop.run = run_stop;
	if ((h->base = loop_new()) != NULL &&
	    (h->box = mailbox_new(h->base)) != NULL &&
	    pthread_create(&h->thread, NULL, health_run, h) == 0) {
		*out = h;
		return 0;
	}
	text_printf(why, "cannot start the thread of devices' health: %s",
	    strerror(errno));
	if (h->box != NULL)
		mailbox_free(h->box);
	if (h->base != NULL)
		event_base_free(h->base);
	free(h);
	return ERR_SYS;
}

void
health_stop(struct health *h)
{
	if (h == NULL)
		return;
	mailbox_post(h->box, &h->stop);
	pthread_join(h->thread, NULL);
	mailbox_free(h->box);
	event_base_free(h->base);
	free(h);
}
