/*
 * What the files of this room share and nobody else sees: the worker's
 * insides, and the functions behind the phases' table.
 */
#ifndef PROXY_INNER_H
#define PROXY_INNER_H

#include <event2/event_struct.h>
#include <pthread.h>

#include "codec/hello.h"
#include "net/dial.h"
#include "stream/pool.h"
#include "proxy/probe.h"
#include "proxy/session.h"
#include "proxy/worker.h"
#include "tls/tlsio.h"
#include "util/mem.h"

struct listener {
	struct event		 ev;
	struct worker		*worker;
	const struct conf_listen *conf;
	int			 fd;
};

/* A worker's part of one mirror's sink; ops NULL: none. */
struct seat {
	const struct sink_ops	*ops;
	void			*seat;
};

/* Pipes with nothing inside, for bypass. */
#define PIPES_IDLE	16
struct pipes {
	int	 fd[PIPES_IDLE][2];
	unsigned n;
};

/* Servers that asked for a client certificate, and what came of having none:
 * fixed size, the oldest of a slot goes. */
#define LEARNED_SLOTS	1024
enum learned_what {
	LEARNED_NOTHING,
	LEARNED_INSISTS,	/* the next connection does not try */
	LEARNED_GOES_ON		/* ... does not wait for what it says */
};
struct learned {
	uint64_t	 key;		/* of address, port and SNI; 0: empty */
	uint64_t	 until;		/* ms */
	enum learned_what what;
};

/* Whose certificate is at an address under a name (confirm.c): fixed size,
 * the oldest of a slot goes. */
#define CONFIRMED_SLOTS	1024
struct confirmed {
	uint8_t		 key[32];	/* of address, port and SNI */
	uint64_t	 until;		/* ms; 0: empty */
	enum probe_found found;
	char		 why[96];	/* ... it is another's */
	struct text	 names;		/* ... whose: tls/certnames.h */
};
TAILQ_HEAD(inquiries, inquiry);

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
	struct policy		*policy;	/* for new sessions */
	struct policy		*boot;		/* what listeners point into */
	struct worker_counts	 counts;
	struct pool		 pool;
	struct listener		*listeners;
	size_t			 nlisteners;
	struct event		 resume;	/* accept again */
	int			 paused;
	unsigned long		 room;		/* sessions, by descriptors */
	struct seat		*seats;		/* one for each mirror */
	struct seat		 exchange;
	struct sessions		 sessions, dead;
	struct event		 reap;		/* frees the dead */
	struct revisits		 revisits;	/* of its connections */
	struct turns		 turns;
	struct mail		 pulse;		/* see worker_ask_pulse() */
	_Atomic int		 answered, ended;
	_Atomic uint64_t	 at_session;	/* what it is doing */
	const char *_Atomic	 at_what;
	uint64_t		 relieved;	/* ms: see relay_relieve() */
	struct event		 drained;	/* the time for it is over */
	int			 draining;
	struct pipes		 pipes;
	struct learned		 learned[LEARNED_SLOTS];
	struct confirmed	 confirmed[CONFIRMED_SLOTS];
	struct inquiries	 inquiries;	/* confirm.c: under way */
	struct tlsio_scratch	 scratch;
	uint8_t			 peek[HELLO_MAX];
};

const struct conf *session_conf(const struct session *);

#define count(c, n)							\
	atomic_fetch_add_explicit(&(c), (n), memory_order_relaxed)

/* What the worker is doing from here on; a session's id, or 0. */
static inline void
worker_is_at(struct worker *w, uint64_t session, const char *what)
{
	atomic_store_explicit(&w->at_session, session, memory_order_relaxed);
	atomic_store_explicit(&w->at_what, what, memory_order_relaxed);
}

/* accept.c */
int	accept_bind(struct worker *, struct text *why);
void	accept_start(struct worker *);
void	accept_pause(struct worker *, const char *why);
void	accept_check(struct worker *);	/* resume when limits allow */
void	accept_stop(struct worker *);

