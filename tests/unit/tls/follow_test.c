/*
 * Hellos to servers that follow the client's: what is followed, as libssl says
 * it, for clients of every kind; and the contexts that are kept for them.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>

#include "origin.h"
#include "tls/conn.h"
#include "tls/follow.h"
#include "util/err.h"

#include "test.h"
#include "../codec/hello_make.h"

static struct minted	 ca;
static struct tls	*tls;

static void
begin(void)
{
	ca = mint_ca("CA", NULL);
	tls = tls_with(&ca, NULL, NULL, 0);
}

static void
end(void)
{
	tls_free(tls);
	mint_done(&ca);
	scratch_done();
}

/* What is said for a client, as a hello that lives in out. */
static void
say(const struct tls_want *w, struct hello *h, struct text *out)
{
	SSL *ssl = tls_connect(tls, w);
	BIO *in = BIO_new(BIO_s_mem()), *to = BIO_new(BIO_s_mem());
	char *data;
	long len;

	ck_assert_ptr_nonnull(ssl);
	SSL_set_bio(ssl, in, to);
	SSL_do_handshake(ssl);
	text_clear(out);
	len = BIO_get_mem_data(to, &data);
	text_add(out, data, (size_t)len);
	tls_end(ssl);
	ERR_clear_error();
	ck_assert_int_eq(hello_parse(h, (const uint8_t *)out->s, out->len,
	    NULL), 0);
}

static struct tls_want
want_hello(const struct hello *client, enum tls_how how)
{
	struct tls_want w = want_of("a.example");

	w.hello = client->msg.p;
	w.ja4 = "";
	w.how = how;
	return w;
}

static int
ignored(uint16_t v)
{
	return v == 0x00ff || v == 0x5600 || hello_is_grease(v);
}

static uint16_t
at(const struct hello_list *l, size_t i)
{
	return (uint16_t)(l->p[2 * i] << 8 | l->p[2 * i + 1]);
}

/* What of a is in b: the list said is that, and in this order. */
static void
common(struct text *out, const struct hello_list *a,
    const struct hello_list *b, int tls13)
{
	size_t i;

	for (i = 0; i < a->len / 2; i++)
		if (!ignored(at(a, i)) && hello_has(b, at(a, i)) &&
		    (tls13 < 0 || (at(a, i) >> 8 == 0x13) == tls13))
			text_printf(out, "%04x ", at(a, i));
}

static void
same_order(const char *who, const struct hello_list *client,
    const struct hello_list *said, const struct hello_list *own, int tls13)
{
	struct text want = { 0 }, got = { 0 };

	common(&want, client, own, tls13);
	common(&got, said, said, tls13);
	ck_assert_msg(want.len == got.len && memcmp(want.s != NULL ? want.s :
	    "", got.s != NULL ? got.s : "", want.len) == 0,
	    "%s: %s, not %s", who, got.s, want.s);
	text_free(&want);
	text_free(&got);
}

/* All of them captured. What is left of each distance: status_request, which
 * we ask for, and what libssl or we do not have. */
static const struct {
	const char	*name;
	unsigned	 apart, own;	/* of ours, if it does not follow */
} clients[] = {
	/* SCT, compress_certificate, ALPS, ECH, ML-DSA; an SCSV in place of
	 * renegotiation_info */
	{ "chromium", 10, 73 },
	/* session_ticket, post_handshake_auth, padding */
	{ "curl_h2", 4, 39 },
	{ "curl_tls12_ip", 2, 45 },		/* session_ticket */
	/* record_size_limit, SHA-1, the SCSV, session_ticket */
	{ "gnutls_pfs", 6, 62 },
	/* DSA, SHA-1, status_request_v2, signature_algorithms_cert; the SNI
	 * is ours */
	{ "java", 11, 48 },
	{ "node", 9, 24 },			/* DSA */
	{ "python3", 2, 50 },			/* padding */
	{ "wget", 8, 49 },			/* as gnutls_pfs */
};

/* OpenSSL of another version has other lists. */
static const int	counted = OPENSSL_VERSION_NUMBER < 0x30100000L;

