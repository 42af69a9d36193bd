/*
 * Records of exchanges.
 */
#include "http/record.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define HOST_MAX	255

/* A copy of at most max bytes; NULL of nothing. */
static char *
keep(struct slice s, size_t max)
{
	if (s.len == 0)
		return NULL;
	return xstrndup(s.p, s.len < max ? s.len : max);
}

static void
set(char **field, char *s)
{
	free(*field);
	*field = s;
}

/* A media type without its parameters. */
static char *
keep_type(const struct http_head *h)
{
	struct slice s = http_value(h, "Content-Type");
	const char *end = s.len > 0 ? memchr(s.p, ';', s.len) : NULL;

	if (end != NULL)
		s.len = (size_t)(end - s.p);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return keep(s, HTTP_RECORD_FIELD);
}

static void
record_host(struct http_record *r, const struct http_head *h)
{
	struct http_url u, port;
	char *p;

	if (http_authority(h->authority, 1, &u) != 0)
		return;
	/* Port 0 says that there must be one. */
	r->port = http_authority(h->authority, 0, &port) == 0 ? port.port : 0;
	set(&r->host, keep(u.host, HOST_MAX));
	for (p = r->host; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
}

void
http_record_request(struct http_record *r, const struct http_head *h,
    const struct timespec *now)
{
	r->start = *now;
	r->version[0] = h->version;
	set(&r->method, keep(h->method, HTTP_RECORD_FIELD));
	set(&r->url, keep(h->target, HTTP_RECORD_URL));
	record_host(r, h);
	set(&r->user_agent, keep(http_value(h, "User-Agent"),
	    HTTP_RECORD_FIELD));
	set(&r->referer, keep(http_value(h, "Referer"), HTTP_RECORD_URL));
	set(&r->content_type[0], keep_type(h));
}

void
http_record_response(struct http_record *r, const struct http_head *h,
    const struct timespec *now)
{
	r->answered = *now;
	r->version[1] = h->version;
	r->status = h->status;
	set(&r->content_type[1], keep_type(h));
	set(&r->location, h->status / 100 == 3 ?
	    keep(http_value(h, "Location"), HTTP_RECORD_URL) : NULL);
}

void
http_record_replaced(struct http_record *r, const char *by, int status)
{
	if (r->by == NULL && r->status != 0) {
		r->origin.status = r->status;
		r->origin.length = r->length[1];
	}
	r->by = by;
	r->status = status;
	r->length[1] = 0;
	set(&r->content_type[1], NULL);
	set(&r->location, NULL);
}

void
http_record_restored(struct http_record *r, const struct http_head *h)
{
	struct timespec answered = r->answered;

	if (r->by == NULL)
		return;
	r->by = NULL;
	r->status = 0;
	r->length[1] = r->origin.length;
	memset(&r->origin, 0, sizeof(r->origin));
	if (h != NULL)
		http_record_response(r, h, &answered);
}

int
http_record_used(const struct http_record *r)
{
	return r->method != NULL;
}

void
http_record_free(struct http_record *r)
{
	free(r->method);
	free(r->url);
	free(r->host);
	free(r->user_agent);
	free(r->referer);
	free(r->content_type[0]);
	free(r->content_type[1]);
	free(r->location);
	memset(r, 0, sizeof(*r));
}

void
http_record_next(struct http_record *r)
{
	unsigned number = r->number + 1;

	http_record_free(r);
	r->number = number;
}
