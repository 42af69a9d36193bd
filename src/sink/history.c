/*
 * Packets go into the ring of their worker as they are made. Everything else
 * comes to that worker by mail, in a mailbox of its seat's own.
 */
#include "sink/history.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "net/mailbox.h"
#include "sink/strip.h"
#include "sink/synth.h"
#include "util/clock.h"
#include "util/mem.h"

struct history {
	struct synth_sink synth;	/* first */
	pthread_mutex_t	 lock;		/* of what follows */
	LIST_HEAD(, history_seat) seats;
	size_t		 nseats;
	uint64_t	 made;		/* seats, ever */
	uint64_t	 share, age;	/* of each; 0: nothing is kept */
	struct ring_stats gone;		/* of seats that have gone */
};

struct history_seat {
	struct synth_seat synth;	/* first: synth's ops see only it */
	LIST_ENTRY(history_seat) link;
	struct history	*history;
	struct ring	*ring;
	struct mailbox	*mailbox;
	struct event	*timer;
	int		 ticking;
	/* A reload has ended it: what comes again has other seats. */
	int		 off;
	uint64_t	 ns, now;	/* of the current event */
};

struct history_order {			/* other limits for a seat */
	struct mail	 mail;
	struct history_seat *seat;
	uint64_t	 share, age;
};

struct history_asking {			/* a question to a seat */
	struct mail	 mail;
	struct history_seat *seat;
	struct history_question *question;
	struct ring_pick **pick;
	uint64_t	 from;
};

