/*
 * The table of verbs.
 */
#include "admin/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/asking.h"
#include "admin/captured.h"
#include "admin/chains.h"
#include "admin/contained.h"
#include "admin/endpoints.h"
#include "admin/measures.h"
#include "admin/leases.h"
#include "admin/tags.h"
#include "admin/told_explain.h"
#include "admin/learned.h"
#include "admin/notices.h"
#include "policy/segment.h"
#include "sink/eve.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

struct request {
	struct admin_env	*env;
	struct mailbox		*mail;
	const char		*word;		/* after the verb; or NULL */
	const char		*second;	/* after that; or NULL */
	const char		*rest;		/* all after the verb */
	verb_done		 done;
	void			*arg;
};

#define VERB_REST	(-3)	/* as many as there are */

struct verb {
	const char	*name;
	int		 words;		/* 0 none, 1 one; -n: at most n; or
					 * VERB_REST */
	void		(*run)(const struct request *);
	const char	*does;
};

static void	verb_status(const struct request *);
static void	verb_sessions(const struct request *);
static void	verb_session(const struct request *);
static void	verb_kill(const struct request *);
static void	verb_counters(const struct request *);
static void	verb_caches(const struct request *);
static void	verb_icap(const struct request *);
static void	verb_devices(const struct request *);
static void	verb_device(const struct request *);
static void	verb_chains(const struct request *);
static void	verb_explain(const struct request *);
static void	verb_failures(const struct request *);
static void	verb_learned(const struct request *);
static void	verb_exempt(const struct request *);
static void	verb_capture(const struct request *);
static void	verb_case(const struct request *);
static void	verb_quarantine(const struct request *);
static void	verb_tag(const struct request *);
static void	verb_endpoint(const struct request *);
static void	verb_deny(const struct request *);
static void	verb_step_up(const struct request *);
static void	verb_approve(const struct request *);
static void	verb_reject(const struct request *);
static void	verb_verdicts(const struct request *);
static void	verb_notify(const struct request *);
static void	verb_lease(const struct request *);
static void	verb_top(const struct request *);
static void	verb_reload(const struct request *);
static void	verb_help(const struct request *);

static const struct verb verbs[] = {
	{ "status", 0, verb_status, "what runs, since when, and its state" },
	{ "sessions", -1, verb_sessions,
	    "[N]: the open sessions, at most N" },
	{ "session", 1, verb_session, "ID: everything about one session" },
	{ "kill", 1, verb_kill, "ID: reset a session" },
	{ "counters", 0, verb_counters, "all counters" },
	{ "caches", 0, verb_caches, "sizes and hits of the caches" },
	{ "icap", -2, verb_icap, "the ICAP services and their servers; check "
	    "SERVICE asks them (ctl does it); config SERVICE" },
	{ "devices", 0, verb_devices, "the inline devices" },
	{ "device", -2, verb_device, "NAME [drain|down|auto]: one device; no "
	    "new sessions for it; as its health says" },
	{ "chains", 0, verb_chains, "the chains, slot by slot" },
	{ "explain", VERB_REST, verb_explain, "FACT ...: which rule decides, "
	    "and why; a URL, or client=, sni= ..." },
	{ "failures", -1, verb_failures,
	    "[SITE]: recent failures, by site and reason" },
	{ "learned", -2, verb_learned, "[clear SITE]: what is not decrypted "
	    "because that failed, or is exempt; forget a site" },
	{ "exempt", -2, verb_exempt, "SITE FOR (10m, 2h): do not decrypt a "
	    "site and those below it for so long; clear SITE" },
	{ "capture", -2, verb_capture, "WHO [FOR]: write the packets that are "
	    "kept of an endpoint to a file, and go on for so long" },
	{ "case", 1, verb_case, "ID: what was done about an endpoint, and why; "
	    "the number of its quarantine" },
	{ "quarantine", VERB_REST, verb_quarantine, "[list]: the endpoints "
	    "that are contained; add WHO PROFILE FOR [REASON]; release ID" },
	{ "endpoint", -1, verb_endpoint, "[WHO]: an endpoint's addresses, "
	    "quarantine, tags and sessions; all of them" },
	{ "tag", VERB_REST, verb_tag, "[list]: the tags of endpoints; add WHO "
	    "TAG [FOR] [REASON]; clear WHO TAG" },
	{ "deny", VERB_REST, verb_deny, "[list]: the servers that are denied "
	    "to everybody; add SERVER FOR [REASON]; release ID" },
	{ "step-up", VERB_REST, verb_step_up, "[list]: the endpoints that are "
	    "looked at more closely; add WHO FOR [mirror=NAME,...] [REASON]; "
	    "release ID" },
	{ "verdicts", -1, verb_verdicts, "[N]: the last verdicts of sensors "
	    "(20), what has become of them, and what waits to be approved" },
	{ "approve", -1, verb_approve, "do what a verdict has proposed; its "
	    "number" },
	{ "reject", -1, verb_reject, "do not do it" },
	{ "notify", -2, verb_notify, "who is told of verdicts and quarantines, "
	    "and what waits; test [TARGET] tells them so" },
	{ "lease", VERB_REST, verb_lease, "[list]: what DHCP servers have "
	    "told; add ADDRESS MAC [NAME] [FOR]; del ADDRESS [MAC]" },
	{ "top", -1, verb_top, "[client|server|site|rule|app|device]: who "
	    "uses most (client)" },
	{ "reload", 0, verb_reload, "read the configuration again" },
	{ "help", 0, verb_help, "this list" },
};

