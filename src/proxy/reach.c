/*
 * Which destinations are refused, and what is said of it.
 */
#include "proxy/reach.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"
#include "proxy/decide.h"
#include "proxy/endpoint.h"
#include "proxy/inner.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/log.h"

#define DEAD_MS		10000

const char *
reach_str(enum reach why)
{
	static const char *const names[REACH_MAX] = { "listener", "service",
	    "loopback", "link-local", "metadata", "multicast", "own-address",
	    "rule" };

	return names[why];
}

/*
 * Whether an address is one of this host's. bind() alone does not tell if
 * ip_nonlocal_bind is set. But the kernel does not send from an IPv4 address
 * that is not its own; and it reaches an IPv6 address of its own from that
 * same address (RFC 6724, 5).
 */
int
reach_is_host(const struct addr *a)
{
	struct addr at = *a, own;
	int fd, yes;

	addr_set_port(&at, 0);
	fd = socket(at.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)		/* no descriptor: assume that it is */
		return errno != EAFNOSUPPORT;
	yes = (at.sa.sa_family != AF_INET ||
	    bind(fd, &at.sa, addr_len(&at)) == 0) &&
	    connect(fd, &a->sa, addr_len(a)) == 0 && sock_own(fd, &own) == 0;
	close(fd);
	if (!yes)
		return 0;
	addr_set_port(&own, 0);
	return addr_eq(&own, &at);
}

/* Whether a connection to dst would reach a listener at own. The unspecified
 * address leads to this host, too. */
static int
reach_leads_to(const struct addr *own, const struct addr *dst)
{
	return own->sa.sa_family != AF_UNSPEC &&
	    addr_port(own) == addr_port(dst) &&
	    (addr_eq(own, dst) || addr_is_any(dst) ||
	    (addr_is_any(own) && reach_is_host(dst)));
}

int
reach_is_own(const struct worker *w, const struct addr *dst)
{
	const struct conf *conf = policy_conf(w->policy);
	size_t i;

	for (i = 0; i < conf->nlistens; i++)
		if (reach_leads_to(&conf->listens[i].address, dst))
			return 1;
	return 0;
}

/* Services of ours for tools on this host (metrics, captured traffic), which
 * clients of a proxy on it must not reach. */
static int
reach_is_service(const struct worker *w, const struct addr *dst)
{
	const struct conf *conf = policy_conf(w->policy);
	size_t i;

	for (i = 0; i < conf->nmirrors; i++)
		if (conf->mirrors[i].kind == MIRROR_PCAPIP &&
		    reach_leads_to(&conf->mirrors[i].listen, dst))
			return 1;
	return reach_leads_to(&conf->metrics, dst);
}

static const enum reach reasons[SPECIAL_MAX] = {
	[SPECIAL_LOOPBACK] = REACH_LOOPBACK,
	[SPECIAL_LINK_LOCAL] = REACH_LINK_LOCAL,
	[SPECIAL_METADATA] = REACH_METADATA,
	[SPECIAL_MULTICAST] = REACH_MULTICAST
};

const char *
reach_unroutable(struct worker *w, const struct addr *client,
    const struct addr *dst)
{
	enum special what = special_of(dst);

	if (what == SPECIAL_NONE || (what == SPECIAL_METADATA &&
	    policy_conf(w->policy)->keep_client_address))
		return NULL;
	/* Programs of this host come by REDIRECT; they may reach it. */
	if (special_of(client) == SPECIAL_LOOPBACK || reach_is_host(client))
		return NULL;
	count(w->counts.unreached[reasons[what]], 1);
	return "its destination is link-local, loopback, multicast or cloud "
	    "metadata, which is not to be forwarded";
}

static int
reach_refuse_by(struct session *s, const struct addr *dst, enum reach why)
{
	s->refused = *dst;
	s->refused_why = why;
	return ERR_DENIED;
}

/*
 * Without allow-destinations, a client that runs on this host may reach this
 * host: it could do so without us. Link-local addresses stay refused: hosts
 * guard them by user, and we run as another one.
 */
