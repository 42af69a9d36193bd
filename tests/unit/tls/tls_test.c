/*
 * Handshakes of both sides in memory: forged leaves as a strict client sees
 * them, verdicts, resumption, suspension, the key log.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "origin.h"
#include "tls/certinfo.h"
#include "tls/conn.h"

static SSL_CTX *
strict_client(X509 *root)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root);
	X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx),
	    X509_V_FLAG_X509_STRICT);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

/* What both sides' libraries like best: OpenSSL 3.5 has the hybrid. */
static const char *
best_group(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int hybrid = version >= TLS1_3_VERSION &&
	    SSL_CTX_set1_groups_list(ctx, "X25519MLKEM768");

	SSL_CTX_free(ctx);
	return hybrid ? "X25519MLKEM768" : "x25519";
}

static void
leaf_is_accepted_under(const char *key, int version)
{
	struct minted ca = mint_ca("Test CA", key), root = mint_ca("Root",
	    NULL), origin = mint_leaf(&root, "DNS:www.example.com");
	struct tls *t = tls_with(&ca, root.cert, NULL, version);
	struct leaf *leaf = leaf_of(t, origin.cert);
	SSL_CTX *ctx = strict_client(ca.cert);
	SSL *client = SSL_new(ctx), *server;
	struct tls_used used;

	server = tls_accept(t, 0, leaf, (const uint8_t *)"h2", 2);
	ck_assert_ptr_nonnull(server);
	SSL_set1_host(client, "www.example.com");
	SSL_set_alpn_protos(client, (const uint8_t *)"\x08http/1.1\x02h2", 12);
	SSL_set_connect_state(client);
	join(client, server);
	ck_assert_msg(shake(client, server) == 0, "%s: %s", key,
	    X509_verify_cert_error_string(SSL_get_verify_result(client)));
	talk(client, server);
	tls_used(server, &used);
	ck_assert_str_eq(used.version, version == TLS1_2_VERSION ? "TLS 1.2" :
	    "TLS 1.3");
	ck_assert_str_eq(used.alpn, "h2");
	ck_assert_str_eq(used.group, best_group(version));
	ck_assert_int_eq(used.resumed, 0);
	tls_end(server);
	SSL_free(client);
	SSL_CTX_free(ctx);
	leaf_unref(leaf);
	tls_free(t);
	mint_done(&ca);
	mint_done(&root);
	mint_done(&origin);
	scratch_done();
}

static const char *const ca_keys[] = { "p-256", "p-384", "ed25519",
    "rsa:2048", "rsa:3072" };

START_TEST(leaves_of_every_ca_key_type_satisfy_a_strict_client)
{
	leaf_is_accepted_under(ca_keys[_i % 5],
	    _i < 5 ? TLS1_3_VERSION : TLS1_2_VERSION);
}
END_TEST

static const struct {
	struct mint	 mint;
	const char	*name;		/* asked for */
	int		 trusted;	/* the root is */
	enum tls_verify	 expect;
	const char	*text;
} verdicts[] = {
	{ { .cn = "a", .san = "DNS:a.example" }, "a.example", 1, VERIFY_OK,
	    "ok" },
	{ { .cn = "a", .san = "DNS:a.example" }, "b.example", 1, VERIFY_NAME,
	    "hostname mismatch" },
	{ { .cn = "a", .san = "DNS:a.example", .from = -20, .to = -1 },
	    "a.example", 1, VERIFY_EXPIRED, "certificate has expired" },
	{ { .cn = "a", .san = "DNS:a.example", .from = 1, .to = 9 },
	    "a.example", 1, VERIFY_EXPIRED, "certificate is not yet valid" },
	{ { .cn = "a", .san = "DNS:a.example", .from = -20, .to = -1 },
	    "b.example", 1, VERIFY_NAME, "hostname mismatch" },
	{ { .cn = "a", .san = "DNS:a.example", .from = -20, .to = -1 },
	    "a.example", 0, VERIFY_UNTRUSTED,
	    "unable to get local issuer certificate" },
	{ { .cn = "a", .san = "DNS:a.example" }, "a.example", 0,
	    VERIFY_UNTRUSTED, "unable to get local issuer certificate" },
	{ { .cn = "a", .san = "IP:192.0.2.1" }, NULL, 1, VERIFY_OK, "ok" },
	{ { .cn = "a", .san = "IP:192.0.2.2" }, NULL, 1, VERIFY_NAME,
	    "IP address mismatch" },
	{ { .cn = "a", .san = "DNS:*.example" }, "a.example", 1, VERIFY_NAME,
	    "hostname mismatch" },
	{ { .cn = "a", .san = "DNS:*.b.example" }, "a.b.example", 1,
	    VERIFY_OK, "ok" },
	{ { .cn = "a", .san = "DNS:a.example", .key = "rsa:1024" },
	    "a.example", 1, VERIFY_UNTRUSTED, "EE certificate key too weak" },
};