static void
load(struct hello *h, struct text *raw, const char *name)
{
	text_clear(raw);
	load_hello(raw, name);
	ck_assert_int_eq(hello_parse(h, (const uint8_t *)raw->s, raw->len,
	    NULL), 0);
}

TEST(what_is_said_is_the_clients_in_its_order)
{
	struct text raw = { 0 }, mine = { 0 }, own = { 0 };
	struct hello client, said, ours;
	struct tls_want w;
	unsigned d;
	size_t i;

	begin();
	w = want_of("a.example");
	say(&w, &ours, &own);
	for (i = 0; i < NELEM(clients); i++) {
		load(&client, &raw, clients[i].name);
		w = want_hello(&client, TLS_HELLO_CLIENT);
		w.alpn = client.alpn.p;
		w.alpn_len = client.alpn.len;
		if (!(client.flags & HELLO_SNI))
			w.sni = NULL;
		say(&w, &said, &mine);
		same_order(clients[i].name, &client.suites, &said.suites,
		    &ours.suites, 1);
		same_order(clients[i].name, &client.suites, &said.suites,
		    &ours.suites, 0);
		same_order(clients[i].name, &client.sigalgs, &said.sigalgs,
		    &ours.sigalgs, -1);
		/* libssl says no groups of DH where it says no TLS 1.3. */
		same_order(clients[i].name, &client.groups, &said.groups,
		    client.max_version == 0x0304 ? &ours.groups :
		    &said.groups, -1);
		ck_assert_int_eq(said.max_version, client.max_version);
		d = ja4_distance(&said, &client);
		ck_assert_uint_lt(d, ja4_distance(&ours, &client));
		if (counted) {
			ck_assert_msg(d == clients[i].apart, "%s: %u",
			    clients[i].name, d);
			ck_assert_uint_eq(ja4_distance(&ours, &client),
			    clients[i].own);
		}
		hello_free(&said);
		hello_free(&client);
	}
	hello_free(&ours);
	end();
	text_free(&raw);
	text_free(&mine);
	text_free(&own);
}
END

/* Both lists of a, then b's rest: that of also_ours. */
TEST(ours_go_behind_the_clients_where_they_are_asked_for)
{
	struct text raw = { 0 }, mine = { 0 }, own = { 0 };
	struct hello client, said, ours;
	struct tls_want w = want_of("a.example");
	size_t i, n;

	begin();
	say(&w, &ours, &own);
	load(&client, &raw, "curl_tls12_ip");
	w = want_hello(&client, TLS_HELLO_BOTH);
	say(&w, &said, &mine);
	ck_assert_int_eq(said.max_version, 0x0304);
	ck_assert_uint_eq(said.suites.len, ours.suites.len);
	for (i = n = 0; i < ours.suites.len / 2; i++)
		n += hello_has(&said.suites, at(&ours.suites, i));
	ck_assert_uint_eq(n, ours.suites.len / 2);
	/* behind those of TLS 1.3 */
	for (i = 0; at(&said.suites, i) >> 8 == 0x13; i++)
		;
	ck_assert_int_eq(at(&said.suites, i), at(&client.suites, 0));
	hello_free(&said);
	hello_free(&ours);
	hello_free(&client);
	end();
	text_free(&raw);
	text_free(&mine);
	text_free(&own);
}
END

/* Our own hello is made up here: TLS 1.2 and 1.3 of few suites. */
static void
made(struct hello *h, struct text *t, const char *suites, size_t nsuites,
    const char *groups, size_t ngroups, const char *sigalgs, size_t nsigalgs,
    const char *shares, size_t nshares, const char *vers)
{
	struct parts p = { .suites = suites, .suites_len = nsuites };
	struct text b = { 0 };

	text_puts(&p.exts, "");
	if (groups != NULL) {
		add_u16(&b, ngroups);
		text_add(&b, groups, ngroups);
		add_ext(&p.exts, 10, b.s, b.len);
		text_clear(&b);
	}
	if (sigalgs != NULL) {
		add_u16(&b, nsigalgs);
		text_add(&b, sigalgs, nsigalgs);
		add_ext(&p.exts, 13, b.s, b.len);
		text_clear(&b);
	}
	if (shares != NULL) {
		add_u16(&b, nshares);
		text_add(&b, shares, nshares);
		add_ext(&p.exts, 51, b.s, b.len);
		text_clear(&b);
	}
	if (vers != NULL)
		add_ext(&p.exts, 43, vers, (size_t)vers[0] + 1);
	text_free(&b);
	make_message(t, &p);
	ck_assert_int_eq(hello_parse_message(h, (const uint8_t *)t->s,
	    t->len), 0);
}

