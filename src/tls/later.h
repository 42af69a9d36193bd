/*
 * Inside this room: whether a server that was told that there is no client
 * certificate does without one; and one that asks behind the handshake, by a
 * CertificateRequest (RFC 8446, 4.6.2) or, before TLS 1.3, by a renegotiation.
 */
#ifndef TLS_LATER_H
#define TLS_LATER_H

#include <openssl/ssl.h>

#include "codec/reply.h"

/* Zeroed: nothing was asked for. */
struct later {
	int	 may;		/* post_handshake_auth was offered */
	int	 answers;	/* the handshake is over, and requests are
				 * answered */
	int	 ours;		/* ... with our certificate, not with none */
	int	 asked;		/* 1; in HTTP/2: -1 */
	int	 shown;		/* it got ours */
	int	 none;		/* it got none, and has sent nothing since */
	int	 waits;		/* data was sent, and nothing came since */
	int	 shut;		/* we have ended before it did */
	int	 ended;		/* it has ended before we did */
	X509	*peer;		/* a renegotiation must be with it; owned */
	struct reply reply;	/* its answer when it was told: none */
	void	(*answered)(void *arg, int status);	/* then; or NULL */
	void	*arg;
};

/* What passes, in its order. */
void	later_none(struct later *);	/* it was told that there is none */
void	later_sent(struct later *);	/* data */
void	later_got(struct later *, const void *, size_t);	/* data */
/* It was told so in the handshake, which is over. */
void	later_began(struct later *, int http2);
/* Over: whether it has ended, by FIN, RST or close_notify, when we had. */
void	later_shut(struct later *, int ended);
void	later_ended(struct later *);

/*
 * It insists: it was told that there is none, and ended without an answer to
 * what the client had sent. One that has answered, or of which nothing was
 * wanted, has ended for another reason, as for a client that was silent.
 */
int	later_insists(const struct later *);

void	later_free(struct later *);

#endif
