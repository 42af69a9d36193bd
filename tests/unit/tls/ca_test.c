/*
 * CAs that cannot be used are refused with the reason; those made can be.
 */
#include <errno.h>
#include <sys/stat.h>

#include "mint.h"
#include "util/err.h"

/* Loads it; NULL or the errors, for the caller. */
static char *
refusal(X509 *cert, EVP_PKEY *key, const char *pass)
{
	char *c = mint_cert_file("c.pem", cert, NULL),
	    *k = mint_key_file("c.key", key, pass), *why = NULL;
	struct text errors = { 0 };
	struct ca *ca;

	if (ca_load("ca", c, k, &ca, &errors) != 0)
		why = text_take(&errors);
	else
		ck_assert_uint_eq(errors.len, 0);
	ca_free(ca);
	text_free(&errors);
	free(c);
	free(k);
	return why;
}

static const struct {
	struct mint	 mint;
	const char	*why;		/* NULL: it is good */
} authorities[] = {
	{ { .cn = "x", .bc = "critical,CA:TRUE",
	    .ku = "keyCertSign" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .key = "p-384" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .key = "ed25519" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .key = "rsa:2048" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .key = "rsa:1024" },
	    "1024 bits" },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .key = "p-521" },
	    "secp521r1" },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .from = -20, .to = -1 },
	    "has expired" },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .from = 1 },
	    "not yet valid" },
	{ { .cn = "x", .bc = "critical,CA:FALSE" }, "CA:TRUE" },
	{ { .cn = "x" }, "CA:TRUE" },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .ku = "cRLSign" },
	    "keyCertSign" },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .eku = "serverAuth" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE",
	    .eku = "anyExtendedKeyUsage" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE",
	    .eku = "clientAuth,codeSigning" }, "serverAuth" },
};

START_TEST(unusable_authorities_are_refused_with_the_reason)
{
	struct minted m = mint(&authorities[_i].mint);
	char *why = refusal(m.cert, m.key, NULL);

	if (authorities[_i].why == NULL)
		ck_assert_msg(why == NULL, "%s", why);
	else
		ck_assert_msg(why != NULL &&
		    strstr(why, authorities[_i].why) != NULL &&
		    strstr(why, scratch()) != NULL, "%s", why);
	free(why);
	mint_done(&m);
	scratch_done();
}
END_TEST

