/*
 * A worker is a thread with its own event base, listeners, sessions, buffers,
 * taps and counters. This is what main and admin see of it.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <stdatomic.h>
#include <stdint.h>

#include "net/mailbox.h"
#include "policy/policy.h"
#include "proxy/dialogue.h"
#include "proxy/parts.h"
#include "proxy/probe.h"
#include "proxy/reach.h"
#include "tls/tls.h"

struct bypasses;
struct chain_ops;
struct contain;
struct denied;
struct learned;
struct neighbours;
struct worker;

/* What all workers share, whatever the configuration; immutable. */
struct proxy_env {
	/* Ways through inline devices (proxy/chain.h); or NULL: none. */
	const struct chain_ops	*chain;
	void			*chain_env;
	struct bypasses		*bypasses;
	struct learned		*servers;
	struct neighbours	*neighbours;	/* or NULL */
	/* Endpoints that are contained; or NULL: none is, ever. */
	struct contain		*contain;
	struct contain		*tags;		/* ... and their tags */
	/* Servers that are denied, endpoints under step-up; or NULL. */
	struct denied		*denied;
	struct contain		*step_ups;
	/* In the worker's thread at a session's end (event log); or NULL. */
	void			(*ended)(void *arg, const struct record *);
	/* The same when the handshakes are over (EVENT_TLS); or NULL. */
	void			(*handshaken)(void *arg, const struct record *);
	/* The same when a bypass was learned (EVENT_ALERT); or NULL. */
	void			(*learned)(void *arg, const struct record *);
	void			*arg;
};

enum hello_refused {		/* why a client's hello was refused */
	HELLO_MALFORMED,	/* or it was not the first to come */
	HELLO_LONG,
	HELLO_STALLED,		/* the rest did not come in time */
	HELLO_CUT,		/* ... and will not */
	HELLO_REASONS
};

enum judged {			/* requests not for their connection */
	JUDGED_BLOCKED,		/* by a rule that blocks or resets */
	JUDGED_MISDIRECTED,	/* 421: another rule decides otherwise */
	JUDGED_MISMATCH,	/* 421: the server has no claim to the name */
	JUDGED_LOGGED,		/* likewise, and let go: host-mismatch: log */
	JUDGED_ALLOWED,		/* host-mismatch: allow */
	JUDGED_MAX
};
const char	*judged_str(enum judged);	/* "blocked", ...; static */

enum dns_query {			/* what became of a query over UDP */
	DNS_SENT,		/* on, to its server */
	DNS_BLOCKED,		/* by a rule: answered with REFUSED */
	DNS_RESET,		/* by a rule: refused by ICMP */
	DNS_MALFORMED,		/* it is no query */
	DNS_DENIED,		/* its server is not to be reached */
	DNS_LIMIT,		/* of the client's queries, or of memory */
	DNS_QUERY_FAILED,	/* no socket, or no route */
	DNS_UNANSWERED,		/* it was sent */
	DNS_QUERY_MAX
};

enum dns_answer {
	DNS_PASSED,
	DNS_STRIPPED,		/* by inspect: dns */
	DNS_UNASKED,		/* dropped, as what is no answer */
	DNS_ANSWER_FAILED,	/* it could not be sent */
	DNS_ANSWER_MAX
};
const char	*dns_query_str(enum dns_query);		/* static */
const char	*dns_answer_str(enum dns_answer);