static int
reach_is_allowed(const struct session *s, const struct addr *dst, int host)
{
	if (!s->listen->destinations_given)
		return host && special_of(&s->facts.client) == SPECIAL_LOOPBACK;
	return conf_prefixes_have(&s->listen->destinations, dst);
}

/* Judge the address by what it is. REACH_MAX: it may be reached. */
static enum reach
reach_by_address(const struct session *s, const struct addr *dst)
{
	enum special what = special_of(dst);
	int host = what == SPECIAL_LOOPBACK;

	if (what == SPECIAL_NONE && !(host = reach_is_host(dst)))
		return REACH_MAX;
	if (reach_is_allowed(s, dst, host))
		return REACH_MAX;
	return what == SPECIAL_NONE ? REACH_HOST : reasons[what];
}

/* Another address of the name asked for, where the client's own is dead.
 * It must be as good: what the client could reach, and by the same rule. */
static int
reach_other(struct session *s, const struct addr *dst)
{
	struct facts f = s->facts;
	enum reach why;
	struct verdict v;

	if ((why = reach_by_address(s, dst)) != REACH_MAX)
		return reach_refuse_by(s, dst, why);
	endpoint_server(s, &f, dst);
	policy_decide(s->policy, &f, &v);
	return v.rule == s->verdict.rule ? 0 :
	    reach_refuse_by(s, dst, REACH_RULE);
}

int
reach_veto(void *arg, const struct addr *dst)
{
	struct session *s = arg;
	struct verdict v;
	struct facts f = s->facts;
	enum reach why;

	if (reach_is_own(s->worker, dst))
		return reach_refuse_by(s, dst, REACH_LISTENER);
	if (s->facts.mode != CONF_EXPLICIT)
		return addr_eq(dst, &s->facts.server) ? 0 :
		    reach_other(s, dst);
	if (reach_is_service(s->worker, dst))
		return reach_refuse_by(s, dst, REACH_SERVICE);
	if ((why = reach_by_address(s, dst)) != REACH_MAX)
		return reach_refuse_by(s, dst, why);
	endpoint_server(s, &f, dst);
	if (policy_refuses(s->policy, &f, &v))
		return reach_refuse_by(s, dst, REACH_RULE);
	return 0;
}

int
reach_veto_proxy(void *arg, const struct addr *dst)
{
	struct session *s = arg;

	return reach_is_own(s->worker, dst) ?
	    reach_refuse_by(s, dst, REACH_LISTENER) : 0;
}

struct step
reach_refuse(struct session *s)
{
	static struct log_gate gate;
	char from[ADDR_STRLEN], to[ADDR_STRLEN];
	enum reach why = s->refused_why;
	const char *host = session_dials(s);
	struct step refused;
	int held;

	count(s->worker->counts.unreached[why], 1);
	if (why == REACH_RULE) {	/* as if the client had named it */
		endpoint_server(s, &s->facts, &s->refused);
		if (decide_early(s, &refused))
			return refused;
	}
	if (log_gate(&gate, &held))
		log_info("listener %s: %s is not connected to %s (%s): %s; "
		    "%d more not shown", s->facts.listener,
		    addr_str(&s->facts.client, from), addr_str(&s->refused, to),
		    host != NULL ? host : "-",
		    reach_str(why), held);
	return step_refuse(s, 403, "connect: %s%s" REACH_DENIED,
	    host != NULL ? host : "", host != NULL ? ": " : "");
}

static uint64_t
reach_dead_key(const struct session *s)
{
	uint64_t h = addr_hash(HASH_START, &s->facts.server);

	if (facts_name(&s->facts) != NULL)
		h = hash_string(h, facts_name(&s->facts));
	return h != 0 ? h : 1;
}

void
reach_died(struct session *s)
{
	uint64_t key = reach_dead_key(s);
	struct reach_dead *d = &s->worker->dead_servers[key % REACH_DEAD];

	d->key = key;
	d->until = clock_coarse_ms() + DEAD_MS;
}

int
reach_is_dead(const struct session *s)
{
	uint64_t key = reach_dead_key(s);
	const struct reach_dead *d =
	    &s->worker->dead_servers[key % REACH_DEAD];

	return d->key == key && clock_coarse_ms() < d->until;
}
