/*
 * Watches the workers. The main thread pings each of them once a second, and
 * the worker's loop answers. A worker that has not answered for two seconds
 * serves nobody: we log what it was doing, count it, and do not feed systemd's
 * watchdog until all workers answer again. So a hang ends in a restart.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "main/daemon.h"
#include "main/notify.h"
#include "proxy/pulse.h"
#include "proxy/worker.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define LOOK_MS		1000

struct watch {
	struct event	*timer;
	struct worker	**workers;
	struct pulse	*pulse;	/* of each */
	size_t		 n;
	int		 watched;	/* by systemd */
};

static void
watch_tell(struct worker *w, size_t i, uint64_t ms)
{
	struct worker_at at;

	worker_late(w, &at);
	if (at.session != 0)
		log_error("worker %zu has not answered for %llu ms: it is in "
		    "session %llu, phase \"%s\"", i, (unsigned long long)ms,
		    (unsigned long long)at.session, at.what);
	else
		log_error("worker %zu has not answered for %llu ms: it is "
		    "%s", i, (unsigned long long)ms, at.what);
}

/* Look at one worker; 1 if it is late. */
static int
watch_one(struct watch *v, size_t i, uint64_t now)
{
	struct worker *w = v->workers[i];
	uint64_t ms;
	int ask;

	switch (pulse_look(&v->pulse[i], worker_answered(w), now, &ask, &ms)) {
	case PULSE_LATE:
		watch_tell(w, i, ms);
		break;
	case PULSE_BACK:
		log_warn("worker %zu answers again", i);
		break;
	default:
		break;
	}
	if (ask)
		worker_ask_pulse(w);
	return v->pulse[i].late;
}

static void
watch_all(evutil_socket_t fd, short what, void *arg)
{
	struct watch *v = arg;
	uint64_t now = clock_ms();
	int late = 0;
	size_t i;

	for (i = 0; i < v->n; i++)
		late |= watch_one(v, i, now);
	if (v->watched && !late)
		notify("WATCHDOG=1");
}

struct watch *
watch_new(struct event_base *base, struct worker **workers, size_t n)
{
	static const struct timeval every = { LOOK_MS / 1000,
	    LOOK_MS % 1000 * 1000 };
	struct watch *v = xcalloc(1, sizeof(*v));
	uint64_t within = notify_watchdog();

	v->workers = workers;
	v->n = n;
	v->pulse = xcalloc(n + 1, sizeof(*v->pulse));
	v->watched = within != 0;
	if (v->watched && within < 2 * LOOK_MS)
		log_warn("WatchdogSec is %llu ms, and workers are looked at "
		    "every %d ms: set it to 10s or more",
		    (unsigned long long)within, LOOK_MS);
	v->timer = event_new(base, -1, EV_PERSIST, watch_all, v);
	event_add(v->timer, &every);
	watch_all(-1, 0, v);
	return v;
}

void
watch_free(struct watch *v)
{
	if (v == NULL)
		return;
	event_free(v->timer);
	free(v->pulse);
	free(v);
}
