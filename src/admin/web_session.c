/*
 * Who looks at the pages. The cookie is "ROLE.END.MAC.NAME": the role's number,
 * seconds since 1970, and a MAC over all of it and the REST port.
 */
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/web.h"
#include "http/wants.h"
#include "util/clock.h"
#include "util/mem.h"

#define COOKIE	"clearspan"
#define LANG	"clearspan-lang"

static uint8_t	key[32];

static void
key_make(void)
{
	if (RAND_bytes(key, sizeof(key)) != 1)
		abort();
}

static void
mac_of(char out[WEB_MAC], const char *what, const char *text)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char *all = xasprintf("%s %s", what, text);
	uint8_t mac[32];
	unsigned n = sizeof(mac);

	pthread_once(&once, key_make);
	if (HMAC(EVP_sha256(), key, sizeof(key), (uint8_t *)all, strlen(all),
	    mac, &n) == NULL)
		abort();
	hex_lower(out, mac, sizeof(mac));
	out[WEB_MAC - 1] = '\0';
	free(all);
}

/* The value of a cookie; 0 if there is none (RFC 6265, 5.4). */
static int
cookie(const struct rest_request *r, const char *name, char out[WEB_COOKIE])
{
	char all[REST_PATH], *s, *save = NULL;
	size_t n = strlen(name);

	if (!rest_header(r, "Cookie", all, sizeof(all)))
		return 0;
	for (s = strtok_r(all, "; ", &save); s != NULL;
	    s = strtok_r(NULL, "; ", &save))
		if (strncmp(s, name, n) == 0 && s[n] == '=' &&
		    strlen(s + n + 1) < WEB_COOKIE) {
			strcpy(out, s + n + 1);
			return 1;
		}
	return 0;
}

/* What the MAC of a cookie is over. */
static char *
signed_text(const struct rest_request *r, unsigned role, long long end,
    const char *name)
{
	return xasprintf("%u %lld %s %s", role, end, r->sensor->name, name);
}

/* Take the cookie apart: its parts are in it. 0: it is not ours, or over. */
static int
cookie_read(const struct rest_request *r, char *value, unsigned *role,
    char **name)
{
	char mac[WEB_MAC], *text, *given, *end_of;
	long long end;
	int ours;

	*role = (unsigned)strtoul(value, &end_of, 10);
	if (*end_of != '.')
		return 0;
	end = strtoll(end_of + 1, &end_of, 10);
	if (*end_of != '.' || strlen(end_of + 1) < WEB_MAC ||
	    end_of[WEB_MAC] != '.')
		return 0;
	given = end_of + 1;
	*name = end_of + WEB_MAC + 1;
	text = signed_text(r, *role, end, *name);
	mac_of(mac, "session", text);
	ours = CRYPTO_memcmp(mac, given, WEB_MAC - 1) == 0;
	free(text);
	return ours && end > clock_wall().tv_sec;
}

int
web_known(struct rest_request *r)
{
	char value[WEB_COOKIE], *name;
	unsigned role;

	return r->role != 0 || (cookie(r, COOKIE, value) &&
	    cookie_read(r, value, &role, &name) && rest_known(r, name, role));
}

static void
cookie_set(struct rest_request *r, const char *name, const char *value,
    int seconds)
{
	char *s = xasprintf("%s=%s; Path=/; Max-Age=%d; HttpOnly; "
	    "SameSite=Strict%s", name, value, seconds, r->tls ? "; Secure" :
	    "");

	rest_field(r, "Set-Cookie", s);
	free(s);
}

void
web_begin(struct rest_request *r)
{
	long long end = clock_wall().tv_sec + WEB_SESSION;
	char mac[WEB_MAC], *value, *text;

	text = signed_text(r, r->role, end, r->name);
	mac_of(mac, "session", text);
	value = xasprintf("%u.%lld.%s.%s", r->role, end, mac, r->name);
	cookie_set(r, COOKIE, value, WEB_SESSION);
	free(value);
	free(text);
}

void
web_end(struct rest_request *r)
{
	cookie_set(r, COOKIE, "", 0);
}

void
web_form_mac(const struct rest_request *r, char out[WEB_MAC])
{
	char value[WEB_COOKIE];

	/* Without a cookie a certificate says who it is. */
	mac_of(out, "form", cookie(r, COOKIE, value) ? value : r->name != NULL ?
	    r->name : "");
}

int
web_form_ours(struct rest_request *r)
{
	char want[WEB_MAC], given[WEB_MAC];

	web_form_mac(r, want);
	return rest_form(r, "form", given, sizeof(given)) &&
	    strlen(given) == WEB_MAC - 1 &&
	    CRYPTO_memcmp(want, given, WEB_MAC - 1) == 0;
}

enum page_language
web_language(const struct rest_request *r)
{
	static const int all[] = { PAGE_EN, PAGE_JA };
	const struct conf_pages *p = &r->env->conf->pages;
	char said[WEB_COOKIE];
	int i;

	if (rest_query(r, "lang", said, sizeof(said)) ||
	    cookie(r, LANG, said))
		for (i = 0; i < PAGE_LANGUAGES; i++)
			if (strcmp(said, page_language_str(
			    (enum page_language)i)) == 0)
				return (enum page_language)i;
	return p->nlanguages > 0 ? wants_language(r->head, p->languages,
	    p->nlanguages) : wants_language(r->head, all, PAGE_LANGUAGES);
}

void
web_keep_language(struct rest_request *r)
{
	char said[WEB_COOKIE];

	if (rest_query(r, "lang", said, sizeof(said)))
		cookie_set(r, LANG, page_language_str(web_language(r)),
		    366 * 24 * 3600);
}
