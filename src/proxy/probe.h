/*
 * A connection of our own to a server, with the SNI of a client, to see its
 * certificate. It ends after the handshake. Where TLS begins in a dialogue, it
 * has one of its own before.
 */
#ifndef PROXY_PROBE_H
#define PROXY_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"
#include "util/text.h"

struct conf_rule;
struct place;
struct probe;
struct worker;

/* All of it is copied, or referred to. */
struct probe_want {
	struct addr	 server;
	const char	*name;		/* of it, for proxies; or NULL */
	const struct conf_rule *way;	/* by its proxies */
	struct place	*place;		/* whose TLS is used; it has the way */
	const struct addr *from;	/* bind to; or NULL */
	const char	*sni;		/* to send and to verify */
	const uint8_t	*alpn;		/* wire list, or NULL */
	size_t		 alpn_len;
	int		 dialogue;	/* STARTTLS_*; -1: none */
	uint64_t	 connect, handshake;	/* ms, for each */
};

enum probe_found {
	PROBE_NAMED,		/* trusted, and for the name */
	PROBE_OTHER,		/* trusted, for other names only */
	PROBE_BAD,		/* not trusted */
	PROBE_FAILED,		/* no connection, or no handshake */
	PROBE_RESULTS
};

struct probe_result {
	enum probe_found found;
	const char	*why;		/* for a person, or NULL */
	struct text	 names;		/* see tls/certinfo.h */
};

/* Runs once, never before probe_start() has returned; the probe and its result
 * are gone afterwards. */
typedef void (*probe_done)(void *arg, const struct probe_result *);

struct probe	*probe_start(struct worker *, const struct probe_want *,
		    probe_done, void *arg);
void		 probe_cancel(struct probe *);	/* done will not run */

#endif