START_TEST(servers_get_the_verdict_they_earned)
{
	struct minted ca = mint_ca("CA", NULL);
	struct origin o;
	struct tls *t;
	struct tls_want w = want_of(verdicts[_i].name);
	const char *text;
	int i;

	origin_init(&o, &verdicts[_i].mint);
	t = tls_with(&ca, verdicts[_i].trusted ? o.root.cert : NULL, NULL, 0);
	/* The second comes from the cache, or is resumed; never better. */
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(visit(t, &o, &w, verdicts[_i].expect, &text),
		    i == 1 && verdicts[_i].expect == VERIFY_OK);
		ck_assert_str_eq(text, verdicts[_i].text);
	}
	tls_free(t);
	origin_done(&o);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(a_chain_that_is_not_complete_is_untrusted)
{
	struct minted ca = mint_ca("CA", NULL), root = mint_ca("Root", NULL),
	    inter, self;
	struct mint im = { .cn = "Intermediate", .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign", .by = &root },
	    m = { .cn = "a", .san = "DNS:a.example" };
	struct tls_want w = want_of("a.example");
	struct tls *t = tls_with(&ca, root.cert, NULL, 0);
	struct origin o;
	const char *text;

	inter = mint(&im);
	m.by = &inter;
	origin_init(&o, &m);
	visit(t, &o, &w, VERIFY_UNTRUSTED, &text);
	ck_assert_str_eq(text, "unable to get local issuer certificate");
	/* The same leaf with the intermediate: not that cached verdict. */
	SSL_CTX_add1_chain_cert(o.ctx, inter.cert);
	visit(t, &o, &w, VERIFY_OK, NULL);
	m.by = NULL;
	self = mint(&m);
	SSL_CTX_clear_chain_certs(o.ctx);
	SSL_CTX_use_cert_and_key(o.ctx, self.cert, self.key, NULL, 1);
	w = want_of("b.example");
	visit(t, &o, &w, VERIFY_UNTRUSTED, &text);
	ck_assert_str_eq(text, "self-signed certificate");
	tls_free(t);
	origin_done(&o);
	mint_done(&ca);
	mint_done(&root);
	mint_done(&inter);
	mint_done(&self);
	scratch_done();
}
END_TEST

START_TEST(a_forgery_under_an_expired_intermediate_is_untrusted)
{
	struct minted ca = mint_ca("CA", NULL), root = mint_ca("Root", NULL),
	    inter, liar = { NULL, mint_key(NULL) };
	struct mint im = { .cn = "Intermediate", .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign", .from = -100, .to = -1,
	    .by = &root }, m = { .cn = "a", .san = "DNS:a.example" };
	struct tls_want w = want_of("a.example");
	struct tls *t = tls_with(&ca, root.cert, NULL, 0);
	struct origin o;
	const char *text;
	int i;

	inter = mint(&im);
	liar.cert = inter.cert;		/* its name, and another key */
	for (i = 0; i < 2; i++) {
		m.by = i == 0 ? &inter : &liar;
		origin_init(&o, &m);
		SSL_CTX_add1_chain_cert(o.ctx, inter.cert);
		visit(t, &o, &w, i == 0 ? VERIFY_EXPIRED : VERIFY_UNTRUSTED,
		    &text);
		ck_assert_str_eq(text, i == 0 ? "certificate has expired" :
		    "certificate signature failure");
		origin_done(&o);
	}
	tls_free(t);
	EVP_PKEY_free(liar.key);
	mint_done(&inter);
	mint_done(&root);
	mint_done(&ca);
	scratch_done();
}
END_TEST

/* Of TLS 1.3 records of our own want the secrets; libssl's want nothing. */
START_TEST(who_keeps_libssls_records_asks_for_no_secrets)
{
	struct minted ca = mint_ca("CA", NULL);
	struct tls_profile p[2] = { { .libssl = 0 }, { .libssl = 1 } };
	struct tls_options o = { .profiles = p,
	    .nprofiles = 2 };
	struct tls_want w = want_of("a.example");
	struct text errors = { 0 };
	char *cert;
	struct tls *t;
	SSL *ssl;
	int i;

	o.trust = cert = mint_cert_file("ca.pem", ca.cert, NULL);
	ck_assert_int_eq(tls_new(&o, &t, &errors), 0);
	for (i = 0; i < 2; i++) {
		w.profile = (size_t)i;
		ssl = tls_connect(t, &w);
		ck_assert_int_eq(SSL_CTX_get_keylog_callback(
		    SSL_get_SSL_CTX(ssl)) == NULL, i);
		tls_end(ssl);
	}
	tls_free(t);
	text_free(&errors);
	free(cert);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(a_certificate_request_suspends_and_can_be_declined)
{
	struct minted ca = mint_ca("CA", NULL);
	struct mint m = { .cn = "a", .san = "DNS:a.example" };
	struct tls_want w = want_of("a.example");
	struct origin o;
	SSL *client, *server;
	struct tls *t;

	origin_init(&o, &m);
	SSL_CTX_set_verify(o.ctx, SSL_VERIFY_PEER, NULL);
	t = tls_with(&ca, o.root.cert, NULL, versions[_i]);
	client = tls_connect(t, &w);
	server = origin_join(&o, client);
	ck_assert_int_eq(shake(client, server), SSL_ERROR_WANT_X509_LOOKUP);
	ck_assert_int_eq(tls_verdict(client, NULL), VERIFY_OK);
	ck_assert_ptr_nonnull(SSL_get0_peer_certificate(client));
	tls_answer_certificate(client, 1);
	ck_assert_int_eq(shake(client, server), 0);
	talk(client, server);
	tls_end(client);
	SSL_free(server);
	tls_free(t);
	origin_done(&o);
	mint_done(&ca);
	scratch_done();
}
END_TEST

/* What the library context of ours must not have lost. */
static const struct {
	const char	*key;
	int		 version;
	const char	*ciphers;
} suites[] = {
	{ "ed25519", TLS1_3_VERSION, NULL },
	{ "p-384", TLS1_3_VERSION, NULL },
	{ "p-521", TLS1_3_VERSION, NULL },
	{ "rsa:2048", TLS1_3_VERSION, NULL },
	{ "rsa:3072", TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305" },
	{ "p-256", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256" },
	{ "p-256", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA" },
	{ "rsa:2048", TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256" },
	{ "rsa:2048", TLS1_2_VERSION, "AES128-SHA" },
	{ "rsa:2048", TLS1_2_VERSION, "AES256-GCM-SHA384" },
	/* behind our own list */
	{ "rsa:2048", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384" },
	{ "rsa:2048", TLS1_2_VERSION, "DHE-RSA-AES256-SHA256" },
	{ "rsa:2048", TLS1_2_VERSION, "AES128-CCM" },
	{ "p-256", TLS1_2_VERSION, "ECDHE-ECDSA-CAMELLIA256-SHA384" },
	{ "p-256", TLS1_1_VERSION, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0" },
	{ "rsa:2048", TLS1_VERSION, "AES128-SHA:@SECLEVEL=0" },
};

START_TEST(origins_of_every_kind_are_reached)
{
	struct minted ca = mint_ca("CA", NULL);
	struct mint m = { .cn = "a", .san = "DNS:a.example",
	    .key = suites[_i].key };
	struct tls_want w = want_of("a.example");
	struct origin o;
	struct tls *t;

	origin_init(&o, &m);
	SSL_CTX_set_dh_auto(o.ctx, 1);
	SSL_CTX_set_min_proto_version(o.ctx, suites[_i].version);
	if (suites[_i].ciphers != NULL)
		ck_assert(SSL_CTX_set_cipher_list(o.ctx, suites[_i].ciphers));
	t = tls_with(&ca, o.root.cert, NULL, suites[_i].version);
	visit(t, &o, &w, VERIFY_OK, NULL);
	tls_free(t);
	origin_done(&o);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(clients_of_every_kind_are_served)
{
	struct minted ca = mint_ca("CA", NULL), o = mint_leaf(&ca, "DNS:a");
	struct tls *t = tls_with(&ca, NULL, NULL, suites[_i].version);
	struct leaf_want w = { .original = o.cert };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *sess = NULL;
	struct leaf *leaf;

	w.key = strncmp(suites[_i].key, "rsa", 3) == 0 ? LEAF_RSA : LEAF_P256;
	leaf = leaf_fetch(t, &w, NULL);
	SSL_CTX_set_min_proto_version(ctx, suites[_i].version);
	if (suites[_i].ciphers != NULL)
		ck_assert(SSL_CTX_set_cipher_list(ctx, suites[_i].ciphers));
	visited(t, ctx, leaf, &sess);
	SSL_SESSION_free(sess);
	SSL_CTX_free(ctx);
	leaf_unref(leaf);
	tls_free(t);
	mint_done(&ca);
	mint_done(&o);
	scratch_done();
}
END_TEST

/* Lines of the file that begin with the label. */
static int
lines_with(const char *path, const char *label)
{
	FILE *f = fopen(path, "r");
	char line[512];
	int n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strncmp(line, label, strlen(label)) == 0;
	fclose(f);
	return n;
}

START_TEST(keys_of_both_sides_are_logged_to_a_private_file)
{
	struct minted ca = mint_ca("CA", NULL), leaf_of_o;
	struct mint m = { .cn = "a", .san = "DNS:a.example" };
	struct tls_want w = want_of("a.example");
	char *path = xasprintf("%s/keys.log", scratch());
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *sess = NULL;
	struct origin o;
	struct leaf *leaf;
	struct stat st;
	struct tls *t;

	origin_init(&o, &m);
	leaf_of_o = o.cert;
	t = tls_with(&ca, o.root.cert, path, versions[_i]);
	leaf = leaf_of(t, leaf_of_o.cert);
	visit(t, &o, &w, VERIFY_OK, NULL);
	visited(t, ctx, leaf, &sess);
	leaf_unref(leaf);
	tls_free(t);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(lines_with(path, _i == 0 ? "CLIENT_RANDOM " :
	    "CLIENT_TRAFFIC_SECRET_0 "), 2);
	ck_assert_int_eq(lines_with(path, _i == 0 ? "CLIENT_RANDOM " :
	    "SERVER_HANDSHAKE_TRAFFIC_SECRET "), 2);
	SSL_SESSION_free(sess);
	SSL_CTX_free(ctx);
	free(path);
	origin_done(&o);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(a_key_log_is_not_written_through_a_link)
{
	struct text errors = { 0 };
	char *path = xasprintf("%s/link", scratch());

	ck_assert_int_eq(symlink("/tmp/elsewhere", path), 0);
	ck_assert_ptr_null(keylog_new(path, &errors));
	ck_assert_ptr_nonnull(strstr(errors.s, path));
	text_free(&errors);
	free(path);
	scratch_done();
}
END_TEST

START_TEST(a_refused_leaf_is_named_by_its_alert)
{
	struct minted ca = mint_ca("CA", NULL), other = mint_ca("Other", NULL),
	    o = mint_leaf(&ca, "DNS:a");
	struct tls *t = tls_with(&ca, NULL, NULL, versions[_i]);
	struct leaf *leaf = leaf_of(t, o.cert);
	SSL_CTX *ctx = strict_client(other.cert);
	SSL *client = SSL_new(ctx), *server = tls_accept(t, 0, leaf, NULL, 0);
	char why[64];
	int ret;

	SSL_set_connect_state(client);
	join(client, server);
	SSL_do_handshake(client);
	SSL_do_handshake(server);
	SSL_do_handshake(client);
	ERR_clear_error();
	ret = SSL_do_handshake(server);
	ck_assert_str_eq(tls_reason(server, ret, why, sizeof(why)),
	    "unknown_ca");
	SSL_free(client);
	tls_end(server);
	SSL_CTX_free(ctx);
	leaf_unref(leaf);
	tls_free(t);
	mint_done(&ca);
	mint_done(&other);
	mint_done(&o);
	scratch_done();
}
END_TEST

START_TEST(what_is_wrong_at_start_is_all_told)
{
	struct tls_profile p = { 0 };
	struct tls_options o = { .trust = "/nonexistent/t",
	    .keylog = "/nonexistent/l", .profiles = &p, .nprofiles = 1 };
	struct authority_files f = { "guests", "/nonexistent/c",
	    "/nonexistent/k", "/nonexistent/u", NULL };
	struct text errors = { 0 };
	struct authority *a;
	struct tls *t;

	ck_assert_int_ne(authority_load(&f, &a, &errors), 0);
	ck_assert_ptr_null(a);
	ck_assert_ptr_nonnull(strstr(errors.s, "untrusted ca of guests: "));
	ck_assert_int_ne(tls_new(&o, &t, &errors), 0);
	ck_assert_ptr_null(t);
	ck_assert_ptr_nonnull(strstr(errors.s, "ca guests: /nonexistent/c: "));
	ck_assert_ptr_nonnull(strstr(errors.s, "/nonexistent/k: "));
	ck_assert_ptr_nonnull(strstr(errors.s, "/nonexistent/t: "));
	ck_assert_ptr_nonnull(strstr(errors.s, "/nonexistent/l: "));
	text_free(&errors);
}
END_TEST

/* What is said of these two, if they are of two authorities; NULL: nothing. */
static char *
pair_refusal(const struct minted *ca, const struct minted *untrusted)
{
	struct minted apart = mint_ca("Another", NULL);
	char *f[] = { mint_cert_file("a.pem", ca->cert, NULL),
	    mint_key_file("a.key", ca->key, NULL),
	    mint_cert_file("b.pem", untrusted->cert, NULL),
	    mint_key_file("b.key", untrusted->key, NULL) };
	char *g[] = { mint_cert_file("c.pem", apart.cert, NULL),
	    mint_key_file("c.key", apart.key, NULL) };
	struct authority_files one = { "one", f[0], f[1] },
	    two = { "two", g[0], g[1], f[2], f[3] };
	struct authority *v[3] = { NULL };
	struct text errors = { 0 };
	char *why = NULL;
	size_t i;

	ck_assert_int_eq(authority_load(&one, &v[0], &errors), 0);
	ck_assert_int_eq(authority_load(&two, &v[2], &errors), 0);
	if (authorities_check(v, NELEM(v), &errors) != 0)
		why = text_take(&errors);
	text_free(&errors);
	for (i = 0; i < NELEM(v); i++)
		authority_free(v[i]);
	for (i = 0; i < NELEM(f); i++)
		free(f[i]);
	for (i = 0; i < NELEM(g); i++)
		free(g[i]);
	mint_done(&apart);
	return why;
}

START_TEST(an_untrusted_ca_that_clients_trust_is_refused)
{
	struct minted ca = mint_ca("CA", NULL), sub, twin, apart = mint_ca(
	    "Apart", NULL);
	struct mint m = { .cn = "Sub", .bc = "critical,CA:TRUE",
	    .ku = "critical,keyCertSign", .by = &ca };
	char *why;

	sub = mint(&m);
	/* Another certificate for the same key. */
	twin.key = ca.key;
	twin.cert = X509_dup(ca.cert);
	ASN1_INTEGER_set(X509_get_serialNumber(twin.cert), 77);
	X509_sign(twin.cert, twin.key, EVP_sha256());
	ck_assert_ptr_null(pair_refusal(&ca, &apart));
	why = pair_refusal(&ca, &ca);
	ck_assert_ptr_nonnull(strstr(why, "has the key of the trusted one"));
	free(why);
	why = pair_refusal(&ca, &twin);
	ck_assert_ptr_nonnull(strstr(why, "has the key of the trusted one"));
	free(why);
	why = pair_refusal(&sub, &ca);
	ck_assert_ptr_nonnull(strstr(why, "has signed the trusted one"));
	free(why);
	why = pair_refusal(&ca, &sub);
	ck_assert_ptr_nonnull(strstr(why, "is not self-signed"));
	ck_assert_ptr_nonnull(strstr(why, "/b.pem: "));
	free(why);
	X509_free(twin.cert);
	mint_done(&sub);
	mint_done(&apart);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(certificates_as_text_are_as_eve_has_them)
{
	struct mint m = { .cn = "a.example" };
	struct minted o = mint(&m);
	struct certinfo *i, *again;

	ASN1_INTEGER_set(X509_get_serialNumber(o.cert), 0x0a1b2c);
	ASN1_TIME_set_string_X509(X509_getm_notAfter(o.cert),
	    "20270102030405Z");
	X509_sign(o.cert, o.key, EVP_sha256());
	i = certinfo_of(o.cert, 1);
	ck_assert_str_eq(i->subject, "CN=a.example");
	ck_assert_str_eq(i->issuer, "CN=a.example");
	ck_assert_str_eq(i->serial, "0A:1B:2C");
	ck_assert_str_eq(i->notafter, "2027-01-02T03:04:05");
	ck_assert_uint_eq(strlen(i->fingerprint), 59);
	ck_assert_uint_eq(strlen(i->sha256), 64);
	again = certinfo_of(o.cert, 1);
	ck_assert_ptr_eq(i, again);
	certinfo_unref(i);
	certinfo_unref(again);
	mint_done(&o);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls");
	TCase *c = tcase_create("tls");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c,
	    leaves_of_every_ca_key_type_satisfy_a_strict_client, 0, 10);
	tcase_add_loop_test(c, servers_get_the_verdict_they_earned, 0,
	    NELEM(verdicts));
	tcase_add_test(c, a_chain_that_is_not_complete_is_untrusted);
	tcase_add_test(c,
	    a_forgery_under_an_expired_intermediate_is_untrusted);
	tcase_add_loop_test(c,
	    a_certificate_request_suspends_and_can_be_declined, 0, 2);
	tcase_add_test(c, who_keeps_libssls_records_asks_for_no_secrets);
	tcase_add_loop_test(c,
	    keys_of_both_sides_are_logged_to_a_private_file, 0, 2);
	tcase_add_loop_test(c, origins_of_every_kind_are_reached, 0,
	    NELEM(suites));
	tcase_add_loop_test(c, clients_of_every_kind_are_served, 0,
	    NELEM(suites));
	tcase_add_test(c, a_key_log_is_not_written_through_a_link);
	tcase_add_loop_test(c, a_refused_leaf_is_named_by_its_alert, 0, 2);
	tcase_add_test(c, what_is_wrong_at_start_is_all_told);
	tcase_add_test(c, an_untrusted_ca_that_clients_trust_is_refused);
	tcase_add_test(c, certificates_as_text_are_as_eve_has_them);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
