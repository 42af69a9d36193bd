/*
 * A worker's insides, for the files of this room.
 */
#ifndef PROXY_INNER_H
#define PROXY_INNER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>

#include "codec/hello.h"
#include "net/conn.h"
#include "net/names.h"
#include "proxy/place.h"
#include "proxy/turns.h"
#include "proxy/worker.h"
#include "stream/pool.h"
#include "stream/splice.h"
#include "tls/tlsio.h"
#include "util/mem.h"

struct listener {
	struct event		 ev;
	struct worker		*worker;
	const struct conf_listen *conf;		/* of the worker's parts */
	int			 fd;
	struct event		 dns_ev;
	int			 dns_fd;	/* -1: none */
};

struct auth;
struct confirm;
struct dnsudp;
struct issuers_due;
struct session;
TAILQ_HEAD(sessions, session);

struct worker {
	const struct proxy_env	*env;
	unsigned		 index;
	pthread_t		 thread;
	int			 started;	/* ... there is one */
	struct event_base	*base;
	struct mailbox		*mailbox;
	struct names		*names;
	struct mem_peak		 peak;		/* sessions open */
	struct parts		*parts;		/* for new sessions ... */
	struct policy		*policy;	/* ... theirs ... */
	struct place		*place;		/* ... and where they are; NULL
						 * until it runs */
	struct worker_counts	 counts;
	struct pool		 pool;
	struct listener		**listeners;	/* one for each in conf */
	size_t			 nlisteners;
	struct event		 resume;	/* accept again */
	int			 paused;
	int			 full;		/* a dial met a limit */
	unsigned long		 room;		/* sessions, by descriptors */
	void			*chain;		/* that of inline devices */
	struct sessions		 sessions, dead;
	struct event		 reap;		/* frees the dead */
	struct revisits		 revisits;	/* of its connections */
	struct turns		 turns;
	struct mail		 pulse;		/* see worker_ask_pulse() */
	_Atomic int		 answered, ended;
	_Atomic uint64_t	 at_session;	/* what it is doing */
	const char *_Atomic	 at_what;
	uint64_t		 made_room;	/* ms: see relay_make_room() */
	struct event		 drained;	/* the time for it is over */
	int			 draining;
	struct pipes		 pipes;
	struct auth		*auth;
	struct reach_dead	 dead_servers[REACH_DEAD];
	struct confirm		*confirm;
	struct dnsudp		*dns;		/* NULL: none came yet */
	struct issuers_due	*issuers;
	struct tlsio_scratch	 scratch;
	uint8_t			 peek[HELLO_MAX];
};

#define count(c, n)							\
	atomic_fetch_add_explicit(&(c), (n), memory_order_relaxed)

/* What the worker is doing from here on; a session's id, or 0. */
static inline void
worker_is_at(struct worker *w, uint64_t session, const char *what)
{
	atomic_store_explicit(&w->at_session, session, memory_order_relaxed);
	atomic_store_explicit(&w->at_what, what, memory_order_relaxed);
}

/* A session met a limit of the process: new ones are to wait. */
static inline void
worker_full(struct worker *w)
{
	w->full = 1;
	event_active(&w->resume, EV_TIMEOUT, 0);
}

#endif
