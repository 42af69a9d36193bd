/*
 * Follows a client's hello. Whatever it offers is looked up in our own hello
 * to a server: that has all that the library, its security level and the
 * operator's lists allow, so nothing else is needed to know what is known.
 */
#include "tls/follow.h"

#include <string.h>

#include "tls/cert.h"
#include "util/err.h"
#include "util/mem.h"

#define TLS13		0x0304
#define EXT_ETM		22
#define SHARES_MOST	3	/* each costs a key; Firefox sends three */
#define GROUPS_MOST	32	/* bits of follow.shares */

struct named {
	uint16_t	 value;
	const char	*name;
};

/* IANA's TLS Supported Groups, by OpenSSL's names. */
static const struct named groups[] = {
	{ 0x001d, "X25519" }, { 0x0017, "P-256" }, { 0x0018, "P-384" },
	{ 0x0019, "P-521" }, { 0x001e, "X448" },
	{ 0x11ec, "X25519MLKEM768" }, { 0x11eb, "SecP256r1MLKEM768" },
	{ 0x11ed, "SecP384r1MLKEM1024" },
	{ 0x0100, "ffdhe2048" }, { 0x0101, "ffdhe3072" },
	{ 0x0102, "ffdhe4096" },
	{ 0x001a, "brainpoolP256r1" }, { 0x001b, "brainpoolP384r1" },
	{ 0x001c, "brainpoolP512r1" },
};
#define GROUPS_QUICK	8	/* the first: for TLS 1.3, and not of DH */

/* IANA's TLS SignatureScheme, by names that OpenSSL 3.0 takes, too. */
static const struct named sigalgs[] = {
	{ 0x0403, "ECDSA+SHA256" }, { 0x0503, "ECDSA+SHA384" },
	{ 0x0603, "ECDSA+SHA512" }, { 0x0804, "rsa_pss_rsae_sha256" },
	{ 0x0805, "rsa_pss_rsae_sha384" }, { 0x0806, "rsa_pss_rsae_sha512" },
	{ 0x0807, "ed25519" }, { 0x0808, "ed448" },
	{ 0x0809, "rsa_pss_pss_sha256" }, { 0x080a, "rsa_pss_pss_sha384" },
	{ 0x080b, "rsa_pss_pss_sha512" }, { 0x0904, "mldsa44" },
	{ 0x0905, "mldsa65" }, { 0x0906, "mldsa87" },
	{ 0x0401, "RSA+SHA256" }, { 0x0501, "RSA+SHA384" },
	{ 0x0601, "RSA+SHA512" }, { 0x0303, "ECDSA+SHA224" },
	{ 0x0301, "RSA+SHA224" }, { 0x0203, "ECDSA+SHA1" },
	{ 0x0201, "RSA+SHA1" }, { 0x0402, "DSA+SHA256" },
	{ 0x0502, "DSA+SHA384" }, { 0x0602, "DSA+SHA512" },
	{ 0x0302, "DSA+SHA224" }, { 0x0202, "DSA+SHA1" },
};
#define SIGALGS_13	14	/* the first: for TLS 1.3 */

static const char *
name_of(const struct named *v, size_t n, uint16_t value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].value == value)
			return v[i].name;
	return NULL;
}

#define IS_QUICK(group)	(name_of(groups, GROUPS_QUICK, group) != NULL)

static uint16_t
list_at(const struct hello_list *l, size_t i)
{
	return (uint16_t)(l->p[2 * i] << 8 | l->p[2 * i + 1]);
}

/* Where value is in the list; its length if it is not there. */
static size_t
list_find(const struct hello_list *l, uint16_t value)
{
	size_t i, n = l->len / 2;

	for (i = 0; i < n && list_at(l, i) != value; i++)
		;
	return i;
}

/*
 * Those of the client's that are among ours, each once; and behind them, if
 * asked for, the rest of ours. ERR_NOTFOUND: there is none.
 */
static int
list_follow(struct follow_list *out, const struct hello_list *client,
    const struct hello_list *ours, int also_ours)
{
	unsigned char seen[FOLLOW_MOST] = { 0 };
	size_t i, at, n = ours->len / 2;

	out->n = 0;
	if (client->p == NULL)
		return 0;
	if (n > FOLLOW_MOST || client->len / 2 > FOLLOW_MOST)
		return ERR_NOTFOUND;
	for (i = 0; i < client->len / 2; i++) {
		at = list_find(ours, list_at(client, i));
		if (at == n || seen[at])
			continue;
		seen[at] = 1;
		out->v[out->n++] = list_at(ours, at);
	}
	for (i = 0; also_ours && i < n; i++)
		if (!seen[i])
			out->v[out->n++] = list_at(ours, i);
	return out->n > 0 ? 0 : ERR_NOTFOUND;
}