/* Counters of one worker: written by it alone, read by any thread. */
struct worker_counts {
	_Atomic uint64_t	accepted, refused, open, ended;
	_Atomic uint64_t	bytes[2];		/* by enum flow_dir */
	/* By side (0 client, 1 server), version (tls_version_class()), resumed,
	 * and whether it was done. */
	_Atomic uint64_t	handshakes[2][TLS_VERSION_CLASSES][2][2];
	/* made, from the cache */
	_Atomic uint64_t	forged[2];
	/* by enum starttls_result */
	_Atomic uint64_t	starttls[RESULT_MAX];
	/* by enum undecrypted */
	_Atomic uint64_t	undecrypted[UNDECRYPTED_REASONS];
	/* by enum unread, and whether it was blocked */
	_Atomic uint64_t	unread[UNREAD_REASONS][2];
	/* by enum unread_http2 */
	_Atomic uint64_t	unread_http2[UNREAD_HTTP2_REASONS];
	/* by enum hello_refused */
	_Atomic uint64_t	hellos_refused[HELLO_REASONS];
	/* requests, by enum judged */
	_Atomic uint64_t	judged[JUDGED_MAX];
	/* of HTTP/2, by enum streamed; and abuses by side (0 client) */
	_Atomic uint64_t	streams[STREAM_RESULTS];
	_Atomic uint64_t	abuses[H2_ABUSE_MAX][2];
	/* destinations refused, by enum reach */
	_Atomic uint64_t	unreached[REACH_MAX];
	/* issuers fetched: not, or so */
	_Atomic uint64_t	issuers[2];
	/* by enum probe_found */
	_Atomic uint64_t	confirmations[PROBE_RESULTS];
	_Atomic uint64_t	handshaking;		/* under way now */
	/* times its loop did not turn for two seconds: see worker_late() */
	_Atomic uint64_t	late;
	/* handshakes that gave way to others */
	_Atomic uint64_t	gave_way;
	/* bytes of buffers held now */
	_Atomic uint64_t	buffers;
	/* times: EMFILE, limits */
	_Atomic uint64_t	accept_paused;
	/* of DNS over UDP; and how many wait now */
	_Atomic uint64_t	dns_queries[DNS_QUERY_MAX];
	_Atomic uint64_t	dns_answers[DNS_ANSWER_MAX];
	_Atomic uint64_t	dns_waiting;
	/* sessions reset because limits.memory was spent */
	_Atomic uint64_t	stalled;
};

/*
 * Make a worker, before privileges are dropped; then start its thread. It takes
 * a reference to the parts, and has the sockets of accept_open(). ERR_* with
 * a sentence in why.
 */
int		 worker_new(const struct proxy_env *, struct parts *,
		    const int *sockets, unsigned index, struct worker **,
		    struct text *why);
int		 worker_start(struct worker *);

/* Any thread: stop accepting, let sessions end; after ms reset the rest. */
void		 worker_drain(struct worker *, uint64_t ms);
/* Wait for the thread to end after worker_drain(), if it was started; free. */
void		 worker_join(struct worker *);

const struct worker_counts *worker_counts(const struct worker *);
/*
 * New parts for new sessions; takes a reference. sockets is malloc'd, the
 * worker's now; what it listened on and is in the configuration no more is
 * closed. Any thread.
 */
void		 worker_renew(struct worker *, struct parts *, int *sockets);

/*
 * Whether its loop turns. Another thread asks, and looks later whether it was
 * answered; only then may it ask again. worker_late() counts that it does not
 * turn, and says what it is doing: a hint, read without a lock.
 */
struct worker_at {
	uint64_t	 session;	/* whose event it is in; 0: no one's */
	const char	*what;		/* its phase, or a word; static */
};
void		 worker_ask_pulse(struct worker *);
int		 worker_answered(const struct worker *);
void		 worker_late(struct worker *, struct worker_at *);

/*
 * Ask about sessions: in the worker's thread each() runs for every session
 * (non-zero: stop), then done(). Those that ends() wants to are ended by RST,
 * for the reason why. The query must live until done(), which usually posts a
 * mail back.
 */
struct worker_query {
	struct mail	 mail;		/* private */
	struct worker	*worker;	/* private */
	int		(*each)(struct worker_query *, const struct record *);
	void		(*done)(struct worker_query *);
	/* or NULL. The tags of each session's client are up to date. */
	int		(*ends)(const struct worker_query *,
			    const struct record *);
	const char	*why;
	unsigned	 ended;		/* so many */
	void		*arg;
};
void		 worker_ask(struct worker *, struct worker_query *);

#endif
