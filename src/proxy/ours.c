/*
 * Whether a server is one of our own. The name that a client asks for is not
 * enough to believe the server behind: names can be pointed anywhere, and a
 * real certificate in front would hide that. So such a server is verified as
 * all are, unless it proves to have the key itself.
 */
#include "proxy/ours.h"

#include "proxy/inner.h"
#include "proxy/session.h"

/* Its place in `certificates:`, or the number of those. */
static size_t
ours_index(const struct session *s)
{
	return policy_own(s->place->parts->policy, &s->facts);
}

struct own *
ours_of(const struct session *s)
{
	size_t i = ours_index(s);

	return i < policy_conf(s->place->parts->policy)->nowns ?
	    s->place->parts->owns[i] : NULL;
}

int
ours_trusts(const struct session *s)
{
	const struct conf *c = policy_conf(s->place->parts->policy);
	X509 *cert = SSL_get0_peer_certificate(tlsio_ssl(s->server.tp));
	size_t i = ours_index(s);

	if (i >= c->nowns || cert == NULL)
		return 0;
	return !c->owns[i].verify || own_is(s->place->parts->owns[i], cert);
}
