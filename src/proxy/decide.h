/*
 * What is done with a session, by its facts and the policy. What is decided is
 * kept in its verdict; a step says where it goes with that.
 */
#ifndef PROXY_DECIDE_H
#define PROXY_DECIDE_H

#include "policy/facts.h"
#include "proxy/step.h"

/* The client's first bytes are known: decide, and go on. */
struct step	decide(struct session *);
/* Whether a certificate can be forged for the page of the client's CA. */
int		decide_forges(const struct session *);
/* Go on with the verdict. */
struct step	decide_go(struct session *);
/* Go on with the verdict; both ends are connected. */
struct step	decide_joined(struct session *);
/* ... and the way through its devices is there. */
struct step	decide_through(struct session *);
/*
 * The server's certificate is known (facts.cert), or will not be. If the
 * verdict has waited for it: decide. 1: go on elsewhere, by that step; 0: as
 * before.
 */
int		decide_certificate(struct session *, struct step *elsewhere);
/*
 * The server is not the one that the SNI names: decide without the SNI; and by
 * the names of its certificate (tls/certinfo.h), if that is trusted.
 */
struct step	decide_unconfirmed(struct session *, const char *names,
		    size_t len, int trusted);

/*
 * Refuse before the ClientHello, or the server's address, is known, where no
 * later fact can change the verdict. 1: it is refused, by that step.
 */
int		decide_early(struct session *, struct step *refused);
/* The same for explicit plain HTTP: when the request is read, and again when
 * the server's address is known. */
int		decide_http(struct session *, struct step *refused);

/* This is TLS, and its hello cannot be read. 1: it is to be refused, and the
 * verdict says so; 0: the rules bypass it whatever it said. */
int		decide_unread(struct session *, const char *why);

/* Not decrypted after all, unless the rule insists. */
struct step	decide_bypass(struct session *, enum undecrypted,
		    const char *why);
/* There is no room for its handshakes: what `on: overload` says but wait. */
struct step	decide_overload(struct session *);
/*
 * Decrypting it has failed, by UNDECRYPTED_CERT, _REFUSED or _FAILURE. If `on:`
 * says bypass, count that. 1: it was learned; this one may be bypassed, too.
 */
int		decide_failed(struct session *, enum undecrypted);
/* It is decrypted, its handshakes are over. */
void		decide_worked(struct session *);
/* Blocked. why: what changed the rule's action, or NULL. */
struct step	decide_block(struct session *, const char *why);

#endif
