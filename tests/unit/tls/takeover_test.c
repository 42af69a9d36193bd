/*
 * Takeovers: the TLS transport over a socketpair, a plain libssl at the far
 * end, and a wire between them that cuts as it likes.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "mint.h"
#include "net/transport.h"
#include "tls/bulk/channel.h"
#include "tls/bulk/bulk.h"
#include "tls/tlsio.h"
#include "util/err.h"

#define FAR	(1 << 17)

struct rig {
	int		 server;	/* we are */
	SSL_CTX		*ctx[2];	/* ours, the peer's */
	SSL		*peer;
	BIO		*net;		/* the peer's far end */
	int		 fd;		/* the sock's far end */
	struct sock	 sock;
	struct tlsio_scratch *scratch;
	struct tlsio	*t;
	const struct transport_ops *ops;
	unsigned	 seed;
	uint64_t	 sent[2], got[2];	/* by us, by the peer */
	enum end	 ended;
	int		 err;
	int		 unwritten;	/* length of the peer's write to repeat */
	int		 mute;		/* the wire takes nothing from us */
};

static int
rig_ours(const struct rig *r)
{
	return r->ops != &transport_tls;
}

static uint8_t
pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 17));
}

static unsigned
dice(struct rig *r, unsigned n)
{
	return (unsigned)rand_r(&r->seed) % n;
}

static SSL_CTX *
rig_ctx(int server, const struct minted *m, const char *suites, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() :
	    TLS_client_method());

	SSL_CTX_set_ciphersuites(ctx, suites);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if (server) {
		SSL_CTX_use_certificate(ctx, m->cert);
		SSL_CTX_use_PrivateKey(ctx, m->key);
	}
	return ctx;
}

/* Moves some bytes each way, cut at random. */
static void
rig_wire(struct rig *r)
{
	char buf[1 << 15];
	size_t n;
	ssize_t k;

	n = 1 + dice(r, dice(r, 4) == 0 ? 9 : sizeof(buf));
	if (BIO_ctrl_get_write_guarantee(r->net) >= n && !r->mute &&
	    (k = recv(r->fd, buf, n, MSG_DONTWAIT)) >= 0) {
		if (k == 0)
			BIO_shutdown_wr(r->net);
		else
			ck_assert_int_eq(BIO_write(r->net, buf, (int)k), k);
	}
	n = 1 + dice(r, dice(r, 4) == 0 ? 9 : sizeof(buf));
	if ((k = BIO_read(r->net, buf, (int)n)) > 0)
		ck_assert_int_eq(send(r->fd, buf, (size_t)k,
		    MSG_NOSIGNAL), k);
	sock_look(&r->sock);
	r->sock.writable = 1;
}

/* The two contexts, for a test to change before rig_join(). */
static void
rig_make(struct rig *r, int server, const char *suites, int version)
{
	static struct minted ca, m;

	memset(r, 0, sizeof(*r));
	takeover_on();
	if (m.cert == NULL) {
		ca = mint_ca("CA", NULL);
		m = mint_leaf(&ca, "DNS:a");
	}
	r->server = server;
	r->seed = 5;
	r->ctx[0] = rig_ctx(server, &m, suites, version);
	r->ctx[1] = rig_ctx(!server, &m, suites, version);
	SSL_CTX_set_keylog_callback(r->ctx[0], takeover_keylog);
}

static void
rig_join(struct rig *r)
{
	char why[128];
	int fd[2], size = 1 << 20, i, rv = ERR_AGAIN, p = 0;
	BIO *b;
	SSL *ssl;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	r->sock.fd = fd[0];
	r->fd = fd[1];
	r->peer = SSL_new(r->ctx[1]);
	BIO_new_bio_pair(&b, FAR, &r->net, FAR);
	SSL_set_bio(r->peer, b, b);
	r->scratch = xmalloc(sizeof(*r->scratch));
	ssl = SSL_new(r->ctx[0]);
	if (r->server) {
		SSL_set_accept_state(ssl);
		SSL_set_connect_state(r->peer);
	} else {
		SSL_set_connect_state(ssl);
		SSL_set_accept_state(r->peer);
	}
	r->ops = &transport_tls;
	r->t = tlsio_new(ssl, &r->sock, r->scratch, &r->ops);
	for (i = 0; i < 20000 && (rv != 0 || p != 1); i++) {
		rig_wire(r);
		if (rv != 0)
			rv = tlsio_handshake(r->t, why, sizeof(why));
		ck_assert_msg(rv == 0 || rv == ERR_AGAIN, "%s", why);
		if (p != 1)
			p = SSL_do_handshake(r->peer);
	}
	ck_assert(rv == 0 && p == 1);
}

