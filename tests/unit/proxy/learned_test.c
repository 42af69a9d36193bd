/*
 * What servers did is remembered by address, port and name, for an hour.
 */
#include "proxy/learned.h"

#include "clock.h"
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

	ck_assert(!learned_has(l, &f, LEARNED_HTTP2));
	learned_set(l, &f, LEARNED_HTTP2);
	ck_assert(learned_has(l, &f, LEARNED_HTTP2));
	ck_assert(!learned_has(l, &port, LEARNED_HTTP2));
	ck_assert(!learned_has(l, &name, LEARNED_HTTP2));
	ck_assert(!learned_has(l, &none, LEARNED_HTTP2));
	learned_free(l);
}
END

TEST(one_thing_does_not_displace_another)
{
	struct learned *l = learned_new();
	struct facts f = facts_of("[2001:db8::1]:443", "a.test");

	learned_set(l, &f, LEARNED_HTTP2);
	ck_assert(!learned_has(l, &f, LEARNED_GOES_ON));
	learned_set(l, &f, LEARNED_GOES_ON);
	ck_assert(learned_has(l, &f, LEARNED_GOES_ON));
	ck_assert(learned_has(l, &f, LEARNED_HTTP2));
	clock_ahead += 3601;
	ck_assert(!learned_has(l, &f, LEARNED_GOES_ON));
	ck_assert(!learned_has(l, &f, LEARNED_HTTP2));
	clock_ahead = 0;	/* check measures how long this took */
	learned_free(l);
}
END

SUITE("learned", a_server_is_known_by_address_port_and_name,
    one_thing_does_not_displace_another)
