/*
 * What next: the facts are in, the policy answers, and the session takes the
 * way that the verdict, and what was learned of the server, point to.
 */
#include <string.h>

#include "proxy/inner.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/log.h"

/* then the server is asked again */
#define LEARNED_MS	(60 * 60 * 1000)

/* The verdict is block or reset. */
static struct step
decide_refuse(struct session *s, const char *why)
{
	if (s->verdict.action == ACTION_RESET)
		return step_reset(s, DIR_DOWN, "reset by rule %s",
		    s->verdict.rule->name);
	return decide_block(s, why);
}

int
decide_early(struct session *s, struct step *refused)
{
	struct verdict v;

	if (!policy_refuses(s->policy, &s->facts, &v))
		return 0;
	s->verdict = v;
	*refused = decide_refuse(s, NULL);
	return 1;
}

int
decide_http(struct session *s, struct step *refused)
{
	policy_decide(s->policy, &s->facts, &s->verdict);
	/* The rest is for the log till then. */
	return decide_early(s, refused);
}

int
decide_unread(struct session *s, const char *why)
{
	s->facts.protocol = PROTO_TLS;
	policy_decide(s->policy, &s->facts, &s->verdict);
	if (policy_bypasses(s->policy, &s->facts))
		return 0;
	s->verdict.action = ACTION_BLOCK;
	s->verdict.why = why;
	return 1;
}

static uint64_t
learned_key(const struct session *s)
{
	size_t len;
	const uint8_t *ip = addr_ip(&s->facts.server, &len);
	unsigned port = addr_port(&s->facts.server);
	uint64_t h = hash_bytes(HASH_START, ip, len);

	h = hash_bytes(h, &port, sizeof(port));
	if (s->facts.sni != NULL)
		h = hash_string(h, s->facts.sni);
	return h != 0 ? h : 1;
}

void
decide_learn(struct session *s, enum learned_what what)
{
	uint64_t key = learned_key(s);
	struct learned *l = &s->worker->learned[key % LEARNED_SLOTS];

	l->key = key;
	l->what = what;
	l->until = clock_coarse_ms() + LEARNED_MS;
}

enum learned_what
decide_learned(const struct session *s)
{
	uint64_t key = learned_key(s);
	struct learned *l = &s->worker->learned[key % LEARNED_SLOTS];

	return l->key == key && clock_coarse_ms() < l->until ? l->what :
	    LEARNED_NOTHING;
}

/* What is not decrypted though the rule would. */
static void
decide_undecrypted(struct session *s, enum conf_action action,
    enum undecrypted what, const char *why)
{
	s->verdict.undecrypted = what;
	s->verdict.action = action;
	s->verdict.why = why;
}

struct step
decide_bypass(struct session *s, enum undecrypted what, const char *why)
{
	if (s->verdict.rule->must_decrypt)
		return decide_block(s, why);
	decide_undecrypted(s, ACTION_BYPASS, what, why);
	session_drop_taps(s);
	conn_close(&s->server, 1);
	memset(&s->facts.tls_server, 0, sizeof(s->facts.tls_server));
	return step_go(PHASE_CONNECT);
}

struct step
decide_block(struct session *s, const char *why)
{
	s->verdict.action = ACTION_BLOCK;
	if (why != NULL)
		s->verdict.why = why;
	return step_refuse(s, 403, "blocked by rule %s%s%s",
	    s->verdict.rule->name, why != NULL ? ": " : "",
	    why != NULL ? why : "");
}

static void
decide_tls(struct session *s)
{
	const struct conf *conf = session_conf(s);
	int must = s->verdict.rule->must_decrypt;

	/* A name that cannot be read is not none. */
	if (s->facts.sni == NULL && conf->on.no_sni == ON_BYPASS &&
	    !s->facts.sni_bad)
		decide_undecrypted(s, must ? ACTION_BLOCK : ACTION_BYPASS,
		    UNDECRYPTED_NO_SNI, "no SNI");
	else if (s->facts.sni == NULL && conf->on.no_sni == ON_BLOCK)
		decide_undecrypted(s, ACTION_BLOCK, UNDECRYPTED_NO_SNI,
		    "no SNI");
	else if (s->facts.server.sa.sa_family != AF_UNSPEC && !must &&
	    conf->on.client_certificate_wanted == ON_BYPASS &&
	    decide_learned(s) == LEARNED_INSISTS)
		decide_undecrypted(s, ACTION_BYPASS, UNDECRYPTED_CERT,
		    "client certificate wanted");
}

/* A bypass that hangs on the name in the client's hello: any may be said. */
static int
decide_unsure(const struct session *s)
{
	const struct facts *f = &s->facts;

	return s->verdict.action == ACTION_BYPASS &&
	    s->verdict.undecrypted == UNDECRYPTED_RULE &&
	    f->protocol == PROTO_TLS &&
	    f->sni != NULL && session_conf(s)->confirm_bypass &&
	    f->server.sa.sa_family != AF_UNSPEC &&
	    !policy_bypasses_any(s->policy, f);
}

struct step
decide(struct session *s)
{
	policy_decide(s->policy, &s->facts, &s->verdict);
	if (s->verdict.action == ACTION_DECRYPT &&
	    s->facts.protocol == PROTO_TLS)
		decide_tls(s);
	return decide_unsure(s) ? step_go(PHASE_CONFIRM) : decide_go(s);
}

/* Both ends are connected and the verdict is known. */
struct step
decide_joined(struct session *s)
{
	struct worker *w = s->worker;
	int bypassed = s->verdict.action == ACTION_BYPASS;

	/* What is bypassed against the rule's will is not for its mirrors. */
	if (!bypassed || s->verdict.undecrypted == UNDECRYPTED_RULE)
		session_open_taps(s);
	if (s->facts.protocol == PROTO_TLS && !bypassed)
		return step_go(PHASE_TURN);
	if (bypassed)
		count(w->counts.undecrypted[s->verdict.undecrypted], 1);
	return step_go(s->wire.taps.first[DIR_UP] != NULL ? PHASE_RELAY :
	    PHASE_SPLICE);
}

struct step
decide_go(struct session *s)
{
	if (s->verdict.action == ACTION_RESET ||
	    s->verdict.action == ACTION_BLOCK)
		return decide_refuse(s, s->verdict.why);
	if (s->server.sock.fd == -1)
		return step_go(PHASE_CONNECT);
	return decide_joined(s);
}

/*
 * The verdict without the SNI; but one that refuses one of the server's own
 * names counts before it, and the bypass stays if all of them have it.
 */
static void
decide_by_names(const struct session *s, const char *names, size_t len,
    int trusted, struct verdict *v)
{
	const char *end = names + len;
	int bypassed = trusted && len > 0;
	struct facts f = s->facts;

	for (; names < end; names += strlen(names) + 1) {
		f.sni = names;
		policy_decide(s->policy, &f, v);
		if (v->action == ACTION_BLOCK || v->action == ACTION_RESET)
			return;
		bypassed &= v->action == ACTION_BYPASS;
	}
	if (bypassed)
		return;
	f.sni = NULL;
	policy_decide(s->policy, &f, v);
}

struct step
decide_unconfirmed(struct session *s, const char *names, size_t len,
    int trusted)
{
	decide_by_names(s, names, len, trusted, &s->verdict);
	s->verdict.why = "bypass not confirmed";
	return decide_go(s);
}