static int
is_suite13(uint16_t suite)
{
	return suite >> 8 == 0x13;
}

/* The SCSVs are no suites (RFC 5746, 7507); libssl adds its own. */
static void
suites_only(struct follow_list *l)
{
	unsigned i, n = 0;

	for (i = 0; i < l->n; i++)
		if (l->v[i] != 0x00ff && l->v[i] != 0x5600)
			l->v[n++] = l->v[i];
	l->n = n;
}

static int
suites_have(const struct follow_list *l, int tls13)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (is_suite13(l->v[i]) == tls13)
			return 1;
	return 0;
}

static int
sigalgs_have13(const struct follow_list *l)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (name_of(sigalgs, SIGALGS_13, l->v[i]) != NULL)
			return 1;
	return l->n == 0;
}

/* The lowest version that the client says; 0: it says none. */
static int
lowest(const struct hello *client)
{
	int v, min = 0;
	size_t i;

	for (i = 0; i < client->versions.len / 2; i++) {
		v = list_at(&client->versions, i);
		if (v >= 0x0300 && v <= TLS13 && (min == 0 || v < min))
			min = v;
	}
	return min;
}

static int
follow_versions(struct follow *f, const struct follow_own *own,
    const struct hello *client, int also_ours)
{
	f->min = own->min;
	f->max = own->max;
	if (also_ours)
		return 0;
	if (f->max > client->max_version)
		f->max = client->max_version;
	if (f->min < lowest(client))
		f->min = lowest(client);
	if (f->min > f->max || !suites_have(&f->suites, f->max == TLS13) ||
	    (f->max == TLS13 && !sigalgs_have13(&f->sigalgs)))
		return ERR_NOTFOUND;
	return 0;
}

/* Which groups have a key share in the client's hello (RFC 8446, 4.2.8). */
static void
follow_shares(struct follow *f, const struct hello *client)
{
	struct cursor w = cursor_of(client->shares.p, client->shares.len);
	unsigned i, n = 0;
	uint16_t group;

	f->shares = 0;
	while (n < SHARES_MOST && !w.bad && cursor_left(&w) > 0) {
		group = cursor_u16(&w);
		cursor_bytes(&w, cursor_u16(&w));
		for (i = 0; i < f->groups.n && f->groups.v[i] != group; i++)
			;
		if (w.bad || i == f->groups.n || !IS_QUICK(group) ||
		    f->shares & 1u << i)
			continue;
		f->shares |= 1u << i;
		n++;
	}
}

int
follow_stars(void)
{
	return OPENSSL_version_major() > 3 ||
	    (OPENSSL_version_major() == 3 && OPENSSL_version_minor() >= 5);
}

/*
 * The first group of which we send the key: one with a share in the client's
 * hello, if it can be chosen, so that the server is as content as it would be
 * with the client's; and none of DH, of which making one takes milliseconds.
 */
static int
groups_lead(struct follow_list *l, unsigned shares, int stars)
{
	unsigned i, lead = l->n;
	uint16_t v;

	for (i = 0; i < l->n && lead == l->n; i++)
		if (IS_QUICK(l->v[i]) && (stars || shares == 0 ||
		    shares & 1u << i))
			lead = i;
	if (lead == l->n)
		return ERR_NOTFOUND;
	v = l->v[lead];
	memmove(l->v + 1, l->v, lead * sizeof(l->v[0]));
	l->v[0] = v;
	return 0;
}

static int
follow_keys(struct follow *f, const struct hello *client)
{
	int stars = follow_stars();

	if (f->groups.n == 0)
		return 0;
	if (f->groups.n > GROUPS_MOST)
		f->groups.n = GROUPS_MOST;
	follow_shares(f, client);
	if (groups_lead(&f->groups, f->shares, stars) != 0)
		return ERR_NOTFOUND;
	if (stars)
		follow_shares(f, client);	/* they may have moved */
	else
		f->shares = 0;
	return 0;
}

static int
has_ext(const struct hello *h, uint16_t which)
{
	struct cursor w = cursor_of(h->exts.p, h->exts.len), body;
	uint16_t type;

	while (hello_ext_next(&w, &type, &body))
		if (type == which)
			return 1;
	return 0;
}

