/*
 * Hops that wait are in a table of shards, each with a mutex: a worker whose
 * listener gets a far end looks up whose it is, and posts it to that
 * worker, which looks again, because the hop may have gone in between. A
 * worker's seat lives as long as mails for it do.
 */
#include "chain/hop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/mailbox.h"
#include "net/sock.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

/* For P to connect and Q to arrive. The kernel sends a SYN that was lost again
 * after a second. */
#define CONNECT_MS	1500
#define SLOW_MS		500	/* that is longer than a device takes */
/* That again and again while P is connected: the device let it through, so Q
 * is here, and a worker is late; or the device answers for the server. */
#define LATE_MAX	3
#define RETRY_MS	4	/* without a socket; then twice that */
#define RETRY_MAX_MS	128
/* The kernel keeps the addresses of a connection that has ended for a second
 * (tcp_tw_reuse), and a socket may be late. */
#define BUSY_MS		2000
#define SHARDS		64	/* of the table */

struct join_key {
	uint64_t	 exit;
	struct addr	 client, server;
};

LIST_HEAD(hops, hop);

struct joins {
	struct shard {
		pthread_mutex_t	 mutex;
		struct hops	 hops;
	} shard[SHARDS];
};

struct hop_seat {
	_Atomic unsigned	 refs;
	struct joins		*joins;
	struct event_base	*base;
	struct mailbox		*mailbox;
};

struct hop {
	LIST_ENTRY(hop)	 link;		/* in its shard, while queued */
	struct join_key	 key;
	struct hop_seat	*seat;
	struct hop_want	 want;
	enum hop_state	 state;
	int		 queued;	/* its far end is awaited */
	int		 fd[2];		/* near, far; -1: none */
	int		 connected;	/* ... the near one is */
	int		 slow;		/* ... and was told of */
	unsigned	 late;		/* ... and the far one was overdue */
	uint64_t	 begun, took;	/* us */
	uint64_t	 retry;		/* ms, until the next socket */
	struct event	 ev;		/* of the near end */
	struct event	 timer;
};

struct arrival {		/* a far end on its way to its worker */
	struct mail	 mail;
	struct hop_seat	*seat;
	struct join_key	 key;
	int		 fd;
};

static void	hop_writable(evutil_socket_t, short, void *);
static void	hop_timed(evutil_socket_t, short, void *);
static void	hop_tell(struct hop *);

struct joins *
joins_new(void)
{
	struct joins *j = xcalloc(1, sizeof(*j));
	int i;

	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&j->shard[i].mutex, NULL);
		LIST_INIT(&j->shard[i].hops);
	}
	return j;
}

void
joins_free(struct joins *j)
{
	int i;

	for (i = 0; j != NULL && i < SHARDS; i++)
		pthread_mutex_destroy(&j->shard[i].mutex);
	free(j);
}

static void
seat_unref(struct hop_seat *s)
{
	if (--s->refs == 0)
		free(s);
}

struct hop_seat *
hop_attach(struct joins *j, struct event_base *base, struct mailbox *mailbox)
{
	struct hop_seat *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->joins = j;
	s->base = base;
	s->mailbox = mailbox;
	return s;
}

void
hop_detach(struct hop_seat *s)
{
	seat_unref(s);
}

static struct shard *
shard_of(struct joins *j, const struct join_key *k)
{
	uint64_t h = hash_bytes(HASH_START, &k->exit, sizeof(k->exit));

	h = hash_fold(addr_hash(addr_hash(h, &k->client), &k->server));
	return &j->shard[h % SHARDS];
}

static int
key_same(const struct join_key *a, const struct join_key *b)
{
	return a->exit == b->exit && addr_eq(&a->client, &b->client) &&
	    addr_eq(&a->server, &b->server);
}

static void
join_add(struct hop *h)
{
	struct shard *s = shard_of(h->seat->joins, &h->key);

	pthread_mutex_lock(&s->mutex);
	LIST_INSERT_HEAD(&s->hops, h, link);
	pthread_mutex_unlock(&s->mutex);
	h->queued = 1;
}

