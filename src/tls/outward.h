/*
 * A connection of our own to a server, for what we tell others: in the clear or
 * by TLS, which is verified by chain and by name. What is written is kept until
 * the server's TCP has it, so its owner can tell whether that is so. For one
 * thread, with an event base.
 */
#ifndef TLS_OUTWARD_H
#define TLS_OUTWARD_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "net/names.h"
#include "util/text.h"

struct event_base;
struct outward;

struct outward_want {		/* host is copied */
	const char	*host;		/* a name or an address */
	uint16_t	 port;
	SSL_CTX		*ctx;		/* NULL: in the clear */
	uint64_t	 timeout;	/* ms, to connect and shake hands */
};

struct outward_ops {
	/* It can be written to. */
	void	(*ready)(void *arg);
	/* It has sent this, good for the call; n 0: no more will come. */
	void	(*heard)(void *arg, const char *data, size_t n);
	/* It is over, and why. */
	void	(*failed)(void *arg, const char *why);
};

/*
 * trust: "system", or a file or directory of PEM; certificate and key: ours, or
 * NULL. 0, or ERR_USAGE with a sentence in why.
 */
int	 outward_ctx(const char *trust, const char *certificate,
	    const char *key, SSL_CTX **, struct text *why);

/* The ops run after this has returned. In any of them it may be freed. */
struct outward *outward_start(struct event_base *, struct names *,
	    const struct outward_want *, const struct outward_ops *,
	    void *arg);
void	 outward_free(struct outward *);	/* NULL is allowed */

/* Send it, now or as the server takes it. */
void	 outward_write(struct outward *, const char *, size_t);
/* Whether the server's TCP has acknowledged all that was written. */
int	 outward_idle(const struct outward *);

#endif
