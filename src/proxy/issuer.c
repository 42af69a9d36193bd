/*
 * Fetching issuers. A server of a peer's choice is asked by HTTP, so all of it
 * is bounded: what it sends, how long it takes, how many issuers one session
 * asks for, how many fetches there are at once; and it is not asked at an
 * address inside, where we may reach what the peer may not.
 */
#include "proxy/issuer.h"

#include <stdlib.h>
#include <string.h>

#include "net/fetch.h"
#include "net/special.h"
#include "proxy/inner.h"
#include "proxy/reach.h"
#include "proxy/session.h"
#include "util/err.h"
#include "util/log.h"

#define ISSUER_MAX	(64 * 1024)	/* bytes; one has 1 or 2 KB */
#define ISSUER_MS	5000
#define ISSUER_HOPS	3		/* for one session */
#define ISSUER_FETCHES	32		/* at once */

struct due {			/* a fetch under way */
	TAILQ_ENTRY(due) link;
	struct worker	*worker;
	struct place	*place;		/* whose TLS keeps it */
	struct fetch	*fetch;
	char		 url[ISSUER_URL_MAX];
	TAILQ_HEAD(, session) waiting;
};

struct issuers_due {
	TAILQ_HEAD(, due) list;
	unsigned	 n;
};

struct issuers_due *
issuers_due_new(void)
{
	struct issuers_due *all = xcalloc(1, sizeof(*all));

	TAILQ_INIT(&all->list);
	return all;
}

void
issuers_due_free(struct issuers_due *all)
{
	free(all);
}

static void
due_free(struct due *d)
{
	TAILQ_REMOVE(&d->worker->issuers->list, d, link);
	d->worker->issuers->n--;
	place_unref(d->place);
	free(d);
}

static void
due_log(const struct due *d, int n, const char *why)
{
	static struct log_gate gate;
	int held;

	if (log_gate(&gate, &held))
		log_info("issuer of a server's certificate: %s: %s%s "
		    "(%d more not shown)", d->url, why == NULL ? "fetched" :
		    "not fetched: ", why == NULL ? "" : why, held);
	else if (why == NULL)
		log_debug("issuer of a server's certificate: %s: fetched, "
		    "%d certificates", d->url, n);
}

static void
due_done(void *arg, const uint8_t *data, size_t len, const char *why)
{
	struct due *d = arg;
	struct session *s;
	int n;

	n = tls_issuer_put(d->place->parts->tls, d->url, data, len);
	if (n == 0 && why == NULL)
		why = "it is neither a certificate (DER) nor a bag of them "
		    "(PKCS#7)";
	due_log(d, n, why);
	count(d->worker->counts.issuers[why == NULL], 1);
	while ((s = TAILQ_FIRST(&d->waiting)) != NULL) {
		TAILQ_REMOVE(&d->waiting, s, asking);
		s->issuer = NULL;
		session_soon(s);
	}
	due_free(d);
}

/* Whether an issuer may be fetched from there. */
static int
due_allow(void *arg, const struct addr *to)
{
	const struct due *d = arg;
	const struct conf *conf = policy_conf(d->place->parts->policy);

	if (reach_is_own(d->worker, to))
		return ERR_DENIED;
	if (conf_prefixes_have(&conf->fetch_inside, to))
		return 0;
	return special_inside(to) || reach_is_host(to) ? ERR_DENIED : 0;
}

static struct due *
due_new(struct session *s, const char *url)
{
	struct worker *w = s->worker;
	struct due *d = xcalloc(1, sizeof(*d));
	struct fetch_want want = {
		.url = url, .max = ISSUER_MAX, .timeout = ISSUER_MS,
		.allow = due_allow, .arg = d
	};

	d->worker = w;
	d->place = place_ref(s->place);
	snprintf(d->url, sizeof(d->url), "%s", url);
	TAILQ_INIT(&d->waiting);
	TAILQ_INSERT_TAIL(&w->issuers->list, d, link);
	w->issuers->n++;
	d->fetch = fetch_start(w->base, w->names, &want, due_done, d);
	if (d->fetch != NULL)
		return d;
	tls_issuer_put(s->place->parts->tls, url, NULL, 0);
	due_free(d);
	return NULL;
}

int
issuer_due(struct session *s, SSL *ssl)
{
	char url[ISSUER_URL_MAX];
	struct due *d;

	if (session_conf(s)->on.incomplete_chain != ON_FETCH ||
	    s->issuers >= ISSUER_HOPS || !tls_lacks_issuer(ssl, url) ||
	    tls_issuer_asked(ssl, url))
		return 0;
	TAILQ_FOREACH(d, &s->worker->issuers->list, link)
		if (d->place == s->place && strcmp(d->url, url) == 0)
			break;
	if (d == NULL && s->worker->issuers->n < ISSUER_FETCHES)
		d = due_new(s, url);
	if (d == NULL)
		return 0;
	s->issuers++;
	s->issuer = d;
	TAILQ_INSERT_TAIL(&d->waiting, s, asking);
	return 1;
}

void
issuer_leave(struct session *s)
{
	struct due *d = s->issuer;

	if (d == NULL)
		return;
	s->issuer = NULL;
	TAILQ_REMOVE(&d->waiting, s, asking);
	if (TAILQ_EMPTY(&d->waiting)) {
		fetch_cancel(d->fetch);
		due_free(d);
	}
}
