/*
 * Records of our own: against RFC 8448, against libssl in memory, and what a
 * hostile peer makes of them.
 */
#include <openssl/rand.h>

#include "libssl.h"
#include "mint.h"
#include "tls/bulk/channel.h"
#include "tls/bulk/gcm.h"
#include "util/err.h"

static const unsigned int suites[] = { 0x1301, 0x1302, 0x1303 };

/* Two ends of ours under the same secrets: what one seals the other opens. */
struct ends {
	struct channel	a, b;
	struct record_dir raw;		/* seals for b whatever it likes */
	uint8_t		wire[RECORD_WIRE + 4096], clear[RECORD_WIRE];
};

static void
ends_init(struct ends *e, unsigned int suite, int server)
{
	size_t len = suite == 0x1302 ? 48 : 32;
	uint8_t up[48], down[48];

	memset(up, 1, sizeof(up));
	memset(down, 2, sizeof(down));
	memset(e, 0, sizeof(*e));
	channel_init(&e->a);
	channel_init(&e->b);
	e->b.server = server & 1;
	ck_assert_int_eq(record_init(&e->a.out, suite, up, len, 1), 0);
	ck_assert_int_eq(record_init(&e->a.in, suite, down, len, 0), 0);
	ck_assert_int_eq(record_init(&e->b.out, suite, down, len, 1), 0);
	ck_assert_int_eq(record_init(&e->b.in, suite, up, len, 0), 0);
	ck_assert_int_eq(record_init(&e->raw, suite, up, len, 1), 0);
}

static void
ends_done(struct ends *e)
{
	channel_done(&e->a);
	channel_done(&e->b);
	record_done(&e->raw);
}

/* b gets this content; what it says. */
static ssize_t
ends_put(struct ends *e, uint8_t type, const void *p, size_t len)
{
	size_t used, n = record_seal(&e->raw, type, p, len, e->wire);

	return channel_open(&e->b, e->wire, n, e->clear, sizeof(e->clear),
	    &used);
}

static void
ends_refuse(uint8_t type, const void *p, size_t len, int server,
    uint8_t alert)
{
	struct ends e;

	ends_init(&e, 0x1301, server);
	ck_assert_int_eq(ends_put(&e, type, p, len), ERR_TLS);
	ck_assert(e.b.failed);
	ck_assert_uint_eq(e.b.alert, alert);
	ends_done(&e);
}

static size_t
hex(const char *s, uint8_t *out, size_t size)
{
	size_t n;

	ck_assert(OPENSSL_hexstr2buf_ex(out, size, &n, s, ' '));
	return n;
}

START_TEST(the_vectors_of_rfc_8448)
{
	uint8_t secret[48], want[128], wire[128], clear[64], back[64], type;
	struct record_dir r;
	size_t n, i;

	/* Section 3, the client's application data. */
	hex("9e 40 64 6c e7 9a 7f 9d c0 5a f8 88 9b ce 65 52 87 5a fa 0b 06 "
	    "df 00 87 f7 92 eb b7 c1 75 04 a5", secret, sizeof(secret));
	n = hex("17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 "
	    "cb ef ac ea 42 f9 14 aa 66 bc ab 3f 2b 98 19 a8 a5 b4 6b 39 5b "
	    "d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d "
	    "ea e6 3a ee bb 21 69 49 15 e4", want, sizeof(want));
	for (i = 0; i < 50; i++)
		clear[i] = (uint8_t)i;
	ck_assert_int_eq(record_init(&r, 0x1301, secret, 32, 1), 0);
	ck_assert_uint_eq(record_seal(&r, RECORD_DATA, clear, 50, wire), n);
	ck_assert_mem_eq(wire, want, n);
	record_done(&r);
	ck_assert_int_eq(record_init(&r, 0x1301, secret, 32, 0), 0);
	ck_assert_int_eq(record_open(&r, wire, n, back, &type), 50);
	ck_assert_mem_eq(back, clear, 50);
	ck_assert_uint_eq(type, RECORD_DATA);
	record_done(&r);
}
END_TEST

