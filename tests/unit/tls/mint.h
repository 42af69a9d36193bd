/*
 * What the tests of this room share: certificates made to order, a directory
 * of their own, and two SSLs talking through memory.
 */
#ifndef MINT_H
#define MINT_H

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test.h"
#include "tls/ca.h"
#include "tls/tls.h"
#include "util/mem.h"

#define DAY	(24 * 3600)

struct minted {
	X509		*cert;
	EVP_PKEY	*key;
};

struct mint {			/* zero: what is usual */
	const char	*cn;	/* NULL: no subject */
	const char	*san;	/* "DNS:a,IP:1.2.3.4" */
	const char	*key;	/* p-256, p-384, ed25519, rsa:N */
	const char	*bc;	/* "critical,CA:TRUE" */
	const char	*ku;
	const char	*eku;
	int		 no_ski;
	int		 from;	/* days from now; 0: -10 */
	int		 to;	/* 0: 90 */
	const struct minted *by;	/* NULL: itself */
};

static inline void
mint_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_msg(ext != NULL, "%s: %s", value, ERR_reason_error_string(ERR_peek_last_error()));
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

static inline EVP_PKEY *
mint_key(const char *type)
{
	if (type == NULL || strcmp(type, "p-256") == 0)
		return EVP_EC_gen("P-256");
	if (strcmp(type, "p-384") == 0)
		return EVP_EC_gen("P-384");
	if (strcmp(type, "p-521") == 0)
		return EVP_EC_gen("P-521");
	if (strcmp(type, "ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_RSA_gen((unsigned int)atoi(type + 4));
}

static inline struct minted
mint(const struct mint *m)
{
	static long serial = 1000;
	struct minted out = { X509_new(), mint_key(m->key) };
	const struct minted *by = m->by != NULL ? m->by : &out;
	X509 *x = out.cert;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	if (m->cn != NULL)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
		    MBSTRING_UTF8, (const uint8_t *)m->cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by->cert));
	X509_time_adj_ex(X509_getm_notBefore(x), m->from ? m->from : -10, 0,
	    NULL);
	X509_time_adj_ex(X509_getm_notAfter(x), m->to ? m->to : 90, 0, NULL);
	X509_set_pubkey(x, out.key);
	mint_ext(x, by->cert, NID_basic_constraints, m->bc);
	mint_ext(x, by->cert, NID_key_usage, m->ku);
	mint_ext(x, by->cert, NID_ext_key_usage, m->eku);
	if (!m->no_ski)
		mint_ext(x, by->cert, NID_subject_key_identifier, "hash");
	if (m->by != NULL)
		mint_ext(x, by->cert, NID_authority_key_identifier, "keyid");
	mint_ext(x, by->cert, NID_subject_alt_name, m->san);
	ck_assert_int_gt(X509_sign(x, by->key, signer_digest(by->key)), 0);
	return out;
}

