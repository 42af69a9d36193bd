/*
 * Servers that went on without a client certificate are remembered by address,
 * port and name.
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

	ck_assert(!learned_goes_on(l, &f));
	learned_set(l, &f);
	ck_assert(learned_goes_on(l, &f));
	ck_assert(!learned_goes_on(l, &port));
	ck_assert(!learned_goes_on(l, &name));
	ck_assert(!learned_goes_on(l, &none));
	learned_free(l);
}
END

SUITE("learned", a_server_is_known_by_address_port_and_name)