START_TEST(what_libssl_seals_is_opened_and_the_reverse)
{
	ck_assert_int_eq(libssl_agrees(), 1);
}
END_TEST

START_TEST(records_of_any_size_come_back)
{
	const char *more = getenv("RECORDS");
	size_t rounds = more != NULL ? (size_t)atol(more) : 20000, i, n, used;
	uint8_t *p = xmalloc(RECORD_CLEAR + 64);
	struct ends e;
	unsigned seed = 7;
	ssize_t got;

	RAND_bytes(p, RECORD_CLEAR + 64);
	ends_init(&e, suites[_i], 1);
	e.a.worn = 1000;	/* so that keys change, too */
	for (i = 0; i < rounds; i++) {
		n = i < 200 ? i + 1 : 1 + (size_t)rand_r(&seed) %
		    (i % 16 == 0 ? RECORD_CLEAR : 600);
		used = channel_data(&e.a, p + n % 64, n, e.wire);
		got = channel_open(&e.b, e.wire, used, e.clear, n, &used);
		if (got == 0) {
			ck_assert_uint_eq(e.b.in.seq, 0);
			got = channel_open(&e.b, e.wire + used, n +
			    RECORD_EXTRA, e.clear, n, &used);
		}
		ck_assert_int_eq(got, (ssize_t)n);
		ck_assert(memcmp(e.clear, p + n % 64, n) == 0);
		ck_assert_uint_eq(e.a.out.seq, e.b.in.seq);
	}
	ck_assert_uint_le(e.a.out.seq, 1001);
	ends_done(&e);
	free(p);
}
END_TEST

START_TEST(no_byte_of_a_record_may_change)
{
	struct ends e;
	uint8_t wire[64], clear[64], type;
	size_t n, i;

	ends_init(&e, suites[_i], 1);
	n = record_seal(&e.raw, RECORD_DATA, (const uint8_t *)"hello", 5,
	    wire);
	for (i = 0; i < n; i++) {
		wire[i] ^= 1;
		e.b.in.seq = 0;
		ck_assert_int_eq(record_open(&e.b.in, wire, n, clear, &type),
		    ERR_DENIED);
		wire[i] ^= 1;
	}
	for (i = 0; i < n; i++) {	/* nor be cut off */
		e.b.in.seq = 0;
		ck_assert_int_eq(record_open(&e.b.in, wire, i, clear, &type),
		    ERR_DENIED);
	}
	e.b.in.seq = 1;			/* nor come again */
	ck_assert_int_eq(record_open(&e.b.in, wire, n, clear, &type),
	    ERR_DENIED);
	e.b.in.seq = 0;
	ck_assert_int_eq(record_open(&e.b.in, wire, n, clear, &type), 5);
	ends_done(&e);
}
END_TEST

START_TEST(headers_that_may_not_come_are_refused)
{
	size_t size;

	ck_assert_int_eq(record_size((const uint8_t *)"", 0, &size),
	    ERR_SHORT);
	ck_assert_int_eq(record_size((const uint8_t *)"\x17\3\3\0", 4, &size),
	    ERR_SHORT);
	ck_assert_int_eq(record_size((const uint8_t *)"\x17\3\3\0\0", 5,
	    &size), 0);
	ck_assert_int_eq(record_size((const uint8_t *)"\x17\3\3\x41\0", 5,
	    &size), ERR_SHORT);
	ck_assert_uint_eq(size, RECORD_WIRE);
	ck_assert_int_eq(record_size((const uint8_t *)"\x17\3\3\x41\1", 5,
	    &size), ERR_LIMIT);
	ck_assert_int_eq(record_size((const uint8_t *)"\x14", 1, &size),
	    ERR_FORMAT);
	ck_assert_int_eq(record_size((const uint8_t *)"\x15\3\3\0\2", 5,
	    &size), ERR_FORMAT);
}
END_TEST

