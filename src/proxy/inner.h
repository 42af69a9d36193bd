/*
 * What the files of this room share and nobody else sees: the worker's
 * insides, and the functions behind the phases' table.
 */
#ifndef PROXY_INNER_H
#define PROXY_INNER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>

#include "codec/hello.h"
#include "net/dial.h"
#include "stream/pool.h"
#include "stream/splice.h"
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
	int			 full;		/* a dial met a limit */
	unsigned long		 room;		/* sessions, by descriptors */
	struct seat		*seats;		/* one for each mirror */
	void			*engine;	/* the HTTP engine's part */
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

/* accept.c */
int	accept_bind(struct worker *, struct text *why);
void	accept_start(struct worker *);
void	accept_stop(struct worker *);

/* The phases. */
extern const struct phase_ops phase_head;	/* explicit.c */
extern const struct phase_ops phase_hello;	/* peek.c */
extern const struct phase_ops phase_confirm;	/* confirm.c */
extern const struct phase_ops phase_connect, phase_server_tls; /* upstream.c */
extern const struct phase_ops phase_turn;	/* turn.c */
extern const struct phase_ops phase_forge, phase_client_tls; /* intercept.c */
extern const struct phase_ops phase_relay, phase_splice;	/* relay.c */
extern const struct phase_ops phase_page;

/* explicit.c */
/* The server is connected: the client is told, and then? */
struct step explicit_connected(struct session *);
/* ... or not, or it is refused: what the record's reason says. */
struct step explicit_refused(struct session *, int status);

/* decide.c */
struct step decide(struct session *);		/* what next? */
struct step decide_go(struct session *);	/* on, with the verdict */
struct step decide_joined(struct session *);	/* ... and both ends */
/* The SNI is not the server's: decide by the names of its certificate
 * (tls/certnames.h), if they are trusted, and without the SNI. */
struct step decide_unconfirmed(struct session *, const char *names, size_t len,
	    int trusted);
/*
 * Refuse before the ClientHello, or the server's address, where no later fact
 * can change the verdict. 1: it is to be refused, by that step.
 */
int	decide_early(struct session *, struct step *refused);
/* The same of explicit plain HTTP: when it is asked for, and once the server's
 * address is known. */
int	decide_http(struct session *, struct step *refused);
/* TLS, and its hello cannot be read. 1: it is to be refused, and said so in
 * the record; 0: the rules bypass it whatever it said. */
int	decide_unread(struct session *, const char *why);
struct step decide_bypass(struct session *, enum undecrypted, const char *why);
struct step decide_block(struct session *, const char *why);
void	decide_learn(struct session *, enum learned_what);
enum learned_what decide_learned(const struct session *);

/* confirm.c */
void	confirm_leave(struct session *);	/* waits no more */
void	confirm_done(struct worker *);

/* turn.c: handshakes under way, ours and its, within limits.handshakes. The
 * first takes its turn without asking, if the session has none. */
void	turn_take(struct session *);
void	turn_end(struct session *);

/* upstream.c: what was learned of the server? */
void	server_tls_over(struct session *);

/* taps.c */
extern const struct tap_host session_taps;
void	session_open_taps(struct session *);	/* those of the verdict */
void	session_close_taps(struct session *);	/* there is no more to see */
void	session_reset_taps(struct session *, enum flow_dir);
/* The bytes that follow are not theirs (bypass after all, a page). */
void	session_drop_taps(struct session *);

/* unread.c: the tap that looks for STARTTLS; or, ahead of a splice, how many
 * bytes were looked at and may go (splice_new; arg: the session). */
extern const struct tap_ops unread_tap;
struct slice;
void	unread_note(struct session *, enum unread, int blocked,
	    const struct slice *protocol);
void	unread_passed(struct session *, enum flow_dir, size_t);
int	unread_looks(const struct session *);
size_t	unread_ahead(void *arg);
void	unread_over(struct session *);		/* at the session's end */

/* page.c: a page (http/page.h) is the session's now; its record says so. */
void	page_set(struct session *, int status, const char *why);
/* own.c: what the proxy itself serves under this path */
char	*page_own(struct tls *, const char *path, size_t pathlen, size_t *len);

/* forward.c: the editor of explicit plain HTTP; first in the row. */
extern const struct tap_ops forward_tap;
struct http_url;
struct forward	*forward_new(struct session *, const struct http_url *);
void		 forward_free(struct forward *);
struct step	 forward_check(struct session *);	/* another server? */

#endif
