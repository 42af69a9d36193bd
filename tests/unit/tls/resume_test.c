/*
 * What is not done twice: sessions and tickets, verdicts, certificates read;
 * and that workers can share all of it.
 */
#include <pthread.h>

#include "origin.h"
#include "tls/certinfo.h"
#include "tls/conn.h"
#include "tls/intern.h"

START_TEST(sessions_of_servers_are_resumed)
{
	struct minted ca = mint_ca("CA", NULL);
	struct mint m = { .cn = "a", .san = "DNS:a.example,DNS:b.example" };
	struct tls_want a = want_of("a.example"), b = want_of("b.example"),
	    alpn = want_of("a.example"), other = want_of("c.example");
	struct origin o;
	struct tls_stats st;
	struct tls *t;
	int i;

	origin_init(&o, &m);
	t = tls_with(&ca, o.root.cert, NULL, versions[_i]);
	ck_assert_int_eq(visit(t, &o, &a, VERIFY_OK, NULL), 0);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(visit(t, &o, &a, VERIFY_OK, NULL), 1);
	/* Another name, protocol list or address: a session of its own. */
	ck_assert_int_eq(visit(t, &o, &b, VERIFY_OK, NULL), 0);
	ck_assert_int_eq(visit(t, &o, &b, VERIFY_OK, NULL), 1);
	alpn.alpn = (const uint8_t *)"\x02h2";
	alpn.alpn_len = 3;
	ck_assert_int_eq(visit(t, &o, &alpn, VERIFY_OK, NULL), 0);
	addr_set_port(&b.server, 8443);
	ck_assert_int_eq(visit(t, &o, &b, VERIFY_OK, NULL), 0);
	/* A server that failed is never resumed. */
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(visit(t, &o, &other, VERIFY_NAME, NULL), 0);
	tls_stats(t, &st);
	ck_assert_uint_eq(st.sessions.hits, 6);
	ck_assert_uint_eq(st.verdicts.asked, 7);
	ck_assert_uint_eq(st.verdicts.hits, 6);
	tls_free(t);
	origin_done(&o);
	mint_done(&ca);
	scratch_done();
}
END_TEST

START_TEST(tickets_of_ours_are_resumed_where_the_leaf_is_the_same)
{
	struct minted ca = mint_ca("CA", NULL), o = mint_leaf(&ca, "DNS:a"),
	    p = mint_leaf(&ca, "DNS:b");
	struct tls *t = tls_with(&ca, NULL, NULL, versions[_i]);
	struct leaf *a = leaf_of(t, o.cert), *b = leaf_of(t, p.cert);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *sess = NULL;

	ck_assert_int_eq(visited(t, ctx, a, &sess), 0);
	ck_assert_int_eq(visited(t, ctx, a, &sess), 1);
	ck_assert_int_eq(visited(t, ctx, a, &sess), 1);
	ck_assert_int_eq(visited(t, ctx, b, &sess), 0);
	ck_assert_int_eq(visited(t, ctx, b, &sess), 1);
	/* One rotation is survived, a second is not. */
	ticket_rotate(t->tickets);
	ck_assert_int_eq(visited(t, ctx, b, &sess), 1);
	ticket_rotate(t->tickets);
	ticket_rotate(t->tickets);
	ck_assert_int_eq(visited(t, ctx, b, &sess), 0);
	SSL_SESSION_free(sess);
	SSL_CTX_free(ctx);
	leaf_unref(a);
	leaf_unref(b);
	tls_free(t);
	mint_done(&ca);
	mint_done(&o);
	mint_done(&p);
	scratch_done();
}
END_TEST

static int	given;		/* tickets of ours */

static int
count_ticket(SSL *ssl, SSL_SESSION *sess)
{
	given++;
	return 0;
}

