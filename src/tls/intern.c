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

#include "tls/cert.h"
#include "util/cache.h"
#include "util/mem.h"

#define DER_MAX	8192		/* what is longer is nobody's usual one */

typedef X509 *(*d2i_fn)(X509 **, const unsigned char **, long);

struct kept {
	struct cache_item item;
	X509		*x;
};

static struct cache	*cache;
static _Atomic size_t	 bytes = 16 << 20;
static d2i_fn		 real;
static uintptr_t	 from, to;	/* libssl's code */
static atomic_int	 enabled = 1;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;
static pthread_once_t	 cached = PTHREAD_ONCE_INIT;

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
	*(void **)&real = dlsym(RTLD_NEXT, "d2i_X509");
	dl_iterate_phdr(intern_segment, dlsym(RTLD_NEXT, "SSL_new"));
}

static void
intern_cache(void)
{
	cache = cache_new(bytes);
}

void
intern_budget(size_t n)
{
	bytes = n;
}

static void
kept_free(struct cache_item *item)
{
	X509_free(((struct kept *)item)->x);
	free(item);
}

static X509 *
intern_get(const uint8_t key[32])
{
	struct kept *k;
	X509 *x = NULL;

	if ((k = (struct kept *)cache_ask(cache, key)) != NULL) {
		x = k->x;
		X509_up_ref(x);
	}
	cache_unlock(cache, key);
	return x;
}

/* Of a server that nobody has judged yet: see intern_good(). */
static void
intern_put(const uint8_t key[32], X509 *x)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	cache_item_init(&k->item, key, kept_free);
	X509_up_ref(x);
	k->x = x;
	if (cache_lock(cache, key) == NULL) {
		cache_add(cache, &k->item, sizeof(*k) + cert_weight(x),
		    CACHE_POOR);
		k = NULL;
	}
	cache_unlock(cache, key);
	if (k != NULL)			/* another was faster */
		cache_unref(&k->item);
}

void
intern_good(const X509 *x)
{
	struct cache_item *i;
	uint8_t key[32];

	pthread_once(&cached, intern_cache);
	cert_digest(x, key);
	if ((i = cache_lock(cache, key)) != NULL && i->part == CACHE_POOR)
		cache_size(cache, i, i->bytes, CACHE_GOOD);
	cache_unlock(cache, key);
}

/* As d2i_X509(3): *a is replaced, *in moves past what was read. */
X509 *
d2i_X509(X509 **a, const unsigned char **in, long len)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	const unsigned char *start = *in;
	uint8_t key[32];
	X509 *x;

	pthread_once(&once, intern_init);
	if (caller < from || caller >= to || !atomic_load_explicit(&enabled,
	    memory_order_relaxed) || len <= 0 || len > DER_MAX)
		return real(a, in, len);
	pthread_once(&cached, intern_cache);
	digest_bytes(start, (size_t)len, key);
	if ((x = intern_get(key)) == NULL) {
		x = real(a, in, len);
		/* All of it, or it is not what the key says. */
		if (x != NULL && *in == start + len &&
		    X509_get0_pubkey(x) != NULL) {
			/* What it would fill in later, while shared. */
			X509_check_purpose(x, -1, 0);
			cert_note(x, key, cert_weight_der(start,
			    (size_t)len));
			intern_put(key, x);
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
intern_stats(struct cache_stats *out)
{
	pthread_once(&cached, intern_cache);
	cache_stats(cache, out);
}

/* libssl reads something that is no certificate: does it come by here? */
int
intern_start(void)
{
	static const unsigned char junk[] = { 0x30, 0 };
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	struct cache_stats before, after;

	intern_stats(&before);
	if (ctx != NULL)
		SSL_CTX_use_certificate_ASN1(ctx, sizeof(junk), junk);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	intern_stats(&after);
	return after.asked > before.asked;
}
