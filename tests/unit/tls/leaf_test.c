/*
 * Forged leaves field by field, and their cache.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "mint.h"
#include "codec/hostname.h"
#include "tls/forge.h"

static struct minted	 ca, root;
static struct tls	*t;

static void
setup(void)
{
	ca = mint_ca("Test CA", NULL);
	root = mint_ca("Root", NULL);
	t = tls_with(&ca, root.cert, NULL, 0);
}

static void
teardown(void)
{
	tls_free(t);
	mint_done(&ca);
	mint_done(&root);
	scratch_done();
}

/* The DER of an extension's value; its length, or -1 when there is none. */
static int
ext_of(X509 *x, int nid, const uint8_t **der, int *critical)
{
	int at = X509_get_ext_by_NID(x, nid, -1);
	X509_EXTENSION *e;

	if (at < 0)
		return -1;
	e = X509_get_ext(x, at);
	*der = ASN1_STRING_get0_data(X509_EXTENSION_get_data(e));
	if (critical != NULL)
		*critical = X509_EXTENSION_get_critical(e);
	return ASN1_STRING_length(X509_EXTENSION_get_data(e));
}

static void
same_ext(X509 *a, X509 *b, int nid)
{
	const uint8_t *p, *q;
	int n = ext_of(a, nid, &p, NULL);

	ck_assert_int_eq(n, ext_of(b, nid, &q, NULL));
	if (n > 0)
		ck_assert_mem_eq(p, q, (size_t)n);
}

static struct minted
mint_full(void)
{
	/* domain-validated, 2.23.140.1.2.1 */
	static const uint8_t der[] = { 0x30, 10, 0x30, 8, 6, 6, 0x67, 0x81,
	    0x0c, 1, 2, 1 };
	X509_EXTENSION *policies;
	struct minted m;
	struct mint w = { .cn = "www.example.com", .by = &root,
	    .san = "DNS:www.example.com,DNS:*.example.net,IP:192.0.2.1,"
	    "email:a@example.com", .eku = "serverAuth,clientAuth,codeSigning",
	    .bc = "critical,CA:FALSE" };

	m = mint(&w);
	mint_ext(m.cert, root.cert, NID_tlsfeature, "status_request");
	mint_ext(m.cert, root.cert, NID_info_access,
	    "OCSP;URI:http://ocsp.example/");
	mint_ext(m.cert, root.cert, NID_crl_distribution_points,
	    "URI:http://crl.example/");
	policies = ca_ext(NID_certificate_policies, 0, der, sizeof(der));
	X509_add_ext(m.cert, policies, -1);
	X509_EXTENSION_free(policies);
	X509_sign(m.cert, root.key, EVP_sha256());
	return m;
}