/* Seals p as it is, the type at its end within p. */
static ssize_t
padded(struct ends *e, const uint8_t *p, size_t len)
{
	size_t used, n = record_seal(&e->raw, p[len - 1], p, len - 1,
	    e->wire);

	return channel_open(&e->b, e->wire, n, e->clear, sizeof(e->clear),
	    &used);
}

START_TEST(padding_is_taken_off)
{
	static const uint8_t some[] = "data\x17\0\0\0\0";	/* + a zero */
	uint8_t *p = xcalloc(1, RECORD_WIRE);
	struct ends e;

	ends_init(&e, 0x1301, 1);
	ck_assert_int_eq(padded(&e, some, sizeof(some)), 4);
	ck_assert_mem_eq(e.clear, "data", 4);
	p[0] = RECORD_DATA;		/* nothing but padding is allowed */
	ck_assert_int_eq(padded(&e, p, RECORD_CLEAR), 0);
	memset(p, 'x', RECORD_CLEAR + 10);
	p[RECORD_CLEAR + 9] = RECORD_DATA;
	ck_assert_int_eq(padded(&e, p, RECORD_CLEAR + 10), ERR_TLS);
	ck_assert_uint_eq(e.b.alert, ALERT_RECORD_OVERFLOW);
	ends_done(&e);
	ends_init(&e, 0x1301, 1);
	memset(p, 0, 64);
	ck_assert_int_eq(padded(&e, p, 64), ERR_TLS);
	ck_assert_uint_eq(e.b.alert, ALERT_UNEXPECTED_MESSAGE);
	ends_done(&e);
	free(p);
}
END_TEST

START_TEST(a_record_that_does_not_fit_is_left)
{
	struct ends e;
	size_t n, used;

	ends_init(&e, 0x1301, 1);
	n = channel_data(&e.a, (const uint8_t *)"hello", 5, e.wire);
	ck_assert_int_eq(channel_open(&e.b, e.wire, n, e.clear, 4, &used),
	    ERR_MEM);
	ck_assert_int_eq(channel_open(&e.b, e.wire, n - 1, e.clear, 5, &used),
	    ERR_SHORT);
	ck_assert_int_eq(channel_open(&e.b, e.wire, n, e.clear, 5, &used), 5);
	ends_done(&e);
}
END_TEST

START_TEST(a_record_of_another_version_is_told_so)
{
	static const struct {
		uint8_t	head[5];
		int	alert;
	} bad[] = {
		{ { 23, 2, 0, 0, 40 }, ALERT_PROTOCOL_VERSION },
		{ { 'G', 'E', 'T', ' ', '/' }, ALERT_PROTOCOL_VERSION },
		{ { 23, 3, 1, 0, 40 }, ALERT_DECODE_ERROR },
		{ { 22, 3, 1, 0, 40 }, ALERT_UNEXPECTED_MESSAGE },
		{ { 23, 3, 3, 0x48, 1 }, ALERT_RECORD_OVERFLOW }
	};
	struct ends e;
	size_t i, used;

	for (i = 0; i < NELEM(bad); i++) {
		ends_init(&e, 0x1301, 1);
		ck_assert_int_eq(channel_open(&e.b, bad[i].head, 5, e.clear,
		    sizeof(e.clear), &used), ERR_TLS);
		ck_assert_uint_eq(e.b.alert, bad[i].alert);
		ends_done(&e);
	}
}
END_TEST

START_TEST(alerts_end_it)
{
	struct ends e;

	ends_init(&e, 0x1301, 1);
	ck_assert_int_eq(ends_put(&e, RECORD_ALERT, "\1\x5a", 2), 0);
	ck_assert(!e.b.closed);
	ck_assert_int_eq(ends_put(&e, RECORD_ALERT, "\1\0", 2), 0);
	ck_assert(e.b.closed && !e.b.failed);
	ends_done(&e);
	ends_refuse(RECORD_ALERT, "\2\x30", 2, 1, 0);	/* no answer */
	ends_refuse(RECORD_ALERT, "\1\x30", 2, 1, 0);
	ends_refuse(RECORD_ALERT, "\1\0\1\0", 4, 1, ALERT_DECODE_ERROR);
	ends_refuse(RECORD_ALERT, "", 0, 1, ALERT_UNEXPECTED_MESSAGE);
}
END_TEST