static void
join_remove(struct hop *h)
{
	struct shard *s = shard_of(h->seat->joins, &h->key);

	if (!h->queued)
		return;
	pthread_mutex_lock(&s->mutex);
	LIST_REMOVE(h, link);
	pthread_mutex_unlock(&s->mutex);
	h->queued = 0;
}

/* With the shard locked. */
static struct hop *
join_find(const struct shard *s, const struct join_key *k)
{
	struct hop *h;

	LIST_FOREACH(h, &s->hops, link)
		if (key_same(&h->key, k))
			return h;
	return NULL;
}

static void
hop_timer(struct hop *h, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	evtimer_add(&h->timer, &tv);
}

static void
hop_drop(struct hop *h, int end)
{
	if (h->fd[end] == -1)
		return;
	if (end == 0 && !h->connected)
		event_del(&h->ev);
	sock_reset(h->fd[end]);
	h->fd[end] = -1;
}

/* It is known what becomes of it. */
static void
hop_done(struct hop *h, enum hop_state state)
{
	h->state = state;
	h->took = clock_us() - h->begun;
	join_remove(h);
	event_del(&h->timer);
	if (state == HOP_READY)
		return;
	hop_drop(h, 0);
	hop_drop(h, 1);
}

static void
hop_tell(struct hop *h)
{
	if (h->state != HOP_WAIT)
		h->want.changed(h->want.owner);
}

static void
hop_check(struct hop *h)
{
	if (h->state == HOP_WAIT && h->connected && h->fd[1] != -1)
		hop_done(h, HOP_READY);
}

/* Without a socket, or with addresses that are still in use. */
static void
hop_busy(struct hop *h)
{
	if (clock_us() - h->begun > BUSY_MS * 1000) {
		hop_done(h, HOP_BUSY);
		return;
	}
	hop_timer(h, h->retry);
	if (h->retry < RETRY_MAX_MS)
		h->retry *= 2;
}

static void
hop_failed(struct hop *h, int e)
{
	hop_drop(h, 0);
	if (e == EADDRNOTAVAIL || e == EADDRINUSE)
		hop_busy(h);
	else if (e == ECONNREFUSED || e == ECONNRESET)
		hop_done(h, HOP_REJECTED);
	else
		hop_done(h, e == ETIMEDOUT ? HOP_SILENT : HOP_UNREACHED);
}

static void
hop_connect(struct hop *h)
{
	const struct hop_want *w = &h->want;
	int fd = w->socket(w->zone, w->side, w->client.sa.sa_family), rv;

	if (fd == ERR_AGAIN) {
		hop_busy(h);
		return;
	}
	if (fd < 0) {
		hop_done(h, fd == ERR_UNSUPPORTED ? HOP_FOREIGN :
		    HOP_UNREACHED);
		return;
	}
	event_assign(&h->ev, h->seat->base, fd, EV_WRITE, hop_writable, h);
	event_add(&h->ev, NULL);
	h->fd[0] = fd;
	rv = bind(fd, &w->client.sa, addr_len(&w->client));
	if (rv == 0)
		rv = connect(fd, &w->server.sa, addr_len(&w->server));
	if (rv != 0 && errno != EINPROGRESS)
		hop_failed(h, errno);
	else
		hop_timer(h, SLOW_MS);
	h->slow = 0;
}

static void
hop_writable(evutil_socket_t fd, short what, void *arg)
{
	struct hop *h = arg;
	int e = sock_error(fd);

	if (e != 0) {
		hop_failed(h, e);
	} else {
		h->connected = 1;
		hop_check(h);
	}
	hop_tell(h);
}

/* Whether the kernel has connected P: we may not have come round to it. */
static int
hop_is_through(const struct hop *h)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);

	return getsockopt(h->fd[0], IPPROTO_TCP, TCP_INFO, &i, &len) == 0 &&
	    i.tcpi_state == TCP_ESTABLISHED;
}