static void
refuse(const struct request *r, const char *why)
{
	r->done(r->arg, json_pack("{s:o}", "error", eve_string(why)));
}

static void
verb_status(const struct request *r)
{
	r->done(r->arg, admin_status(r->env));
}

static void
verb_counters(const struct request *r)
{
	r->done(r->arg, admin_counters(r->env));
}

static void
verb_caches(const struct request *r)
{
	r->done(r->arg, admin_caches(r->env));
}

/* A decimal number over 0; 0 if the text is not one. */
static uint64_t
number(const char *s)
{
	unsigned long long n;
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return 0;
	errno = 0;
	n = strtoull(s, &end, 10);
	return *end != '\0' || errno != 0 ? 0 : n;
}

static void
verb_sessions(const struct request *r)
{
	uint64_t n = VERB_SESSIONS;

	if (r->word != NULL && (n = number(r->word)) == 0) {
		refuse(r, "sessions takes a number");
		return;
	}
	if (n > VERB_SESSIONS_MAX)
		n = VERB_SESSIONS_MAX;
	asking_start(r->env, r->mail, ASKING_LIST, n, r->done, r->arg);
}

static void
verb_of_session(const struct request *r, enum asking_kind kind)
{
	uint64_t id = number(r->word);

	if (id == 0)
		refuse(r, "a session's id is a number: see sessions");
	else
		asking_start(r->env, r->mail, kind, id, r->done, r->arg);
}

static void
verb_session(const struct request *r)
{
	verb_of_session(r, ASKING_ONE);
}

static void
verb_kill(const struct request *r)
{
	verb_of_session(r, ASKING_KILL);
}

static void
verb_icap(const struct request *r)
{
	if (r->word == NULL)
		r->done(r->arg, admin_icap(r->env));
	else if (strcmp(r->word, "config") == 0 && r->second != NULL)
		r->done(r->arg, admin_icap_config(r->env, r->second));
	else
		refuse(r, "icap takes nothing, or config SERVICE");
}

static void
verb_devices(const struct request *r)
{
	r->done(r->arg, chains_devices(r->env->conf));
}

static void
verb_device(const struct request *r)
{
	if (r->word == NULL)
		refuse(r, "device takes a name, and drain, down or auto");
	else
		r->done(r->arg, chains_device(r->env->conf, r->word,
		    r->second));
}