int
follow(struct follow *f, const struct follow_own *own,
    const struct hello *client, int also_ours)
{
	const struct hello *h = &own->hello;

	f->shares = 0;
	f->etm = also_ours || has_ext(client, EXT_ETM);
	if (list_follow(&f->suites, &client->suites, &h->suites,
	    also_ours) != 0 ||
	    list_follow(&f->groups, &client->groups, &h->groups,
	    also_ours) != 0 ||
	    list_follow(&f->sigalgs, &client->sigalgs, &h->sigalgs,
	    also_ours) != 0)
		return ERR_NOTFOUND;
	suites_only(&f->suites);
	if (follow_versions(f, own, client, also_ours) != 0)
		return ERR_NOTFOUND;
	return follow_keys(f, client);
}

static void
digest_list(struct text *t, const struct follow_list *l)
{
	text_add(t, (const char *)&l->n, sizeof(l->n));
	text_add(t, (const char *)l->v, l->n * sizeof(l->v[0]));
}

void
follow_digest(const struct follow *f, size_t profile, uint8_t digest[32])
{
	unsigned head[5] = { (unsigned)profile, (unsigned)f->min,
	    (unsigned)f->max, (unsigned)f->etm, f->shares };
	struct text t = { 0 };

	text_add(&t, (const char *)head, sizeof(head));
	digest_list(&t, &f->suites);
	digest_list(&t, &f->groups);
	digest_list(&t, &f->sigalgs);
	digest_bytes(t.s, t.len, digest);
	text_free(&t);
}

static void
name_add(struct text *t, const char *star, const char *name)
{
	if (name != NULL)
		text_printf(t, "%s%s%s", t->len > 0 ? ":" : "", star, name);
}

void
follow_groups(struct text *t, const struct follow *f, int stars)
{
	unsigned i;

	for (i = 0; i < f->groups.n; i++)
		name_add(t, stars && f->shares & 1u << i ? "*" : "",
		    name_of(groups, NELEM(groups), f->groups.v[i]));
}

static const char *
suite_name(const SSL_CTX *named, uint16_t suite)
{
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(named);
	const SSL_CIPHER *c;
	int i;

	for (i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		c = sk_SSL_CIPHER_value(all, i);
		if (SSL_CIPHER_get_protocol_id(c) == suite)
			return SSL_CIPHER_get_name(c);
	}
	return NULL;
}

static int
set_suites(SSL_CTX *ctx, const SSL_CTX *named, const struct follow_list *l)
{
	struct text t[2] = { { 0 } };
	unsigned i;
	int ok;

	for (i = 0; i < l->n; i++)
		name_add(&t[is_suite13(l->v[i])], "",
		    suite_name(named, l->v[i]));
	/* Without suites for a version that is not offered either, whatever
	 * is set will do. */
	ok = (t[0].len == 0 || SSL_CTX_set_cipher_list(ctx, t[0].s)) &&
	    (t[1].len == 0 || SSL_CTX_set_ciphersuites(ctx, t[1].s));
	text_free(&t[0]);
	text_free(&t[1]);
	return ok;
}

static int
set_sigalgs(SSL_CTX *ctx, const struct follow_list *l)
{
	struct text t = { 0 };
	unsigned i;
	int ok;

	for (i = 0; i < l->n; i++)
		name_add(&t, "", name_of(sigalgs, NELEM(sigalgs), l->v[i]));
	ok = t.len == 0 || SSL_CTX_set1_sigalgs_list(ctx, t.s) == 1;
	text_free(&t);
	return ok;
}

static int
set_groups(SSL_CTX *ctx, const struct follow *f)
{
	struct text t = { 0 };
	int ok;

	follow_groups(&t, f, f->shares != 0);
	ok = t.len == 0 || SSL_CTX_set1_groups_list(ctx, t.s) == 1;
	text_free(&t);
	return ok;
}

int
follow_set(SSL_CTX *ctx, const SSL_CTX *named, const struct follow *f)
{
	if (!f->etm)
		SSL_CTX_set_options(ctx, SSL_OP_NO_ENCRYPT_THEN_MAC);
	return SSL_CTX_set_min_proto_version(ctx, f->min) &&
	    SSL_CTX_set_max_proto_version(ctx, f->max) &&
	    set_suites(ctx, named, &f->suites) &&
	    set_groups(ctx, f) && set_sigalgs(ctx, &f->sigalgs);
}
