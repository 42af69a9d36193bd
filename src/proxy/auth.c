/*
 * What is known of users and passwords, what is being checked just now, and
 * who guesses; all of one worker.
 */
#include "proxy/auth.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/inner.h"
#include "proxy/session.h"
#include "proxy/verify.h"
#include "tls/cert.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define KNOWN_SLOTS	2048
#define RIGHT_MS	(60 * 60 * 1000)
#define WRONG_MS	(60 * 1000)
#define GUESSER_SLOTS	512
#define GUESSES		10	/* wrong ones of an address ... */
#define GUESSES_MS	(60 * 1000)	/* ... in this time */

struct known {			/* a newer one takes its slot */
	uint8_t		 key[32];
	uint64_t	 until;		/* ms; 0: empty */
	int		 right;
};

struct guesser {
	uint64_t	 owner;		/* addr_owner() */
	uint64_t	 since;		/* ms, of the first wrong one */
	unsigned	 wrong;
};

struct auth_check {		/* a password is being checked */
	TAILQ_ENTRY(auth_check) link;
	struct auth	*auth;
	struct verify	*verify;
	uint64_t	 owner;
	uint8_t		 key[32];
	int		 exists;	/* there is such a user */
	struct sessions	 waiting;
};

struct auth {
	struct worker	*worker;
	uint8_t		 secret[32];
	TAILQ_HEAD(, auth_check) checks;
	struct known	 known[KNOWN_SLOTS];
	struct guesser	 guesser[GUESSER_SLOTS];
};

const char *
auth_str(enum auth_is is)
{
	static const char *const texts[] = {
		[AUTH_IS_OK] = "ok",
		[AUTH_IS_WAITING] = "waiting",
		[AUTH_IS_UNASKED] = "user and password are required",
		[AUTH_IS_WRONG] = "user or password is wrong",
		[AUTH_IS_BUSY] = "too many passwords are being checked",
		[AUTH_IS_GUESSING] = "too many wrong passwords lately",
	};

	return texts[is];
}

static const struct conf_auth *
auth_conf(const struct session *s)
{
	return &s->listen->auth;
}

int
auth_wanted(const struct session *s)
{
	return auth_conf(s)->users.n > 0;
}

static void
auth_is(struct session *s, const char *user, size_t len)
{
	memcpy(s->user, user, len);
	s->user[len] = '\0';
	s->facts.user = s->user;
}

static struct known *
known_slot(struct auth *a, const uint8_t key[32])
{
	return &a->known[(key[0] << 8 | key[1]) % KNOWN_SLOTS];
}

static struct guesser *
guesser_of(struct auth *a, uint64_t owner)
{
	struct guesser *g = &a->guesser[owner % GUESSER_SLOTS];

	if (g->owner != owner || clock_ms() - g->since > GUESSES_MS) {
		g->owner = owner;
		g->since = clock_ms();
		g->wrong = 0;
	}
	return g;
}

static void
auth_key(const struct auth *a, const struct basic *b, const char *hash,
    uint8_t key[32])
{
	struct text t = { 0 };
	unsigned len = 32;

	text_printf(&t, "%s:%s:%s", hash, b->user, b->password);
	HMAC(EVP_sha256(), a->secret, sizeof(a->secret), (uint8_t *)t.s,
	    t.len, key, &len);
	OPENSSL_cleanse(t.s, t.len);
	text_free(&t);
}

static void
check_free(struct auth_check *c)
{
	TAILQ_REMOVE(&c->auth->checks, c, link);
	free(c);
}

static void
check_done(void *arg, int ok)
{
	struct auth_check *c = arg;
	struct auth *a = c->auth;
	struct known *k = known_slot(a, c->key);
	struct session *s;

	ok = ok && c->exists;
	memcpy(k->key, c->key, sizeof(k->key));
	k->right = ok;
	k->until = clock_ms() + (ok ? RIGHT_MS : WRONG_MS);
	if (!ok)
		guesser_of(a, c->owner)->wrong++;
	while ((s = TAILQ_FIRST(&c->waiting)) != NULL) {
		TAILQ_REMOVE(&c->waiting, s, asking);
		s->auth_check = NULL;
		session_soon(s);
	}
	check_free(c);
}

void
auth_leave(struct session *s)
{
	if (s->auth_check == NULL)
		return;
	TAILQ_REMOVE(&s->auth_check->waiting, s, asking);
	s->auth_check = NULL;	/* what it finds is remembered */
}

static enum auth_is
auth_wait(struct session *s, struct auth_check *c)
{
	s->auth_check = c;
	TAILQ_INSERT_TAIL(&c->waiting, s, asking);
	return AUTH_IS_WAITING;
}

