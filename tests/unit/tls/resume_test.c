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

/* As FTP: of a control connection and those for its data. */
struct lines {
	struct minted	 ca;
	struct origin	 o;
	struct tls	*t;
	struct leaf	*leaf;
	SSL_CTX		*ctx;		/* the client's */
	struct tls_want	 want;
};

static void
lines_init(struct lines *l, int version)
{
	struct mint m = { .cn = "a", .san = "DNS:a.example" };

	l->ca = mint_ca("CA", NULL);
	origin_init(&l->o, &m);
	l->t = tls_with(&l->ca, l->o.root.cert, NULL, version);
	l->leaf = leaf_of(l->t, l->o.cert.cert);
	l->ctx = SSL_CTX_new(TLS_client_method());
	l->want = want_of("a.example");
}

static void
lines_done(struct lines *l)
{
	SSL_CTX_free(l->ctx);
	leaf_unref(l->leaf);
	tls_free(l->t);
	origin_done(&l->o);
	mint_done(&l->ca);
	scratch_done();
}

/* Its four ends, the outer ones plain libssl. */
struct line {
	SSL	*client, *facing, *ours, *server;
};

/* The lineage that the hello of a client with this session says. */
static uint64_t
line_said(struct lines *l, SSL *client)
{
	uint8_t hello[4096];
	struct hello h;
	uint64_t id;
	int n;

	ck_assert_int_eq(SSL_do_handshake(client), -1);
	n = BIO_read(SSL_get_wbio(client), hello, sizeof(hello));
	ck_assert_int_eq(hello_parse(&h, hello, (size_t)n, NULL), 0);
	id = tls_lineage(l->t, &h);
	hello_free(&h);
	return id;
}

static SSL *
line_client(struct lines *l, SSL_SESSION *sess)
{
	SSL *client = SSL_new(l->ctx);

	SSL_set_connect_state(client);
	if (sess != NULL)
		SSL_set_session(client, sess);
	SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	return client;
}

/* A connection through us, of a client that offers sess. */
static struct line
line_open(struct lines *l, uint16_t port, SSL_SESSION *sess)
{
	struct tls_want w = l->want;
	struct line n;

	n.client = line_client(l, sess);
	w.lineage = line_said(l, n.client);
	SSL_free(n.client);
	addr_set_port(&w.server, port);
	n.ours = tls_connect(l->t, &w);
	n.server = origin_join(&l->o, n.ours);
	ck_assert_int_eq(shake(n.ours, n.server), 0);
	n.facing = tls_accept(l->t, 0, l->leaf, NULL, 0);
	tls_same_lineage(n.facing, n.ours);
	n.client = line_client(l, sess);
	join(n.client, n.facing);
	ck_assert_int_eq(shake(n.client, n.facing), 0);
	talk(n.ours, n.server);
	talk(n.client, n.facing);
	return n;
}

