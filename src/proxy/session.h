/*
 * A session: one client connection; what is known of it (facts) and what is
 * done with it (verdict); where it stands (phase); its two connections, and
 * the wire that carries the bytes between them. Owned by its worker.
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include <string.h>
#include <sys/queue.h>

#include "codec/basic.h"
#include "codec/hello.h"
#include "policy/policy.h"
#include "proxy/portal.h"
#include "proxy/reach.h"
#include "proxy/record.h"
#include "proxy/step.h"
#include "proxy/turns.h"
#include "stream/pump.h"
#include "tls/leaf.h"

struct auth_check;
struct contained;
struct chain;
struct dialogue;
struct due;
struct forward;
struct inquiry;
struct splice;
struct via;
struct worker;

struct session {
	TAILQ_ENTRY(session) link;
	struct worker	*worker;
	const struct conf_listen *listen;
	struct place	*place;			/* a reference ... */
	struct policy	*policy;		/* ... and its policy */
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
	struct wire	 wire;		/* the client's */
	struct row	 row;
	struct chain	*chain;		/* its way through devices, or NULL */

	/* What the facts point to. */
	struct contained *contained;		/* see endpoint.h; or NULL */
	char		*tags;			/* likewise */
	char		*server_tags, *other_tags;	/* likewise */
	unsigned	 tags_version;		/* of the table */
	struct contained *step_up;		/* likewise */
	struct contained *denial;		/* by which it is refused */
	char		 host[256], sni[256], site[ADDR_STRLEN];
	char		 user[BASIC_PART_MAX + 1];
	uint8_t		*alpn;
	char		*request_name;

	/* What the phases know of the client's hello. */
	enum leaf_key	 leaf_key;
	uint16_t	 hello_version;		/* the highest it offers */
	int		 hello_later;		/* post_handshake_auth */
	uint8_t		*hello;			/* its message, until ours has
						 * been sent; or NULL */
	uint64_t	 lineage;		/* see tls.h; 0: none */

	/* What the phases wait for, or have. */
	struct inquiry	*inquiry;		/* PHASE_CONFIRM */
	struct due	*issuer;		/* PHASE_SERVER_TLS */
	struct auth_check *auth_check;		/* PHASE_HEAD */
	TAILQ_ENTRY(session) asking;		/* in the list of one of them */
	unsigned	 issuers;		/* that it waited for */
	uint8_t		 auth_sum[32];		/* see auth_same() */
	struct via	*via;
	/* by whose proxies it was connected last */
	const struct conf_rule *way;
	struct leaf_wait *leaf_wait;
	struct leaf	*leaf;
	struct splice	*splice;
	struct forward	*forward;		/* explicit plain HTTP */
	char		*page;			/* PHASE_PAGE: what to say */
	size_t		 page_len;
	int		 page_due;		/* its status: it is made when
						   the request has come; or 0 */
	struct text	 asked;			/* ... of that, so far */
	/* CONNECT was answered with 200 so that the client can be shown a page
	 * of this status (200: that of the CA); or 0 */
	int		 told;

	/* The last address that the dial was refused, and why. */
	struct addr	 refused;
	enum reach	 refused_why;
	int		 dial_errno;	/* why connecting failed, or 0 */
	size_t		 scanned;	/* explicit: of a head not all here */
	char		*name_allowed;	/* of the last request that passed */
	struct dialogue	*dialogue;	/* if it began in the clear */
	const struct conf_rule *tapped;	/* whose taps are open, or NULL */
	unsigned	 redirected:1;	/* by REDIRECT, not by TPROXY */
	unsigned	 socks:1;	/* the client speaks SOCKS */
	unsigned	 socks_login:1;	/* ... and owes user and password */
	unsigned	 browser:1;	/* it says so in CONNECT */
	unsigned	 portal:1;	/* the page due is that of the CA */
	/* an explicit client is told when the server is connected */
	unsigned	 reply_due:1;
	/* the client has sent something; it begins like TLS, though the
	 * hello is not whole; or like HTTP, and more is waited for */
	unsigned	 client_spoke:1, tls_begun:1, awaits_head:1;
	unsigned	 awaits_page:1;	/* it is refused, and silent so far */
	/* the server asked for a certificate, and was told: none; in TLS 1.3
	 * its reply to that is waited for */
	unsigned	 cert_none:1, awaits_refusal:1;
	/* the status by which it refused to go on so, or 0; and the client's
	 * next session is to be another */
	uint16_t	 refusal;
	unsigned	 makes_way:1;
	/* the server speaks HTTP/2 only, and is offered that, though the
	 * client does not offer it */
	unsigned	 own_hello:1;		/* it refused the client's */
	unsigned	 wants_http2:1;
	unsigned	 ours:1;	/* an own server: see ours_trusts() */
	unsigned	 established:1;	/* the server was connected once */
	unsigned	 unread_counted:1;
	unsigned	 is_read:1;	/* its HTTP, by an engine */
	unsigned	 asked_http:1;	/* a request of HTTP was judged */
	unsigned	 tunnels:1;	/* see idle.h */
	unsigned	 tries:1;	/* to decrypt it again: BYPASS_TRY */
};

static inline const struct conf *
session_conf(const struct session *s)
{
	return policy_conf(s->policy);
}

/* The wire at the server. */
static inline struct wire *
session_last(const struct session *s)
{
	return row_wire(&s->row, s->row.n - 1);
}

/* The host that is dialled: an explicit client's; NULL: the address. */
static inline const char *
session_dials(const struct session *s)
{
	return s->facts.mode == CONF_EXPLICIT ? s->host : NULL;
}

/* The site that warnings are remembered for. */
static inline const char *
session_site(struct session *s)
{
	if (facts_name(&s->facts) != NULL)
		return facts_name(&s->facts);
	return addr_ip_str(&s->facts.server, s->site);
}

/* Whether the client is at our own site, by http or https. */
static inline int
session_at_portal(const struct session *s)
{
	int tls = facts_tls(&s->facts);
	const char *name = tls ? s->facts.sni : s->facts.host;

	return s->told == 200 || (s->facts.port == (tls ? 443 : 80) &&
	    portal_is(session_conf(s), name));
}

/* Which CA signs for the client: see conf_ca(). */
static inline size_t
session_ca(const struct session *s)
{
	return s->portal ? policy_client_ca(s->policy, &s->facts) :
	    policy_ca(s->policy, &s->facts, &s->verdict);
}

/* Whether the client gets an answer of ours, and no server. */
static inline int
session_answers(const struct session *s)
{
	return s->page != NULL || s->page_due != 0;
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

/* For the worker: carry out a step, and those that follow from it, until the
 * session waits. */
void	session_apply(struct session *, struct step);

/* In the worker, once nothing refers to an ended session any more. */
void	session_free(struct session *);

/* Whose wire a tap is in. */
static inline struct session *
tap_session(const struct tap *t)
{
	return t->row->owner;
}

#endif