START_TEST(a_leaf_says_what_the_original_says_and_no_more)
{
	static const int dropped[] = { NID_tlsfeature, NID_info_access,
	    NID_crl_distribution_points, NID_certificate_policies };
	struct minted o = mint_full();
	struct leaf *leaf = leaf_of(t, o.cert);
	X509 *x = leaf->cert;
	const uint8_t *der;
	int critical, n;
	size_t i;

	ck_assert_int_eq(X509_verify(x, ca.key), 1);
	ck_assert_int_eq(X509_get_version(x), 2);
	ck_assert_int_eq(X509_NAME_cmp(X509_get_subject_name(x),
	    X509_get_subject_name(o.cert)), 0);
	same_ext(x, o.cert, NID_subject_alt_name);
	ck_assert_int_gt(ext_of(x, NID_subject_alt_name, &der, &critical), 0);
	ck_assert_int_eq(critical, 0);
	for (i = 0; i < NELEM(dropped); i++)
		ck_assert_int_eq(ext_of(x, dropped[i], &der, NULL), -1);
	ck_assert_int_eq(X509_get_extension_flags(x) & EXFLAG_CA, 0);
	n = ext_of(x, NID_basic_constraints, &der, &critical);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(critical, 1);
	ck_assert_uint_eq(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	ck_assert_uint_eq(X509_get_extended_key_usage(x),
	    XKU_SSL_SERVER | XKU_SSL_CLIENT);
	ck_assert_int_eq(X509_get_ext_count(x), 6);
	leaf_unref(leaf);
	mint_done(&o);
}
END_TEST

/* What a leaf for this name says, as text: "DNS:a, IP Address:192.0.2.1". */
static void
has_names(X509 *original, const char *asked, const char *want)
{
	struct leaf_want w = { .original = original, .asked = asked };
	struct leaf *leaf = leaf_fetch(t, &w, NULL);
	X509_EXTENSION *e = X509_get_ext(leaf->cert, X509_get_ext_by_NID(
	    leaf->cert, NID_subject_alt_name, -1));
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	long n;

	ck_assert_int_eq(X509V3_EXT_print(b, e, 0, 0), 1);
	n = BIO_get_mem_data(b, &text);
	ck_assert_msg((size_t)n == strlen(want) && memcmp(text, want,
	    (size_t)n) == 0, "%s: %.*s", asked != NULL ? asked : "all",
	    (int)n, text);
	BIO_free(b);
	leaf_unref(leaf);
}

START_TEST(a_leaf_has_the_name_asked_for_if_the_original_covers_it)
{
	static const char all[] = "DNS:www.example.com, DNS:*.example.net, "
	    "IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1";
	struct minted o = mint_leaf(&root, "DNS:www.example.com,"
	    "DNS:*.example.net,IP:192.0.2.1,IP:2001:db8::1");

	has_names(o.cert, NULL, all);
	has_names(o.cert, "www.example.com", "DNS:www.example.com");
	has_names(o.cert, "a.example.net", "DNS:a.example.net");
	has_names(o.cert, "192.0.2.1", "IP Address:192.0.2.1");
	has_names(o.cert, "2001:db8::1", "IP Address:2001:DB8:0:0:0:0:0:1");
	has_names(o.cert, "example.net", all);
	has_names(o.cert, "a.b.example.net", all);
	has_names(o.cert, "other.example", all);
	has_names(o.cert, "192.0.2.2", all);
	mint_done(&o);
}
END_TEST

START_TEST(a_name_of_any_length_is_written_as_der_has_it)
{
	struct minted o = mint_leaf(&root, "DNS:*.net.example");
	char name[HOSTNAME_MAX + 1], want[HOSTNAME_MAX + 5];
	struct leaf_want w = { .name = name };
	const uint8_t *der;
	struct leaf *leaf;
	size_t n;

	for (n = 1; n < HOSTNAME_MAX; n++) {
		memset(name, 'a', n);
		name[n] = '\0';
		leaf = leaf_fetch(t, &w, NULL);
		ck_assert_int_gt(ext_of(leaf->cert, NID_subject_alt_name,
		    &der, NULL), (int)n);
		ck_assert_int_eq(X509_check_host(leaf->cert, name, 0,
		    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL), 1);
		leaf_unref(leaf);
	}
	memset(name, 'a', 63);
	strcpy(name + 63, ".net.example");
	snprintf(want, sizeof(want), "DNS:%s", name);
	has_names(o.cert, name, want);
	mint_done(&o);
}
END_TEST

START_TEST(aki_is_the_cas_ski_and_ski_is_our_own)
{
	struct minted o = mint_leaf(&root, "DNS:a.example");
	struct leaf *leaf = leaf_of(t, o.cert);
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(leaf->cert);

	ck_assert_int_eq(ASN1_OCTET_STRING_cmp(aki,
	    X509_get0_subject_key_id(ca.cert)), 0);
	ck_assert_int_ne(ASN1_OCTET_STRING_cmp(
	    X509_get0_subject_key_id(leaf->cert), aki), 0);
	leaf_unref(leaf);
	mint_done(&o);
}
END_TEST

START_TEST(an_empty_subject_makes_the_san_critical)
{
	struct mint m = { .san = "DNS:a.example", .by = &root };
	struct minted o = mint(&m);
	struct leaf *leaf = leaf_of(t, o.cert);
	const uint8_t *der;
	int critical;

	ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(
	    leaf->cert)), 0);
	ck_assert_int_gt(ext_of(leaf->cert, NID_subject_alt_name, &der,
	    &critical), 0);
	ck_assert_int_eq(critical, 1);
	leaf_unref(leaf);
	mint_done(&o);
}
END_TEST

START_TEST(no_san_stays_no_san)
{
	struct mint m = { .cn = "a.example", .by = &root };
	struct minted o = mint(&m);
	struct leaf *leaf = leaf_of(t, o.cert);
	const uint8_t *der;

	ck_assert_int_eq(ext_of(leaf->cert, NID_subject_alt_name, &der, NULL),
	    -1);
	ck_assert_uint_eq(X509_get_extended_key_usage(leaf->cert),
	    XKU_SSL_SERVER);
	leaf_unref(leaf);
	mint_done(&o);
}
END_TEST

