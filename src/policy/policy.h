/*
 * Policy: facts -> verdict. The first rule that matches decides. A policy is
 * an immutable snapshot of a struct conf that all workers share; its functions
 * are pure and re-entrant.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts.h"
#include "util/text.h"

struct policy;

/* Compile the rules and lists of conf, and keep a reference to it. Never
 * fails. */
struct policy	*policy_new(struct conf *);
struct policy	*policy_ref(struct policy *);
void		 policy_unref(struct policy *);
const struct conf *policy_conf(const struct policy *);

void		 policy_decide(const struct policy *, const struct facts *,
		    struct verdict *);

/* The server's address is known: set it, and its country if there is a
 * database. */
void		 policy_server(const struct policy *, struct facts *,
		    const struct addr *);

/* Which of conf.owns is the certificate for it; conf.nowns: none of them. */
size_t		 policy_own(const struct policy *, const struct facts *);

/*
 * Which CA (see conf_ca()) signs what the client is shown: that of the rule
 * which decided; or, if that rule neither decrypts nor names one, that of the
 * next one that matches and does. v->rule may be NULL: nothing has decided yet.
 */
size_t		 policy_ca(const struct policy *, const struct facts *,
		    const struct verdict *v);
/* Which one a client should trust: the one for any server at port 443, by what
 * is known of the client and its listener alone. */
size_t		 policy_client_ca(const struct policy *,
		    const struct facts *);

/*
 * Whether a rule has a condition on the name in each request (host, site), so
 * that requests must be read.
 */
int		 policy_by_request(const struct policy *);

/*
 * What the rules say of a request for a name on a connection with these facts
 * and this verdict. The name is canonical, as http_name() makes it. A rule
 * with the name under sni counts too, even if the hello had another name or
 * none: a client must not get past the rule by using another name there.
 */
enum policy_request {
	REQUEST_SAME,		/* the same as for the connection */
	REQUEST_REFUSED,	/* *v says block or reset */
	REQUEST_OTHERWISE	/* *v: it belongs on another connection */
};
enum policy_request policy_request(const struct policy *,
		    const struct facts *, const struct verdict *of,
		    const char *name, struct verdict *v);

/*
 * Whether the connection is refused (block, reset) whatever the client's first
 * bytes will be; the protocol is still unknown. A host that is a name stands
 * for the SNI. v is set if the answer is yes.
 */
int		 policy_refuses(const struct policy *, const struct facts *,
		    struct verdict *);

/*
 * The rule by whose upstream proxies the server is connected before the
 * client's first bytes are known. A host that is a name stands for the SNI.
 */
const struct conf_rule *policy_way(const struct policy *,
		    const struct facts *);

/* The segment that decides; &conf_segment_default, or NULL. */
const struct conf_segment *policy_segment(const struct policy *,
		    const struct facts *);

/*
 * Whether a connection whose hello cannot be read is bypassed whatever the
 * hello says. A host does not stand for the SNI here.
 */
int		 policy_bypasses(const struct policy *, const struct facts *);

/*
 * For a client that does not speak TLS: whether the same rule decides for HTTP
 * and other protocols, and for every host.
 */
int		 policy_settled(const struct policy *, const struct facts *);

/*
 * Whether the connection would be bypassed under any SNI, so that the bypass
 * does not depend on what the client claims.
 */
int		 policy_bypasses_any(const struct policy *,
		    const struct facts *);

/*
 * Append the categories of what is asked for, "a,b", or "unknown"; nothing if
 * there is no feed, or if it is not known yet.
 */
void		 policy_categories(const struct policy *,
		    const struct facts *, struct text *out);

#endif