static void
verb_chains(const struct request *r)
{
	r->done(r->arg, chains_chains(r->env->conf));
}

static void
verb_failures(const struct request *r)
{
	r->done(r->arg, failures_json(r->env->failures, r->word));
}

static void
verb_learned(const struct request *r)
{
	if (r->word == NULL)
		r->done(r->arg, learned_json(r->env->bypasses));
	else if (strcmp(r->word, "clear") == 0 && r->second != NULL)
		r->done(r->arg, learned_clear(r->env->bypasses, r->second, 0));
	else
		refuse(r, "learned takes nothing, or clear SITE");
}

static void
verb_exempt(const struct request *r)
{
	if (r->word == NULL || r->second == NULL)
		refuse(r, "exempt takes a site and a time (10m, 2h), or clear "
		    "SITE");
	else if (strcmp(r->word, "clear") == 0)
		r->done(r->arg, learned_clear(r->env->bypasses, r->second, 1));
	else
		r->done(r->arg, learned_exempt(r->env->bypasses, r->word,
		    r->second));
}

static void
verb_capture(const struct request *r)
{
	captured_verb(r->env, r->word, r->second, r->done, r->arg);
}

static void
verb_case(const struct request *r)
{
	r->done(r->arg, contained_case(r->env->quarantine, number(r->word)));
}

static void
verb_notify(const struct request *r)
{
	r->done(r->arg, notices_verb(r->env->notices, r->word, r->second));
}

/* What a verb makes of these words; by whom it was done is in the cases. */
static void
acted(const struct request *r, json_t *(*verb)(struct quarantine *,
    const char *))
{
	json_t *o;

	r->env->quarantine->actor = "ctl";
	o = verb(r->env->quarantine, r->rest);
	r->env->quarantine->actor = NULL;
	r->done(r->arg, o);
}

static void
acted_measure(const struct request *r, json_t *(*verb)(struct measures *,
    const char *), const char *words)
{
	json_t *o;

	r->env->quarantine->actor = "ctl";
	o = verb(r->env->measures, words);
	r->env->quarantine->actor = NULL;
	r->done(r->arg, o);
}

static void
verb_quarantine(const struct request *r)
{
	acted(r, contained_verb);
}

static void
verb_tag(const struct request *r)
{
	acted(r, tags_verb);
}

static void
verb_endpoint(const struct request *r)
{
	if (r->word == NULL)
		endpoints_list(r->env, r->mail, ENDPOINTS_MAX, r->done,
		    r->arg);
	else
		endpoints_one(r->env, r->mail, r->word, r->done, r->arg);
}

static void
verb_deny(const struct request *r)
{
	acted_measure(r, deny_verb, r->rest);
}

static void
verb_step_up(const struct request *r)
{
	acted_measure(r, step_up_verb, r->rest);
}

static void
verb_approve(const struct request *r)
{
	acted_measure(r, approve_verb, r->word);
}

static void
verb_reject(const struct request *r)
{
	acted_measure(r, reject_verb, r->word);
}

static void
verb_verdicts(const struct request *r)
{
	r->done(r->arg, verdicts_verb(r->env->ring, r->env->measures,
	    r->word));
}

static void
verb_lease(const struct request *r)
{
	r->done(r->arg, leases_verb(r->env->quarantine, r->rest));
}

static void
verb_top(const struct request *r)
{
	enum top_by by = r->word == NULL ? TOP_CLIENT : top_by(r->word);

	if (by == TOP_MAX)
		refuse(r, "top takes client, server, site, rule, app or "
		    "device");
	else
		asking_start(r->env, r->mail, ASKING_TOP, by, r->done, r->arg);
}

static void
verb_reload(const struct request *r)
{
	struct text said = { 0 };
	int err;

	err = r->env->reload(r->env->arg, &said);
	r->done(r->arg, json_pack("{s:o}", err == 0 ? "reload" : "error",
	    eve_string(said.s != NULL ? said.s : err_str(err))));
	text_free(&said);
}