static void
span(X509 *x, long *from, long *to)
{
	*from = (long)ca_time(X509_get0_notBefore(x));
	*to = (long)ca_time(X509_get0_notAfter(x));
}

START_TEST(validity_is_cut_to_90_days_and_the_original)
{
	static const struct { int from, to; } orig[] = {
		{ -800, 800 }, { -10, 90 }, { -1, 1 }, { -500, -100 },
		{ -20, -10 }, { 5, 700 },
	};
	struct mint m = { .cn = "a", .san = "DNS:a.example", .by = &root };
	long of, ot, f, to, now = (long)time(NULL);
	struct minted o;
	struct leaf *leaf;
	size_t i;

	for (i = 0; i < NELEM(orig); i++) {
		m.from = orig[i].from;
		m.to = orig[i].to;
		o = mint(&m);
		leaf = leaf_of(t, o.cert);
		span(o.cert, &of, &ot);
		span(leaf->cert, &f, &to);
		ck_assert_int_ge(f, of);
		ck_assert_int_le(to, ot);
		ck_assert_int_gt(to, f);
		ck_assert_int_le(to - f, 90 * DAY);
		/* Good stays good, bad stays bad. */
		ck_assert_int_eq(f <= now, of <= now);
		ck_assert_int_eq(to > now, ot > now);
		leaf_unref(leaf);
		mint_done(&o);
	}
}
END_TEST

