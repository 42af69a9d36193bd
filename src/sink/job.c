/*
 * What of a message is shown to a service, and which are shown to none.
 */
#include <string.h>

#include "sink/side.h"
#include "util/err.h"

enum icap_method
side_method(const struct side *s)
{
	return s->dir == DIR_UP ? ICAP_REQMOD : ICAP_RESPMOD;
}

const struct http1_head *
side_http(const struct side *s)
{
	return s->http != NULL ? s->http : s->m.http;
}

static int
slice_begins(struct slice s, const char *text, size_t n)
{
	return s.len >= n && strncasecmp(s.p, text, n) == 0;
}

/* Media that never end, or cannot be looked at (bypass-types). */
int
side_is_stream(const struct side *s, const struct conf_icap *conf)
{
	struct slice type = http1_value(s->m.http, "content-type");
	const char *p;
	size_t i, n;

	for (i = 0; i < conf->bypass_types.n; i++) {
		p = conf->bypass_types.v[i];
		n = strlen(p);
		if (n > 0 && p[n - 1] == '*' ?
		    slice_begins(type, p, n - 1) : slice_begins(type, p, n) &&
		    (type.len == n || type.p[n] == ';' || type.p[n] == ' '))
			return 1;
	}
	return 0;
}

/* The heads as ICAP carries them. */
static int
side_encapsulate(struct side *s)
{
	struct exchange *x = s->x;
	const struct record *r = x->rec;
	struct side *up = &x->side[DIR_UP];
	const char *name = r->sni[0] != '\0' ? r->sni : r->host;

	text_clear(&s->req_head);
	text_clear(&s->res_head);
	s->job.path = slice_of(NULL, 0);
	if (side_http(up) == NULL || icap_put_http(&s->req_head,
	    side_http(up), r->protocol == PROTO_TLS ? "https" : "http",
	    slice_of(name, strlen(name)), 1) != 0)
		return ERR_FORMAT;
	s->job.path = side_http(up)->target;
	s->job.req_head = &s->req_head;
	s->job.res_head = NULL;
	if (s->dir == DIR_UP)
		return 0;
	s->job.res_head = &s->res_head;
	return icap_put_http(&s->res_head, side_http(s), "https",
	    slice_of(NULL, 0), 1);
}

int
side_job(struct side *s, size_t k)
{
	const struct exchange *x = s->x;

	memset(&s->job, 0, sizeof(s->job));
	s->job.method = side_method(s);
	s->job.body = s->http != NULL ? s->body : s->m.spool;
	s->job.length = side_http(s)->length;
	s->job.fields = s->dir == DIR_DOWN ? x->echo[k].s : NULL;
	s->job.client = x->rec->client;
	s->job.server = x->rec->server;
	return side_encapsulate(s);
}