START_TEST(messages_that_may_not_come_are_refused)
{
	static const uint8_t ticket[] = { 4, 0, 0, 2, 'x', 'y' };

	ends_refuse(RECORD_HANDSHAKE, "", 0, 0, ALERT_UNEXPECTED_MESSAGE);
	ends_refuse(RECORD_HANDSHAKE, ticket, 6, 1, ALERT_UNEXPECTED_MESSAGE);
	ends_refuse(RECORD_HANDSHAKE, "\4\2\0\1", 4, 0,
	    ALERT_ILLEGAL_PARAMETER);
	ends_refuse(RECORD_HANDSHAKE, "\x0d\0\0\1", 4, 0,
	    ALERT_UNEXPECTED_MESSAGE);
	ends_refuse(RECORD_HANDSHAKE, "\x18\0\0\1\2", 5, 0,
	    ALERT_ILLEGAL_PARAMETER);
	ends_refuse(RECORD_HANDSHAKE, "\x18\0\0\2\0\0", 6, 0,
	    ALERT_DECODE_ERROR);
	ends_refuse(RECORD_HANDSHAKE, "\x18\0\0\1\0\4", 6, 0,
	    ALERT_UNEXPECTED_MESSAGE);
	ends_refuse(RECORD_CCS, "\1", 1, 0, ALERT_UNEXPECTED_MESSAGE);
	ends_refuse(99, "\1", 1, 0, ALERT_UNEXPECTED_MESSAGE);
}
END_TEST

START_TEST(tickets_are_let_go_however_they_are_split)
{
	uint8_t m[3 * 40 + 5] = { 0 };
	struct ends e;
	size_t step, i, n;

	for (i = 0; i < 3; i++) {
		m[i * 40] = 4;
		m[i * 40 + 3] = 36;
	}
	memcpy(m + 120, "\x18\0\0\1\1", 5);	/* and a KeyUpdate */
	for (step = 2; step <= sizeof(m); step++) {
		ends_init(&e, 0x1302, 0);
		for (i = 0; i < sizeof(m); i += n) {
			n = sizeof(m) - i < step ? sizeof(m) - i : step;
			ck_assert_int_eq(ends_put(&e, RECORD_HANDSHAKE, m + i,
			    n), 0);
		}
		ck_assert(e.b.answer);
		ck_assert_uint_eq(e.b.in.seq, 0);
		record_update(&e.raw);
		ck_assert_int_eq(ends_put(&e, RECORD_DATA, "on", 2), 2);
		ends_done(&e);
	}
}
END_TEST

START_TEST(a_message_under_way_may_not_be_interrupted)
{
	struct ends e;

	ends_init(&e, 0x1301, 0);
	ck_assert_int_eq(ends_put(&e, RECORD_HANDSHAKE, "\4\0\0\x10", 4), 0);
	ck_assert_int_eq(ends_put(&e, RECORD_DATA, "no", 2), ERR_TLS);
	ends_done(&e);
}
END_TEST

START_TEST(records_without_data_do_not_go_on_for_ever)
{
	struct ends e;
	int i;

	ends_init(&e, 0x1301, 0);
	for (i = 0; i < 64; i++)
		ck_assert_int_eq(ends_put(&e, RECORD_DATA, "", 0), 0);
	ck_assert_int_eq(ends_put(&e, RECORD_DATA, "x", 1), 1);
	for (i = 0; i < 64; i++)
		ck_assert_int_eq(ends_put(&e, RECORD_DATA, "", 0), 0);
	ck_assert_int_eq(ends_put(&e, RECORD_DATA, "", 0), ERR_TLS);
	ends_done(&e);
}
END_TEST