/* The phases: entered, an event, the timer. NULL in the table: nothing. */
void	head_enter(struct session *);		/* explicit.c */
void	head_event(struct session *, struct conn *);
void	head_timeout(struct session *);
struct slice;
void	head_name(struct session *, struct slice);	/* into rec.host */
int	explicit_connected(struct session *);	/* answers; 0 or ERR_* */
void	explicit_failed(struct session *, int status, const char *why);
void	hello_enter(struct session *);		/* peek.c */
void	hello_event(struct session *, struct conn *);
void	hello_timeout(struct session *);
void	decide_facts(const struct session *, struct facts *); /* decide.c */
void	decide(struct session *);		/* what next? */
void	decide_go(struct session *);		/* on, with the verdict */
/* The SNI is not the server's: decide by the names of its certificate
 * (tls/certnames.h), if they are trusted, and without the SNI. */
void	decide_unconfirmed(struct session *, const char *names, size_t len,
	    int trusted);
int	confirm_wanted(const struct session *, const struct facts *);
void	confirm_enter(struct session *);	/* confirm.c */
void	confirm_leave(struct session *);	/* waits no more */
void	confirm_done(struct worker *);
/* Refused whatever the client will say, or the server's address will be? 1:
 * it is over. */
int	decide_early(struct session *);
/* Explicit plain HTTP: when it is asked for, and once the server's address
 * is known. 1: it is refused, and over. */
int	decide_http(struct session *);
/* TLS, and its hello cannot be read. 1: it is to be refused, and said so in
 * the record; 0: the rules bypass it whatever it said. */
int	decide_unread(struct session *, const char *why);
void	decide_bypass(struct session *, enum undecrypted, const char *why);
void	decide_block(struct session *, const char *why);
void	decide_learn(struct session *, enum learned_what);
enum learned_what decide_learned(const struct session *);
void	decide_joined(struct session *);
void	connect_enter(struct session *);	/* upstream.c */
void	connect_event(struct session *, struct conn *);
void	turn_enter(struct session *);		/* turn.c */
void	turn_event(struct session *, struct conn *);
void	turn_timeout(struct session *);
int	client_gone(struct session *, struct conn *);	/* 1: it is over */
void	server_tls_enter(struct session *);
void	server_tls_event(struct session *, struct conn *);
void	server_tls_timeout(struct session *);
void	server_tls_over(struct session *);	/* what was learned of it? */
void	forge_enter(struct session *);		/* intercept.c */
void	client_tls_enter(struct session *);
void	client_tls_event(struct session *, struct conn *);
void	client_tls_timeout(struct session *);
void	relay_enter(struct session *);		/* relay.c */
void	relay_event(struct session *, struct conn *);
void	relay_timeout(struct session *);
void	page_enter(struct session *);
void	page_timeout(struct session *);
void	splice_enter(struct session *);		/* bypass.c */
void	splice_event(struct session *, struct conn *);
void	splice_leave(struct session *);
void	pipes_done(struct pipes *);

/* unread.c: the tap that looks for STARTTLS; or, ahead of a splice: how many
 * bytes were looked at, and may go. */
extern const struct tap_ops unread_tap;
int	unread_looks(const struct session *);
size_t	unread_peek(struct session *);
void	unread_over(struct session *);		/* at the session's end */

/*
 * page.c: a whole HTTP response; malloc'ed. reference: what the person it is
 * shown to can tell, and the operator finds in the event log. page_set() makes
 * one the session's, and says so in its record.
 */
char	*page_http(int status, const char *why, const char *reference,
	    size_t *len);
void	page_set(struct session *, int status, const char *why);
void	page_head(struct text *, int status, const char *type, size_t len);
/* own.c: what the proxy itself serves under this path */
char	*page_own(struct tls *, const char *path, size_t pathlen, size_t *len);

/* forward.c: the editor of explicit plain HTTP; first in the row. */
extern const struct tap_ops forward_tap;
struct http1_url;
struct forward	*forward_new(struct session *, const struct http1_url *);
void		 forward_free(struct forward *);
void		 forward_check(struct session *);	/* another server? */

#endif
