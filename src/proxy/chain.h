/*
 * Inline devices in a session's row. What a chain is, and which devices are
 * well, is not known here: the room above gives a table (struct chain_ops), as
 * an engine or a sink does. This room asks for a way through the devices as
 * soon as the verdict is known, waits for it in PHASE_CHAIN, makes the longer
 * row of it, and says what the devices did.
 *
 *	client ==wire[0]== P Q ==wire[1]== P Q ==wire[2]== server
 *			   hop 0	   hop 1
 */
#ifndef PROXY_CHAIN_H
#define PROXY_CHAIN_H

#include "conf/conf.h"
#include "proxy/record.h"
#include "proxy/step.h"
#include "util/addr.h"

struct event_base;
struct mailbox;
struct session;

enum chain_state {
	CHAIN_WAIT,		/* changed() will be called */
	CHAIN_READY,		/* every hop is connected at both ends */
	CHAIN_REFUSED		/* a slot has no device, or one dropped it;
				 * behind READY: one was taken down */
};

enum chain_event {		/* what became of a session in a device */
	CHAIN_PASSED,		/* it ended as its ends wanted */
	CHAIN_RESET,		/* the device reset it */
	CHAIN_DROPPED		/* bytes went in and nothing came out */
};

/* A session's way through the devices of its chain: one slot after another. */
struct chain_way;

struct chain_want {
	const struct conf_chain *chain;	/* lives longer than the way */
	const struct addr *client;	/* with ports; copied */
	const struct addr *server;
	int	 decrypted;	/* ports: map is for clear text alone */
	int	 from_outside;	/* it goes in at the devices' outside */
	/* In the worker, never in begin(): ask state() again. Also when a
	 * device is taken from a session that is READY. */
	void	(*changed)(void *owner);
	void	*owner;
};

struct chain_ops {
	/* In each worker, by its index; then, at its end, detach. */
	void	*(*attach)(void *env, unsigned worker, struct event_base *,
		    struct mailbox *);
	void	 (*detach)(void *seat);

	/* Start to connect through the devices. Never NULL. */
	struct chain_way *(*begin)(void *seat, const struct chain_want *);
	/* REFUSED: *why is one clause, which lives as long as the way. */
	enum chain_state (*state)(const struct chain_way *, const char **why);
	/* READY: through how many devices; 0: all slots were skipped. */
	unsigned (*hops)(const struct chain_way *);
	/* READY: the socket at which the session goes into the device, or the
	 * far one, connected and non-blocking; once each. The caller closes
	 * it. */
	int	 (*take)(struct chain_way *, unsigned hop, int far);
	/*
	 * READY: what became of the session in that device; the first event
	 * that is not CHAIN_PASSED holds. bytes by enum flow_dir, in all.
	 * Returns the clause for the log ("reset by device ips1"), which lives
	 * as long as the way.
	 */
	const char *(*event)(struct chain_way *, unsigned hop,
		    enum chain_event, const uint64_t bytes[2]);
	/* It seems that nothing comes out of that device: find out. */
	void	 (*doubt)(struct chain_way *, unsigned hop);
	/* What was tried and what came of it; valid until the next call of
	 * anything for the way. */
	const struct record_hop *(*record)(struct chain_way *, size_t *n);
	/* The end, whatever its state: sockets that were not taken are reset,
	 * and hops without an event have passed the session. */
	void	 (*end)(struct chain_way *);
};

struct chain;			/* of a session: its way, wires and hops */

/*
 * Ask for the way if the verdict wants one for this session, the server's
 * address is known, and it was not asked for yet.
 */
void		 chain_begin(struct session *);
/* Whether the session has a way, or is waiting for one, that is not its row
 * yet. */
int		 chain_due(const struct session *);
/*
 * Where its way is. READY, which may be asked once: the row is as long as the
 * way now, and no tap is in it yet but the forwarder's. REFUSED: *why is one
 * clause. The record has what was tried.
 */
enum chain_state chain_ready(struct session *, const char **why);
/* Whether devices of its chain can read nothing but HTTP/1. */
int		 chain_http11(const struct session *);
/* Its hops are closed, by FIN or by RST, and the row is the client's wire with
 * the server at its other end. The record keeps what is known. */
void		 chain_shorten(struct session *, int reset);
/* A hop's connection broke, or was reset. 0: it is not a hop's. 1: *next is
 * what follows. */
int		 chain_broke(struct session *, const struct conn *,
		    struct step *next);
/* ms in which what went into a device must come out; 0: there are no hops. */
uint64_t	 chain_patience(const struct session *);
/* Bytes moved: a hop that holds them for too long has dropped them. */
void		 chain_moved(struct session *);
/* Nothing goes through devices any more, and the record no longer has what
 * did. The row may be the chain's until chain_free(). */
void		 chain_end(struct session *);
void		 chain_free(struct chain *);	/* NULL is fine */

#endif
