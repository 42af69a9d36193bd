/*
 * What servers did without a client certificate is remembered by address, port
 * and name.
 */
#include "proxy/learned.h"
#include "test.h"

static struct facts
facts_of(const char *server, const char *sni)
{
	struct facts f = { .sni = sni };

	ck_assert_int_eq(addr_parse(&f.server, server), 0);
	return f;
}

TEST(a_server_is_known_by_address_port_and_name)
{
	struct learned *l = learned_new();
	struct facts f = facts_of("192.0.2.1:443", "a.test");
	struct facts port = facts_of("192.0.2.1:8443", "a.test");
	struct facts name = facts_of("192.0.2.1:443", "b.test");
	struct facts none = facts_of("192.0.2.1:443", NULL);

	ck_assert_int_eq(learned_get(l, &f), LEARNED_NOTHING);
	learned_set(l, &f, LEARNED_HTTP2);
	ck_assert_int_eq(learned_get(l, &f), LEARNED_HTTP2);
	ck_assert_int_eq(learned_get(l, &port), LEARNED_NOTHING);
	ck_assert_int_eq(learned_get(l, &name), LEARNED_NOTHING);
	ck_assert_int_eq(learned_get(l, &none), LEARNED_NOTHING);
	learned_free(l);
}
END

TEST(what_was_learned_last_counts)
{
	struct learned *l = learned_new();
	struct facts f = facts_of("[2001:db8::1]:443", "a.test");

	learned_set(l, &f, LEARNED_HTTP2);
	learned_set(l, &f, LEARNED_GOES_ON);
	ck_assert_int_eq(learned_get(l, &f), LEARNED_GOES_ON);
	learned_free(l);
}
END

SUITE("learned", a_server_is_known_by_address_port_and_name,
    what_was_learned_last_counts)
