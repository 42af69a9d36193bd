/*
 * Whom we trust: the system, as the environment says, or what is named.
 */
#include "mint.h"
#include "tls/trust.h"

static struct minted root;
static char *file;		/* root, as PEM */

static void
setup(void)
{
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	root = mint_ca("Little Root", NULL);
	file = mint_cert_file("root.pem", root.cert, NULL);
}

static void
teardown(void)
{
	mint_done(&root);
	free(file);
	scratch_done();
}

static int
trusts(const char *trust)
{
	struct text errors = { 0 };
	struct trust *t = NULL;
	STACK_OF(X509) *found;
	int n;

	ck_assert_int_eq(trust_new(trust, NULL, 0, 4096, &t, &errors), 0);
	found = X509_STORE_get1_all_certs(trust_store(t));
	ck_assert_ptr_nonnull(found);
	for (n = 0; n < sk_X509_num(found); n++)
		if (X509_cmp(sk_X509_value(found, n), root.cert) == 0)
			break;
	n = n < sk_X509_num(found);
	sk_X509_pop_free(found, X509_free);
	trust_free(t);
	text_free(&errors);
	return n;
}

TEST(the_file_of_the_environment_is_the_systems)
{
	setup();
	ck_assert(!trusts(NULL));
	setenv("SSL_CERT_FILE", file, 1);
	ck_assert(trusts(NULL));
	ck_assert(trusts("system"));
	setenv("SSL_CERT_FILE", "", 1);		/* as if it were not set */
	ck_assert(!trusts("system"));
	teardown();
}
END

TEST(a_directory_of_the_environment_counts_by_hashed_names)
{
	char *list = xasprintf("/nowhere:%s", scratch());
	char name[32], *path;

	setup();
	setenv("SSL_CERT_DIR", list, 1);
	ck_assert(!trusts(NULL));
	snprintf(name, sizeof(name), "%08lx.0",
	    X509_NAME_hash_ex(X509_get_subject_name(root.cert), NULL, NULL,
	    NULL));
	path = xasprintf("%s/%s", scratch(), name);
	ck_assert_int_eq(symlink(file, path), 0);
	ck_assert(trusts(NULL));
	/* A list of revoked certificates has a name with an r. */
	free(list);
	list = xasprintf("%s/%.8s.r0", scratch(), name);
	ck_assert_int_eq(rename(path, list), 0);
	ck_assert(!trusts(NULL));
	free(list);
	free(path);
	teardown();
}
END

TEST(what_is_named_is_trusted_alone)
{
	struct minted other = mint_ca("Other Root", NULL);
	char *path;

	setup();
	path = mint_cert_file("other.pem", other.cert, NULL);
	setenv("SSL_CERT_FILE", file, 1);
	ck_assert(!trusts(path));
	unsetenv("SSL_CERT_FILE");
	ck_assert(trusts(file));
	free(path);
	mint_done(&other);
	teardown();
}
END

SUITE("trust", the_file_of_the_environment_is_the_systems,
    a_directory_of_the_environment_counts_by_hashed_names,
    what_is_named_is_trusted_alone)