#define BOTH_VERSIONS	"\4\3\4\3\3"
#define OUR_SUITES	LIT("\x13\1\x13\2\xc0\x2b\xc0\x2f\0\xff")
#define OUR_GROUPS	LIT("\0\x1d\0\x17\1\0")
#define OUR_SIGALGS	LIT("\4\3\x08\4\4\1")

static struct follow_own	own_made = { .min = 0x0303, .max = 0x0304 };
static struct text		own_text;

static void
own_make(void)
{
	made(&own_made.hello, &own_text, OUR_SUITES, OUR_GROUPS, OUR_SIGALGS,
	    NULL, 0, BOTH_VERSIONS);
}

static char *
listed(const struct follow_list *l)
{
	struct text t = { 0 };
	unsigned i;

	text_puts(&t, "");
	for (i = 0; i < l->n; i++)
		text_printf(&t, "%s%04x", i > 0 ? " " : "", l->v[i]);
	return text_take(&t);
}

static const struct {
	const char	*suites;
	size_t		 nsuites;
	const char	*groups;
	size_t		 ngroups;
	const char	*sigalgs;
	size_t		 nsigalgs;
	const char	*versions;
	const char	*want;		/* suites; NULL: it is our own */
	int		 min, max;
} lists[] = {
	/* in order, each once; GREASE and what is unknown is dropped */
	{ LIT("\x1a\x1a\xc0\x2f\x13\2\xc0\x2b\xc0\x2f\x77\x77\x13\2"),
	    LIT("\x2a\x2a\0\x17\0\x1d"), LIT("\4\1\4\3\7\7"),
	    BOTH_VERSIONS, "c02f 1302 c02b", 0x0303, 0x0304 },
	/* TLS 1.2 alone, and 1.3 alone */
	{ LIT("\xc0\x2f"), LIT("\0\x17"), LIT("\4\1"), NULL,
	    "c02f", 0x0303, 0x0303 },
	{ LIT("\x13\2"), LIT("\0\x17"), LIT("\4\3"), "\2\3\4",
	    "1302", 0x0304, 0x0304 },
	/* no extensions */
	{ LIT("\xc0\x2f"), NULL, 0, NULL, 0, NULL, "c02f", 0x0303, 0x0303 },
	/* nothing in common: of suites, groups, signatures, versions */
	{ LIT("\0\5"), LIT("\0\x17"), LIT("\4\1"), NULL, NULL, 0, 0 },
	{ LIT("\0\xff"), LIT("\0\x17"), LIT("\4\1"), NULL, NULL, 0, 0 },
	{ LIT("\xc0\x2f"), LIT("\0\x16"), LIT("\4\1"), NULL, NULL, 0, 0 },
	{ LIT("\xc0\x2f"), LIT("\0\x17"), LIT("\2\1"), NULL, NULL, 0, 0 },
	{ LIT("\xc0\x2f"), LIT("\0\x17"), LIT("\4\1"), "\2\3\2", NULL,
	    0, 0 },
	/* empty lists */
	{ LIT("\xc0\x2f"), LIT(""), LIT("\4\1"), NULL, NULL, 0, 0 },
	{ LIT("\xc0\x2f"), LIT("\0\x17"), LIT(""), NULL, NULL, 0, 0 },
	/* TLS 1.3 without a suite, or a signature, for it */
	{ LIT("\xc0\x2f"), LIT("\0\x17"), LIT("\4\3"), BOTH_VERSIONS,
	    NULL, 0, 0 },
	{ LIT("\x13\1"), LIT("\0\x17"), LIT("\4\1"), BOTH_VERSIONS,
	    NULL, 0, 0 },
	/* only DH, which is dear */
	{ LIT("\x13\1"), LIT("\1\0"), LIT("\4\3"), BOTH_VERSIONS,
	    NULL, 0, 0 },
};