/* What libcrypto makes of the same, under the same key and number. */
START_TEST(both_implementations_make_the_same_record)
{
	static const size_t sizes[] = { 0, 1, 14, 15, 16, 17, 255, 256, 257,
	    767, 768, 1023, 4096, 16383, RECORD_CLEAR };
	static uint8_t clear[RECORD_CLEAR], one[RECORD_WIRE];
	static uint8_t two[RECORD_WIRE], nonce[GCM_NONCE] = { 9, 8, 7 };
	size_t bits = _i == 0 ? 128 : 256, i, n;
	uint8_t key[32] = { 3, 1, 4 }, last;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	struct gcm *g = gcm_new(key, bits / 8);
	int k;

	for (i = 0; i < sizeof(clear); i++)
		clear[i] = (uint8_t)(i * 31);
	for (i = 0; g != NULL && i < NELEM(sizes); i++) {
		n = sizes[i];
		memset(one, 0, sizeof(one));
		gcm_seal(g, nonce, (const uint8_t *)"head", 4, clear, n, 23,
		    one);
		EVP_EncryptInit_ex(c, bits == 128 ? EVP_aes_128_gcm() :
		    EVP_aes_256_gcm(), NULL, key, nonce);
		EVP_EncryptUpdate(c, NULL, &k, (const uint8_t *)"head", 4);
		EVP_EncryptUpdate(c, two, &k, clear, (int)n);
		two[n] = 23;
		EVP_EncryptUpdate(c, two + n, &k, two + n, 1);
		EVP_EncryptFinal_ex(c, two + n + 1, &k);
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, GCM_TAG,
		    two + n + 1);
		ck_assert_mem_eq(one, two, n + 1 + GCM_TAG);
		ck_assert_int_eq(one[n + 1 + GCM_TAG], 0);
		ck_assert_int_eq(gcm_open(g, nonce, (const uint8_t *)"head",
		    4, one, n, &last, two), 0);
		ck_assert_mem_eq(two, clear, n);
		ck_assert_uint_eq(last, 23);
		one[n / 2] ^= 1;
		ck_assert_int_eq(gcm_open(g, nonce, (const uint8_t *)"head",
		    4, one, n, &last, two), ERR_DENIED);
	}
	gcm_free(g);
	EVP_CIPHER_CTX_free(c);
}
END_TEST

/* gcm.h may not be there; then both cases are the same. */
static void
without_vectors(void)
{
	gcm_enable(0);
}

static void
add(Suite *s, const char *name, void (*setup)(void))
{
	TCase *c = tcase_create(name);

	tcase_set_timeout(c, getenv("RECORDS") != NULL ? 3600 : 60);
	if (setup != NULL)
		tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, the_vectors_of_rfc_8448);
	tcase_add_test(c, what_libssl_seals_is_opened_and_the_reverse);
	tcase_add_loop_test(c, records_of_any_size_come_back, 0, 3);
	tcase_add_loop_test(c, no_byte_of_a_record_may_change, 0, 3);
	tcase_add_test(c, headers_that_may_not_come_are_refused);
	tcase_add_test(c, padding_is_taken_off);
	tcase_add_test(c, a_record_that_does_not_fit_is_left);
	tcase_add_test(c, a_record_of_another_version_is_told_so);
	tcase_add_test(c, alerts_end_it);
	tcase_add_test(c, messages_that_may_not_come_are_refused);
	tcase_add_test(c, tickets_are_let_go_however_they_are_split);
	tcase_add_test(c, a_message_under_way_may_not_be_interrupted);
	tcase_add_test(c, records_without_data_do_not_go_on_for_ever);
	tcase_add_loop_test(c, both_implementations_make_the_same_record, 0,
	    2);
	suite_add_tcase(s, c);
}

int
main(void)
{
	Suite *s = suite_create("record");
	SRunner *r;
	int bad;

	add(s, "record", NULL);
	add(s, "libcrypto", without_vectors);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
