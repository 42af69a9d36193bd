/*
 * The table of failures has a mutex, which only a session that failed takes.
 */
#include "admin/failures.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/bypasses.h"
#include "proxy/reach.h"
#include "proxy/record.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define FAILURES	512	/* rows */
#define FAILURES_CLIENT	128	/* of them, last caused by one client */
#define REASON		200
#define WANTED		"a rule for it with `client-certificate:` or action " \
			"bypass; with `on: client-certificate-wanted: " \
			"bypass` the next connection is bypassed by itself"

enum kind {			/* each logs at most a line a second */
	KIND_NONE,		/* it did not fail */
	KIND_TOLD,		/* the place of the failure has logged it */
	KIND_UNTRUSTED,		/* the server's certificate */
	KIND_CLIENT,		/* the client's handshake: perhaps our CA */
	KIND_SERVER,		/* cannot be reached, or its handshake */
	KIND_WANTED,		/* it wants a client certificate */
	KIND_MAX
};

struct failure {
	char		*site;		/* NULL: a free row */
	char		*reason;
	char		*rule;
	const char	*mend;		/* what to do, or NULL; static */
	struct addr	 client;	/* the latest */
	struct timespec	 first, last;
	uint64_t	 n;
};

struct failures {
	pthread_mutex_t	 mutex;
	struct failure	 v[FAILURES];
	struct log_gate	 gate[KIND_MAX];
	const char	*trust;		/* how to trust a server, in words */
};

struct failures *
failures_new(const char *trust)
{
	struct failures *f = xcalloc(1, sizeof(*f));

	f->trust = trust;
	pthread_mutex_init(&f->mutex, NULL);
	return f;
}

static void
failure_clear(struct failure *e)
{
	free(e->site);
	free(e->reason);
	free(e->rule);
	memset(e, 0, sizeof(*e));
}

void
failures_free(struct failures *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < FAILURES; i++)
		failure_clear(&f->v[i]);
	pthread_mutex_destroy(&f->mutex);
	free(f);
}

/* The kind of a failure, and its reason in words. */
static enum kind
failure_kind(const struct record *r, char reason[REASON])
{
	static const struct {
		const char	*begins;
		enum kind	 kind;
	} kinds[] = {
		{ "handshake with client: ", KIND_CLIENT },
		{ "hello: refused", KIND_TOLD },
		{ "handshake with server: ", KIND_SERVER },
		{ "connect: ", KIND_SERVER },
		{ "forging: ", KIND_SERVER },
	};
	size_t i;

	snprintf(reason, REASON, "%s", r->reason);
	for (i = 0; i < NELEM(kinds); i++)
		if (strncmp(r->reason, kinds[i].begins,
		    strlen(kinds[i].begins)) == 0)
			break;
	if (strstr(r->reason, bypasses_why(UNDECRYPTED_CERT)) != NULL)
		return KIND_WANTED;
	/* A client may rightly refuse the certificate of a bad server. */
	if (r->facts->verify_text != NULL && r->facts->verify != VERIFY_OK) {
		snprintf(reason, REASON, "untrusted server: %s%s%s",
		    r->facts->verify_text, i < NELEM(kinds) ? "; " : "",
		    i < NELEM(kinds) ? r->reason : "");
		return KIND_UNTRUSTED;
	}
	if (strstr(r->reason, REACH_DENIED) != NULL)
		return KIND_TOLD;
	if (i < NELEM(kinds))
		return kinds[i].kind;
	return r->answer != NULL && r->status >= 500 ? KIND_SERVER : KIND_NONE;
}

/* What to do; NULL: we cannot say. Another CA does not help against a wrong
 * name or time. */
static const char *
failure_mend(const struct failures *f, const struct record *r, enum kind kind)
{
	if (kind == KIND_WANTED)
		return WANTED;
	return kind == KIND_UNTRUSTED && r->facts->verify == VERIFY_UNTRUSTED ?
	    f->trust : NULL;
}

static const char *
failure_site(const struct record *r, char buf[ADDR_STRLEN])
{
	if (facts_name(r->facts) != NULL)
		return facts_name(r->facts);
	return r->facts->server.sa.sa_family == AF_UNSPEC ? "-" :
	    addr_ip_str(&r->facts->server, buf);
}

static int
same_client(const struct addr *a, const struct addr *b)
{
	size_t an, bn;
	const uint8_t *ap = addr_ip(a, &an), *bp = addr_ip(b, &bn);

	return an == bn && memcmp(ap, bp, an) == 0;
}