static const struct {
	struct mint	 mint;
	const char	*why;		/* NULL: it is all there */
} doubtful[] = {
	{ { .cn = "x", .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign" }, NULL },
	{ { .cn = "x", .bc = "critical,CA:TRUE", .no_ski = 1,
	    .ku = "critical,keyCertSign" }, "has no subjectKeyIdentifier" },
	{ { .cn = "x", .bc = "critical,CA:TRUE" }, "has no keyUsage" },
	{ { .cn = "x", .bc = "CA:TRUE", .ku = "keyCertSign" },
	    "has basicConstraints that is not critical" },
	{ { .cn = "x", .bc = "CA:TRUE", .no_ski = 1 },
	    ", and no keyUsage, and basicConstraints" },
};

START_TEST(what_strict_clients_miss_in_a_ca_is_told)
{
	struct minted m = mint(&doubtful[_i].mint);
	struct text why = { 0 };
	char *refused = refusal(m.cert, m.key, NULL);

	ck_assert_msg(refused == NULL, "%s", refused);
	ca_doubts(m.cert, &why);
	if (doubtful[_i].why == NULL)
		ck_assert_uint_eq(why.len, 0);
	else
		ck_assert_msg(why.s != NULL &&
		    strstr(why.s, doubtful[_i].why) != NULL, "%s", why.s);
	text_free(&why);
	mint_done(&m);
	scratch_done();
}
END_TEST

START_TEST(a_key_of_another_ca_is_refused)
{
	struct minted a = mint_ca("a", NULL), b = mint_ca("b", NULL);
	char *why = refusal(a.cert, b.key, NULL);

	ck_assert_ptr_nonnull(strstr(why, "does not match"));
	free(why);
	why = refusal(a.cert, a.key, "secret");
	ck_assert_ptr_nonnull(strstr(why, "passphrase"));
	free(why);
	mint_done(&a);
	mint_done(&b);
	scratch_done();
}
END_TEST

START_TEST(a_damaged_certificate_behind_the_ca_is_an_error)
{
	static const char *const junk[] = { "hello\n"
	    "-----END CERTIFICATE-----\n", "MIIB", "MIIB\n"
	    "-----END CERTIFICATE-----\n" };
	struct minted ca = mint_ca("a", NULL);
	char *c = mint_cert_file("c.pem", ca.cert, NULL),
	    *k = mint_key_file("c.key", ca.key, NULL);
	struct text errors = { 0 };
	struct ca *out;
	FILE *f = fopen(c, "a");

	fprintf(f, "-----BEGIN CERTIFICATE-----\n%s", junk[_i]);
	fclose(f);
	ck_assert_int_eq(ca_load("ca", c, k, &out, &errors), ERR_USAGE);
	ck_assert_ptr_nonnull(strstr(errors.s, "certificate 2 "));
	text_free(&errors);
	free(c);
	free(k);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(a_key_behind_the_certificate_is_no_damage)
{
	struct minted ca = mint_ca("a", NULL);
	char *c = mint_cert_file("c.pem", ca.cert, NULL);
	struct text errors = { 0 };
	struct ca *out;
	FILE *f = fopen(c, "a");

	PEM_write_PrivateKey(f, ca.key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	ck_assert_int_eq(ca_load("ca", c, c, &out, &errors), 0);
	ca_free(out);
	text_free(&errors);
	free(c);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(missing_files_are_each_named)
{
	struct text errors = { 0 };
	struct ca *ca;

	ck_assert_int_eq(ca_load("ca", "/nonexistent/a", "/nonexistent/b",
	    &ca, &errors), ERR_USAGE);
	ck_assert_ptr_null(ca);
	ck_assert_str_eq(errors.s,
	    "ca: /nonexistent/a: No such file or directory\n"
	    "ca: /nonexistent/b: No such file or directory\n");
	text_free(&errors);
}
END_TEST

START_TEST(what_is_made_can_be_loaded_and_is_never_overwritten)
{
	static const char *const keys[] = { "p-256", "p-384", "ed25519",
	    "rsa:2048" };
	struct ca_want want = { .key = keys[_i] };
	char *dir = xasprintf("%s/new/er", scratch()),
	    *c = xasprintf("%s/ca.pem", dir), *k = xasprintf("%s/ca.key", dir);
	struct text errors = { 0 };
	struct stat st;
	struct ca *ca;
	EVP_PKEY *key;
	X509 *x;

	ck_assert_int_eq(ca_make(&want, &x, &key), 0);
	ck_assert_int_eq(ca_write(dir, x, key), 0);
	ck_assert_int_eq(ca_load("ca", c, k, &ca, &errors), 0);
	ck_assert_int_eq(stat(k, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(c, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(stat(dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(ca_write(dir, x, key), ERR_SYS);
	ck_assert_int_eq(errno, EEXIST);
	unlink(k);	/* a certificate alone is not written over either */
	ck_assert_int_eq(ca_write(dir, x, key), ERR_SYS);
	ck_assert_int_eq(stat(k, &st), -1);
	ca_free(ca);
	X509_free(x);
	EVP_PKEY_free(key);
	free(dir);
	free(c);
	free(k);
	scratch_done();
}
END_TEST

START_TEST(the_untrusted_ca_says_so)
{
	struct ca *ca = ca_untrusted();
	char cn[128];

	X509_NAME_get_text_by_NID(X509_get_subject_name(ca->cert),
	    NID_commonName, cn, sizeof(cn));
	ck_assert_ptr_nonnull(strstr(cn, "Clearspan Untrusted CA"));
	ck_assert_int_eq(sk_X509_num(ca->chain), 0);
	ca_free(ca);
}
END_TEST

START_TEST(an_issuing_ca_is_sent_with_its_intermediates)
{
	struct minted r = mint_ca("root", NULL), i;
	struct mint m = { .cn = "issuing", .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign", .by = &r };
	struct text errors = { 0 };
	char *c, *k;
	struct ca *ca;

	i = mint(&m);
	c = mint_cert_file("c.pem", i.cert, r.cert);
	k = mint_key_file("c.key", i.key, NULL);
	ck_assert_int_eq(ca_load("ca", c, k, &ca, &errors), 0);
	ck_assert_int_eq(sk_X509_num(ca->chain), 1);
	ck_assert_int_eq(X509_cmp(sk_X509_value(ca->chain, 0), i.cert), 0);
	ca_free(ca);
	free(c);
	free(k);
	mint_done(&r);
	mint_done(&i);
	scratch_done();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ca");
	TCase *c = tcase_create("ca");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c,
	    unusable_authorities_are_refused_with_the_reason, 0,
	    NELEM(authorities));
	tcase_add_loop_test(c, what_strict_clients_miss_in_a_ca_is_told, 0,
	    NELEM(doubtful));
	tcase_add_test(c, a_key_of_another_ca_is_refused);
	tcase_add_loop_test(c,
	    a_damaged_certificate_behind_the_ca_is_an_error, 0, 3);
	tcase_add_test(c, a_key_behind_the_certificate_is_no_damage);
	tcase_add_test(c, missing_files_are_each_named);
	tcase_add_loop_test(c,
	    what_is_made_can_be_loaded_and_is_never_overwritten, 0, 4);
	tcase_add_test(c, the_untrusted_ca_says_so);
	tcase_add_test(c, an_issuing_ca_is_sent_with_its_intermediates);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