static inline struct minted
mint_ca(const char *cn, const char *key)
{
	struct mint m = { .cn = cn, .key = key, .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign,cRLSign", .to = 3650 };

	return mint(&m);
}

static inline struct minted
mint_leaf(const struct minted *by, const char *san)
{
	struct mint m = { .cn = "origin", .san = san, .by = by,
	    .eku = "serverAuth,clientAuth" };

	return mint(&m);
}

static inline void
mint_done(struct minted *m)
{
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
}

/* A directory for the test, removed by nobody but the runner's /tmp. */
static inline const char *
scratch(void)
{
	static char dir[64];

	if (dir[0] == '\0') {
		strcpy(dir, "/tmp/clearspan-tls-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(dir));
	}
	return dir;
}

static inline void
scratch_done(void)
{
	char *cmd = xasprintf("rm -rf %s", scratch());

	ck_assert_int_eq(system(cmd), 0);
	free(cmd);
}

static inline char *
mint_cert_file(const char *name, X509 *x, X509 *more)
{
	char *path = xasprintf("%s/%s", scratch(), name);
	FILE *f = fopen(path, "w");

	PEM_write_X509(f, x);
	if (more != NULL)
		PEM_write_X509(f, more);
	fclose(f);
	return path;
}

static inline char *
mint_key_file(const char *name, EVP_PKEY *key, const char *pass)
{
	char *path = xasprintf("%s/%s", scratch(), name);
	FILE *f = fopen(path, "w");

	fchmod(fileno(f), 0600);
	PEM_write_PrivateKey(f, key, pass != NULL ? EVP_aes_128_cbc() : NULL,
	    (const uint8_t *)pass, pass != NULL ? (int)strlen(pass) : 0, NULL,
	    NULL);
	fclose(f);
	return path;
}

/* A struct tls with this CA, trusting root (NULL: the CA itself). */
static inline struct tls *
tls_with(const struct minted *ca, X509 *root, const char *keylog,
    int version)
{
	struct tls_profile p = { { version, version }, { version, version } };
	struct tls_options o = { .profiles = &p, .nprofiles = 1,
	    .keylog = keylog };
	char *cert = mint_cert_file("ca.pem", ca->cert, NULL);
	char *key = mint_key_file("ca.key", ca->key, NULL);
	char *trust = mint_cert_file("trust.pem",
	    root != NULL ? root : ca->cert, NULL);
	struct authority_files files = { NULL, cert, key };
	struct authority *a;
	struct text errors = { 0 };
	struct tls *t;

	o.trust = trust;
	ck_assert_msg(authority_load(&files, &a, &errors) == 0, "%s",
	    errors.s);
	o.authorities = &a;
	o.nauthorities = 1;
	ck_assert_msg(tls_new(&o, &t, &errors) == 0, "%s", errors.s);
	authority_free(a);
	text_free(&errors);
	free(cert);
	free(key);
	free(trust);
	return t;
}

/* A mailbox in a base of its own, and one leaf fetched through it. */
struct asker {
	struct event_base *base;
	struct mailbox	*box;
	struct leaf	*leaf;
	int		 cached;
	int		 told;
};

static inline void
asker_told(void *arg, struct leaf *leaf, int cached)
{
	struct asker *a = arg;

	a->leaf = leaf;
	a->cached = cached;
	a->told++;
	event_base_loopbreak(a->base);
}

static inline void
asker_init(struct asker *a)
{
	memset(a, 0, sizeof(*a));
	a->base = event_base_new();
	a->box = mailbox_new(a->base);
}

static inline void
asker_done(struct asker *a)
{
	mailbox_free(a->box);
	event_base_free(a->base);
}

static inline struct leaf *
leaf_fetch(struct tls *t, const struct leaf_want *w, int *cached)
{
	struct asker a;
	struct leaf_wait *wait;
	struct leaf *leaf;

	asker_init(&a);
	leaf = leaf_get(tls_leafs(t), w, a.box, asker_told, &a, &wait);
	if (leaf == NULL)
		event_base_dispatch(a.base);
	else
		a.cached = 1;
	if (cached != NULL)
		*cached = a.cached;
	if (leaf == NULL)
		leaf = a.leaf;
	asker_done(&a);
	return leaf;
}

static inline struct leaf *
leaf_of(struct tls *t, X509 *original)
{
	struct leaf_want w = { .original = original };
	struct leaf *leaf = leaf_fetch(t, &w, NULL);

	ck_assert_ptr_nonnull(leaf);
	return leaf;
}

/* Joins two SSLs by memory. */
static inline void
join(SSL *a, SSL *b)
{
	BIO *x, *y;

	ck_assert(BIO_new_bio_pair(&x, 1 << 16, &y, 1 << 16));
	SSL_set_bio(a, x, x);
	SSL_set_bio(b, y, y);
}

/* Both handshakes; 0, or the SSL_get_error() of the client that stopped. */
static inline int
shake(SSL *client, SSL *server)
{
	int i, c = 0, s = 0, ce;

	ERR_clear_error();
	for (i = 0; i < 20 && (c != 1 || s != 1); i++) {
		if (c != 1) {
			c = SSL_do_handshake(client);
			ce = c == 1 ? 0 : SSL_get_error(client, c);
			if (ce != 0 && ce != SSL_ERROR_WANT_READ)
				return ce;
		}
		if (s != 1)
			s = SSL_do_handshake(server);
	}
	return c == 1 && s == 1 ? 0 : -1;
}

/* One message each way, which brings the tickets with it. */
static inline void
talk(SSL *client, SSL *server)
{
	char buf[8];

	ck_assert_int_eq(SSL_write(client, "ping", 4), 4);
	ck_assert_int_eq(SSL_read(server, buf, sizeof(buf)), 4);
	ck_assert_int_eq(SSL_write(server, "pong", 4), 4);
	ck_assert_int_eq(SSL_read(client, buf, sizeof(buf)), 4);
}

#endif
