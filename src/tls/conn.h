/*
 * Inside this room: the process's TLS, and what hangs on each SSL.
 */
#ifndef TLS_CONN_H
#define TLS_CONN_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <time.h>

#include "tls/authority.h"
#include "tls/hellos.h"
#include "tls/keylog.h"
#include "tls/later.h"
#include "tls/lineage.h"
#include "tls/print.h"
#include "tls/sessions.h"
#include "tls/ticket.h"
#include "tls/tls.h"
#include "tls/trust.h"

struct tls {
	struct authority **authorities;
	size_t		 nauthorities;
	struct leafs	*leafs;
	struct trust	*trust;
	struct cache	*sessions;	/* see sessions.h */
	struct cache	*lineages;	/* ... and lineage.h */
	struct ticket_keys *tickets;
	struct keylog	*keylog;
	SSL_CTX		**server;	/* one for each profile */
	size_t		 nprofiles;
	struct hellos	*hellos;	/* those towards servers */
	size_t		 max_chain;	/* bytes */
};

/* Freed with its SSL. */
struct tls_conn {
	struct tls	*tls;
	struct lineage	 lineage;
	struct leaf	*leaf;		/* to show when asked; or NULL */
	/* towards a client */
	uint8_t		*alpn;		/* to answer */
	size_t		 alpn_len;
	/* towards a server */
	char		*name;		/* to verify: a name or an address */
	uint8_t		 key[32];	/* of its sessions */
	int		 error;		/* X509_V_* of chain, then of name */
	int		 late;		/* the chain is good but for its time */
	int		 verified;	/* these two are set */
	struct sessions_about about;	/* what goes with its sessions */
	size_t		 held;		/* bytes of limits.memory */
	const char	*why;		/* it must not go on; static */
	char		*kin;		/* of its lineage: name, certificate */
	int		 no_cert;	/* a request was answered with none */
	struct later	 later;		/* asked for behind the handshake */
	int		 ticket;	/* it sent a session: it goes on */
	int		 alert;		/* that it sent last, a fatal one */
	struct tls_hello *hello;	/* what we say; a reference */
	struct print	 print;
};

extern int	 conn_index;	/* of an SSL's data; see conn_init() */

/* One of ctx that has a copy of *start, *out, with whatever that owns. NULL: no
 * memory, and what start owned is freed. */
SSL		*conn_new(SSL_CTX *ctx, const struct tls_conn *start,
		    struct tls_conn **out);

/* NULL for an SSL that is none of ours. */
static inline struct tls_conn *
conn_of(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, conn_index);
}

/* Towards servers: the chain, from the cache, then the name, and then what is
 * stapled; before TLS 1.3 that comes after the chain. */
void		 conn_verify(struct tls_conn *, SSL *, X509_STORE_CTX *);
void		 conn_stapled(SSL *);
/* What came of it: an X509_V_*. */
int		 conn_error(SSL *);

/*
 * Behind the handshake, see later.h. conn_asked: a request is to be answered,
 * and about.client and no_cert say how; ERR_DENIED: it must not be.
 * conn_refused_again: it wanted to renegotiate, and we do not.
 * conn_renegotiated: a handshake is over. conn_same_server: 0 with why, if
 * this certificate is not that of the handshake before.
 */
int		 conn_asked(struct tls_conn *, const SSL *);
void		 conn_refused_again(struct tls_conn *);
void		 conn_renegotiated(struct tls_conn *, SSL *);
int		 conn_same_server(struct tls_conn *, X509_STORE_CTX *);

/*
 * Why we break off; NULL: it is not us, or for a reason that libssl has a name
 * for. e: libssl's error. Also for an SSL that is none of ours.
 */
const char	*conn_why(const SSL *, unsigned long e);

/* Callbacks the contexts get. libssl: as struct tls_profile has it. */
int		 conn_init(void);	/* 0 or ERR_MEM */
void		 conn_server_ctx(SSL_CTX *, const struct tls *, int libssl);
void		 conn_client_ctx(SSL_CTX *, const struct tls *, int libssl);

#endif
