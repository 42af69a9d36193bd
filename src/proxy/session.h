/*
 * A session: one client connection, what is known of it (record), where it
 * stands (phase), its two connections, and the wire that carries the
 * bytes between them. Owned by its worker.
 *
 * Each phase is a row of a table: what to do on entering, on an event of a
 * connection, on its timer. session_go() is the one that changes the phase.
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include <sys/queue.h>

#include "codec/hello.h"
#include "codec/starttls.h"
#include "net/dial.h"
#include "policy/policy.h"
#include "stream/pump.h"
#include "proxy/reach.h"
#include "proxy/record.h"
#include "proxy/turns.h"
#include "proxy/worker.h"
#include "tls/leaf.h"

struct event_base;
struct forward;
struct inquiry;
struct seat;
struct splice;

enum phase {
	PHASE_HEAD,		/* explicit: waiting for whom to connect to */
	PHASE_HELLO,		/* what does the client speak? (peeked) */
	PHASE_CONFIRM,		/* is the server whom the SNI says? */
	PHASE_CONNECT,		/* connecting to the server */
	PHASE_TURN,		/* waiting until it may begin its handshakes */
	PHASE_SERVER_TLS,	/* handshake with the server */
	PHASE_FORGE,		/* waiting for the leaf */
	PHASE_CLIENT_TLS,	/* handshake with the client */
	PHASE_RELAY,		/* bytes pass through the flows and taps */
	PHASE_SPLICE,		/* bytes pass undecrypted in the kernel */
	PHASE_PAGE,		/* an answer of our own, then the end */
	PHASE_OVER		/* waiting to be freed */
};

struct session {
	TAILQ_ENTRY(session) link;
	struct worker	*worker;
	const struct conf_listen *listen;
	struct policy	*policy;		/* a reference */
	struct record	 rec;
	enum phase	 phase;
	struct event	 timer;			/* the phase's */
	struct event	 again;			/* the pump's next turn */
	/* worker's ms of the last bytes */
	uint64_t	 active;
	uint64_t	 starved;		/* ms: no buffer since; or 0 */
	struct turn	 turn;			/* for its handshakes */
	struct conn	 client, server;
	struct wire	 wire;
	struct row	 row;

	/* What the phases know of the client's hello; owned. */
	uint8_t		*alpn;			/* wire list, or NULL */
	size_t		 alpn_len;
	enum leaf_key	 leaf_key;
	uint16_t	 hello_version;		/* the highest it offers */

	/* What the phases wait for, or have. */
	struct inquiry	*inquiry;		/* PHASE_CONFIRM */
	TAILQ_ENTRY(session) asking;		/* ... in its list */
	struct dial	*dial;
	struct leaf_wait *leaf_wait;
	struct leaf	*leaf;
	struct splice	*splice;
	struct forward	*forward;		/* explicit plain HTTP */
	char		*page;			/* PHASE_PAGE: what to say */
	size_t		 page_len;

	const char	*dial_host;		/* in rec.host; NULL: address */
	uint16_t	 dial_port;
	/* The last address that was refused to the dial, and why. */
	struct addr	 refused;
	enum reach	 refused_why;
	size_t		 scanned;	/* explicit: of a head not all here */
	enum undecrypted undecrypted;		/* when it is bypassed */
	const char	*aborted;		/* by a tap: why, or NULL */
	/* Of plain HTTP in a tunnel: whom its first request is for. */
	char		*request_name;
	char		*judged;		/* why a request was refused */
	char		*judged_name;		/* the last that was let go */
	struct starttls	 starttls;		/* what the client says */
	unsigned	 unread:1;		/* counted as such */
	unsigned	 redirected:1;		/* by REDIRECT, not TPROXY */
	/* why connecting failed, or 0 */
	int		 dial_errno;
	unsigned	 socks:1;		/* answers are SOCKS's */
	/* explicit: answer when connected */
	unsigned	 asked:1;
	/* a byte of the client was seen */
	unsigned	 said:1;
	/* ... and it is TLS, though no whole hello yet */
	unsigned	 begun:1;
	/* the server asked for a certificate, and was told: none */
	unsigned	 cert_none:1;
	/* ... in TLS 1.3, and what it says to that is waited for */
	unsigned	 settling:1;
	/* perhaps HTTP: more of it is waited for */
	unsigned	 hinted:1;
	/* the hello's server_name is no name that DNS has */
	unsigned	 sni_bad:1;
	/* decided: no TLS of ours any more */
	unsigned	 bypassed:1;
	/* both ends were connected once */
	unsigned	 open:1;
};

