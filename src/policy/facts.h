/*
 * What is known of a connection (facts), filled in as its stages pass, and
 * what is to be done with it (verdict). Rules, sinks and the log read both.
 */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "tls/certinfo.h"
#include "tls/tls.h"
#include "util/addr.h"
#include "util/mac.h"

struct denials;

enum policy_protocol {
	PROTO_UNKNOWN,		/* nothing seen yet */
	PROTO_TLS,
	PROTO_HTTP,		/* plain HTTP/1 */
	PROTO_OTHER,
	PROTO_DIALOGUE		/* the first of those in codec/starttls.h */
};

enum policy_stage {		/* when something is known of a connection */
	STAGE_CONNECTION,	/* addresses, listener, CONNECT */
	STAGE_HELLO,		/* the client's first bytes */
	STAGE_CERTIFICATE,	/* the server's */
	STAGE_REQUEST		/* of HTTP */
};

/* NULL, 0 or "": not known (yet), or there is none. Strings are the owner's. */
struct facts {
	int64_t		 now;		/* seconds since 1970 */
	const char	*listener;
	const char	*user;			/* of the client */
	const char	*contained;		/* ... by this profile */
	const char	*tags;			/* ... "a,b" */
	/* ... under step-up: the mirrors it gets besides, "a,b", "*" for all;
	 * "": none */
	const char	*step_up;
	/* servers that are denied to everybody; NULL: none ever is */
	const struct denials *denials;
	uint8_t		 mac[MAC_LEN];		/* ... on a network of ours */
	int		 mac_known;
	enum conf_mode	 mode;
	/* server: AF_UNSPEC until known; a client may name it by a host */
	struct addr	 client, server;
	uint16_t	 port;			/* server's */
	/* server has the address of an upstream proxy, which alone knows the
	 * server's own: for what must show one, never for a rule */
	int		 proxied;
	/* CONNECT, SOCKS or HTTP Host; a name or an address */
	const char	*host;
	/* the name that an HTTP request is for, of this request */
	const char	*request;
	enum policy_protocol protocol;
	int		 http_unsure;		/* HTTP was decided before its
						   first line was whole */
	int		 upgraded;		/* TLS began in its dialogue */
	/* the server's: two letters, or GEO_UNKNOWN; see policy_server() */
	char		 country[GEO_LEN];
	/* "a,b": in place of what the feeds say */
	const char	*category;
	/* Of the ClientHello. */
	const char	*sni;			/* lower case */
	int		 sni_open;		/* it is not to be believed: it
						   may be another */
	int		 sni_bad;		/* it is no name that DNS has */
	int		 ech;			/* sni hides another (ECH) */
	const uint8_t	*alpn;			/* wire list (RFC 7301) */
	size_t		 alpn_len;
	char		 ja3[33], ja4[40];
	/* Of the handshakes. */
	struct tls_used	 tls_client, tls_server;
	enum tls_verify	 verify;
	const char	*verify_text;		/* "ok" or OpenSSL's */
	int		 late;			/* expired or not yet valid,
						   whatever verify says */
	int		 lacks_issuer;		/* untrusted: the server left
						   out what can be fetched */
	struct certinfo	*cert;			/* the server's own */
	int		 cert_none;		/* none will become known */
};

/* Whether the client speaks TLS, from the start or by now. */
static inline int
facts_tls(const struct facts *f)
{
	return f->protocol == PROTO_TLS || f->upgraded;
}

/* Whom the client wants: by its SNI, or else by host; or NULL. */
static inline const char *
facts_name(const struct facts *f)
{
	return f->sni != NULL ? f->sni : f->host;
}

enum undecrypted {		/* why a session is not decrypted */
	UNDECRYPTED_RULE,
	UNDECRYPTED_CERT,	/* client certificate wanted */
	UNDECRYPTED_NO_SNI,
	UNDECRYPTED_ECH,
	UNDECRYPTED_VERIFY,	/* the server's certificate, and `on:` */
	UNDECRYPTED_FAILURE,	/* of its handshake; learned */
	UNDECRYPTED_MONITOR,	/* mode: monitor */
	UNDECRYPTED_REFUSED,	/* by the client; learned */
	UNDECRYPTED_EXEMPT,	/* ctl exempt */
	UNDECRYPTED_OVERLOAD,
	/* ... or passes unread: */
	UNDECRYPTED_STARTTLS,	/* TLS began in the middle */
	UNDECRYPTED_TUNNEL,	/* CONNECT inside */
	UNDECRYPTED_UPGRADE,	/* HTTP ended by 101 */
	UNDECRYPTED_OTHER,	/* neither TLS nor HTTP */
	UNDECRYPTED_REASONS
};

struct verdict {
	enum conf_action action;	/* what is done */
	const struct conf_rule *rule;	/* the one that decided; and what to
					   attach. NULL: nothing decided yet */
	size_t		 rule_index;
	/* A rule before it may match when the certificate is known: decide
	 * again then. */
	int		 later;
	/* What changed the rule's action ("no SNI", ...), or NULL. */
	const char	*why;
	enum undecrypted undecrypted;	/* bypass: is it the rule's? */
	int		 untrusted;	/* the client is to see the untrusted
					   CA's certificate */
};

#endif