TEST(lists_are_followed_as_far_as_they_are_ours)
{
	struct text t = { 0 };
	struct follow f;
	struct hello h;
	char *got;
	size_t i;
	int rv;

	own_make();
	for (i = 0; i < NELEM(lists); i++) {
		text_clear(&t);
		made(&h, &t, lists[i].suites, lists[i].nsuites,
		    lists[i].groups, lists[i].ngroups, lists[i].sigalgs,
		    lists[i].nsigalgs, NULL, 0, lists[i].versions);
		rv = follow(&f, &own_made, &h, 0);
		ck_assert_msg((rv == 0) == (lists[i].want != NULL), "%zu", i);
		if (rv == 0) {
			got = listed(&f.suites);
			ck_assert_str_eq(got, lists[i].want);
			ck_assert_int_eq(f.min, lists[i].min);
			ck_assert_int_eq(f.max, lists[i].max);
			free(got);
		}
		/* with ours behind there is always something */
		if (lists[i].ngroups != 0 || lists[i].groups == NULL)
			ck_assert_int_eq(follow(&f, &own_made, &h, 1), 0);
	}
	text_free(&t);
	text_free(&own_text);
}
END

TEST(a_list_that_is_long_is_not_followed)
{
	char suites[2 * FOLLOW_MOST + 2];
	struct text t = { 0 };
	struct follow f;
	struct hello h;
	size_t i;

	own_make();
	for (i = 0; i < sizeof(suites); i += 2)
		memcpy(suites + i, "\xc0\x2f", 2);
	made(&h, &t, suites, 2 * FOLLOW_MOST, LIT("\0\x17"), LIT("\4\1"),
	    NULL, 0, NULL);
	ck_assert_int_eq(follow(&f, &own_made, &h, 0), 0);
	ck_assert_uint_eq(f.suites.n, 1);
	text_clear(&t);
	made(&h, &t, suites, sizeof(suites), LIT("\0\x17"), LIT("\4\1"),
	    NULL, 0, NULL);
	ck_assert_int_eq(follow(&f, &own_made, &h, 0), ERR_NOTFOUND);
	text_free(&t);
	text_free(&own_text);
}
END

static const struct {
	const char	*groups;
	size_t		 ngroups;
	const char	*shares;
	size_t		 nshares;
	const char	*plain, *stars;		/* OpenSSL 3.0, and 3.5 */
} shared[] = {
	{ LIT("\0\x1d\0\x17"), LIT("\0\x1d\0\1x"),
	    "X25519:P-256", "*X25519:P-256" },
	/* the first is not what it has a share for */
	{ LIT("\0\x17\0\x1d"), LIT("\0\x1d\0\1x"),
	    "X25519:P-256", "P-256:*X25519" },
	{ LIT("\0\x1d\0\x17"), LIT("\0\x1d\0\1x\0\x17\0\1x"),
	    "X25519:P-256", "*X25519:*P-256" },
	/* none at all, and some that it does not offer */
	{ LIT("\0\x17\0\x1d"), LIT(""), "P-256:X25519", "P-256:X25519" },
	{ LIT("\0\x17\0\x1d"), LIT("\x2a\x2a\0\1x\0\x1d\0\1x"),
	    "X25519:P-256", "P-256:*X25519" },
	/* DH does not come first */
	{ LIT("\1\0\0\x17"), LIT("\1\0\0\1x"),
	    "P-256:ffdhe2048", "P-256:ffdhe2048" },
};

TEST(the_share_is_of_a_group_that_the_client_has_one_for)
{
	struct text t = { 0 }, got = { 0 };
	struct follow f;
	struct hello h;
	size_t i;

	own_make();
	for (i = 0; i < NELEM(shared); i++) {
		text_clear(&t);
		text_clear(&got);
		made(&h, &t, LIT("\x13\1"), shared[i].groups,
		    shared[i].ngroups, LIT("\4\3"), shared[i].shares,
		    shared[i].nshares, BOTH_VERSIONS);
		ck_assert_int_eq(follow(&f, &own_made, &h, 0), 0);
		follow_groups(&got, &f, f.shares != 0);
		ck_assert_str_eq(got.s, follow_stars() ? shared[i].stars :
		    shared[i].plain);
	}
	text_free(&t);
	text_free(&got);
	text_free(&own_text);
}
END

