/*
 * The leaf cache, on util/cache.h. No mutex is held while a certificate is
 * built or signed. An entry is added when its forging begins, and later askers
 * join its waiters.
 */
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/authority.h"
#include "tls/cert.h"
#include "tls/forge.h"
#include "tls/leaf.h"
#include "util/cache.h"
#include "util/mem.h"

/* A leaf is forged again after a day, so that its validity moves on. */
#define LEAF_FRESH	(24 * 3600)

struct entry {
	struct cache_item item;		/* busy while under way */
	struct leafs	*leafs;
	struct leaf	*leaf;		/* NULL: under way */
	time_t		 until;		/* forge it again after this */
	struct leaf_wait *waits, **last;
	struct leaf_want want;		/* while under way; ours */
	struct entry	*next;		/* of those waiting for the RSA key */
};

struct leaf_wait {
	struct mail	 mail;
	struct leaf_wait *next;
	struct mailbox	*box;
	leaf_done	 done;
	void		*arg;
	struct leaf	*leaf;		/* the answer */
	struct entry	*entry;		/* NULL once the mail is posted */
	struct leafs	*leafs;
	uint8_t		 key[32];
	int		 joined;
	int		 cancelled;
};

struct leafs {
	struct authority *const *authorities;
	size_t		 n;
	struct cache	*cache;
	atomic_ullong	 hits, misses, waited, forged, failed;
	struct forge_key key[LEAF_KEYS]; /* made at once, except RSA */
	pthread_mutex_t	 mutex;		/* for the members below */
	int		 rsa_ready;
	int		 rsa_thread;	/* started */
	pthread_t	 thread;
	struct entry	*rsa_waits;
};

static void	 entry_forge(struct entry *);
static void	 entry_signed(void *, X509 *, int);

struct leaf *
leaf_ref(struct leaf *leaf)
{
	atomic_fetch_add(&leaf->refs, 1);
	return leaf;
}

void
leaf_unref(struct leaf *leaf)
{
	if (leaf == NULL || atomic_fetch_sub(&leaf->refs, 1) > 1)
		return;
	X509_free(leaf->cert);
	EVP_PKEY_free(leaf->key);
	sk_X509_pop_free(leaf->chain, X509_free);
	free(leaf);
}

struct leaf *
leaf_new(X509 *cert, EVP_PKEY *key, STACK_OF(X509) *chain)
{
	struct leaf *leaf = xcalloc(1, sizeof(*leaf));

	atomic_init(&leaf->refs, 1);
	leaf->cert = cert;
	EVP_PKEY_up_ref(key);
	leaf->key = key;
	leaf->chain = X509_chain_up_ref(chain);
	cert_digest(cert, leaf->id);
	cert_note(cert, leaf->id, cert_weight(cert));
	return leaf;
}

struct leafs *
leafs_new(struct authority *const *authorities, size_t n, size_t bytes)
{
	struct leafs *l = xcalloc(1, sizeof(*l));
	enum leaf_key type;

	l->authorities = authorities;
	l->n = n;
	pthread_mutex_init(&l->mutex, NULL);
	l->cache = cache_new(bytes);
	for (type = 0; type < LEAF_KEYS; type++)
		if (type != LEAF_RSA &&
		    forge_key_make(&l->key[type], type) != 0 &&
		    type == LEAF_P256) {
			leafs_free(l);
			return NULL;
		}
	return l;
}

static void
entry_free(struct cache_item *item)
{
	struct entry *e = (struct entry *)item;

	leaf_unref(e->leaf);
	X509_free(e->want.original);
	free((char *)(uintptr_t)e->want.name);
	free((char *)(uintptr_t)e->want.asked);
	free(e);
}