START_TEST(validity_ends_with_the_ca)
{
	struct mint m = { .cn = "Short CA", .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign", .from = -1, .to = 7 };
	struct minted small = mint(&m), o = mint_leaf(&root, "DNS:a.example");
	struct tls *mine = tls_with(&small, root.cert, NULL, 0);
	struct leaf *leaf = leaf_of(mine, o.cert);
	long f, to, cf, ct;

	span(leaf->cert, &f, &to);
	span(small.cert, &cf, &ct);
	ck_assert_int_eq(to, ct);
	ck_assert_int_ge(f, cf);
	leaf_unref(leaf);
	tls_free(mine);
	mint_done(&o);
	mint_done(&small);
}
END_TEST

START_TEST(no_two_leaves_have_one_serial)
{
	struct minted o = mint_leaf(&root, "DNS:a.example"),
	    p = mint_leaf(&root, "DNS:b.example");
	struct leaf_want w = { .original = o.cert }, u = { .original = o.cert,
	    .untrusted = 1 }, r = { .original = o.cert, .key = LEAF_RSA };
	struct leaf *a = leaf_fetch(t, &w, NULL), *b = leaf_of(t, p.cert),
	    *c = leaf_fetch(t, &u, NULL), *d = leaf_fetch(t, &r, NULL), *e;
	const ASN1_INTEGER *s = X509_get0_serialNumber(a->cert);
	struct tls *other = tls_with(&ca, root.cert, NULL, 0);

	ck_assert_int_eq(ASN1_STRING_length(s), 16);
	ck_assert_int_ne(ASN1_INTEGER_cmp(s, X509_get0_serialNumber(b->cert)),
	    0);
	ck_assert_int_ne(ASN1_INTEGER_cmp(s, X509_get0_serialNumber(c->cert)),
	    0);
	ck_assert_int_ne(ASN1_INTEGER_cmp(s, X509_get0_serialNumber(d->cert)),
	    0);
	ck_assert_int_eq(c->untrusted, 1);
	ck_assert_int_eq(EVP_PKEY_is_a(d->key, "RSA"), 1);
	ck_assert_uint_eq(X509_get_key_usage(d->cert),
	    KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	/* Nor have those of two processes. */
	e = leaf_of(other, o.cert);
	ck_assert_int_ne(ASN1_INTEGER_cmp(s, X509_get0_serialNumber(e->cert)),
	    0);
	leaf_unref(a);
	leaf_unref(e);
	leaf_unref(b);
	leaf_unref(c);
	leaf_unref(d);
	tls_free(other);
	mint_done(&o);
	mint_done(&p);
}
END_TEST

START_TEST(forged_again_it_has_another_serial_and_is_else_the_same)
{
	struct minted o = mint_leaf(&root, "DNS:a.example");
	struct leaf_want w = { .original = o.cert };
	struct ca *u = ca_untrusted();
	struct forge_key k;
	time_t now = time(NULL);
	uint8_t *one_der = NULL, *two_der = NULL;
	X509 *x, *y;
	int n;

	ck_assert_int_eq(forge_key_make(&k, LEAF_P256), 0);
	x = forge_build(&k, u, &w, now);
	y = forge_build(&k, u, &w, now);
	ck_assert_int_ne(ASN1_INTEGER_cmp(X509_get0_serialNumber(x),
	    X509_get0_serialNumber(y)), 0);
	X509_set_serialNumber(y, X509_get_serialNumber(x));
	X509_sign(x, ca.key, EVP_sha256());	/* for the algorithm's name */
	X509_sign(y, ca.key, EVP_sha256());
	n = i2d_re_X509_tbs(x, &one_der);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(i2d_re_X509_tbs(y, &two_der), n);
	ck_assert_mem_eq(one_der, two_der, (size_t)n);
	OPENSSL_free(one_der);
	OPENSSL_free(two_der);
	X509_free(x);
	X509_free(y);
	forge_key_done(&k);
	ca_free(u);
	mint_done(&o);
}
END_TEST

START_TEST(a_page_of_our_own_has_its_name)
{
	struct leaf_want w = { .name = "blocked.example" };
	struct leaf *leaf = leaf_fetch(t, &w, NULL);

	ck_assert_int_eq(X509_check_host(leaf->cert, "blocked.example", 0, 0,
	    NULL), 1);
	leaf_unref(leaf);
	w.name = "192.0.2.7";
	leaf = leaf_fetch(t, &w, NULL);
	ck_assert_int_eq(X509_check_ip_asc(leaf->cert, "192.0.2.7", 0), 1);
	leaf_unref(leaf);
	w.name = "2001:db8::7";
	leaf = leaf_fetch(t, &w, NULL);
	ck_assert_int_eq(X509_check_ip_asc(leaf->cert, "2001:db8::7", 0), 1);
	leaf_unref(leaf);
}
END_TEST

static struct minted	one;
static atomic_int	forged_for;	/* askers told they caused it */
static atomic_int	wrong;

static void *
ask_in_thread(void *arg)
{
	struct leaf_want w = { .original = one.cert,
	    .key = arg != NULL ? LEAF_RSA : LEAF_P256 };
	struct leaf *leaf;
	int cached;

	leaf = leaf_fetch(t, &w, &cached);
	if (leaf == NULL)
		wrong++;
	else if (!cached)
		forged_for++;
	leaf_unref(leaf);
	return NULL;
}

START_TEST(a_hundred_askers_forge_once)
{
	pthread_t th[100];
	struct leaf_stats st;
	size_t i;

	one = mint_leaf(&root, "DNS:a.example");
	for (i = 0; i < NELEM(th); i++)
		pthread_create(&th[i], NULL, ask_in_thread,
		    _i ? &one : NULL);
	for (i = 0; i < NELEM(th); i++)
		pthread_join(th[i], NULL);
	leaf_stats(tls_leafs(t), &st);
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_eq(forged_for, 1);
	ck_assert_uint_eq(st.forged, 1);
	ck_assert_uint_eq(st.misses, 1);
	ck_assert_uint_eq(st.hits + st.waited, 99);
	mint_done(&one);
}
END_TEST

START_TEST(two_names_alternating_hit_after_the_first_pair)
{
	struct minted o = mint_leaf(&root, "DNS:a.example"),
	    p = mint_leaf(&root, "DNS:b.example");
	struct leaf_stats st;
	int i;

	for (i = 0; i < 20; i++)
		leaf_unref(leaf_of(t, i % 2 ? o.cert : p.cert));
	leaf_stats(tls_leafs(t), &st);
	ck_assert_uint_eq(st.forged, 2);
	ck_assert_uint_eq(st.hits, 18);
	mint_done(&o);
	mint_done(&p);
}
END_TEST

/* Even if the two have the same CA: their chains may not be the same. */
START_TEST(an_authority_has_leaves_of_its_own)
{
	struct ca *u[] = { ca_untrusted(), ca_untrusted() };
	struct authority a1 = { .ca = { u[0], u[1] } },
	    a2 = { .ca = { u[1], u[0] } }, a3 = { .ca = { u[0], u[1] } },
	    *as[] = { &a1, NULL, &a2, &a3 };
	struct leafs *l = leafs_new(as, NELEM(as), 64 * 1024);
	struct leaf *leaf[NELEM(as)] = { NULL };
	struct leaf_want w = { .name = "a.example" };
	struct leaf_wait *wait;
	struct asker a;
	size_t i, k;

	asker_init(&a);
	for (i = 0; i < NELEM(as); i++) {
		w.authority = i;
		for (k = 0; as[i] != NULL && k < 2; k++) {
			leaf_unref(leaf[i]);
			leaf[i] = leaf_get(l, &w, a.box, asker_told, &a,
			    &wait);
			ck_assert_int_eq(leaf[i] != NULL, k == 1);
			if (k == 0)
				event_base_loop(a.base, EVLOOP_ONCE);
			if (k == 0)
				leaf[i] = a.leaf;
		}
	}
	for (i = 0; i < NELEM(as); i++)
		for (k = 0; as[i] != NULL && k < 2; k++)
			ck_assert_int_eq(X509_verify(leaf[i]->cert,
			    X509_get0_pubkey(u[k]->cert)) == 1,
			    as[i]->ca[0] == u[k]);
	ck_assert_ptr_ne(leaf[0], leaf[3]);
	for (i = 0; i < NELEM(as); i++)
		leaf_unref(leaf[i]);
	asker_done(&a);
	leafs_free(l);
	ca_free(u[0]);
	ca_free(u[1]);
}
END_TEST

START_TEST(the_cache_is_bounded)
{
	struct ca *u = ca_untrusted();
	struct authority a1 = { .ca = { u, u } }, *as = &a1;
	struct leafs *l = leafs_new(&as, 1, 64 * 1024);
	struct leaf_want w = { 0 };
	struct leaf_wait *wait;
	struct leaf_stats st;
	struct asker a;
	char name[32];
	int i;

	asker_init(&a);
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		w.name = name;
		ck_assert_ptr_null(leaf_get(l, &w, a.box, asker_told, &a,
		    &wait));
		event_base_loop(a.base, EVLOOP_ONCE);
		leaf_unref(a.leaf);
	}
	leaf_stats(l, &st);
	ck_assert_uint_eq(st.forged, 500);
	ck_assert_uint_le(st.cache.bytes, 64 * 1024);
	ck_assert_uint_ge(st.cache.entries, 1);
	asker_done(&a);
	leafs_free(l);
	ca_free(u);
}
END_TEST

START_TEST(a_cancelled_wait_is_never_told)
{
	struct minted o = mint_leaf(&root, "DNS:a.example");
	struct leaf_want w = { .original = o.cert }, r = { .original = o.cert,
	    .key = LEAF_RSA };
	struct leaf_wait *wait;
	struct asker a;

	asker_init(&a);
	/* Told already, but not yet run; and still under way. */
	ck_assert_ptr_null(leaf_get(tls_leafs(t), &w, a.box, asker_told, &a,
	    &wait));
	leaf_cancel(wait);
	ck_assert_ptr_null(leaf_get(tls_leafs(t), &r, a.box, asker_told, &a,
	    &wait));
	leaf_cancel(wait);
	event_base_loop(a.base, EVLOOP_NONBLOCK);
	asker_done(&a);
	ck_assert_int_eq(a.told, 0);
	mint_done(&o);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("leaf");
	TCase *c = tcase_create("leaf");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_leaf_says_what_the_original_says_and_no_more);
	tcase_add_test(c, aki_is_the_cas_ski_and_ski_is_our_own);
	tcase_add_test(c,
	    a_leaf_has_the_name_asked_for_if_the_original_covers_it);
	tcase_add_test(c, a_name_of_any_length_is_written_as_der_has_it);
	tcase_add_test(c, an_empty_subject_makes_the_san_critical);
	tcase_add_test(c, no_san_stays_no_san);
	tcase_add_test(c, validity_is_cut_to_90_days_and_the_original);
	tcase_add_test(c, validity_ends_with_the_ca);
	tcase_add_test(c, no_two_leaves_have_one_serial);
	tcase_add_test(c,
	    forged_again_it_has_another_serial_and_is_else_the_same);
	tcase_add_test(c, a_page_of_our_own_has_its_name);
	tcase_add_loop_test(c, a_hundred_askers_forge_once, 0, 2);
	tcase_add_test(c, two_names_alternating_hit_after_the_first_pair);
	tcase_add_test(c, the_cache_is_bounded);
	tcase_add_test(c, an_authority_has_leaves_of_its_own);
	tcase_add_test(c, a_cancelled_wait_is_never_told);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
