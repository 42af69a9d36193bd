/*
 * Lineages of sessions.
 */
#include "tls/lineage.h"

#include <openssl/rand.h>
#include <string.h>

#include "tls/cert.h"
#include "util/text.h"

#define NO_LIMIT	((size_t)1 << 40)	/* connections have theirs */

struct cache *
lineages_new(void)
{
	return cache_new(NO_LIMIT);
}

uint64_t
lineage_new(void)
{
	uint64_t id = 0;

	RAND_bytes((unsigned char *)&id, sizeof(id));
	return id;
}

static void
lineage_key(uint64_t id, const char *name, uint8_t key[32])
{
	struct text t = { 0 };

	text_add(&t, (const char *)&id, sizeof(id));
	text_puts(&t, name != NULL ? name : "");
	digest_bytes(t.s, t.len, key);
	text_free(&t);
}

void
lineage_open(struct lineage *l, struct cache *c, const char *name)
{
	if (l->id == 0 || l->open)
		return;
	lineage_key(l->id, name, l->key);
	sessions_open(c, l->key);
	l->open = 1;
}

void
lineage_close(struct lineage *l, struct cache *c)
{
	if (l->open)
		sessions_close(c, l->key);
	l->open = 0;
}

void
lineage_put(struct lineage *l, struct cache *c, SSL_SESSION *sess,
    const struct sessions_about *about)
{
	struct sessions_about alone = *about;
	SSL_SESSION *copy;

	alone.chain = 0;	/* its connection has it */
	if (l->open && (copy = SSL_SESSION_dup(sess)) != NULL)
		sessions_put(c, l->key, copy, &alone);
}

SSL_SESSION *
lineage_get(struct lineage *l, struct cache *c, struct sessions_about *about)
{
	SSL_SESSION *sess = l->open ? sessions_get(c, l->key, about) : NULL;

	l->offered = sess != NULL;
	return sess;
}

void
lineage_settle(struct lineage *l, struct cache *c, SSL *ssl,
    const char *name)
{
	if (!l->offered || SSL_session_reused(ssl))
		return;
	lineage_close(l, c);
	l->offered = 0;
	l->id = lineage_new();
	lineage_open(l, c, name);
}

void
lineage_name(const struct lineage *l, unsigned char *id, size_t len)
{
	if (len >= sizeof(l->id))
		memcpy(id, &l->id, sizeof(l->id));
}

uint64_t
lineage_of_id(const uint8_t *id, size_t len)
{
	uint64_t lineage = 0;

	if (len >= sizeof(lineage))
		memcpy(&lineage, id, sizeof(lineage));
	return lineage;
}

SSL_SESSION *
lineage_find(struct cache *c, const uint8_t *id, size_t len)
{
	uint64_t lineage = lineage_of_id(id, len);
	struct sessions_about about;
	SSL_SESSION *sess;
	const unsigned char *have;
	unsigned int n;
	uint8_t key[32];

	if (lineage == 0)
		return NULL;
	lineage_key(lineage, NULL, key);
	if ((sess = sessions_get(c, key, &about)) == NULL)
		return NULL;
	have = SSL_SESSION_get_id(sess, &n);
	if (n == len && memcmp(have, id, len) == 0)
		return sess;
	SSL_SESSION_free(sess);
	return NULL;
}
