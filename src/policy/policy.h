/*
 * Policy: facts -> verdict. Pure and re-entrant; an immutable snapshot built
 * from a struct conf, shared by all workers. First match decides.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "util/addr.h"
#include "util/text.h"

enum policy_protocol {
	PROTO_UNKNOWN,		/* nothing seen yet */
	PROTO_TLS,
	PROTO_HTTP,		/* plain HTTP/1 */
	PROTO_OTHER
};

/* What is known of a connection; NULL or 0 where it is not (yet) known. */
struct facts {
	/* server: AF_UNSPEC if unknown */
	struct addr	 client, server;
	uint16_t	 port;			/* server's */
	const char	*sni;			/* lower case */
	/* CONNECT, SOCKS or HTTP Host; a name or an address */
	const char	*host;
	/* the name that an HTTP request is for, of this request */
	const char	*request;
	const char	*listener;
	/* wire list (RFC 7301), or NULL */
	const uint8_t	*alpn;
	size_t		 alpn_len;
	enum policy_protocol protocol;
	/* The SNI is not to be believed: it may be another. */
	int		 sni_open;
};

struct verdict {
	enum conf_action action;
	const struct conf_rule *rule;	/* the one that said so; never NULL */
	size_t		 rule_index;
};

struct policy;

/* Compiles conf's rules and lists. Keeps a reference to conf. Never fails. */
struct policy	*policy_new(struct conf *);
struct policy	*policy_ref(struct policy *);
void		 policy_unref(struct policy *);
const struct conf *policy_conf(const struct policy *);

void		 policy_decide(const struct policy *, const struct facts *,
		    struct verdict *);

/*
 * Whether a rule has a condition that hangs on the name of each request (host,
 * site), so that requests have to be read.
 */
int		 policy_by_request(const struct policy *);

/* Whether the same is done, by whatever rule. */
int		 verdict_same(const struct verdict *, const struct verdict *);

/*
 * A request for a name, canonical as http_name() has it, on a connection with
 * these facts and that verdict: what the rules say under this name. A rule
 * that has the name in its sni counts too, where the hello had another or
 * none: a client must not get by it by asking behind another name.
 */
enum policy_request {
	REQUEST_SAME,		/* what is done for the connection anyway */
	REQUEST_REFUSED,	/* *v says block or reset */
	REQUEST_OTHERWISE	/* *v: it belongs on another connection */
};
enum policy_request policy_request(const struct policy *,
		    const struct facts *, const struct verdict *of,
		    const char *name, struct verdict *v);

/*
 * Before the client's own bytes have told more (protocol unknown): whether
 * the connection is refused (block, reset) whatever they will be. A host that
 * is a name stands for the SNI to come. v is set when it is.
 */
int		 policy_refuses(const struct policy *, const struct facts *,
		    struct verdict *);

/*
 * A client's hello cannot be read: whether the connection is bypassed whatever
 * it said. A host does not stand for the SNI here.
 */
int		 policy_bypasses(const struct policy *, const struct facts *);

/*
 * Of a client that speaks no TLS: whether one rule decides, be it HTTP or not,
 * and for whichever host.
 */
int		 policy_settled(const struct policy *, const struct facts *);

/*
 * Whether the connection would be bypassed under any other SNI as well: a
 * bypass then does not hang on the client's word.
 */
int		 policy_bypasses_any(const struct policy *,
		    const struct facts *);

/*
 * What policy_decide() says, and a line for each rule tried: why it did not
 * match. With the protocol unknown the host stands for the SNI, as above.
 */
void		 policy_explain(const struct policy *, const struct facts *,
		    struct verdict *, struct text *out);

#endif