static void
rig_init(struct rig *r, int server, const char *suites, int version)
{
	rig_make(r, server, suites, version);
	rig_join(r);
}

static void
rig_done(struct rig *r)
{
	r->ops->free(r->t);
	SSL_set_shutdown(r->peer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(r->peer);
	BIO_free(r->net);
	close(r->fd);
	close(r->sock.fd);
	SSL_CTX_free(r->ctx[0]);
	SSL_CTX_free(r->ctx[1]);
	free(r->scratch);
}

static void
rig_check(struct rig *r, int who, const uint8_t *p, size_t n)
{
	size_t i, wrong = 0;

	for (i = 0; i < n; i++)
		wrong += p[i] != pattern(r->got[who]++ + (uint64_t)who);
	ck_assert_uint_eq(wrong, 0);
}

static size_t
rig_fill(struct rig *r, int who, uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = pattern(r->sent[who] + i + (uint64_t)!who);
	return n;
}

/* We read into a room of any size, but for what the pump never offers. */
static void
rig_read(struct rig *r)
{
	static uint8_t buf[1 << 16];
	ssize_t n;

	if (r->err != 0 || r->ended == END_FIN)
		return;
	n = r->ops->read(r->t, buf, dice(r, 3) == 0 ? sizeof(buf) :
	    1 + dice(r, sizeof(buf)), &r->ended);
	if (n > 0)
		rig_check(r, 0, buf, (size_t)n);
	else if (n != ERR_AGAIN && n != ERR_EOF)
		r->err = (int)n;
}

static void
rig_peer_read(struct rig *r)
{
	static uint8_t buf[1 << 15];
	int n;

	ERR_clear_error();
	while ((n = SSL_read(r->peer, buf, (int)(1 + dice(r,
	    sizeof(buf))))) > 0)
		rig_check(r, 1, buf, (size_t)n);
}

static void
rig_write(struct rig *r, size_t max)
{
	static uint8_t buf[1 << 17];
	size_t len = rig_fill(r, 0, buf, 1 + dice(r, (unsigned)max));
	ssize_t n = r->ops->write(r->t, buf, len);

	if (n > 0)
		r->sent[0] += (uint64_t)n;
	else if (n != ERR_AGAIN)
		r->err = (int)n;
}

static void
rig_peer_write(struct rig *r, size_t max)
{
	static uint8_t buf[1 << 16];
	size_t len = rig_fill(r, 1, buf, r->unwritten > 0 ?
	    (size_t)r->unwritten : 1 + dice(r, (unsigned)max));
	int n;

	ERR_clear_error();
	if ((n = SSL_write(r->peer, buf, (int)len)) > 0)
		r->sent[1] += (uint64_t)n;
	r->unwritten = n > 0 ? 0 : (int)len;
}

/* Traffic of so many steps; at most up and down bytes each. */
static void
rig_run(struct rig *r, int steps, size_t ours, size_t theirs)
{
	while (steps-- > 0) {
		if (ours > 0)
			rig_write(r, ours);
		rig_wire(r);
		if (theirs > 0)
			rig_peer_write(r, theirs);
		rig_read(r);
		rig_peer_read(r);
	}
}

/* Until nothing more comes. */
static void
rig_drain(struct rig *r)
{
	uint64_t was = 1, now = 0;
	int quiet = 0;

	while (quiet < 200) {
		was = now;
		r->ops->flush(r->t);
		if (r->unwritten > 0)
			rig_peer_write(r, 1);
		rig_wire(r);
		rig_read(r);
		rig_peer_read(r);
		now = r->got[0] + r->got[1];
		quiet = was == now ? quiet + 1 : 0;
	}
}

static void
rig_even(struct rig *r)
{
	rig_drain(r);
	ck_assert_int_eq(r->err, 0);
	ck_assert_uint_eq(r->got[1], r->sent[0]);
	ck_assert_uint_eq(r->got[0], r->sent[1]);
}

static const char *const suites[] = { "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };
static const size_t sizes[][2] = { { 1 << 17, 1 << 16 }, { 1 << 17, 40 },
    { 40, 1 << 16 }, { 3000, 3000 }, { 1 << 16, 0 }, { 0, 1 << 15 } };

START_TEST(nothing_is_lost_when_we_take_over)
{
	struct rig r;
	int i = _i / 6, k = _i % 6;

	rig_init(&r, i & 1, suites[i / 2], TLS1_3_VERSION);
	rig_run(&r, 5, 40, 40);
	ck_assert(!rig_ours(&r));
	rig_run(&r, 400, sizes[k][0], sizes[k][1]);
	ck_assert(rig_ours(&r));
	rig_run(&r, 200, sizes[5 - k][0], sizes[5 - k][1]);
	rig_even(&r);
	rig_done(&r);
}
END_TEST

START_TEST(small_and_older_sessions_stay_with_libssl)
{
	struct rig r;

	rig_init(&r, _i, suites[0], TLS1_3_VERSION);
	rig_run(&r, 100, 300, 300);
	ck_assert(!rig_ours(&r));
	rig_even(&r);
	rig_done(&r);
	rig_init(&r, _i, suites[0], TLS1_2_VERSION);
	rig_run(&r, 100, 1 << 17, 1 << 16);
	ck_assert(!rig_ours(&r));
	rig_even(&r);
	rig_done(&r);
}
END_TEST

/* RFC 6066, 4: 2^9 to 2^12. libssl's client refuses longer records. */
static const uint8_t fragments[] = { TLSEXT_max_fragment_length_512,
    TLSEXT_max_fragment_length_1024, TLSEXT_max_fragment_length_2048,
    TLSEXT_max_fragment_length_4096 };

START_TEST(a_client_of_short_records_gets_every_byte_in_them)
{
	struct rig r;

	rig_make(&r, 1, suites[0], _i & 1 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_tlsext_max_fragment_length(r.ctx[1], fragments[_i / 2]);
	rig_join(&r);
	rig_run(&r, 200, 1 << 17, 3000);
	ck_assert_uint_gt(r.sent[0], 4 * 64 * 1024);
	ck_assert(!rig_ours(&r));
	rig_even(&r);
	rig_done(&r);
}
END_TEST

/* A ticket of more than one record. */
static int
long_ticket(SSL *ssl, void *arg)
{
	static const char data[2000];

	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data,
	    sizeof(data));
}

static SSL_TICKET_RETURN
no_ticket(SSL *ssl, SSL_SESSION *sess, const unsigned char *name, size_t len,
    SSL_TICKET_STATUS status, void *arg)
{
	return SSL_TICKET_RETURN_IGNORE;
}

/* We are a client that has got the first record of a ticket. */
static void
rig_half_ticket(struct rig *r)
{
	char rec[600];
	int n;

	rig_make(r, 0, suites[0], TLS1_3_VERSION);
	SSL_CTX_set_session_ticket_cb(r->ctx[1], long_ticket, no_ticket, NULL);
	SSL_CTX_set_max_send_fragment(r->ctx[1], 512);
	rig_join(r);
	n = BIO_read(r->net, rec, 5);
	n += BIO_read(r->net, rec + n, (uint8_t)rec[3] << 8 | (uint8_t)rec[4]);
	ck_assert_int_gt(n, 512);
	ck_assert_int_eq(send(r->fd, rec, (size_t)n, 0), n);
	sock_look(&r->sock);
	rig_read(r);
	sock_look(&r->sock);
}

START_TEST(a_write_in_the_middle_of_a_ticket_waits_for_its_end)
{
	struct rig r;

	rig_half_ticket(&r);
	ck_assert_int_eq(r.ops->write(r.t, (const uint8_t *)"x", 1),
	    ERR_AGAIN);
	rig_run(&r, 200, 3000, 3000);
	ck_assert_uint_gt(r.sent[0], 0);
	rig_even(&r);
	rig_done(&r);
}
END_TEST

START_TEST(a_fin_in_the_middle_of_a_ticket_is_not_waited_out)
{
	struct rig r;

	rig_half_ticket(&r);
	shutdown(r.fd, SHUT_WR);
	ck_assert_int_eq(r.ops->write(r.t, (const uint8_t *)"x", 1),
	    ERR_TLS);
	rig_done(&r);
}
END_TEST

START_TEST(keys_change_as_often_as_the_peer_likes)
{
	struct rig r;
	int i;

	rig_init(&r, _i & 1, suites[_i / 2], TLS1_3_VERSION);
	rig_run(&r, 100, 20000, 20000);
	ck_assert(rig_ours(&r));
	for (i = 0; i < 50; i++) {
		SSL_key_update(r.peer, i % 3 ? SSL_KEY_UPDATE_REQUESTED :
		    SSL_KEY_UPDATE_NOT_REQUESTED);
		rig_run(&r, (int)dice(&r, 20), i % 5 ? 20000 : 0, 20000);
	}
	rig_even(&r);
	rig_done(&r);
}
END_TEST

/* With a byte between them, so that none is a record without data in a row. */
START_TEST(keys_that_change_all_the_time_end_it)
{
	struct rig r;
	int i;

	rig_init(&r, _i & 1, suites[0], TLS1_3_VERSION);
	rig_run(&r, _i & 2 ? 100 : 1, 20000, 20000);
	ck_assert_int_eq(rig_ours(&r), !!(_i & 2));
	for (i = 0; i < 1000 && r.err == 0; i++) {
		SSL_key_update(r.peer, _i & 4 ? SSL_KEY_UPDATE_REQUESTED :
		    SSL_KEY_UPDATE_NOT_REQUESTED);
		rig_run(&r, 1, 0, 1);
	}
	ck_assert_int_gt(i, UPDATES_FREE);
	ck_assert_int_eq(r.err, ERR_TLS);
	rig_done(&r);
}
END_TEST

START_TEST(keys_changed_before_leave_it_to_libssl)
{
	struct rig r;

	rig_init(&r, _i & 1, suites[0], TLS1_3_VERSION);
	rig_run(&r, 4, 100, 100);
	rig_drain(&r);
	SSL_key_update(r.peer, _i & 2 ? SSL_KEY_UPDATE_REQUESTED :
	    SSL_KEY_UPDATE_NOT_REQUESTED);
	rig_run(&r, 400, 20000, 20000);
	ck_assert(!rig_ours(&r));
	rig_even(&r);
	rig_done(&r);
}
END_TEST

START_TEST(the_peer_says_it_is_done)
{
	struct rig r;

	rig_init(&r, _i, suites[0], TLS1_3_VERSION);
	rig_run(&r, 100, 20000, 20000);
	rig_even(&r);
	ck_assert(rig_ours(&r));
	SSL_shutdown(r.peer);
	rig_drain(&r);
	ck_assert_int_eq(r.ended, END_NOTIFY);
	/* We may go on. */
	rig_run(&r, 50, 20000, 0);
	rig_even(&r);
	while (r.ops->shut(r.t, END_NOTIFY) == ERR_AGAIN)
		rig_wire(&r);
	rig_drain(&r);
	ck_assert_int_eq(SSL_get_shutdown(r.peer), SSL_SENT_SHUTDOWN |
	    SSL_RECEIVED_SHUTDOWN);
	shutdown(r.fd, SHUT_WR);
	rig_drain(&r);
	ck_assert_int_eq(r.ended, END_FIN);
	ck_assert_int_eq(r.err, 0);
	rig_done(&r);
}
END_TEST

START_TEST(we_say_that_we_are_done_and_read_on)
{
	struct rig r;

	rig_init(&r, _i, suites[0], TLS1_3_VERSION);
	rig_run(&r, 100, 20000, 20000);
	ck_assert(rig_ours(&r));
	while (r.ops->shut(r.t, END_NOTIFY) == ERR_AGAIN)
		rig_wire(&r);
	rig_drain(&r);
	ck_assert_int_eq(SSL_get_shutdown(r.peer), SSL_RECEIVED_SHUTDOWN);
	rig_run(&r, 50, 0, 20000);
	rig_even(&r);
	ck_assert_int_eq(r.ops->shut(r.t, END_FIN), 0);
	rig_run(&r, 50, 0, 20000);
	rig_even(&r);
	shutdown(r.fd, SHUT_WR);
	rig_drain(&r);
	ck_assert_int_eq(r.ended, END_FIN);
	rig_done(&r);
}
END_TEST

/* Ours after a takeover, and nothing under way. */
static void
rig_taken(struct rig *r)
{
	rig_init(r, 1, suites[0], TLS1_3_VERSION);
	rig_run(r, 100, 20000, 20000);
	rig_even(r);
	ck_assert(rig_ours(r));
}

/* What the peer was told; our error is err. */
static void
rig_broken(struct rig *r, int alert)
{
	char b;

	rig_drain(r);
	ck_assert_int_eq(r->err, ERR_TLS);
	ck_assert_int_eq(r->ops->write(r->t, (const uint8_t *)"x", 1),
	    ERR_TLS);
	ERR_clear_error();
	ck_assert_int_le(SSL_read(r->peer, &b, 1), 0);
	ck_assert(ERR_GET_REASON(ERR_peek_last_error()) == alert ||
	    (SSL_get_shutdown(r->peer) & SSL_RECEIVED_SHUTDOWN) != 0);
	rig_done(r);
}

START_TEST(a_record_that_was_touched_is_told)
{
	struct rig r;
	char rec[200];
	int n;

	rig_taken(&r);
	rig_peer_write(&r, 100);
	n = BIO_read(r.net, rec, sizeof(rec));
	rec[n - 1] ^= 1;
	ck_assert_int_eq(send(r.fd, rec, (size_t)n, 0), n);
	rig_broken(&r, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}
END_TEST

START_TEST(a_record_that_comes_twice_is_told)
{
	struct rig r;
	char rec[200];
	int n;

	rig_taken(&r);
	rig_peer_write(&r, 100);
	n = BIO_read(r.net, rec, sizeof(rec));
	ck_assert_int_eq(send(r.fd, rec, (size_t)n, 0), n);
	ck_assert_int_eq(send(r.fd, rec, (size_t)n, 0), n);
	rig_broken(&r, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}
END_TEST

START_TEST(a_record_too_long_is_told)
{
	struct rig r;

	rig_taken(&r);
	ck_assert_int_eq(send(r.fd, "\x17\3\3\xff\xff", 5, 0), 5);
	rig_broken(&r, SSL_R_TLSV1_ALERT_RECORD_OVERFLOW);
}
END_TEST

START_TEST(a_fin_within_a_record_is_a_fin)
{
	struct rig r;
	char rec[200];
	int n;

	rig_taken(&r);
	rig_peer_write(&r, 100);
	n = BIO_read(r.net, rec, sizeof(rec));
	ck_assert_int_eq(send(r.fd, rec, (size_t)n - 1, 0), n - 1);
	shutdown(r.fd, SHUT_WR);
	rig_drain(&r);
	ck_assert_int_eq(r.ended, END_FIN);
	ck_assert_int_eq(r.err, 0);
	rig_done(&r);
}
END_TEST

START_TEST(an_alert_of_the_peers_ends_it)
{
	struct rig r;
	char junk[64] = "\x17\3\3\0\x3b";

	rig_taken(&r);
	BIO_write(r.net, junk, sizeof(junk));	/* the peer cannot open it */
	rig_drain(&r);
	ck_assert_int_eq(r.err, ERR_TLS);
	rig_done(&r);
}
END_TEST

START_TEST(a_peer_that_asks_for_keys_and_never_reads_gets_one)
{
	struct rig r;
	int i;

	rig_taken(&r);
	r.mute = 1;
	/* libssl merges requests unsent; with more of them we would end it */
	for (i = 0; i < UPDATES_FREE; i++) {
		SSL_key_update(r.peer, SSL_KEY_UPDATE_REQUESTED);
		rig_run(&r, 1, 0, 10);
		rig_run(&r, 1, 0, 10);
	}
	r.mute = 0;
	rig_run(&r, 100, 2000, 2000);
	rig_even(&r);
	rig_done(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("takeover");
	TCase *c = tcase_create("takeover");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, nothing_is_lost_when_we_take_over, 0, 36);
	tcase_add_loop_test(c, small_and_older_sessions_stay_with_libssl, 0,
	    2);
	tcase_add_loop_test(c,
	    a_client_of_short_records_gets_every_byte_in_them, 0,
	    2 * NELEM(fragments));
	tcase_add_test(c, a_write_in_the_middle_of_a_ticket_waits_for_its_end);
	tcase_add_test(c, a_fin_in_the_middle_of_a_ticket_is_not_waited_out);
	tcase_add_loop_test(c, keys_change_as_often_as_the_peer_likes, 0, 6);
	tcase_add_loop_test(c, keys_that_change_all_the_time_end_it, 0, 8);
	tcase_add_loop_test(c, keys_changed_before_leave_it_to_libssl, 0, 4);
	tcase_add_loop_test(c, the_peer_says_it_is_done, 0, 2);
	tcase_add_loop_test(c, we_say_that_we_are_done_and_read_on, 0, 2);
	tcase_add_test(c, a_record_that_was_touched_is_told);
	tcase_add_test(c, a_record_that_comes_twice_is_told);
	tcase_add_test(c, a_record_too_long_is_told);
	tcase_add_test(c, a_fin_within_a_record_is_a_fin);
	tcase_add_test(c, an_alert_of_the_peers_ends_it);
	tcase_add_test(c, a_peer_that_asks_for_keys_and_never_reads_gets_one);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