struct event_base *session_base(const struct session *);

/* A new session for an accepted connection; takes fd over. */
void	session_new(struct worker *, const struct conf_listen *, int fd,
	    const struct addr *client, const struct addr *server,
	    int redirected);
/* An explicit client asks for another server: a session of its own, which
 * takes the client's connection over with what is read already. */
void	session_succeed(struct session *);

/* How many are open in all workers. */
unsigned session_count(void);

void	session_event(struct session *, struct conn *);
void	session_go(struct session *, enum phase);
/* Ask for the current phase's event to run again, after other sessions. */
void	session_again(struct session *);
/* Rearm the phase's timer; 0 ms: none. */
void	session_timer(struct session *, uint64_t ms);

/* In this turn of the loop still, behind what is ready already. */
void	session_soon(struct session *);

/* Handshakes under way, ours and its, within limits.handshakes: turn.c. The
 * first takes its turn without asking, if the session has none. */
void	session_shaking(struct session *);
void	session_shaken(struct session *);

/*
 * The end. In order: both connections are closed by FIN. Or reset: a tap
 * sees RST from dir, both get RST. reason is for the log, kept in the record
 * if it has none yet. After either the session must not be touched again in
 * this call chain: it is freed later.
 */
void	session_end(struct session *, const char *reason, ...)
	    __attribute__((format(printf, 2, 3)));
void	session_reset(struct session *, enum flow_dir, const char *reason, ...)
	    __attribute__((format(printf, 3, 4)));
/* The same, of a session that a peer has reset, or broken: the reset is not
 * our decision, and the record does not call it our answer. */
void	session_broke(struct session *, enum flow_dir, const char *reason, ...)
	    __attribute__((format(printf, 3, 4)));

/* Give up, in the way the client understands best where it stands now: a
 * page, a SOCKS or HTTP answer, or a reset. status is HTTP's (502, 403). */
void	session_refuse(struct session *, int status, const char *reason, ...)
	    __attribute__((format(printf, 3, 4)));

/* Give up before there is a key: a fatal alert (ALERT_*) in the clear, then
 * the end. */
void	session_alert(struct session *, uint8_t alert, const char *reason, ...)
	    __attribute__((format(printf, 3, 4)));

/* In the worker, once nothing refers to an ended session any more. */
void	session_free(struct session *);

/* A tap has answered the client's oldest request in the server's place. */
void	session_answered(struct session *);

/*
 * What is to be done with a request that was read on this connection, judged
 * under its own name; counted and logged.
 */
struct http1_head;
struct judgement {
	int		 status;	/* 0: it goes on; 403, 421; -1: reset */
	const char	*why;		/* lives as long as the session */
};
void	session_judge(struct session *, const struct http1_head *,
	    struct judgement *);
/* It speaks HTTP/2, whose requests nobody reads yet: counted. */
void	session_unjudged(struct session *);

/* It passes unread by anybody, for this reason (static). The first counts. */
void	session_unread(struct session *, enum undecrypted, const char *why);

/* Whose wire a tap is in. */
static inline struct session *
tap_session(const struct tap *t)
{
	return t->row->owner;
}

/* Taps: open those of the verdict (both ends are connected). */
void	session_open_taps(struct session *);
/* Taps: they have seen all that there is to see. */
void	session_close_taps(struct session *);
/* Taps: the bytes that follow are not theirs (bypass after all). */
void	session_drop_taps(struct session *);

#endif