void
leafs_free(struct leafs *l)
{
	enum leaf_key type;
	size_t i;

	if (l == NULL)
		return;
	if (l->rsa_thread)
		pthread_join(l->thread, NULL);
	for (i = 0; i < 2 * l->n; i++)
		if (l->authorities[i / 2] != NULL)
			signer_settle(l->authorities[i / 2]->ca[i % 2]->signer);
	cache_free(l->cache);
	for (type = 0; type < LEAF_KEYS; type++)
		forge_key_done(&l->key[type]);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

static const struct ca *
want_ca(const struct leafs *l, const struct leaf_want *w)
{
	return l->authorities[w->authority]->ca[!!w->untrusted];
}

/* The key: everything that the leaf depends on. */
static void
want_key(const struct leafs *l, const struct leaf_want *w, uint8_t key[32])
{
	uint8_t in[32 + 32 + 32 + 3 + 4 + 8] = { 0 };
	uint64_t authority = w->authority;

	if (w->original != NULL)
		cert_digest(w->original, in);
	else
		digest_bytes(w->name, strlen(w->name), in);
	memcpy(in + 32, want_ca(l, w)->id, 32);
	if (w->asked != NULL)
		digest_bytes(w->asked, strlen(w->asked), in + 64);
	in[96] = (uint8_t)w->key;
	in[97] = (uint8_t)!!w->untrusted;
	in[98] = w->original == NULL;
	memcpy(in + 99, &w->lifetime, 4);
	memcpy(in + 103, &authority, 8);	/* its chain is its own */
	digest_bytes(in, sizeof(in), key);
}

/* While under way, the weight of the question; then, of the leaf. */
static size_t
entry_weight(const struct entry *e)
{
	size_t n = sizeof(*e) + sizeof(struct leaf);

	if (e->leaf != NULL)
		n += cert_weight(e->leaf->cert);
	if (e->want.name != NULL)
		n += strlen(e->want.name);
	if (e->want.asked != NULL)
		n += strlen(e->want.asked);
	return n;
}

static enum cache_part
entry_part(const struct entry *e)
{
	return e->want.untrusted ? CACHE_POOR : CACHE_GOOD;
}

static void
count(atomic_ullong *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static struct leaf_wait *
wait_new(struct entry *e, struct mailbox *box, leaf_done done, void *arg)
{
	struct leaf_wait *w = xcalloc(1, sizeof(*w));

	w->box = box;
	w->done = done;
	w->arg = arg;
	w->entry = e;
	w->leafs = e->leafs;
	memcpy(w->key, e->item.key, 32);
	*e->last = w;
	e->last = &w->next;
	return w;
}

static struct entry *
entry_new(struct leafs *l, const struct leaf_want *want,
    const uint8_t key[32])
{
	struct entry *e = xcalloc(1, sizeof(*e));

	cache_item_init(&e->item, key, entry_free);
	e->item.busy = 1;
	e->leafs = l;
	e->last = &e->waits;
	e->want = *want;
	if (want->original != NULL)
		X509_up_ref(want->original);
	e->want.name = want->name != NULL ? xstrdup(want->name) : NULL;
	e->want.asked = want->asked != NULL ? xstrdup(want->asked) : NULL;
	return e;
}

struct leaf *
leaf_get(struct leafs *l, const struct leaf_want *want, struct mailbox *box,
    leaf_done done, void *arg, struct leaf_wait **wait)
{
	uint8_t key[32];
	struct leaf *leaf = NULL;
	struct entry *e, *begin = NULL;

	want_key(l, want, key);
	*wait = NULL;
	e = (struct entry *)cache_ask(l->cache, key);
	if (e != NULL && e->leaf != NULL && time(NULL) >= e->until) {
		cache_drop(l->cache, &e->item, 1);
		e = NULL;
	}
	if (e != NULL && e->leaf != NULL) {
		leaf = leaf_ref(e->leaf);
		count(&l->hits);
	} else if (e != NULL) {
		*wait = wait_new(e, box, done, arg);
		(*wait)->joined = 1;
		count(&l->waited);
	} else {
		begin = entry_new(l, want, key);
		*wait = wait_new(begin, box, done, arg);
		cache_add(l->cache, &begin->item, entry_weight(begin),
		    entry_part(begin));
		count(&l->misses);
	}
	cache_unlock(l->cache, key);
	if (begin != NULL)
		entry_forge(begin);
	return leaf;
}

/* The key is made once. Entries that need it wait. */
static void *
rsa_make(void *arg)
{
	struct leafs *l = arg;
	struct forge_key k = { 0 };
	struct entry *e, *next;
	int rv = forge_key_make(&k, LEAF_RSA);

	pthread_mutex_lock(&l->mutex);
	l->key[LEAF_RSA] = k;
	l->rsa_ready = rv == 0;
	if (rv != 0)
		l->rsa_ready = -1;
	e = l->rsa_waits;
	l->rsa_waits = NULL;
	pthread_mutex_unlock(&l->mutex);
	for (; e != NULL; e = next) {
		next = e->next;
		entry_forge(e);
	}
	return NULL;
}

/* The key for the entry; NULL: the entry has been queued, or *bad is set. */
static const struct forge_key *
entry_key(struct entry *e, int *bad)
{
	struct leafs *l = e->leafs;
	int ready;

	*bad = 0;
	if (e->want.key != LEAF_RSA) {
		*bad = l->key[e->want.key].key == NULL;
		return *bad ? NULL : &l->key[e->want.key];
	}
	pthread_mutex_lock(&l->mutex);
	ready = l->rsa_ready;
	if (ready == 0 && !l->rsa_thread)
		l->rsa_thread = pthread_create(&l->thread, NULL, rsa_make,
		    l) == 0;
	if (ready == 0 && l->rsa_thread) {
		e->next = l->rsa_waits;
		l->rsa_waits = e;
	} else if (ready != 1) {
		*bad = 1;
	}
	pthread_mutex_unlock(&l->mutex);
	return ready == 1 ? &l->key[LEAF_RSA] : NULL;
}

/* Runs without a lock, in the thread of the first asker or of the RSA key. The
 * signer may continue in its own thread. */
static void
entry_forge(struct entry *e)
{
	const struct ca *ca = want_ca(e->leafs, &e->want);
	const struct forge_key *k;
	X509 *x = NULL;
	int bad;

	if ((k = entry_key(e, &bad)) == NULL && !bad)
		return;
	if (k != NULL)
		x = forge_build(k, ca, &e->want, time(NULL));
	if (x == NULL)
		entry_signed(e, NULL, -1);
	else
		signer_sign(ca->signer, x, e->want.owner, entry_signed, e);
}

/* Runs in the asker's thread. */
static void
wait_run(struct mail *mail)
{
	struct leaf_wait *w = (struct leaf_wait *)mail;

	if (w->cancelled)
		leaf_unref(w->leaf);
	else
		w->done(w->arg, w->leaf, w->joined);
	free(w);
}

/*
 * Called with the lock, so that a wait is either in the list, where
 * leaf_cancel() can remove it, or already in its mailbox.
 */
static void
entry_tell(struct entry *e)
{
	struct leaf_wait *w;

	while ((w = e->waits) != NULL) {
		e->waits = w->next;
		w->entry = NULL;
		w->leaf = e->leaf != NULL ? leaf_ref(e->leaf) : NULL;
		w->mail.run = wait_run;
		mailbox_post(w->box, &w->mail);
	}
	e->last = &e->waits;
}

static void
entry_signed(void *arg, X509 *x, int err)
{
	struct entry *e = arg;
	struct leafs *l = e->leafs;
	struct leaf *leaf = NULL;
	X509 *original = e->want.original;
	uint8_t key[32];
	time_t now = time(NULL), end;

	memcpy(key, e->item.key, 32);
	if (err != 0)
		X509_free(x);
	else if ((x = forge_finish(x)) != NULL) {
		leaf = leaf_new(x, l->key[e->want.key].key,
		    want_ca(l, &e->want)->chain);
		leaf->untrusted = !!e->want.untrusted;
	}
	ERR_clear_error();
	count(leaf != NULL ? &l->forged : &l->failed);
	cache_lock(l->cache, key);
	e->want.original = NULL;
	e->leaf = leaf;
	e->item.busy = 0;
	entry_tell(e);
	if (leaf != NULL) {
		end = ca_time(X509_get0_notAfter(leaf->cert));
		e->until = now + LEAF_FRESH;
		if (end > now && end < e->until)
			e->until = end;
		cache_size(l->cache, &e->item, entry_weight(e), entry_part(e));
	} else {
		cache_drop(l->cache, &e->item, 0);
	}
	cache_unlock(l->cache, key);
	X509_free(original);
}

void
leaf_cancel(struct leaf_wait *w)
{
	struct leaf_wait **p;
	struct leafs *l;
	uint8_t key[32];

	if (w == NULL)
		return;
	l = w->leafs;
	memcpy(key, w->key, 32);
	cache_lock(l->cache, key);
	if (w->entry != NULL) {
		for (p = &w->entry->waits; *p != w; p = &(*p)->next)
			;
		if ((*p = w->next) == NULL)
			w->entry->last = p;
		free(w);
	} else {
		w->cancelled = 1;
	}
	cache_unlock(l->cache, key);
}

void
leaf_stats(struct leafs *l, struct leaf_stats *out)
{
	cache_stats(l->cache, &out->cache);
	out->hits = l->hits;
	out->misses = l->misses;
	out->waited = l->waited;
	out->forged = l->forged;
	out->failed = l->failed;
}
