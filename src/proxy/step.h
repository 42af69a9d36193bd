/*
 * A phase is where a session stands. A function of a phase returns a step:
 * what is to be done with the session next. The loop in session.c carries
 * steps out; nobody else moves a session.
 */
#ifndef PROXY_STEP_H
#define PROXY_STEP_H

#include "stream/tap.h"

struct conn;
struct session;

enum phase {
	PHASE_HEAD,		/* explicit: waiting for whom to connect to */
	PHASE_HELLO,		/* what does the client speak? (peeked) */
	PHASE_CONFIRM,		/* is the server whom the SNI says? */
	PHASE_CONNECT,		/* connecting to the server */
	PHASE_TURN,		/* waiting until it may begin its handshakes */
	PHASE_SERVER_TLS,	/* handshake with the server */
	PHASE_CHAIN,		/* waiting for the way through its devices */
	PHASE_FORGE,		/* waiting for the leaf */
	PHASE_CLIENT_TLS,	/* handshake with the client */
	PHASE_RELAY,		/* bytes pass through the flows and taps */
	PHASE_UPGRADE,		/* ... to where TLS begins in the middle */
	PHASE_SPLICE,		/* bytes pass undecrypted in the kernel */
	PHASE_PAGE,		/* an answer of our own, then the end */
	PHASE_OVER		/* waiting to be freed */
};

enum step_kind {
	STEP_WAIT,		/* for an event, an answer or the timer */
	STEP_GO,		/* to another phase */
	STEP_HAND_OVER,		/* the client goes to a new session */
	STEP_END,		/* both connections are closed by FIN */
	STEP_RESET,		/* by RST: taps see it come from dir */
	STEP_BROKE,		/* the same, where a peer reset or broke it */
	STEP_REFUSE,		/* tell the client as it understands best where
				 * it stands: page, SOCKS, alert or RST */
	STEP_ALERT		/* before there is a key: a fatal alert in the
				 * clear, then the end */
};

struct step {
	enum step_kind	 kind;
	enum phase	 phase;		/* GO */
	enum flow_dir	 dir;		/* RESET, BROKE */
	int		 status;	/* REFUSE: HTTP's; ALERT: ALERT_* */
};

/* A row of the phases' table; each function may be NULL. */
struct phase_ops {
	const char	*name;		/* in logs */
	int		 handshake;	/* it is one, and keeps its turn */
	struct step	(*enter)(struct session *);
	/* conn: whose event it was; NULL: an answer came, or time passed */
	struct step	(*event)(struct session *, struct conn *);
	struct step	(*timeout)(struct session *);
	/* It waits no more for what it has not got. */
	void		(*leave)(struct session *);
};

static inline struct step
step_wait(void)
{
	return (struct step){ .kind = STEP_WAIT };
}

static inline struct step
step_go(enum phase phase)
{
	return (struct step){ .kind = STEP_GO, .phase = phase };
}

static inline struct step
step_hand_over(void)
{
	return (struct step){ .kind = STEP_HAND_OVER };
}

/* The reason goes into the session's record, if that has none yet. */
struct step	step_end(struct session *, const char *reason, ...)
		    __attribute__((format(printf, 2, 3)));
struct step	step_reset(struct session *, enum flow_dir,
		    const char *reason, ...)
		    __attribute__((format(printf, 3, 4)));
struct step	step_broke(struct session *, enum flow_dir,
		    const char *reason, ...)
		    __attribute__((format(printf, 3, 4)));
struct step	step_refuse(struct session *, int status,
		    const char *reason, ...)
		    __attribute__((format(printf, 3, 4)));
struct step	step_alert(struct session *, int alert,
		    const char *reason, ...)
		    __attribute__((format(printf, 3, 4)));

/* For phases that are busy with the server, as their event: is the client
 * still there? */
struct step	step_client_event(struct session *, struct conn *);

/*
 * What anybody may do to a session that is not in its hands: wake it, so that
 * its phase's event runs. Soon: in this turn of the loop still, behind what is
 * ready already. Again: after other sessions had their turn. Later: after ms.
 */
void		session_soon(struct session *);
void		session_again(struct session *);
void		session_later(struct session *, uint64_t ms);
/* Wake it, and carry this step out in place of its phase's event. */
void		session_due(struct session *, struct step);
/* Set the phase's timer; 0 ms: none. */
void		session_timer(struct session *, uint64_t ms);

#endif
