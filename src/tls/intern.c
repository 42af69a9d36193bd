/*
 * Reading a certificate is the dearest thing libssl does for a client, and it
 * does it anew for the same few certificates all day. libssl has no hook for
 * it, but it calls d2i_X509() in libcrypto through the dynamic linker, which
 * finds ours first. Ours gives out an X509 it has for these very bytes: a
 * counted object that libssl and X509_verify_cert() treat as constant but for
 * caches they lock. Calls from anywhere but libssl are passed on untouched.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tls/intern.h"

#include <dlfcn.h>
#include <link.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tls/digest.h"
#include "tls/lru.h"
#include "util/mem.h"

#define SHARDS	8
#define KEPT	2048		/* some 5 KB each */
#define DER_MAX	8192		/* what is longer is nobody's usual one */

typedef X509 *(*d2i_fn)(X509 **, const unsigned char **, long);

struct kept {
	struct lru_item	 item;
	X509		*x;
};

static struct shard {
	pthread_mutex_t	 mutex;
	struct lru	 lru;
	uint64_t	 asked, hits;
} shards[SHARDS];
static d2i_fn		 real;
static uintptr_t	 from, to;	/* libssl's code */
static atomic_int	 enabled = 1;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

/* The segment that holds the function given. */
static int
intern_segment(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t at = (uintptr_t)arg, lo, hi;
	size_t i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		lo = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		hi = lo + info->dlpi_phdr[i].p_memsz;
		if (info->dlpi_phdr[i].p_type == PT_LOAD && at >= lo &&
		    at < hi) {
			from = lo;
			to = hi;
			return 1;
		}
	}
	return 0;
}

static void
intern_init(void)
{
	size_t i;

	*(void **)&real = dlsym(RTLD_NEXT, "d2i_X509");
	dl_iterate_phdr(intern_segment, dlsym(RTLD_NEXT, "SSL_new"));
	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&shards[i].mutex, NULL);
		lru_init(&shards[i].lru, KEPT / SHARDS);
	}
}

static X509 *
shard_get(struct shard *s, const uint8_t key[32])
{
	struct kept *k;
	X509 *x = NULL;

	pthread_mutex_lock(&s->mutex);
	s->asked++;
	if ((k = (struct kept *)lru_get(&s->lru, key)) != NULL) {
		s->hits++;
		x = k->x;
		X509_up_ref(x);
	}
	pthread_mutex_unlock(&s->mutex);
	return x;
}

static void
shard_put(struct shard *s, const uint8_t key[32], X509 *x)
{
	struct kept *k = xcalloc(1, sizeof(*k)), *old = NULL;

	memcpy(k->item.key, key, 32);
	X509_up_ref(x);
	k->x = x;
	pthread_mutex_lock(&s->mutex);
	if (lru_get(&s->lru, key) != NULL) {	/* another was faster */
		old = k;
	} else {
		lru_put(&s->lru, &k->item);
		if (lru_over(&s->lru)) {
			old = (struct kept *)lru_oldest(&s->lru);
			lru_del(&s->lru, &old->item);
		}
	}
	pthread_mutex_unlock(&s->mutex);
	if (old != NULL) {
		X509_free(old->x);
		free(old);
	}
}

/* As d2i_X509(3): *a is replaced, *in moves past what was read. */
X509 *
d2i_X509(X509 **a, const unsigned char **in, long len)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	const unsigned char *start = *in;
	uint8_t key[32];
	struct shard *s;
	X509 *x;

	pthread_once(&once, intern_init);
	if (caller < from || caller >= to || !atomic_load_explicit(&enabled,
	    memory_order_relaxed) || len <= 0 || len > DER_MAX)
		return real(a, in, len);
	digest_bytes(start, (size_t)len, key);
	s = &shards[key[31] % SHARDS];
	if ((x = shard_get(s, key)) == NULL) {
		x = real(a, in, len);
		/* All of it, or it is not what the key says. */
		if (x != NULL && *in == start + len &&
		    X509_get0_pubkey(x) != NULL) {
			/* What it would fill in later, while shared. */
			X509_check_purpose(x, -1, 0);
			digest_set(x, key);
			shard_put(s, key, x);
		}
		return x;
	}
	*in = start + len;
	if (a != NULL) {
		X509_free(*a);
		*a = x;
	}
	return x;
}

void
intern_enable(int on)
{
	atomic_store(&enabled, on);
}

void
intern_stats(uint64_t *asked, uint64_t *hits)
{
	size_t i;

	pthread_once(&once, intern_init);
	*asked = *hits = 0;
	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&shards[i].mutex);
		*asked += shards[i].asked;
		*hits += shards[i].hits;
		pthread_mutex_unlock(&shards[i].mutex);
	}
}

/* libssl reads something that is no certificate: does it come by here? */
int
intern_start(void)
{
	static const unsigned char junk[] = { 0x30, 0 };
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	uint64_t before, after, hits;

	intern_stats(&before, &hits);
	if (ctx != NULL)
		SSL_CTX_use_certificate_ASN1(ctx, sizeof(junk), junk);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	intern_stats(&after, &hits);
	return after > before;
}