START_TEST(a_resumed_client_gets_its_next_ticket)
{
	struct minted ca = mint_ca("CA", NULL), o = mint_leaf(&ca, "DNS:a");
	struct tls *t = tls_with(&ca, NULL, NULL, TLS1_3_VERSION);
	struct leaf *a = leaf_of(t, o.cert);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *sess = NULL;
	int i;

	given = 0;
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, count_ticket);
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(visited(t, ctx, a, &sess), i > 0);
		ck_assert_int_eq(given, i + 1);
	}
	SSL_SESSION_free(sess);
	SSL_CTX_free(ctx);
	leaf_unref(a);
	tls_free(t);
	mint_done(&ca);
	mint_done(&o);
	scratch_done();
}
END_TEST

START_TEST(certificates_seen_before_are_not_read_again)
{
	struct minted ca = mint_ca("CA", NULL), other;
	struct mint m = { .cn = "a", .san = "DNS:a.example" };
	struct tls_want w = want_of("a.example");
	struct cache_stats st[3];
	struct origin o;
	struct tls *t;

	ck_assert_int_eq(intern_start(), 1);
	origin_init(&o, &m);
	t = tls_with(&ca, o.root.cert, NULL, 0);
	intern_stats(&st[0]);
	visit(t, &o, &w, VERIFY_OK, NULL);
	intern_stats(&st[1]);
	ck_assert_uint_eq(st[1].asked - st[0].asked, 1);
	ck_assert_uint_eq(st[1].hits - st[0].hits, 0);
	w.alpn = (const uint8_t *)"\x02h2";	/* not to be resumed */
	w.alpn_len = 3;
	visit(t, &o, &w, VERIFY_OK, NULL);
	intern_stats(&st[2]);
	ck_assert_uint_eq(st[2].hits - st[1].hits, 1);
	/* Another certificate of that name is another. */
	m.by = &o.root;
	other = mint(&m);
	SSL_CTX_use_cert_and_key(o.ctx, other.cert, other.key, NULL, 1);
	w.alpn = (const uint8_t *)"\x02h3";
	visit(t, &o, &w, VERIFY_OK, NULL);
	intern_stats(&st[0]);
	ck_assert_uint_eq(st[0].hits, st[2].hits);
	tls_free(t);
	origin_done(&o);
	mint_done(&ca);
	mint_done(&other);
	scratch_done();
}
END_TEST

/* For the thread sanitizer: all caches at once, from four workers. */
static struct tls	*shared;
static struct origin	 shared_origin;

static void *
work(void *arg)
{
	struct tls_want w = want_of("a.example");
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *sess = NULL;
	struct leaf *leaf;
	SSL *client;
	int i;

	for (i = 0; i < 40; i++) {
		addr_set_port(&w.server, (uint16_t)(i % 10 + 1));
		visit(shared, &shared_origin, &w, VERIFY_OK, NULL);
		client = tls_connect(shared, &w);
		tls_end(client);
		leaf = leaf_of(shared, shared_origin.cert.cert);
		visited(shared, ctx, leaf, &sess);
		certinfo_unref(certinfo_of(leaf->cert, 1));
		leaf_unref(leaf);
	}
	SSL_SESSION_free(sess);
	SSL_CTX_free(ctx);
	return NULL;
}

START_TEST(workers_share_one_struct_tls)
{
	struct minted ca = mint_ca("CA", NULL);
	struct mint m = { .cn = "a", .san = "DNS:a.example" };
	pthread_t th[4];
	size_t i;

	origin_init(&shared_origin, &m);
	shared = tls_with(&ca, shared_origin.root.cert, NULL, versions[_i]);
	for (i = 0; i < NELEM(th); i++)
		pthread_create(&th[i], NULL, work, NULL);
	for (i = 0; i < NELEM(th); i++)
		pthread_join(th[i], NULL);
	tls_free(shared);
	origin_done(&shared_origin);
	mint_done(&ca);
	scratch_done();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("resume");
	TCase *c = tcase_create("resume");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, sessions_of_servers_are_resumed, 0, 2);
	tcase_add_loop_test(c,
	    tickets_of_ours_are_resumed_where_the_leaf_is_the_same, 0, 2);
	tcase_add_test(c, a_resumed_client_gets_its_next_ticket);
	tcase_add_test(c, certificates_seen_before_are_not_read_again);
	tcase_add_loop_test(c, workers_share_one_struct_tls, 0, 2);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
