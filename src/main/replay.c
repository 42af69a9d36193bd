/*
 * clearspan replay: which sessions of an event log a configuration would treat
 * otherwise than they were. Only the facts in the log are known: a rule on what
 * is not there (ALPN, a file that has changed since) may be judged wrongly.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf/group.h"
#include "main/cmd.h"
#include "policy/condition.h"
#include "policy/denied.h"
#include "policy/policy.h"
#include "policy/verdict.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/contain.h"

#define EVENT_MAX	(1 << 20)	/* bytes of an event; longer is none */
#define WRONG_SHOWN	3

struct replay {
	const char	*path;		/* of the log */
	struct policy	*policy;
	unsigned long	 line, sessions, differ, wrong;
};

struct lived {			/* a session, as the log has it */
	const char	*when, *name, *action, *rule, *why;
	char		 client[ADDR_STRLEN], server[ADDR_STRLEN];
	char		 tags[CONTAIN_NAMES * (CONF_TAG_MAX + 1)];
	struct facts	 facts;
	struct certinfo	 cert;
};

static const char *
member(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static int
lived_end(const json_t *o, const char *ip, const char *port, struct addr *a)
{
	const char *s = member(o, ip);
	json_int_t n = json_integer_value(json_object_get(o, port));

	if (s == NULL || addr_parse_ip(a, s) != 0 || n < 0 || n > 65535)
		return ERR_FORMAT;
	addr_set_port(a, (unsigned)n);
	return 0;
}

static void
lived_text(char *out, size_t size, const char *s)
{
	if (s != NULL && strlen(s) < size)
		memcpy(out, s, strlen(s) + 1);
}

/* Whether the certificate was out of its time when the session ended. */
static int
lived_late(const struct lived *l, const json_t *tls)
{
	const char *from = member(tls, "notbefore"), *to = member(tls,
	    "notafter");

	return from != NULL && to != NULL && (strncmp(from, l->when, 19) > 0 ||
	    strncmp(to, l->when, 19) < 0);
}

static void
lived_tls(struct lived *l, const json_t *tls)
{
	static char none[] = "";
	struct facts *f = &l->facts;

	if (tls == NULL)
		return;
	if (f->protocol < PROTO_DIALOGUE)
		f->protocol = PROTO_TLS;
	else
		f->upgraded = 1;
	f->sni = member(tls, "sni");
	f->ech = json_is_true(json_object_get(tls, "ech"));
	lived_text(f->ja3, sizeof(f->ja3), member(
	    json_object_get(tls, "ja3"), "hash"));
	lived_text(f->ja4, sizeof(f->ja4), member(tls, "ja4"));
	l->cert.subject = (char *)(uintptr_t)member(tls, "subject");
	l->cert.issuer = (char *)(uintptr_t)member(tls, "issuerdn");
	if (l->cert.subject != NULL && l->cert.issuer != NULL)
		f->cert = &l->cert;
	else
		l->cert.subject = l->cert.issuer = none;
}

/*
 * What was thought of the server: of one that was bypassed for that, `why` has
 * it. What else is in the log is none of OpenSSL's words: it was good.
 */
static void
lived_verify(struct lived *l, const json_t *server, const json_t *tls)
{
	struct facts *f = &l->facts;
	const char *said = member(server, "verify");

	if (said == NULL)
		said = l->why;
	if (said != NULL && tls_verdict_said(said, &f->verify) == 0)
		f->verify_text = said;
	if (f->verify_text != NULL && f->cert == NULL && f->verify != VERIFY_OK)
		f->cert = &l->cert;
	f->late = f->verify != VERIFY_UNTRUSTED &&
	    f->verify != VERIFY_REVOKED && lived_late(l, tls);
}

/* "failed" is what EVE calls what is not recognized. */
static enum policy_protocol
lived_protocol(const char *app)
{
	unsigned p;

	if (app == NULL)
		return PROTO_UNKNOWN;
	for (p = PROTO_TLS; condition_protocol(p) != NULL; p++)
		if (strcmp(app, condition_protocol(p)) == 0)
			return p;
	return PROTO_OTHER;
}

/* When it began, for windows of time; 0: that is not known. */
static int64_t
lived_start(const json_t *flow)
{
	const char *s = member(flow, "start");
	struct tm tm = { 0 };

	return s != NULL && strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) != NULL ?
	    timegm(&tm) : 0;
}