static void
hop_timed(evutil_socket_t fd, short what, void *arg)
{
	struct hop *h = arg;

	if (h->state == HOP_WAIT && h->fd[0] == -1) {
		hop_connect(h);
	} else if (h->state == HOP_WAIT && !h->slow) {
		h->slow = 1;
		h->want.slow(h->want.owner);
		hop_timer(h, CONNECT_MS - SLOW_MS);
	} else if (h->state == HOP_WAIT && h->late < LATE_MAX &&
	    hop_is_through(h)) {
		h->late++;
		hop_timer(h, CONNECT_MS);
	} else if (h->state == HOP_WAIT) {
		hop_done(h, HOP_SILENT);
	}
	hop_tell(h);
}

struct hop *
hop_begin(struct hop_seat *seat, const struct hop_want *want)
{
	struct hop *h = xcalloc(1, sizeof(*h));

	h->seat = seat;
	h->want = *want;
	h->key.exit = want->exit;
	h->key.client = want->client;
	h->key.server = want->server;
	h->fd[0] = h->fd[1] = -1;
	h->begun = clock_us();
	h->retry = RETRY_MS;
	evtimer_assign(&h->timer, seat->base, hop_timed, h);
	join_add(h);
	hop_connect(h);
	if (h->state != HOP_WAIT)
		event_active(&h->timer, EV_TIMEOUT, 0);
	return h;
}

enum hop_state
hop_state(const struct hop *h)
{
	return h->state;
}

uint64_t
hop_us(const struct hop *h)
{
	return h->took;
}

uint64_t
hop_began(const struct hop *h)
{
	return h->begun / 1000;
}

int
hop_take(struct hop *h, int far)
{
	int fd = h->fd[far];

	h->fd[far] = -1;
	return fd;
}

void
hop_free(struct hop *h)
{
	if (h == NULL)
		return;
	join_remove(h);
	event_del(&h->timer);
	hop_drop(h, 0);
	hop_drop(h, 1);
	free(h);
}

/* The hop's own worker: its far end is here. */
static int
hop_join(struct hop_seat *seat, const struct join_key *k, int fd)
{
	struct shard *s = shard_of(seat->joins, k);
	struct hop *h;

	pthread_mutex_lock(&s->mutex);
	h = join_find(s, k);
	if (h != NULL && h->seat != seat)
		h = NULL;
	pthread_mutex_unlock(&s->mutex);
	if (h == NULL) {
		sock_reset(fd);
		return 0;
	}
	join_remove(h);
	h->fd[1] = fd;
	hop_check(h);
	hop_tell(h);
	return 1;
}

static void
arrival_run(struct mail *m)
{
	struct arrival *a = (struct arrival *)m;

	hop_join(a->seat, &a->key, a->fd);
	seat_unref(a->seat);
	free(a);
}

/* With the shard locked, so that the seat is there. */
static void
arrival_post(struct hop_seat *seat, const struct join_key *k, int fd)
{
	struct arrival *a = xcalloc(1, sizeof(*a));

	a->mail.run = arrival_run;
	a->seat = seat;
	a->key = *k;
	a->fd = fd;
	seat->refs++;
	mailbox_post(seat->mailbox, &a->mail);
}

int
hop_arrived(struct hop_seat *seat, uint64_t exit, int fd,
    const struct addr *peer)
{
	struct join_key k = { .exit = exit, .client = *peer };
	struct shard *s;
	struct hop *h;
	int mine = 0;

	if (sock_own(fd, &k.server) != 0) {
		sock_reset(fd);
		return 0;
	}
	s = shard_of(seat->joins, &k);
	pthread_mutex_lock(&s->mutex);
	h = join_find(s, &k);
	mine = h == NULL || h->seat == seat;
	if (!mine)
		arrival_post(h->seat, &k, fd);
	pthread_mutex_unlock(&s->mutex);
	return mine ? hop_join(seat, &k, fd) : 1;
}