struct history *
history_new(const struct conf *c)
{
	struct conf_mirror m = { .name = (char *)(uintptr_t)"history",
	    .source_mac = { 2, 0, 0x5e, 0x10, 0, 1 },
	    .reply_mac = { 2, 0, 0x5e, 0x10, 0, 2 }, .vlan = -1,
	    .ports_map = c->history.ports_map, .http11 = c->history.http11,
	    .starttls = c->history.starttls };
	struct history *h = xcalloc(1, sizeof(*h));
	struct text why = { 0 };

	memset(m.destination_mac, 0xff, sizeof(m.destination_mac));
	if (synth_sink_init(&h->synth, &m, &why) != 0)
		abort();		/* there is no filter */
	pthread_mutex_init(&h->lock, NULL);
	LIST_INIT(&h->seats);
	history_renew(h, c);
	return h;
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	synth_sink_clear(&h->synth);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static void
history_limit(struct mail *m)
{
	struct history_order *o = (struct history_order *)m;
	struct history_seat *s = o->seat;

	if (o->share == 0)
		s->off = 1;
	if (!s->off || o->share == 0)
		ring_limit(s->ring, o->share, o->age);
	free(o);
}

void
history_renew(struct history *h, const struct conf *c)
{
	struct history_seat *s;
	struct history_order *o;

	pthread_mutex_lock(&h->lock);
	h->share = c->history.given ? c->history.size / c->workers : 0;
	h->age = c->history.age;
	LIST_FOREACH(s, &h->seats, link) {
		o = xcalloc(1, sizeof(*o));
		o->mail.run = history_limit;
		o->seat = s;
		o->share = h->share;
		o->age = h->age;
		mailbox_post(s->mailbox, &o->mail);
	}
	pthread_mutex_unlock(&h->lock);
}

static void
stats_add(struct ring_stats *sum, const struct ring_stats *st)
{
	int i;

	sum->put += st->put;
	for (i = 0; i < RING_MAX; i++)
		sum->gone[i] += st->gone[i];
}

void
history_stats(struct history *h, struct ring_stats *sum)
{
	struct history_seat *s;
	struct ring_stats st;

	pthread_mutex_lock(&h->lock);
	*sum = h->gone;
	LIST_FOREACH(s, &h->seats, link) {
		ring_stats(s->ring, &st);
		stats_add(sum, &st);
		sum->bytes += st.bytes;
		sum->packets += st.packets;
	}
	pthread_mutex_unlock(&h->lock);
}

static enum synth_mode
history_ready(struct synth_seat *seat)
{
	struct history_seat *s = (struct history_seat *)seat;
	struct timespec ts;

	if (s->off)
		return SYNTH_SKIP;
	ts = clock_wall();
	s->ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	s->now = clock_coarse_ms();
	return SYNTH_SHOW;
}

static struct ring_flow *
history_open(struct history_seat *s, struct ring_flow **slot)
{
	const struct record *r = synth_record(&s->synth);
	struct ring_ends ends = { .session = r->id, .client = r->facts->client,
	    .server = r->facts->server, .mac_known = r->facts->mac_known };

	if (ends.mac_known)
		memcpy(ends.mac, r->facts->mac, MAC_LEN);
	return ring_open(s->ring, &ends, s->synth.now, slot);
}

static void
history_emit(struct synth_seat *seat, const struct frame *f,
    const char *comment)
{
	static const struct timeval second = { 1, 0 };
	struct history_seat *s = (struct history_seat *)seat;
	struct ring_flow **slot = (struct ring_flow **)synth_mine(seat);

	if (*slot == NULL && history_open(s, slot) == NULL) {
		ring_lost(s->ring, f);
		return;
	}
	ring_put(s->ring, *slot, f, s->ns, s->now);
	if (s->ticking)
		return;
	evtimer_add(s->timer, &second);
	s->ticking = 1;
}

static void
history_over(struct synth_seat *seat)
{
	struct history_seat *s = (struct history_seat *)seat;
	struct ring_flow **slot = (struct ring_flow **)synth_mine(seat);
	struct text about = { 0 };

	if (*slot == NULL)
		return;
	synth_about(seat->now, &about);
	text_fit(&about);
	ring_close(s->ring, *slot, text_take(&about));
}

static void
history_tick(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval second = { 1, 0 };
	struct history_seat *s = arg;

	s->ticking = ring_tick(s->ring, clock_coarse_ms());
	if (s->ticking)
		evtimer_add(s->timer, &second);
}

static void *
history_attach(void *sink, struct event_base *base)
{
	static const struct synth_out out = {
		.ready = history_ready,
		.emit = history_emit,
		.over = history_over
	};
	struct history_seat *s = xcalloc(1, sizeof(*s));
	struct history *h = sink;
	uint64_t seed;

	s->history = h;
	synth_seat_init(&s->synth, &h->synth, &out);
	s->synth.path.super = 1;
	s->mailbox = mailbox_new(base);
	s->timer = evtimer_new(base, history_tick, s);
	if (s->mailbox == NULL || s->timer == NULL)
		abort();
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = clock_us();
	pthread_mutex_lock(&h->lock);
	s->ring = ring_new(++h->made, seed, synth_about);
	ring_limit(s->ring, h->share, h->age);
	s->off = h->share == 0;
	LIST_INSERT_HEAD(&h->seats, s, link);
	h->nseats++;
	pthread_mutex_unlock(&h->lock);
	return s;
}

static void
history_detach(void *seat)
{
	struct history_seat *s = seat;
	struct history *h = s->history;
	struct ring_stats st;

	pthread_mutex_lock(&h->lock);
	LIST_REMOVE(s, link);
	h->nseats--;
	ring_stats(s->ring, &st);
	stats_add(&h->gone, &st);
	pthread_mutex_unlock(&h->lock);
	mailbox_free(s->mailbox);	/* it answers what it was asked */
	event_free(s->timer);
	ring_free(s->ring);
	synth_seat_clear(&s->synth);
	free(s);
}

static void
question_answered(struct history_question *q)
{
	free(q->askings);
	q->askings = NULL;
	q->done(q);
}

/* In the worker's thread. */
static void
history_asked(struct mail *m)
{
	struct history_asking *a = (struct history_asking *)m;
	struct history_question *q = a->question;

	*a->pick = pick_new(a->seat->ring, &q->who, a->from, clock_ms());
	if (atomic_fetch_sub(&q->left, 1) == 1)
		question_answered(q);
}

static struct history_given *
given_of(const struct history_question *q, uint64_t no)
{
	size_t i;

	for (i = 0; i < q->ngiven; i++)
		if (q->given[i].no == no)
			return &q->given[i];
	return NULL;
}

void
history_ask(struct history *h, struct history_question *q)
{
	struct history_given *given;
	struct history_asking *a;
	struct history_seat *s;

	pthread_mutex_lock(&h->lock);
	free(q->picks);
	q->npicks = h->nseats;
	q->picks = xcalloc(q->npicks + 1, sizeof(*q->picks));
	a = q->askings = xcalloc(q->npicks + 1, sizeof(*a));
	/* One more than that, so that it is not done while this goes on. */
	atomic_store(&q->left, q->npicks + 1);
	LIST_FOREACH(s, &h->seats, link) {
		given = given_of(q, ring_no(s->ring));
		a->mail.run = history_asked;
		a->seat = s;
		a->question = q;
		a->pick = &q->picks[a - q->askings];
		a->from = given != NULL ? given->seq : 0;
		mailbox_post(s->mailbox, &(a++)->mail);
	}
	pthread_mutex_unlock(&h->lock);
	if (atomic_fetch_sub(&q->left, 1) == 1)
		question_answered(q);
}

void
history_gave(struct history_question *q, const struct ring *r, uint64_t seq)
{
	struct history_given *g = given_of(q, ring_no(r));

	if (g == NULL) {
		q->given = xrealloc(q->given, (q->ngiven + 1) *
		    sizeof(*q->given));
		g = &q->given[q->ngiven++];
		g->no = ring_no(r);
	}
	g->seq = seq;
}

void
history_question_clear(struct history_question *q)
{
	free(q->picks);
	free(q->given);
}

/* The counts of this sink are its own: history_stats(). */
static void
history_sink_stats(void *sink, struct sink_stats *st)
{
	synth_sink_stats(sink, st);
}

const struct sink_ops sink_history = {
	.tap = &synth_tap,
	.attach = history_attach,
	.begin = strip_open,
	.detach = history_detach,
	.stats = history_sink_stats
};