/* "a,b" of the array, or NULL. */
static const char *
lived_tags(struct lived *l, const json_t *tags)
{
	const char *s;
	size_t i, n, at = 0;

	for (i = 0; i < json_array_size(tags); i++) {
		s = json_string_value(json_array_get(tags, i));
		if (s == NULL || (n = strlen(s)) == 0 ||
		    n + 1 >= sizeof(l->tags) - at)
			continue;
		at += (size_t)snprintf(l->tags + at, n + 2, "%s%s",
		    at > 0 ? "," : "", s);
	}
	return at > 0 ? l->tags : NULL;
}

static int
denied_addr(const struct denials *d, const struct addr *a)
{
	return 1;
}

static int
denied_name(const struct denials *d, const char *name)
{
	return 1;
}

static int
denied_any(const struct denials *d, int names)
{
	return 1;
}

/* The measure that has decided, by the name of its rule: it was in force then,
 * and no configuration has it. */
static void
lived_measure(struct lived *l)
{
	static const struct denials all = { denied_addr, denied_name,
	    denied_any };
	static const char quarantine[] = "quarantine ";
	const size_t n = sizeof(quarantine) - 1;

	if (l->rule == NULL)
		return;
	if (strncmp(l->rule, quarantine, n) == 0)
		l->facts.contained = l->rule + n;
	if (strcmp(l->rule, "denied server") == 0)
		l->facts.denials = &all;
}

/* Returns 0, or ERR_FORMAT: it is no flow event of ours. */
static int
lived_take(struct lived *l, const json_t *o)
{
	const json_t *own = json_object_get(o, "clearspan");
	struct facts *f = &l->facts;
	const char *mac;

	memset(l, 0, sizeof(*l));
	l->when = member(o, "timestamp");
	l->action = member(own, "action");
	l->rule = member(own, "rule");
	l->why = member(own, "why");
	f->listener = member(own, "listener");
	f->host = member(own, "host");
	f->user = member(own, "user");
	f->tags = lived_tags(l, json_object_get(own, "tags"));
	mac = member(json_object_get(o, "ether"), "src_mac");
	f->mac_known = mac != NULL && mac_parse(f->mac, mac) == 0;
	if (l->when == NULL || f->listener == NULL ||
	    lived_end(o, "src_ip", "src_port", &f->client) != 0)
		return ERR_FORMAT;
	if (lived_end(o, "dest_ip", "dest_port", &f->server) != 0)
		memset(&f->server, 0, sizeof(f->server));
	f->proxied = member(own, "upstream_proxy") != NULL && f->host != NULL;
	f->port = f->server.sa.sa_family != AF_UNSPEC ?
	    (uint16_t)addr_port(&f->server) : 0;
	f->mode = strcmp(member(own, "mode") != NULL ? member(own, "mode") :
	    "", "explicit") == 0 ? CONF_EXPLICIT : CONF_TRANSPARENT;
	f->now = lived_start(json_object_get(o, "flow"));
	f->protocol = lived_protocol(member(o, "app_proto"));
	lived_tls(l, json_object_get(o, "tls"));
	lived_verify(l, json_object_get(own, "server"),
	    json_object_get(o, "tls"));
	f->cert_none = f->cert == NULL;
	lived_measure(l);
	l->name = facts_name(f);
	addr_str(&f->client, l->client);
	if (f->server.sa.sa_family != AF_UNSPEC)
		addr_str(&f->server, l->server);
	return 0;
}

/* Whether the log's action follows from the facts. */
static int
lived_follows(const struct lived *l)
{
	return l->why == NULL || strcmp(l->why, "ECH") == 0 ||
	    strcmp(l->why, "no SNI") == 0 || (l->facts.verify_text != NULL &&
	    strcmp(l->why, l->facts.verify_text) == 0);
}