/* It is not known yet: have it checked. */
static enum auth_is
auth_ask(struct session *s, const uint8_t key[32], const char *hash,
    const char *password, int exists)
{
	struct auth *a = s->worker->auth;
	uint64_t owner = addr_owner(&s->facts.client);
	struct auth_check *c;

	TAILQ_FOREACH(c, &a->checks, link)
		if (memcmp(c->key, key, sizeof(c->key)) == 0)
			return auth_wait(s, c);
	if (guesser_of(a, owner)->wrong >= GUESSES)
		return AUTH_IS_GUESSING;
	c = xcalloc(1, sizeof(*c));
	c->auth = a;
	c->owner = owner;
	c->exists = exists;
	memcpy(c->key, key, sizeof(c->key));
	TAILQ_INIT(&c->waiting);
	TAILQ_INSERT_TAIL(&a->checks, c, link);
	c->verify = verify_start(s->worker->mailbox, hash, password,
	    check_done, c);
	if (c->verify != NULL)
		return auth_wait(s, c);
	check_free(c);
	return AUTH_IS_BUSY;
}

enum auth_is
auth_password(struct session *s, const struct basic *b)
{
	const struct conf_users *users = &auth_conf(s)->users;
	const struct conf_user *u = conf_users_find(users, b->user);
	/* A name that does not exist takes as long. */
	const char *hash = u != NULL ? u->hash : users->v[0].hash;
	const struct known *k;
	uint8_t key[32];

	if (s->auth_check != NULL)
		return AUTH_IS_WAITING;
	auth_key(s->worker->auth, b, hash, key);
	k = known_slot(s->worker->auth, key);
	if (k->until <= clock_ms() || memcmp(k->key, key, sizeof(key)) != 0)
		return auth_ask(s, key, hash, b->password, u != NULL);
	if (!k->right)
		return AUTH_IS_WRONG;
	auth_is(s, b->user, strlen(b->user));
	return AUTH_IS_OK;
}

/* What the request says of its user, hashed. */
static void
auth_sum(const struct session *s, const struct http_head *h, uint8_t sum[32])
{
	const char *header = auth_conf(s)->header;
	struct slice basic = http_value(h, "Proxy-Authorization");
	struct slice front = header != NULL ? http_value(h, header) :
	    slice_of(NULL, 0);
	struct text t = { 0 };

	text_add(&t, basic.p, basic.len);
	text_add(&t, "", 1);
	text_add(&t, front.p, front.len);
	digest_bytes(t.s, t.len, sum);
	OPENSSL_cleanse(t.s, t.len);
	text_free(&t);
}

int
auth_same(const struct session *s, const struct http_head *h)
{
	uint8_t sum[32];

	if (!auth_conf(s)->given)
		return 1;
	auth_sum(s, h, sum);
	return memcmp(sum, s->auth_sum, sizeof(sum)) == 0;
}

void
auth_strip(const struct session *s, struct http_head *h)
{
	const char *header = auth_conf(s)->header;
	size_t i, n = 0;

	if (header == NULL)
		return;
	for (i = 0; i < h->n; i++)
		if (!slice_is(h->h[i].name, header))
			h->h[n++] = h->h[i];
	h->n = n;
}

/* A front that we trust says whom it asks for. */
static int
auth_front(struct session *s, const struct http_head *h)
{
	const struct conf_auth *a = auth_conf(s);
	struct slice user;

	if (a->header == NULL || !conf_prefixes_have(&a->from,
	    &s->facts.client))
		return 0;
	user = http_value(h, a->header);
	if (!basic_name_valid(user.p, user.len))
		return 0;
	auth_is(s, user.p, user.len);
	return 1;
}

enum auth_is
auth_http(struct session *s, const struct http_head *h)
{
	struct basic b;
	enum auth_is is;

	if (!auth_conf(s)->given)
		return AUTH_IS_OK;
	auth_sum(s, h, s->auth_sum);
	if (auth_front(s, h) || !auth_wanted(s))
		return AUTH_IS_OK;
	if (basic_read(&b, http_value(h, "Proxy-Authorization")) != 0)
		return AUTH_IS_UNASKED;
	is = auth_password(s, &b);
	OPENSSL_cleanse(&b, sizeof(b));
	return is;
}

struct auth *
auth_new(struct worker *w)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	a->worker = w;
	TAILQ_INIT(&a->checks);
	if (RAND_bytes(a->secret, sizeof(a->secret)) != 1)
		abort();
	return a;
}

void
auth_free(struct auth *a)
{
	struct auth_check *c;

	if (a == NULL)
		return;
	while ((c = TAILQ_FIRST(&a->checks)) != NULL) {
		verify_cancel(c->verify);
		check_free(c);
	}
	OPENSSL_cleanse(a->secret, sizeof(a->secret));
	free(a);
}