static int
later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec :
	    a->tv_nsec > b->tv_nsec;
}

/* The row of this failure, or one to replace. */
static struct failure *
failure_find(struct failures *f, const struct record *r, const char *site,
    const char *reason)
{
	struct failure *e, *oldest = NULL, *own = NULL;
	size_t i, mine = 0;

	for (i = 0; i < FAILURES; i++) {
		e = &f->v[i];
		if (e->site == NULL)
			return e;
		if (strcmp(e->site, site) == 0 && strcmp(e->reason,
		    reason) == 0)
			return e;
		if (oldest == NULL || later(&oldest->last, &e->last))
			oldest = e;
		if (!same_client(&e->client, &r->facts->client))
			continue;
		mine++;
		if (own == NULL || later(&own->last, &e->last))
			own = e;
	}
	e = mine >= FAILURES_CLIENT ? own : oldest;
	failure_clear(e);
	return e;
}

static void
failure_tell(struct failures *f, const struct record *r, enum kind kind,
    const char *site, const char *reason)
{
	const char *mend = failure_mend(f, r, kind);
	char client[ADDR_STRLEN];
	int held;

	if (kind == KIND_TOLD || LOG_LVL_INFO > log_level ||
	    !log_gate(&f->gate[kind], &held))
		return;
	log_info("session %llu: %s to %s: %s%s%s; rule %s (%d more like it not "
	    "shown: ctl failures)", (unsigned long long)r->id,
	    addr_ip_str(&r->facts->client, client), site, reason,
	    mend == NULL ? "" : kind == KIND_UNTRUSTED ? "; to trust it: " :
	    "; what to do: ", mend != NULL ? mend : "",
	    r->verdict->rule != NULL ? r->verdict->rule->name : "none", held);
}

void
failures_note(struct failures *f, const struct record *r)
{
	char buf[ADDR_STRLEN], reason[REASON];
	enum kind kind = failure_kind(r, reason);
	const char *site = failure_site(r, buf);
	struct timespec now;
	struct failure *e;

	if (kind == KIND_NONE)
		return;
	now = clock_wall();
	pthread_mutex_lock(&f->mutex);
	e = failure_find(f, r, site, reason);
	if (e->site == NULL) {
		e->site = xstrdup(site);
		e->reason = xstrdup(reason);
		e->first = now;
	}
	free(e->rule);
	e->rule = xstrdup(r->verdict->rule != NULL ? r->verdict->rule->name :
	    "");
	e->mend = failure_mend(f, r, kind);
	e->client = r->facts->client;
	e->last = now;
	e->n++;
	pthread_mutex_unlock(&f->mutex);
	failure_tell(f, r, kind, site, reason);
}

/* site itself, or a name below it. */
static int
site_is(const char *have, const char *site)
{
	size_t n = strlen(have), m = strlen(site);

	return n >= m && strcasecmp(have + n - m, site) == 0 &&
	    (n == m || have[n - m - 1] == '.');
}

static int
by_last(const void *a, const void *b)
{
	const struct failure *x = *(struct failure *const *)a;
	const struct failure *y = *(struct failure *const *)b;

	return later(&y->last, &x->last) - later(&x->last, &y->last);
}

static json_t *
failure_json(const struct failure *e)
{
	char client[ADDR_STRLEN];

	return json_pack("{s:o,s:o,s:I,s:s,s:o,s:s*,s:o,s:o}", "site",
	    eve_string(e->site), "reason", eve_string(e->reason), "count",
	    (json_int_t)e->n, "client", addr_ip_str(&e->client, client),
	    "rule", eve_string(e->rule), "mend", e->mend, "first",
	    eve_time(&e->first), "last", eve_time(&e->last));
}

json_t *
failures_json(struct failures *f, const char *site)
{
	struct failure *row[FAILURES];
	json_t *all = json_array();
	size_t i, n = 0;

	pthread_mutex_lock(&f->mutex);
	for (i = 0; i < FAILURES; i++)
		if (f->v[i].site != NULL && (site == NULL ||
		    site_is(f->v[i].site, site)))
			row[n++] = &f->v[i];
	qsort(row, n, sizeof(row[0]), by_last);
	for (i = 0; i < n; i++)
		json_array_append_new(all, failure_json(row[i]));
	pthread_mutex_unlock(&f->mutex);
	return json_pack("{s:o}", "failures", all);
}