/* What was learned, or has failed later, has changed the rule's action. */
static int
lived_same(const struct lived *l, const struct verdict *v)
{
	return strcmp(v->rule->name, l->rule) == 0 && (!lived_follows(l) ||
	    l->action == NULL ||
	    strcmp(conf_action_str(v->action), l->action) == 0);
}

static void
replay_one(struct replay *r, const json_t *event)
{
	const char *type = member(event, "event_type");
	struct verdict v;
	struct lived l;

	if (type == NULL || strcmp(type, "flow") != 0 ||
	    lived_take(&l, event) != 0 || l.rule == NULL)
		return;		/* no rule was asked about it */
	r->sessions++;
	if (!l.facts.proxied)
		policy_server(r->policy, &l.facts, &l.facts.server);
	policy_decide(r->policy, &l.facts, &v);
	verdict_apply(&v, policy_conf(r->policy), &l.facts);
	if (v.rule == NULL || lived_same(&l, &v))
		return;
	r->differ++;
	printf("%s %s -> %s%s%s: %s by %s, would be %s by %s\n", l.when,
	    l.client, l.name != NULL ? l.name : "", l.name != NULL ? " " : "",
	    l.server, l.action != NULL ? l.action : "?", l.rule,
	    conf_action_str(v.action), v.rule->name);
}

static void
replay_line(struct replay *r, const char *s, size_t len)
{
	json_error_t e;
	json_t *o;

	r->line++;
	if (len == 0 || s[0] == '\n')
		return;
	o = len <= EVENT_MAX ? json_loadb(s, len, 0, &e) : NULL;
	if (json_is_object(o))
		replay_one(r, o);
	else if (r->wrong++ < WRONG_SHOWN)
		fprintf(stderr, "%s:%lu: no event: %s\n", r->path, r->line,
		    o != NULL ? "not a JSON object" : len > EVENT_MAX ?
		    "longer than 1 MiB" : e.text);
	json_decref(o);
}

static void
replay_unread(const char *log)
{
	fprintf(stderr, "clearspan: replay: cannot read %s: %s\n", log,
	    strerror(errno));
}

static int
replay_log(struct replay *r, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int rv;

	while ((n = getline(&line, &size, f)) > 0)
		replay_line(r, line, (size_t)n);
	rv = ferror(f) ? ERR_SYS : 0;
	if (rv != 0)
		replay_unread(r->path);
	free(line);
	printf("%lu of %lu sessions would be treated otherwise\n", r->differ,
	    r->sessions);
	if (r->wrong > WRONG_SHOWN)
		fprintf(stderr, "%s: %lu lines are no events\n", r->path,
		    r->wrong);
	return rv;
}

static int
replay(const char *conf, const char *log)
{
	struct replay r = { .path = log };
	struct text errors = { 0 };
	struct conf *c;
	FILE *f;
	int rv;

	if (conf_load(conf, &c, &errors) != 0) {
		fputs(errors.s, stderr);
		text_free(&errors);
		return EXIT_WRONG;
	}
	text_free(&errors);
	f = strcmp(log, "-") == 0 ? stdin : fopen(log, "re");
	if (f == NULL) {
		replay_unread(log);
		conf_unref(c);
		return EXIT_FAILED;
	}
	r.policy = policy_new(c);
	rv = replay_log(&r, f);
	policy_unref(r.policy);
	conf_unref(c);
	if (f != stdin)
		fclose(f);
	return rv == 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int
cmd_replay(int argc, char **argv)
{
	const char *path = CONF_DEFAULT_PATH;
	int opt;

	while ((opt = getopt(argc, argv, "c:")) != -1) {
		if (opt != 'c')
			return cmd_usage(argv[0], "unknown option");
		path = optarg;
	}
	if (argc - optind != 1)
		return cmd_usage(argv[0], "which event log? name one file, or "
		    "\"-\"");
	return replay(path, argv[optind]);
}
