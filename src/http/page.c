/*
 * Pages of our own: a whole HTTP/1.1 response that says what happened.
 */
#include "http/page.h"

#include <string.h>

#include "util/mem.h"

/* The phrases of RFC 9110, 15, and of RFC 6585 for 431. */
static const char *
page_title(int status)
{
	static const struct {
		int		 status;
		const char	*title;
	} titles[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 421, "Misdirected Request" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" }
	};
	size_t i;

	for (i = 0; i < NELEM(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

/* A peer's bytes may be in it: nothing of them is markup. */
static void
page_escape(struct text *t, const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr("<>&", *s) == NULL)
			text_add(t, s, 1);
		else
			text_puts(t, *s == '<' ? "&lt;" : *s == '>' ? "&gt;" :
			    "&amp;");
}

char *
page_whole(int status, const char *type, struct text *body, size_t *len)
{
	struct text t = { 0 };

	text_printf(&t, "HTTP/1.1 %d %s\r\n"
	    "Server: clearspan\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "%s"
	    "Connection: close\r\n"
	    "\r\n", status, page_title(status), type, body->len,
	    status == 503 ? "Retry-After: 5\r\n" : "");
	text_add(&t, body->s, body->len);
	text_free(body);
	*len = t.len;
	return text_take(&t);
}

char *
page_http(int status, const char *why, const char *reference, size_t *len)
{
	struct text body = { 0 };

	text_printf(&body, "<!DOCTYPE html>\n<html lang=\"en\">\n"
	    "<head><meta charset=\"utf-8\"><title>%s</title></head>\n"
	    "<body>\n<h1>%s</h1>\n<p>", page_title(status),
	    status == 403 ? "This connection is not allowed" :
	    status == 421 ? "This request is not for this connection" :
	    "This connection could not be made");
	page_escape(&body, why);
	text_printf(&body, " (%s)", reference);
	text_puts(&body, "</p>\n<p>This answer is from the network's gateway "
	    "(Clearspan), not from the site.</p>\n</body>\n</html>\n");
	return page_whole(status, "text/html; charset=utf-8", &body, len);
}
