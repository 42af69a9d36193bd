/*
 * A session: one client connection, what is known of it (record), where it
 * stands (phase), its two connections, and the wire that carries the
 * bytes between them. Owned by its worker.
 *
 * Each phase is a row of a table: what to do on entering, on an event of a
 * connection, on its timer. They return steps (step.h), and one loop takes
 * them.
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include <sys/queue.h>

#include "codec/hello.h"
#include "codec/starttls.h"
#include "net/dial.h"
#include "policy/policy.h"
#include "proxy/reach.h"
#include "proxy/record.h"
#include "proxy/step.h"
#include "proxy/turns.h"
#include "proxy/worker.h"
#include "stream/pump.h"
#include "tls/leaf.h"

struct event_base;
struct forward;
struct inquiry;
struct seat;
struct splice;

struct session {
	TAILQ_ENTRY(session) link;
	struct worker	*worker;
	const struct conf_listen *listen;
	struct policy	*policy;		/* a reference */
	struct facts	 facts;
	struct verdict	 verdict;
	struct record	 rec;			/* refers to both */
	enum phase	 phase;
	struct step	 due;			/* in place of the next event */
	struct event	 timer;			/* the phase's */
	struct event	 again;			/* wakes it: see step.h */
	/* worker's ms of the last bytes */
	uint64_t	 active;
	uint64_t	 starved;		/* ms: no buffer since; or 0 */
	struct turn	 turn;			/* for its handshakes */
	struct conn	 client, server;
	struct wire	 wire;
	struct row	 row;

	/* What the facts point to. */
	char		 host[256], sni[256];
	uint8_t		*alpn;
	char		*request_name;

	/* What the phases know of the client's hello. */
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

	/* The last address that was refused to the dial, and why. */
	struct addr	 refused;
	enum reach	 refused_why;
	size_t		 scanned;	/* explicit: of a head not all here */
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
	/* both ends were connected once */
	unsigned	 open:1;
};

static inline const struct conf *
session_conf(const struct session *s)
{
	return policy_conf(s->policy);
}

/* The host that is dialled: an explicit client's; NULL: the address. */
static inline const char *
session_dials(const struct session *s)
{
	return s->facts.mode == CONF_EXPLICIT ? s->host : NULL;
}

/* Whether the client's hello offers a protocol by ALPN. */
static inline int
session_offers(const struct session *s, const char *protocol)
{
	return alpn_has(s->facts.alpn, s->facts.alpn_len, protocol);
}

/* A new session for an accepted connection; takes fd over. */
void	session_new(struct worker *, const struct conf_listen *, int fd,
	    const struct addr *client, const struct addr *server,
	    int redirected);
/* How many are open in all workers. */
unsigned session_count(void);

/* From outside, by the worker: its end, by RST or in order. */
void	session_kill(struct session *, const char *reason);
void	session_quit(struct session *, const char *reason);

/* In the worker, once nothing refers to an ended session any more. */
void	session_free(struct session *);

/* A tap has answered the client's oldest request in the server's place. */
void	session_answered(struct session *);

/* For the HTTP engine, see proxy/engine.h. */
struct http_head;
struct judgement;
void	session_judge(struct session *, const struct http_head *,
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

#endif
