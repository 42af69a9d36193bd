/*
 * The captive portal API, and what systems ask for to notice a portal.
 */
#include "http/captive.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "http/page.h"
#include "util/mem.h"

static const struct {
	const char	*host;
	const char	*path;		/* NULL: the host is for nothing else */
} probes[] = {
	/* Android, ChromeOS, Chromium */
	{ "connectivitycheck.gstatic.com", NULL },
	{ "connectivitycheck.android.com", NULL },
	{ "www.gstatic.com", "/generate_204" },
	{ "www.google.com", "/gen_204" },
	{ "www.google.com", "/generate_204" },
	{ "clients1.google.com", "/generate_204" },
	{ "clients3.google.com", "/generate_204" },
	{ "play.googleapis.com", "/generate_204" },
	{ "connect.rom.miui.com", "/generate_204" },
	{ "connectivitycheck.platform.hicloud.com", NULL },
	/* iOS, macOS */
	{ "captive.apple.com", NULL },
	{ "www.apple.com", "/library/test/success.html" },
	{ "www.airport.us", NULL },
	{ "www.ibook.info", NULL },
	{ "www.itools.info", NULL },
	{ "www.thinkdifferent.us", NULL },
	{ "www.appleiphonecell.com", NULL },
	/* Windows, Edge; the first two are also asked for /redirect, which
	 * opens in the browser */
	{ "www.msftconnecttest.com", NULL },
	{ "www.msftncsi.com", NULL },
	{ "ipv6.msftconnecttest.com", NULL },
	{ "ipv6.msftncsi.com", NULL },
	{ "edge-http.microsoft.com", "/captiveportal/generate_204" },
	/* Firefox, Brave, Kindle */
	{ "detectportal.firefox.com", NULL },
	{ "detectportal.brave-http-only.com", NULL },
	{ "spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html" },
	/* NetworkManager and its like, by distribution */
	{ "network-test.debian.org", NULL },
	{ "nmcheck.gnome.org", NULL },
	{ "connectivity-check.ubuntu.com", NULL },
	{ "conncheck.opensuse.org", NULL },
	{ "fedoraproject.org", "/static/hotspot.txt" },
	{ "ping.archlinux.org", NULL },
	{ "networkcheck.kde.org", NULL }
};

int
captive_path(const struct http_head *h, const char *path)
{
	struct slice all = h->path, front;

	return slice_eq(slice_cut(&all, '?', &front) ? front : all, path);
}

int
captive_probe(const struct http_head *h)
{
	char name[HTTP_NAME_MAX];
	size_t i;

	if ((!slice_eq(h->method, "GET") && !slice_eq(h->method, "HEAD")) ||
	    http_name(h, name) != 0)
		return 0;
	for (i = 0; i < NELEM(probes); i++)
		if (strcmp(name, probes[i].host) == 0 &&
		    (probes[i].path == NULL || captive_path(h, probes[i].path)))
			return 1;
	return 0;
}

void
captive_url(struct text *t, const char *scheme, const char *host,
    const char *path)
{
	int v6 = strchr(host, ':') != NULL;

	text_printf(t, "%s://%s%s%s%s", scheme, v6 ? "[" : "", host,
	    v6 ? "]" : "", path);
}

static void
put_text(json_t *o, const char *name, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, name, json_string(value));
}

/*
 * The keys of RFC 8908, 5; others are ignored by who does not know them.
 * Its seconds-remaining is the time that is left before a client is held, so
 * one that is held does not get it.
 */
static void
api_contained(json_t *o, const struct captive *c)
{
	json_t *q = json_object();
	struct text url = { 0 };

	captive_url(&url, "https", c->host, CAPTIVE_PAGE);
	put_text(o, "user-portal-url", url.s);
	json_object_set_new(o, "can-extend-session", json_false());
	put_text(q, "reference", c->reference);
	put_text(q, "reason", c->reason);
	put_text(q, "until", c->until);
	json_object_set_new(q, "seconds-remaining", json_integer(c->left));
	json_object_set_new(o, "quarantine", q);
	text_free(&url);
}

char *
captive_api(const struct captive *c, int head, size_t *len)
{
	json_t *o = json_object();
	struct text body = { 0 };
	char *s, *page;
	size_t n;

	json_object_set_new(o, "captive", json_boolean(c->reference != NULL));
	if (c->reference != NULL)
		api_contained(o, c);
	s = json_dumps(o, JSON_COMPACT);
	text_printf(&body, "%s\n", s != NULL ? s : "{\"captive\":false}");
	free(s);
	json_decref(o);
	n = body.len;
	page = page_whole(200, "application/captive+json",
	    "Cache-Control: private\r\n", &body, len);
	if (head)
		*len -= n;
	return page;
}

char *
captive_redirect(const char *url, size_t *len)
{
	struct text body = { 0 };
	char *location = xasprintf("Location: %s\r\n", url), *page;

	page = page_whole(302, "text/plain", location, &body, len);
	free(location);
	return page;
}
