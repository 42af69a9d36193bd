/*
 * Records of exchanges.
 */
#include "http/record.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define HOST_MAX	255

static const struct slice none;

/* A copy of at most max bytes; NULL of nothing. */
static void
keep(char **field, struct slice s, size_t max)
{
	free(*field);
	*field = s.len == 0 ? NULL : xstrndup(s.p, s.len < max ? s.len : max);
}

/* A media type without its parameters. */
static void
keep_type(char **field, const struct http_head *h)
{
	struct slice s = http_value(h, "Content-Type"), type = s;

	slice_cut(&s, ';', &type);
	keep(field, slice_trim(type), HTTP_RECORD_FIELD);
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
	keep(&r->host, u.host, HOST_MAX);
	for (p = r->host; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
}

void
http_record_request(struct http_record *r, const struct http_head *h,
    const struct timespec *now)
{
	r->start = *now;
	r->version[0] = h->version;
	keep(&r->method, h->method, HTTP_RECORD_FIELD);
	keep(&r->url, h->target, HTTP_RECORD_URL);
	record_host(r, h);
	keep(&r->user_agent, http_value(h, "User-Agent"), HTTP_RECORD_FIELD);
	keep(&r->referer, http_value(h, "Referer"), HTTP_RECORD_URL);
	keep_type(&r->content_type[0], h);
}

void
http_record_response(struct http_record *r, const struct http_head *h,
    const struct timespec *now)
{
	r->answered = *now;
	r->version[1] = h->version;
	r->status = h->status;
	keep_type(&r->content_type[1], h);
	keep(&r->location, h->status / 100 == 3 ? http_value(h, "Location") :
	    none, HTTP_RECORD_URL);
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
	keep(&r->content_type[1], none, 0);
	keep(&r->location, none, 0);
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

size_t
http_record_size(const struct http_record *r)
{
	const char *const kept[] = { r->method, r->url, r->host, r->user_agent,
	    r->referer, r->content_type[0], r->content_type[1], r->location };
	size_t i, n = 0;

	for (i = 0; i < NELEM(kept); i++)
		n += kept[i] != NULL ? strlen(kept[i]) + 1 : 0;
	return n;
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
