/*
 * Servers that ask for a client certificate behind the handshake: who insists,
 * and what a renegotiation may do.
 */
#include "origin.h"
#include "tls/conn.h"
#include "tls/later.h"

/* s: the client's data went to it; n: it was told that there is none; g: it
 * sent data; e, x: it or we ended first. */
static const struct {
	const char	*passes;
	int		 insists;
} rows[] = {
	{ "sne", 1 },		/* the request that it asks for is lost */
	{ "nse", 1 },		/* as it asks at once */
	{ "sgsne", 1 },		/* a later request */
	{ "ne", 0 },		/* nobody wanted anything */
	{ "sgne", 0 },		/* it asks when it has answered */
	{ "snge", 0 },		/* it has answered without one */
	{ "sngse", 0 },		/* idle, as the next request came */
	{ "sn", 0 },		/* it has not ended */
	{ "snxe", 0 },		/* the client had enough */
	{ "snex", 1 },		/* ... afterwards */
	{ "se", 0 },		/* it has not asked */
	{ "sngsne", 1 },	/* at the second request it insists */
};

static void
pass(struct later *l, char what)
{
	switch (what) {
	case 's':
		later_sent(l);
		break;
	case 'n':
		later_none(l);
		break;
	case 'g':
		later_got(l, "x", 1);
		break;
	case 'e':
		later_ended(l);
		break;
	case 'x':
		later_shut(l, l->ended);
		break;
	}
}

START_TEST(only_who_ends_before_an_answer_insists)
{
	struct later l = { 0 };
	const char *p;

	for (p = rows[_i].passes; *p != '\0'; p++)
		pass(&l, *p);
	ck_assert_msg(later_insists(&l) == rows[_i].insists, "%s",
	    rows[_i].passes);
}
END_TEST

struct pair {
	struct minted	 ca;
	struct origin	 o;
	struct tls	*t;
	SSL		*client, *server;
};

static void
pair_init(struct pair *p)
{
	struct mint m = { .cn = "a", .san = "DNS:a.example" };
	struct tls_want w = want_of("a.example");

	p->ca = mint_ca("CA", NULL);
	origin_init(&p->o, &m);
	p->t = tls_with(&p->ca, p->o.root.cert, NULL, TLS1_2_VERSION);
	p->client = tls_connect(p->t, &w);
	p->server = origin_join(&p->o, p->client);
	ck_assert_int_eq(shake(p->client, p->server), 0);
	talk(p->client, p->server);
	ck_assert_int_eq(tls_verdict(p->client, NULL), VERIFY_OK);
	tls_answer_later(p->client, 0, NULL, NULL);
}

static void
pair_done(struct pair *p)
{
	tls_end(p->client);
	SSL_free(p->server);
	tls_free(p->t);
	origin_done(&p->o);
	mint_done(&p->ca);
	scratch_done();
}

/* The server asks by a renegotiation. Whether it came about. */
static int
pair_asks(struct pair *p)
{
	char c;
	int i;

	SSL_set_verify(p->server, SSL_VERIFY_PEER, NULL);
	/* Else it offers to resume what we have shown none in. */
	SSL_set_session_id_context(p->server, (const uint8_t *)"p", 1);
	ERR_clear_error();
	ck_assert_int_eq(SSL_renegotiate(p->server), 1);
	for (i = 0; i < 10; i++) {
		SSL_do_handshake(p->server);
		SSL_read(p->client, &c, 1);
		SSL_read(p->server, &c, 1);
	}
	ERR_clear_error();
	return SSL_is_init_finished(p->server) &&
	    SSL_is_init_finished(p->client) &&
	    !SSL_renegotiate_pending(p->server);
}

START_TEST(a_server_may_renegotiate_once)
{
	struct pair p;

	pair_init(&p);
	ck_assert_int_eq(tls_asked_late(p.client), 0);
	ck_assert(pair_asks(&p));
	ck_assert_int_eq(tls_asked_late(p.client), 1);
	ck_assert_int_eq(tls_shown_late(p.client), 0);
	talk(p.client, p.server);
	ck_assert_int_eq(tls_verdict(p.client, NULL), VERIFY_OK);
	ck_assert(!pair_asks(&p));
	pair_done(&p);
}
END_TEST

START_TEST(a_renegotiation_is_with_the_same_server)
{
	struct minted other;
	struct pair p;

	pair_init(&p);
	other = mint_leaf(&p.o.root, "DNS:a.example");
	SSL_use_certificate(p.server, other.cert);
	SSL_use_PrivateKey(p.server, other.key);
	ck_assert(!pair_asks(&p));
	ck_assert_int_eq(tls_asked_late(p.client), 0);
	ck_assert_str_eq(conn_why(p.client, 0),
	    "the server has another certificate in a renegotiation");
	mint_done(&other);
	pair_done(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("later");
	TCase *c = tcase_create("later");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, only_who_ends_before_an_answer_insists, 0,
	    NELEM(rows));
	tcase_add_test(c, a_server_may_renegotiate_once);
	tcase_add_test(c, a_renegotiation_is_with_the_same_server);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