/* A client with a list of its own, the i-th permutation of our suites. */
static void
varied(struct hello *h, struct text *t, unsigned i)
{
	static const char some[] = "\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9"
	    "\xcc\xa8\xc0\x13\xc0\x14\0\x9c\0\x9d";
	char suites[20];
	size_t k, n = 10, at;

	memcpy(suites, some, sizeof(suites));
	for (k = 0; k < 10; k++, n--) {
		at = k + i % n;
		i /= (unsigned)n;
		memcpy(suites + 2 * k, some + 2 * at, 2);
		memcpy(suites + 2 * at, some + 2 * k, 2);
		if (at != k && k > 0)
			break;
	}
	text_clear(t);
	made(h, t, suites, 2 * (k < 10 ? k + 1 : 10), LIT("\0\x1d"),
	    LIT("\4\3\x08\4"), NULL, 0, NULL);
}

TEST(clients_that_all_differ_get_ours_when_they_are_too_many)
{
	struct text t = { 0 };
	struct cache_stats st;
	struct tls_hello *h;
	struct hello client;
	struct tls_want w;
	unsigned i, follows = 0;
	uint64_t many;

	begin();
	for (i = 0; i < 1000; i++) {
		varied(&client, &t, i);
		w = want_hello(&client, TLS_HELLO_CLIENT);
		h = hellos_get(tls->hellos, &w, 5000);
		follows += (unsigned)h->follows;
		cache_unref(&h->item);
	}
	hellos_stats(tls->hellos, &st, &many);
	ck_assert_uint_ge(follows, 64);
	ck_assert_uint_gt(many, 0);
	ck_assert_uint_le(st.entries, 64);
	ck_assert_uint_le(st.bytes, st.max);
	/* A second later there are some again. */
	varied(&client, &t, 777777);
	w = want_hello(&client, TLS_HELLO_CLIENT);
	h = hellos_get(tls->hellos, &w, 6000);
	ck_assert_int_eq(h->follows, 1);
	cache_unref(&h->item);
	end();
	text_free(&t);
}
END

static void *
visitor(void *arg)
{
	struct text t = { 0 };
	struct hello client;
	struct tls_want w;
	struct tls_used used;
	unsigned i;
	SSL *ssl;
	BIO *in, *to;

	for (i = 0; i < 200; i++) {
		varied(&client, &t, i % 8);
		w = want_hello(&client, TLS_HELLO_CLIENT);
		w.ja4 = "t12i100200_000000000000_000000000000";
		ssl = tls_connect(arg, &w);
		in = BIO_new(BIO_s_mem());
		to = BIO_new(BIO_s_mem());
		SSL_set_bio(ssl, in, to);
		SSL_do_handshake(ssl);
		tls_used(ssl, &used);
		ck_assert_str_eq(used.hello, "client");
		ck_assert_uint_eq(strlen(used.ja4), JA4_LEN);
		tls_end(ssl);
		ERR_clear_error();
	}
	text_free(&t);
	return NULL;
}

TEST(workers_share_them)
{
	pthread_t v[4];
	struct tls_stats st;
	size_t i;

	begin();
	for (i = 0; i < NELEM(v); i++)
		pthread_create(&v[i], NULL, visitor, tls);
	for (i = 0; i < NELEM(v); i++)
		pthread_join(v[i], NULL);
	tls_stats(tls, &st);
	ck_assert_uint_le(st.hellos.entries, 8);
	end();
}
END

SUITE("follow", what_is_said_is_the_clients_in_its_order,
    ours_go_behind_the_clients_where_they_are_asked_for,
    lists_are_followed_as_far_as_they_are_ours,
    a_list_that_is_long_is_not_followed,
    the_share_is_of_a_group_that_the_client_has_one_for,
    clients_that_all_differ_get_ours_when_they_are_too_many,
    workers_share_them)
