/*
 * Remembered answers to warnings, and the tokens of their buttons.
 */
#include "proxy/coach.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cache.h"
#include "util/mem.h"
#include "util/text.h"

#define BUDGET		(1 << 20)	/* bytes; an answer takes about 200 */
#define TOKEN_MS	(10 * 60 * 1000)
#define MAC_BYTES	32

/* One remembered answer. */
struct answer {
	struct cache_item item;
	uint64_t	 until;
};

static struct cache	*answers;
static uint8_t		 secret[32];

static void
coach_init(void)
{
	if (RAND_bytes(secret, sizeof(secret)) != 1)
		abort();
	answers = cache_new(BUDGET);
}

static void
coach_ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, coach_init);
}

/* Keyed: a client cannot choose names that share a place. */
static void
mac_of(uint8_t out[MAC_BYTES], const char *what, const struct addr *client,
    const char *site, uint64_t until)
{
	char ip[ADDR_STRLEN], *text;
	unsigned n = MAC_BYTES;

	coach_ready();
	text = xasprintf("%s %s %llu %s", what, addr_ip_str(client, ip),
	    (unsigned long long)until, site);
	if (HMAC(EVP_sha256(), secret, sizeof(secret), (uint8_t *)text,
	    strlen(text), out, &n) == NULL)
		abort();
	free(text);
}

int
coach_remembers(const struct addr *client, const char *site, uint64_t now)
{
	uint8_t key[MAC_BYTES];
	struct answer *a;
	int yes;

	mac_of(key, "answer", client, site, 0);
	a = (struct answer *)cache_ask(answers, key);
	yes = a != NULL && now < a->until;
	if (a != NULL && !yes)
		cache_drop(answers, &a->item, 1);
	cache_unlock(answers, key);
	return yes;
}

static void
answer_free(struct cache_item *i)
{
	free(i);
}

void
coach_remember(const struct addr *client, const char *site, uint64_t until)
{
	uint8_t key[MAC_BYTES];
	struct answer *a;

	mac_of(key, "answer", client, site, 0);
	a = (struct answer *)cache_lock(answers, key);
	if (a != NULL) {
		a->until = until;
	} else {
		a = xcalloc(1, sizeof(*a));
		cache_item_init(&a->item, key, answer_free);
		a->until = until;
		cache_add(answers, &a->item, sizeof(*a), CACHE_GOOD);
	}
	cache_unlock(answers, key);
}

static void
token_until(char out[COACH_TOKEN], const struct addr *client,
    const char *site, uint64_t until)
{
	uint8_t mac[MAC_BYTES];
	int n;

	mac_of(mac, "token", client, site, until);
	n = snprintf(out, COACH_TOKEN, "%llx.", (unsigned long long)until);
	hex_lower(out + n, mac, sizeof(mac));
}

void
coach_token(char out[COACH_TOKEN], const struct addr *client,
    const char *site, uint64_t now)
{
	token_until(out, client, site, now + TOKEN_MS);
}

int
coach_accepts(struct slice token, const struct addr *client,
    const char *site, uint64_t now)
{
	char given[COACH_TOKEN], want[COACH_TOKEN];
	unsigned long long until;

	if (token.len == 0 || token.len >= sizeof(given))
		return 0;
	memcpy(given, token.p, token.len);
	given[token.len] = '\0';
	until = strtoull(given, NULL, 16);
	if (until < now || until > now + TOKEN_MS)
		return 0;
	token_until(want, client, site, until);
	return strlen(want) == token.len &&
	    CRYPTO_memcmp(want, given, token.len) == 0;
}

/* A path that begins with "//" would name another host. */
static const char *
path_begin(struct slice path)
{
	return path.len == 0 || *path.p != '/' ? "/" :
	    path.len > 1 && (path.p[1] == '/' || path.p[1] == '\\') ? "/." :
	    "";
}

char *
coach_action(struct slice path, const char *token)
{
	int query = path.len > 0 && memchr(path.p, '?', path.len) != NULL;

	return xasprintf("%s%.*s%c" COACH_PARAMETER "=%s", path_begin(path),
	    SLICE(path), query ? '&' : '?', token);
}

/* A browser says so when a person pressed it on the page itself. */
static int
is_pressed(const struct http_head *h)
{
	struct slice mode = http_value(h, "Sec-Fetch-Mode");

	return slice_eq(h->method, "POST") && (mode.len == 0 ||
	    (slice_is(mode, "navigate") &&
	    slice_is(http_value(h, "Sec-Fetch-Site"), "same-origin") &&
	    slice_is(http_value(h, "Sec-Fetch-User"), "?1")));
}

char *
coach_pressed(const struct http_head *h, struct slice *token)
{
	static const char mark[] = COACH_PARAMETER "=";
	const size_t n = sizeof(mark) - 1;
	struct slice path = h->path;
	const char *p = path.p, *at = NULL;

	/* The last one. */
	while (path.len > 0 && (p = memmem(p, (size_t)(path.p + path.len - p),
	    mark, n)) != NULL)
		at = p++;
	if (at == NULL || at == path.p || (at[-1] != '?' && at[-1] != '&') ||
	    !is_pressed(h))
		return NULL;
	*token = slice_of(at + n, (size_t)(path.p + path.len - at) - n);
	path.len = (size_t)(at - path.p) - 1;
	return xasprintf("%s%.*s", path_begin(path), SLICE(path));
}