static void
line_done(struct line *n)
{
	SSL_set_shutdown(n->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(n->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(n->client);
	SSL_free(n->server);
	tls_end(n->facing);
	tls_end(n->ours);
}

/* Neither side is resumed, or both are. */
static int
line_resumed(const struct line *n)
{
	ck_assert_int_eq(SSL_session_reused(n->facing),
	    SSL_session_reused(n->ours));
	return SSL_session_reused(n->ours);
}

/* What the client and the server do without; the last two remember sessions
 * in the server. */
static const struct {
	int		version;
	uint64_t	client, server;
} lines_of[] = {
	{ TLS1_2_VERSION, 0, 0 },
	{ TLS1_3_VERSION, 0, 0 },
	{ TLS1_2_VERSION, SSL_OP_NO_TICKET, 0 },
	{ TLS1_2_VERSION, 0, SSL_OP_NO_TICKET },
	{ TLS1_3_VERSION, 0, SSL_OP_NO_TICKET }
};
#define LINES_TICKETS	3	/* ... and not the first ones */

START_TEST(what_a_client_resumes_is_resumed_on_any_port)
{
	struct lines l;
	struct line control[2], data;
	SSL_SESSION *sess[2];
	uint16_t port = 40000;
	int i;

	lines_init(&l, lines_of[_i].version);
	SSL_CTX_set_options(l.ctx, lines_of[_i].client);
	SSL_CTX_set_options(l.o.ctx, lines_of[_i].server);
	for (i = 0; i < 2; i++) {
		control[i] = line_open(&l, 21, NULL);
		sess[i] = SSL_get1_session(control[i].client);
		ck_assert_int_eq(SSL_session_reused(control[i].facing), 0);
	}
	for (i = 0; i < 8; i++) {
		data = line_open(&l, port++, sess[i % 2]);
		ck_assert_int_eq(line_resumed(&data), 1);
		ck_assert_int_eq(tls_verdict(data.ours, NULL), VERIFY_OK);
		line_done(&data);
	}
	/* Nothing is left of what has ended. */
	line_done(&control[0]);
	data = line_open(&l, port, sess[0]);
	ck_assert_int_eq(SSL_session_reused(data.ours), 0);
	line_done(&data);
	line_done(&control[1]);
	SSL_SESSION_free(sess[0]);
	SSL_SESSION_free(sess[1]);
	lines_done(&l);
}
END_TEST

/* The keys of the server's tickets are each connection's own. */
START_TEST(what_a_server_does_not_resume_the_client_does_not)
{
	uint8_t keys[80] = { 1 };
	struct lines l;
	struct line control, other, data;
	SSL_SESSION *sess, *next;

	lines_init(&l, lines_of[_i].version);
	SSL_CTX_set_options(l.ctx, lines_of[_i].client);
	SSL_CTX_set_session_cache_mode(l.o.ctx, SSL_SESS_CACHE_OFF);
	control = line_open(&l, 21, NULL);
	sess = SSL_get1_session(control.client);
	SSL_CTX_set_tlsext_ticket_keys(l.o.ctx, keys, sizeof(keys));
	other = line_open(&l, 21, sess);
	ck_assert_int_eq(line_resumed(&other), 0);
	next = SSL_get1_session(other.client);
	/* The lineage of the other is one of its own. */
	data = line_open(&l, 40000, next);
	ck_assert_int_eq(line_resumed(&data), 1);
	line_done(&data);
	line_done(&other);
	line_done(&control);
	SSL_SESSION_free(sess);
	SSL_SESSION_free(next);
	lines_done(&l);
}
END_TEST

START_TEST(a_server_that_is_not_believed_has_a_lineage_too)
{
	struct lines l;
	struct line control, data;
	SSL_SESSION *sess;

	lines_init(&l, lines_of[_i].version);
	l.want = want_of("other.example");
	control = line_open(&l, 21, NULL);
	ck_assert_int_eq(tls_verdict(control.ours, NULL), VERIFY_NAME);
	sess = SSL_get1_session(control.client);
	data = line_open(&l, 40000, sess);
	ck_assert_int_eq(line_resumed(&data), 1);
	ck_assert_int_eq(tls_verdict(data.ours, NULL), VERIFY_NAME);
	/* Nobody else gets its session. */
	line_done(&data);
	data = line_open(&l, 21, NULL);
	ck_assert_int_eq(line_resumed(&data), 0);
	line_done(&data);
	line_done(&control);
	SSL_SESSION_free(sess);
	lines_done(&l);
}
END_TEST

START_TEST(a_lineage_is_believed_in_a_ticket_of_ours_only)
{
	struct minted ca = mint_ca("CA", NULL), o = mint_leaf(&ca, "DNS:a");
	struct tls *t = tls_with(&ca, NULL, NULL, TLS1_2_VERSION);
	struct leaf *a = leaf_of(t, o.cert);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *sess = NULL;
	const unsigned char *ticket;
	struct hello h = { .session_id = { (const uint8_t *)"01234567", 8 } };
	uint64_t id;
	uint8_t copy[4096];
	size_t len;

	visited(t, ctx, a, &sess);
	SSL_SESSION_get0_ticket(sess, &ticket, &len);
	memcpy(copy, ticket, len);
	memcpy(&id, copy + 8, sizeof(id));
	ck_assert_uint_eq(id, 0);
	copy[8] ^= 1;
	memcpy(&id, copy + 8, sizeof(id));
	h.ticket.p = copy;
	h.ticket.len = len;
	ck_assert_uint_ne(tls_lineage(t, &h), id);
	h.ticket.len = 20;
	ck_assert_uint_ne(tls_lineage(t, &h), id);
	h.ticket.p = NULL;
	memcpy(&id, h.session_id.p, sizeof(id));
	ck_assert_uint_ne(tls_lineage(t, &h), id);
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
	tcase_add_loop_test(c, what_a_client_resumes_is_resumed_on_any_port, 0,
	    NELEM(lines_of));
	tcase_add_loop_test(c,
	    what_a_server_does_not_resume_the_client_does_not, 0,
	    LINES_TICKETS);
	tcase_add_loop_test(c, a_server_that_is_not_believed_has_a_lineage_too,
	    0, NELEM(lines_of));
	tcase_add_test(c, a_lineage_is_believed_in_a_ticket_of_ours_only);
	tcase_add_test(c, certificates_seen_before_are_not_read_again);
	tcase_add_loop_test(c, workers_share_one_struct_tls, 0, 2);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
