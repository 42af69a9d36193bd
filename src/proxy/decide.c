/*
 * Deciding: the policy turns the facts into a verdict. The verdict, and what
 * was learned of the server before, say which phase comes next.
 */
#include "proxy/decide.h"

#include <string.h>

#include "policy/verdict.h"
#include "proxy/bypasses.h"
#include "proxy/chain.h"
#include "proxy/coach.h"
#include "proxy/endpoint.h"
#include "proxy/inner.h"
#include "proxy/measures.h"
#include "proxy/session.h"
#include "proxy/taps.h"
#include "tls/tls.h"
#include "util/clock.h"

/* The verdict is block or reset. */
static struct step
decide_refuse(struct session *s, const char *why)
{
	if (why == NULL && s->verdict.rule->match.contained != NULL)
		why = endpoint_why(s);
	if (why == NULL)
		why = measures_denied_why(s);
	if (s->verdict.action == ACTION_RESET)
		return step_reset(s, DIR_DOWN, "reset by rule %s",
		    s->verdict.rule->name);
	if (s->verdict.action == ACTION_WARN)
		return step_refuse(s, 403, "warned by rule %s",
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

/* A rule warns: who has gone on before may do so. Else it is refused. */
static int
decide_warns(struct session *s)
{
	if (s->verdict.action == ACTION_WARN && coach_remembers(
	    &s->facts.client, session_site(s), clock_ms())) {
		s->verdict.action = ACTION_DECRYPT;
		s->verdict.why = "warned before";
	}
	return s->verdict.action == ACTION_WARN;
}

/* mode: monitor. What the rules say is only told. 1: so. */
static int
decide_monitors(struct session *s)
{
	if (!session_conf(s)->monitor)
		return 0;
	verdict_monitor(&s->verdict);
	return 1;
}

int
decide_http(struct session *s, struct step *refused)
{
	policy_decide(s->policy, &s->facts, &s->verdict);
	if (decide_monitors(s))
		return 0;
	if (decide_warns(s)) {
		*refused = decide_refuse(s, NULL);
		return 1;
	}
	/* Anything else is decided later; until then it is for the log. */
	return decide_early(s, refused);
}

int
decide_unread(struct session *s, const char *why)
{
	if (!s->facts.upgraded)
		s->facts.protocol = PROTO_TLS;
	s->facts.cert_none = 1;		/* we cannot say this hello ourselves */
	policy_decide(s->policy, &s->facts, &s->verdict);
	if (session_conf(s)->monitor ||
	    policy_bypasses(s->policy, &s->facts))
		return 0;
	s->verdict.action = ACTION_BLOCK;
	s->verdict.why = why;
	return 1;
}

/* What `on:` says of a session that cannot be decrypted for that reason. */
static enum conf_on
decide_on(const struct conf *conf, enum undecrypted what)
{
	switch (what) {
	case UNDECRYPTED_CERT:
		return conf->on.client_certificate_wanted;
	case UNDECRYPTED_REFUSED:
		return conf->on.client_refused;
	default:
		return conf->on.handshake_failure;
	}
}

struct step
decide_bypass(struct session *s, enum undecrypted what, const char *why)
{
	/* A dialogue cannot be had again with another connection. */
	if (s->verdict.rule->must_decrypt || s->facts.upgraded)
		return decide_block(s, why);
	verdict_change(&s->verdict, ACTION_BYPASS, what, why);
	taps_drop(s);
	chain_end(s);
	conn_close(&s->server, 1);
	memset(&s->facts.tls_server, 0, sizeof(s->facts.tls_server));
	return step_go(PHASE_CONNECT);
}

struct step
decide_overload(struct session *s)
{
	static const char why[] = "limits.handshakes are under way";

	if (session_conf(s)->on.overload == ON_BYPASS)
		return decide_bypass(s, UNDECRYPTED_OVERLOAD, why);
	verdict_change(&s->verdict, ACTION_BLOCK, UNDECRYPTED_OVERLOAD, why);
	return step_reset(s, DIR_DOWN, "overload: %s", why);
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

/* What is known not to work is not tried again; but see BYPASS_TRY. */
static void
decide_learned(struct session *s)
{
	enum undecrypted what;

	switch (bypasses_ask(s->worker->env->bypasses, &s->facts,
	    &session_conf(s)->learn, &what)) {
	case BYPASS_YES:
		if (what == UNDECRYPTED_CERT &&
		    s->verdict.rule->client.key.n > 0)
			break;		/* now we have one */
		if (what == UNDECRYPTED_EXEMPT ||
		    decide_on(session_conf(s), what) == ON_BYPASS)
			verdict_change(&s->verdict, ACTION_BYPASS, what,
			    bypasses_why(what));
		break;
	case BYPASS_TRY:
		s->tries = 1;
		break;
	case BYPASS_NO:
		break;
	}
}

int
decide_failed(struct session *s, enum undecrypted what)
{
	const struct proxy_env *env = s->worker->env;
	const struct conf *conf = session_conf(s);
	enum bypass_learned how;

	s->tries = 0;
	if (decide_on(conf, what) != ON_BYPASS ||
	    s->verdict.rule->must_decrypt)
		return 0;
	how = bypasses_failed(env->bypasses, &s->facts, &conf->learn, what);
	if (how == BYPASS_LEARNED && env->learned != NULL)
		env->learned(env->arg, &s->rec);
	return how != BYPASS_COUNTED;
}

void
decide_worked(struct session *s)
{
	if (s->tries)
		bypasses_worked(s->worker->env->bypasses, &s->facts);
	s->tries = 0;
}

static void
decide_tls(struct session *s)
{
	struct on_said said = on_hello(session_conf(s), &s->facts);

	if (!verdict_hello(&s->verdict, &said) &&
	    !s->verdict.rule->must_decrypt)
		decide_learned(s);
}

/* Whether a bypass depends on the name in the hello, which may be a lie. */
static int
decide_unsure(const struct session *s)
{
	const struct facts *f = &s->facts;

	if (s->verdict.action != ACTION_BYPASS ||
	    !facts_tls(f) || f->sni == NULL ||
	    !session_conf(s)->confirm_bypass ||
	    f->server.sa.sa_family == AF_UNSPEC)
		return 0;
	/* The proxy was asked for that very name. */
	if (f->proxied && strcmp(f->host, f->sni) == 0)
		return 0;
	switch (s->verdict.undecrypted) {
	case UNDECRYPTED_RULE:
		return !policy_bypasses_any(s->policy, f);
	case UNDECRYPTED_REFUSED:
	case UNDECRYPTED_EXEMPT:
	case UNDECRYPTED_ECH:
		return 1;
	default:	/* of this very server */
		return 0;
	}
}

/*
 * The client of an explicit listener was let in only for a page. What it says
 * now decides nothing but whether it can be shown one.
 */
static struct step
decide_told(struct session *s, const struct verdict *v)
{
	if (s->told == 403 && v->action != ACTION_BLOCK &&
	    v->action != ACTION_RESET)
		return decide_block(s, NULL);
	s->verdict = *v;
	if (v->action == ACTION_RESET || v->action == ACTION_BYPASS)
		return step_reset(s, DIR_DOWN, "reset by rule %s",
		    v->rule->name);
	if (s->told == 403)
		return decide_refuse(s, NULL);
	return step_refuse(s, s->told, "blocked by rule %s", v->rule->name);
}

int
decide_forges(const struct session *s)
{
	return !session_conf(s)->monitor &&
	    tls_authority(s->place->parts->tls, policy_client_ca(s->policy,
	    &s->facts)) != NULL;
}

static struct step
decide_portal(struct session *s)
{
	s->verdict.action = ACTION_DECRYPT;
	s->verdict.later = 0;
	s->portal = 1;
	return step_refuse(s, 200, "the page of the CA");
}

struct step
decide(struct session *s)
{
	struct verdict v;

	policy_decide(s->policy, &s->facts, &v);
	if (session_wants_ca(s) && decide_forges(s)) {
		s->verdict = v;
		return decide_portal(s);
	}
	if (v.later)
		v.action = ACTION_DECRYPT;	/* so far */
	if (s->told != 0)
		return decide_told(s, &v);
	s->verdict = v;
	if (decide_monitors(s))
		return decide_go(s);
	decide_warns(s);
	if (!v.later && s->verdict.action == ACTION_DECRYPT &&
	    facts_tls(&s->facts))
		decide_tls(s);
	return decide_unsure(s) ? step_go(PHASE_CONFIRM) : decide_go(s);
}

/* A rule that wants to decrypt has mirrors for clear text only. Those of a
 * dialogue go on behind it, if it is still for the same rule. */
static void
decide_taps(struct session *s)
{
	if (s->verdict.later || s->tapped == s->verdict.rule)
		return;
	if (s->tapped != NULL)
		taps_drop(s);
	s->tapped = s->verdict.rule;
	if (s->verdict.action != ACTION_BYPASS ||
	    s->verdict.undecrypted == UNDECRYPTED_RULE)
		taps_open(s);
}

static int
decide_decrypts(const struct session *s)
{
	return facts_tls(&s->facts) &&
	    s->verdict.action != ACTION_BYPASS;
}

static struct step
decide_pass(const struct session *s)
{
	return step_go(s->row.n > 1 ||
	    s->wire.taps.first[DIR_UP] != NULL ? PHASE_RELAY :
	    PHASE_SPLICE);
}

struct step
decide_joined(struct session *s)
{
	struct worker *w = s->worker;

	chain_begin(s);
	if (!chain_due(s))
		decide_taps(s);
	if (decide_decrypts(s))
		return step_go(PHASE_TURN);
	if (s->verdict.action == ACTION_BYPASS)
		count(w->counts.undecrypted[s->verdict.undecrypted], 1);
	return chain_due(s) ? step_go(PHASE_CHAIN) : decide_pass(s);
}

struct step
decide_through(struct session *s)
{
	decide_taps(s);
	return decide_decrypts(s) ? step_go(PHASE_FORGE) : decide_pass(s);
}

/* The server was connected by a guess, and the rule wants another way to it.
 * A dialogue that was upgraded cannot be had again. */
static int
decide_elsewhere(const struct session *s)
{
	return s->server.sock.fd != -1 && !s->facts.upgraded &&
	    !conf_proxies_same(s->way, s->verdict.rule);
}

struct step
decide_go(struct session *s)
{
	if (s->verdict.action == ACTION_RESET ||
	    s->verdict.action == ACTION_BLOCK || decide_warns(s))
		return decide_refuse(s, s->verdict.why);
	chain_begin(s);
	if (decide_elsewhere(s))
		conn_close(&s->server, 1);
	if (s->server.sock.fd == -1)
		return step_go(PHASE_CONNECT);
	return decide_joined(s);
}

/* Begin again with the server: its handshake with us is of no use. */
static void
decide_reconnect(struct session *s)
{
	conn_close(&s->server, 1);
	memset(&s->facts.tls_server, 0, sizeof(s->facts.tls_server));
}

/*
 * The handshake was begun with the client certificate of a rule that does not
 * decide. Behind STARTTLS that matters only if a resumed session has it, for
 * the server was not shown it yet.
 */
static int
decide_other_cert(struct session *s, struct step *elsewhere)
{
	if (conf_own_same(&s->way->client, &s->verdict.rule->client))
		return 0;
	if (!s->facts.upgraded) {
		decide_reconnect(s);
		*elsewhere = step_go(PHASE_CONNECT);
		return 1;
	}
	if (!s->facts.tls_server.certificate)
		return 0;
	*elsewhere = decide_block(s, "resumed with the client certificate of "
	    "another rule");
	return 1;
}

/* Decrypt after all; chain and taps have waited for the verdict. */
static int
decide_decrypt(struct session *s, struct step *elsewhere)
{
	decide_tls(s);
	if (decide_unsure(s) && s->facts.upgraded) {
		verdict_change(&s->verdict, ACTION_DECRYPT, UNDECRYPTED_RULE,
		    "bypass not confirmed");
	} else if (decide_unsure(s)) {
		decide_reconnect(s);
		*elsewhere = step_go(PHASE_CONFIRM);
		return 1;
	}
	if (s->verdict.action == ACTION_BYPASS) {
		*elsewhere = decide_bypass(s, s->verdict.undecrypted,
		    s->verdict.why);
		return 1;
	}
	if (s->verdict.action == ACTION_BLOCK) {
		*elsewhere = decide_refuse(s, s->verdict.why);
		return 1;
	}
	if (decide_other_cert(s, elsewhere))
		return 1;
	if (chain_http11(s) &&
	    strcmp(s->facts.tls_server.alpn, "h2") == 0) {
		decide_reconnect(s);	/* it was offered HTTP/2 */
		*elsewhere = step_go(PHASE_CONNECT);
		return 1;
	}
	chain_begin(s);
	if (!chain_due(s))
		decide_taps(s);
	return 0;
}

int
decide_certificate(struct session *s, struct step *elsewhere)
{
	if (!s->verdict.later)
		return 0;
	s->facts.cert_none = s->facts.cert == NULL;
	policy_decide(s->policy, &s->facts, &s->verdict);
	decide_warns(s);
	switch (s->verdict.action) {
	case ACTION_DECRYPT:
		return s->facts.cert != NULL && decide_decrypt(s, elsewhere);
	case ACTION_BYPASS:
		if (s->facts.upgraded) {
			*elsewhere = decide_block(s, "no bypass by "
			    "certificate behind STARTTLS");
			return 1;
		}
		decide_reconnect(s);
		*elsewhere = step_go(decide_unsure(s) ? PHASE_CONFIRM :
		    PHASE_CONNECT);
		return 1;
	default:
		*elsewhere = decide_refuse(s, NULL);
		return 1;
	}
}

/*
 * Decide without the SNI. But if the rules refuse any name of the server's
 * certificate, that verdict holds; and if they bypass all of them, the bypass
 * stays.
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
	if (s->verdict.undecrypted == UNDECRYPTED_RULE)
		decide_by_names(s, names, len, trusted, &s->verdict);
	else	/* the rule says decrypt, whatever the server's names */
		verdict_change(&s->verdict, ACTION_DECRYPT, UNDECRYPTED_RULE,
		    NULL);
	s->verdict.why = "bypass not confirmed";
	return decide_go(s);
}
