/*
 * Handshakes of both sides in memory: forged leaves as a strict client sees
 * them, verdicts, resumption, suspension, the key log.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "mint.h"

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
	ck_assert_str_eq(used.group, "x25519");
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

/* An origin server, a plain libssl one. */
struct origin {
	SSL_CTX		*ctx;
	struct minted	 root, cert;
};

static void
origin_init(struct origin *o, const struct mint *m)
{
	struct mint own = *m;

	o->root = mint_ca("Origin Root", NULL);
	if (own.by == NULL)
		own.by = &o->root;
	o->cert = mint(&own);
	o->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(o->ctx, 0);
	SSL_CTX_use_certificate(o->ctx, o->cert.cert);
	SSL_CTX_use_PrivateKey(o->ctx, o->cert.key);
	SSL_CTX_set_session_id_context(o->ctx, (const uint8_t *)"o", 1);
}

static void
origin_done(struct origin *o)
{
	SSL_CTX_free(o->ctx);
	mint_done(&o->root);
	mint_done(&o->cert);
}

static SSL *
origin_join(struct origin *o, SSL *client)
{
	SSL *server = SSL_new(o->ctx);

	SSL_set_accept_state(server);
	join(client, server);
	return server;
}

static struct tls_want
want_of(const char *name)
{
	struct tls_want w = { .sni = name };

	addr_parse(&w.server, "192.0.2.1:443");
	return w;
}

/* One connection to the origin; whether it was resumed. */
static int
visit(struct tls *t, struct origin *o, const struct tls_want *w,
    enum tls_verify expect, const char **text)
{
	SSL *client = tls_connect(t, w), *server;
	struct tls_used used;
	const char *why;

	server = origin_join(o, client);
	ck_assert_int_eq(shake(client, server), 0);
	talk(client, server);
	ck_assert_int_eq(tls_verdict(client, &why), expect);
	ck_assert_ptr_nonnull(SSL_get0_peer_certificate(client));
	tls_used(client, &used);
	if (text != NULL)
		*text = why;
	tls_end(client);
	SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(server);
	return used.resumed;
}

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
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