static void
verb_help(const struct request *r)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; i < NELEM(verbs); i++)
		json_object_set_new(o, verbs[i].name,
		    json_string(verbs[i].does));
	r->done(r->arg, o);
}

static const struct verb *
verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < NELEM(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* The segment, and what becomes of what is not intercepted. */
static void
explained_segment(json_t *o, const struct policy *p, const struct told *t)
{
	const struct conf_segment *s = told_segment(t, p);
	const struct conf *c = policy_conf(p);

	if (!conf_segmented(c))
		return;
	json_object_set_new(o, "segment", s != NULL ? eve_string(s->name) :
	    json_null());
	json_object_set_new(o, "not_intercepted", json_string(
	    conf_segment_action_str((int)segment_forwarded(c, s))));
}

static json_t *
explained(const struct verdict *v, struct text *lines)
{
	json_t *all = json_array();
	char *line, *save = NULL;

	for (line = strtok_r(lines->s, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		json_array_append_new(all, json_pack("{s:o}", "explained",
		    eve_string(line)));
	return json_pack("{s:s?,s:o,s:o}", "action", v->rule == NULL ? NULL :
	    conf_action_str(v->action), "rule", v->rule == NULL ? json_null() :
	    eve_string(v->rule->name), "lines", all);
}

/*
 * Cut a fact off the line, at the blank before the next one: "issuer=CN=R3,
 * O=Example" is one. Returns NULL at the end.
 */
static char *
fact_next(char **line)
{
	char *fact = *line + strspn(*line, " \t"), *s;

	if (*fact == '\0')
		return NULL;
	for (s = fact; *s != '\0'; s++)
		if ((*s == ' ' || *s == '\t') && told_begins(s + 1)) {
			*s++ = '\0';
			break;
		}
	*line = s;
	return fact;
}

static void
verb_explain(const struct request *r)
{
	char *copy = xstrdup(r->rest), *line = copy, *fact;
	struct told *told = told_new();
	struct text out = { 0 };
	struct verdict v;
	json_t *o;
	int rv = 0;

	while (rv == 0 && (fact = fact_next(&line)) != NULL)
		rv = told_take(told, fact, &out);
	told_look(told, r->env->neighbours, r->env->quarantine->leases,
	    r->env->quarantine->tags);
	told_measures(told, r->env->measures);
	if (rv == 0)
		rv = told_explain(told, r->env->policy, &v, &out);
	if (rv != 0) {
		refuse(r, out.s);
	} else {
		o = explained(&v, &out);
		explained_segment(o, r->env->policy, told);
		r->done(r->arg, o);
	}
	told_free(told);
	text_free(&out);
	free(copy);
}

/* Whether this many words may follow the verb. */
static int
verb_takes(const struct verb *v, int words)
{
	return v->words < 0 ? words <= -v->words : words == v->words;
}

void
verb_run(struct admin_env *env, struct mailbox *mail, const char *line,
    verb_done done, void *arg)
{
	struct request r = { .env = env, .mail = mail, .done = done,
	    .arg = arg };
	char *copy = xstrdup(line), *save = NULL, *name;
	const struct verb *v;
	int words;

	name = strtok_r(copy, " \t", &save);
	r.rest = name != NULL ? line + (name - copy) + strlen(name) : line;
	r.word = strtok_r(NULL, " \t", &save);
	r.second = strtok_r(NULL, " \t", &save);
	words = (r.word != NULL) + (r.second != NULL) +
	    (strtok_r(NULL, " \t", &save) != NULL);
	if (name == NULL || (v = verb_find(name)) == NULL)
		refuse(&r, "no such verb: help lists them");
	else if (!verb_takes(v, words))
		refuse(&r, words > 0 ? "too many words for this verb" :
		    v->run == verb_case ? "case takes the number of a "
		    "quarantine, or of another measure" :
		    "this verb takes a session's id");
	else
		v->run(&r);
	free(copy);
}
