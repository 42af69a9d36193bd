/*
 * The issuer that a server has left out of its chain, fetched from where the
 * certificate says that it is. Sessions that need the same one wait for one
 * fetch; what came of it is kept for all (tls/issuers.h).
 */
#ifndef PROXY_ISSUER_H
#define PROXY_ISSUER_H

#include <openssl/ssl.h>

struct issuers_due;
struct session;

/* What a worker has under way. */
struct issuers_due *issuers_due_new(void);
void		 issuers_due_free(struct issuers_due *);

/*
 * Behind the server's certificate: whether the session waits for an issuer.
 * Its phase's event then follows, and it may be that another is wanted.
 */
int		 issuer_due(struct session *, SSL *);
/* It waits no more, and goes on with what there is. */
void		 issuer_leave(struct session *);

#endif
