/*
 * ICAP services: made from the configuration, one for the process, and what
 * is counted of them. The state of a service's servers is kept by health.c.
 */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap/server.h"
#include "util/err.h"
#include "util/mem.h"

static const char *const result_names[ICAP_R_MAX] = {
	[ICAP_R_204P] = "204p",
	[ICAP_R_204] = "204",
	[ICAP_R_206] = "206",
	[ICAP_R_MOD] = "mod",
	[ICAP_R_SAT] = "sat",
	[ICAP_R_BLOCK] = "block",
	[ICAP_R_IGNORED] = "ignored",
	[ICAP_R_ERR] = "err",
	[ICAP_R_BYPASS] = "bypass",
	[ICAP_R_ABORT] = "abort",
	[ICAP_R_GONE] = "gone",
};

const char *
icap_result_name(enum icap_result r)
{
	return (unsigned)r < ICAP_R_MAX ? result_names[r] : "?";
}

/* The server for this URL: one already there, for the other method, or new. */
static struct icap_server *
service_server(struct icap_service *s, const struct conf_icap_url *u)
{
	struct icap_server *v;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->servers[i].conf->url, u->url) == 0)
			return &s->servers[i];
	v = &s->servers[s->n];
	v->service = s;
	v->conf = u;
	v->index = (unsigned)s->n++;
	v->authority = xasprintf(strchr(u->host, ':') != NULL ?
	    "[%s]:%u" : "%s:%u", u->host, u->port);
	v->limit = s->conf->connections != 0 ? s->conf->connections :
	    ICAP_CONNECTIONS;
	v->state = s->conf->options ? ICAP_NEW : ICAP_UP;
	v->was_up = !s->conf->options;
	v->due = s->conf->options ? 0 : UINT64_MAX;
	return v;
}

static void
service_group(struct icap_service *s, enum icap_method m,
    const struct conf_icap_url *u, size_t n)
{
	struct icap_group *f = &s->group[m];
	size_t i;

	f->v = xcalloc(n + 1, sizeof(*f->v));
	f->n = n;
	for (i = 0; i < n; i++) {
		f->v[i].server = service_server(s, &u[i]);
		f->v[i].weight = u[i].weight != 0 ? u[i].weight : 1;
		f->v[i].tier = u[i].tier;
	}
}

/* The operator's fields, as they go into each request. */
static int
service_fields(struct icap_service *s, struct text *why)
{
	const struct conf_icap *c = s->conf;
	struct slice value;
	const char *colon;
	char *name;
	size_t i;
	int rv = 0;

	if (c->auth != NULL)
		icap_field_basic(&s->fields,
		    slice_of(c->auth, strlen(c->auth)));
	for (i = 0; i < c->headers.n && rv == 0; i++) {
		if (strstr(c->headers.v[i], "%{") != NULL)
			continue;	/* of each message: adapt */
		if ((colon = strchr(c->headers.v[i], ':')) == NULL)
			colon = c->headers.v[i];
		name = xstrndup(c->headers.v[i],
		    (size_t)(colon - c->headers.v[i]));
		colon += 1 + strspn(colon + 1, " \t");
		value = slice_of(colon, strlen(colon));
		if (*name == '\0' || icap_field(&s->fields, name, value) != 0) {
			text_printf(why, "headers: \"%s\" is no header field",
			    c->headers.v[i]);
			rv = ERR_FORMAT;
		}
		free(name);
	}
	return rv;
}

int
icap_service_new(const struct conf_icap *c, struct icap_service **out,
    struct text *why)
{
	struct icap_service *s = xcalloc(1, sizeof(*s));
	int rv;

	*out = NULL;
	s->conf = c;
	pthread_mutex_init(&s->lock, NULL);
	TAILQ_INIT(&s->wakers);
	RAND_bytes((unsigned char *)&s->busy.seed, sizeof(s->busy.seed));
	s->waiting.seed = s->busy.seed;
	s->servers = xcalloc(c->nreqmod + c->nrespmod + 1,
	    sizeof(*s->servers));
	service_group(s, ICAP_REQMOD, c->reqmod, c->nreqmod);
	service_group(s, ICAP_RESPMOD, c->respmod, c->nrespmod);
	if (s->n > ICAP_SERVERS) {
		text_printf(why, "more than %d servers", ICAP_SERVERS);
		rv = ERR_LIMIT;
	} else if ((rv = service_fields(s, why)) == 0)
		rv = icap_tls_new(s, why);
	if (rv != 0)
		icap_service_free(s);
	else
		*out = s;
	return rv;
}

void
icap_service_free(struct icap_service *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++) {
		free(s->servers[i].authority);
		icap_options_free(&s->servers[i].options);
		SSL_SESSION_free(s->servers[i].session);
	}
	for (i = 0; i < NELEM(s->group); i++)
		free(s->group[i].v);
	free(s->servers);
	text_free(&s->fields);
	SSL_CTX_free(s->ctx);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const struct conf_icap *
icap_service_conf(const struct icap_service *s)
{
	return s->conf;
}

int
icap_sampled(struct icap_service *s)
{
	return s->conf->sample <= 1 ||
	    atomic_fetch_add(&s->seen, 1) % s->conf->sample == 0;
}

int
icap_does(const struct icap_service *s, enum icap_method m)
{
	return m != ICAP_OPTIONS && s->group[m].n > 0;
}

void
icap_count(struct icap_service *s, struct icap_record *r)
{
	static const double bounds[ICAP_BUCKETS - 1] = { .5, 1, 2.5, 5, 10,
	    25, 50, 100, 250, 1000, 5000 };
	int fault = r->result == ICAP_R_ERR || r->result == ICAP_R_BYPASS;
	size_t i = 0;

	while (i < NELEM(bounds) && r->total > bounds[i])
		i++;
	s->stats.seconds[i]++;
	s->stats.micros += (uint64_t)(r->total * 1e3);
	s->stats.results[r->method][r->result]++;
	r->service = s->conf->name;
	snprintf(r->outcome, sizeof(r->outcome), "%s%s%s",
	    icap_result_name(r->result), fault ? "-" : "",
	    fault ? icap_fault_name(r->fault) : "");
}

const struct icap_stats *
icap_service_stats(const struct icap_service *s)
{
	return &s->stats;
}

int
icap_server_stats(struct icap_service *s, size_t i,
    struct icap_server_stats *out)
{
	struct icap_server *v;

	if (i >= s->n)
		return ERR_NOTFOUND;
	v = &s->servers[i];
	memset(out, 0, sizeof(*out));
	out->url = v->conf->url;
	out->state = (enum icap_state)v->state;
	out->connections = v->conns;
	out->idle = v->idle;
	out->busy = v->busy;
	out->limit = v->limit;
	out->transactions = v->transactions;
	out->failures = v->failures;
	out->opened = v->opened;
	out->reused = v->reused;
	pthread_mutex_lock(&s->lock);
	out->preview = v->known ? v->options.preview : -1;
	memcpy(out->istag, v->istag, sizeof(out->istag));
	memcpy(out->why, v->why, sizeof(out->why));
	pthread_mutex_unlock(&s->lock);
	return 0;
}
