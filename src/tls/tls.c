/*
 * The process's TLS: what is made once at start. The settings of the
 * contexts are in ctx.c; what happens on a connection is in conn.c.
 */
#include "tls/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls/certinfo.h"
#include "tls/conn.h"
#include "tls/ctx.h"
#include "tls/intern.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define CACHES		((size_t)128 << 20)
#define MAX_CHAIN	(64 * 1024)

static int
tls_profiles(struct tls *t, const struct tls_options *o, struct text *errors)
{
	size_t i;

	t->nprofiles = o->nprofiles;
	t->server = xcalloc(o->nprofiles, sizeof(SSL_CTX *));
	t->max_chain = o->max_chain != 0 ? o->max_chain : MAX_CHAIN;
	for (i = 0; i < o->nprofiles; i++) {
		t->server[i] = ctx_server(t, &o->profiles[i], errors);
		if (t->server[i] == NULL)
			return ERR_USAGE;
	}
	return hellos_new(t, o->profiles, o->nprofiles, &t->hellos, errors);
}

static int
tls_authorities(struct tls *t, const struct tls_options *o,
    struct text *errors)
{
	size_t i;

	t->nauthorities = o->nauthorities;
	t->authorities = xcalloc(o->nauthorities, sizeof(*t->authorities));
	for (i = 0; i < o->nauthorities; i++)
		if (o->authorities[i] != NULL)
			t->authorities[i] = authority_ref(o->authorities[i]);
	return authorities_check(t->authorities, t->nauthorities, errors);
}

/* What verifies servers. 0 or ERR_USAGE. */
static int
tls_trust(struct tls *t, const struct tls_options *o, size_t bytes,
    struct text *errors)
{
	size_t i;
	int rv;

	rv = trust_new(o->trust, o->trust_also, o->ntrust_also, bytes,
	    &t->trust, errors);
	if (rv == 0 && o->intermediates != NULL)
		rv = issuers_load(trust_issuers(t->trust), o->intermediates,
		    errors);
	for (i = 0; rv == 0 && i < o->ncrls; i++)
		rv = trust_add_crls(t->trust, o->crls[i], errors);
	return rv;
}

int
tls_new(const struct tls_options *o, struct tls **out, struct text *errors)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	size_t caches = o->caches != 0 ? o->caches : CACHES;
	int rv;

	*out = NULL;
	rv = conn_init();
	intern_budget(caches / 8);
	certinfo_budget(caches / 16);
	if (!intern_start())
		log_debug("tls: certificates of servers are read each time");
	if (tls_authorities(t, o, errors) != 0)
		rv = ERR_USAGE;
	if (tls_trust(t, o, caches / 16, errors) != 0)
		rv = ERR_USAGE;
	if (o->keylog != NULL &&
	    (t->keylog = keylog_new(o->keylog, errors)) == NULL)
		rv = ERR_USAGE;
	t->sessions = cache_new(caches / 8 * 3);
	t->lineages = lineages_new();
	t->tickets = ticket_keys_new();
	if (rv == 0)
		t->leafs = leafs_new(t->authorities, t->nauthorities,
		    caches / 8 * 3);
	if (rv == 0 && (t->tickets == NULL || t->leafs == NULL)) {
		text_puts(errors, "tls: OpenSSL makes no keys\n");
		rv = ERR_USAGE;
	}
	if (rv == 0)
		rv = tls_profiles(t, o, errors);
	ERR_clear_error();
	if (rv != 0) {
		tls_free(t);
		return ERR_USAGE;
	}
	*out = t;
	return 0;
}

void
tls_free(struct tls *t)
{
	size_t i;

	if (t == NULL)
		return;
	leafs_free(t->leafs);
	for (i = 0; i < t->nprofiles; i++)
		SSL_CTX_free(t->server[i]);
	free(t->server);
	hellos_free(t->hellos);
	cache_free(t->sessions);
	cache_free(t->lineages);
	ticket_keys_free(t->tickets);
	keylog_free(t->keylog);
	trust_free(t->trust);
	for (i = 0; i < t->nauthorities; i++)
		authority_free(t->authorities[i]);
	free(t->authorities);
	free(t);
}

struct authority *
tls_authority(struct tls *t, size_t i)
{
	return i < t->nauthorities ? t->authorities[i] : NULL;
}

X509 *
tls_ca_cert(struct tls *t, size_t i)
{
	const struct authority *a = tls_authority(t, i);

	return a != NULL ? a->ca[0]->cert : NULL;
}

struct leafs *
tls_leafs(struct tls *t)
{
	return t->leafs;
}

void
tls_stats(struct tls *t, struct tls_stats *out)
{
	cache_stats(t->sessions, &out->sessions);
	trust_stats(t->trust, &out->verdicts);
	intern_stats(&out->certificates);
	certinfo_stats(&out->texts);
	hellos_stats(t->hellos, &out->hellos, &out->hellos_many);
}
