/*
 * Transactions that hold a connection and have nothing to send: their body
 * comes slowly, or not at all, and there are only so many connections. Where
 * others want one, it is given back, and the transaction begins again when
 * its body is whole.
 */
#include "icap/own.h"
#include "util/clock.h"

#define LOOK_EVERY	1000	/* ms */
/* A body that brings less than this in that time is a slow one. */
#define PACE		65536

/* The spool has no more for now. */
void
icap_starve_begin(struct icap_txn *t)
{
	uint64_t now = clock_ms();

	if (t->slow_since != 0 && t->sent - t->slow_at < PACE)
		return;
	t->slow_since = now;
	t->slow_at = t->sent;
	t->look = now + LOOK_EVERY;
}

uint64_t
icap_starve_due(const struct icap_txn *t)
{
	return t->starved ? t->look : 0;
}

static int
starve_wanted(const struct icap_txn *t)
{
	const struct icap_server *v = t->server;

	return t->seat->service->waiting > 0 || v->busy >= v->limit ||
	    (v->soft != 0 && v->busy >= v->soft);
}

/* What was answered, or let go of (a copy's), cannot be begun again. */
static int
starve_can_wait(const struct icap_txn *t)
{
	return !t->answered && spool_first(t->job.body) == 0;
}

static void
starve_park(struct icap_txn *t)
{
	t->seat->service->faults[ICAP_F_STARVED]++;
	icap_txn_reset(t);
	t->step = ICAP_T_BODY;
	t->parked = 1;
	t->starved = t->beyond = 0;
	t->slow_since = t->queue_until = 0;
	t->tried = 0;
}

void
icap_starve_look(struct icap_txn *t)
{
	uint64_t now = clock_ms(), idle = t->seat->service->conf->idle_timeout;

	t->look = now + LOOK_EVERY;
	/* The server loses patience, too, some time. */
	if (!starve_wanted(t) && now - t->slow_since < idle)
		return;
	if (starve_can_wait(t))
		starve_park(t);
	else if (t->job.copy && starve_wanted(t))
		icap_txn_fail(t, ICAP_F_LOST, "the copy waits for bytes, and "
		    "others for its connection");
}
