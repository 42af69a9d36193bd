/*
 * Intermediates: what is loaded, what comes from a URL, and whose issuer it is.
 */
#include "mint.h"
#include "tls/issuers.h"

#define URL	"http://ca.test/inter.der"

static struct minted root, inter, leaf;

static void
setup(void)
{
	struct mint m = { .cn = "Inter", .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign", .by = &root };

	root = mint_ca("Little Root", NULL);
	inter = mint(&m);
	leaf = mint_leaf(&inter, "DNS:good.test");
}

static void
teardown(void)
{
	mint_done(&root);
	mint_done(&inter);
	mint_done(&leaf);
	scratch_done();
}

/* A copy of the leaf that says where its issuer is. */
static X509 *
leaf_with(const char *aia)
{
	X509 *x = X509_dup(leaf.cert);

	mint_ext(x, inter.cert, NID_info_access, aia);
	ck_assert_int_gt(X509_sign(x, inter.key, EVP_sha256()), 0);
	return x;
}

static int
found(struct issuers *is, X509 *x)
{
	STACK_OF(X509) *sk = sk_X509_new_null();
	int n = issuers_find(is, x, sk);

	ck_assert_int_eq(n, sk_X509_num(sk));
	sk_X509_pop_free(sk, X509_free);
	return n;
}

TEST(what_is_loaded_is_found_by_name)
{
	struct text errors = { 0 };
	struct issuers *is = issuers_new(1 << 20);
	char *path;

	setup();
	path = mint_cert_file("inter.pem", root.cert, inter.cert);
	ck_assert_int_eq(found(is, leaf.cert), 0);
	ck_assert_int_eq(issuers_load(is, path, &errors), 0);
	ck_assert_int_eq(found(is, leaf.cert), 1);
	ck_assert_int_ne(issuers_load(is, "/dev/null", &errors), 0);
	ck_assert_int_ne(issuers_load(is, "/nowhere", &errors), 0);
	ck_assert_int_eq(issuers_load(is, scratch(), &errors), 0);
	issuers_free(is);
	text_free(&errors);
	free(path);
	teardown();
}
END

TEST(what_came_from_a_url_is_found_by_it)
{
	struct issuers *is = issuers_new(1 << 20);
	uint8_t *der = NULL;
	X509 *x;
	int len;

	setup();
	x = leaf_with("caIssuers;URI:" URL);
	len = i2d_X509(inter.cert, &der);
	ck_assert(!issuers_asked(is, URL));
	ck_assert_int_eq(issuers_put(is, URL, der, (size_t)len), 1);
	ck_assert(issuers_asked(is, URL));
	ck_assert_int_eq(found(is, x), 1);
	ck_assert_int_eq(found(is, leaf.cert), 0);
	/* A certificate of another is there: it is not the issuer. */
	OPENSSL_free(der);
	der = NULL;
	len = i2d_X509(root.cert, &der);
	ck_assert_int_eq(issuers_put(is, URL, der, (size_t)len), 1);
	ck_assert_int_eq(found(is, x), 0);
	OPENSSL_free(der);
	X509_free(x);
	issuers_free(is);
	teardown();
}
END

TEST(a_bag_counts_up_to_eight)
{
	struct issuers *is = issuers_new(1 << 20);
	PKCS7 *bag = PKCS7_new();
	uint8_t *der = NULL;
	int i, len;

	setup();
	PKCS7_set_type(bag, NID_pkcs7_signed);
	PKCS7_content_new(bag, NID_pkcs7_data);
	for (i = 0; i < 20; i++)
		ck_assert(PKCS7_add_certificate(bag, inter.cert));
	len = i2d_PKCS7(bag, &der);
	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(issuers_put(is, URL, der, (size_t)len), 8);
	/* Cut off at each byte: none, and nothing worse. */
	for (i = 0; i < len; i += 7)
		ck_assert_int_eq(issuers_put(is, URL, der, (size_t)i), 0);
	ck_assert(issuers_asked(is, URL));
	OPENSSL_free(der);
	PKCS7_free(bag);
	issuers_free(is);
	teardown();
}
END

TEST(only_plain_http_is_a_url_to_fetch)
{
	static const struct {
		const char	*aia, *url;
	} v[] = {
		{ "caIssuers;URI:" URL, URL },
		{ "OCSP;URI:http://ocsp.test/", "" },
		{ "OCSP;URI:http://ocsp.test/,caIssuers;URI:" URL, URL },
		{ "caIssuers;URI:ldap://x/,caIssuers;URI:" URL, URL },
		{ "caIssuers;URI:https://ca.test/x", "" },
		{ "caIssuers;URI:http://ca.test/a b", "" },
		{ "caIssuers;DNS:ca.test", "" },
	};
	char url[ISSUER_URL_MAX];
	size_t i;
	X509 *x;

	setup();
	for (i = 0; i < NELEM(v); i++) {
		x = leaf_with(v[i].aia);
		ck_assert_int_eq(issuers_url(x, url) == 0,
		    v[i].url[0] != '\0');
		ck_assert_str_eq(url, v[i].url);
		X509_free(x);
	}
	ck_assert_int_ne(issuers_url(leaf.cert, url), 0);
	teardown();
}
END

SUITE("issuers", what_is_loaded_is_found_by_name,
    what_came_from_a_url_is_found_by_it, a_bag_counts_up_to_eight,
    only_plain_http_is_a_url_to_fetch)
