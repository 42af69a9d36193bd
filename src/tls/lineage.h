/*
 * Inside this room: the sessions of a lineage (tls.h). They are kept beside the
 * cache of all sessions, for as long as a connection of theirs is open, and
 * are found by the lineage, which stands in our tickets and session IDs.
 */
#ifndef TLS_LINEAGE_H
#define TLS_LINEAGE_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "tls/sessions.h"
#include "util/cache.h"

/* On each connection; zero: it has none. */
struct lineage {
	uint64_t	 id;
	uint8_t		 key[32];	/* what it is kept by; once open */
	unsigned	 open:1;
	unsigned	 offered:1;	/* the server: one of its sessions */
};

struct cache	*lineages_new(void);
uint64_t	 lineage_new(void);

/* The connection holds its lineage's sessions of that kind: those of servers
 * have the name that was verified, those of clients NULL. */
void		 lineage_open(struct lineage *, struct cache *,
		    const char *name);
void		 lineage_close(struct lineage *, struct cache *);

/* Keeps a copy, if there is a lineage. */
void		 lineage_put(struct lineage *, struct cache *, SSL_SESSION *,
		    const struct sessions_about *);

/* Towards a server: a session to offer, or NULL. */
SSL_SESSION	*lineage_get(struct lineage *, struct cache *,
		    struct sessions_about *);
/* The server has shown what it resumes: what follows may be a new lineage. */
void		 lineage_settle(struct lineage *, struct cache *, SSL *,
		    const char *name);

/* Towards a client without tickets (TLS 1.2): its session ID begins with the
 * lineage, and finds the session. The caller frees it; NULL: there is none. */
void		 lineage_name(const struct lineage *, unsigned char *id,
		    size_t len);
uint64_t	 lineage_of_id(const uint8_t *id, size_t len);
SSL_SESSION	*lineage_find(struct cache *, const uint8_t *id, size_t len);

#endif
