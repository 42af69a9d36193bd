/*
 * Which server is meant, from the lines of products; and which is never denied.
 */
#include "verdict/server.h"

#include <string.h>

#include "test.h"
#include "util/err.h"

TEST(servers_are_read_as_people_and_products_write_them)
{
	static const struct {
		const char	*s, *exact, *any;	/* NULL: refused */
	} t[] = {
		{ "203.0.113.9", "203.0.113.9", "203.0.113.9" },
		{ "203.0.113.9:443", "203.0.113.9", "203.0.113.9" },
		{ "2001:DB8::9", "2001:db8::9", "2001:db8::9" },
		{ "[2001:db8::9]:443", "2001:db8::9", "2001:db8::9" },
		{ "::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9" },
		{ "Evil.Example.", "=evil.example", "evil.example" },
		{ "evil.example:8080", "=evil.example", "evil.example" },
		{ "=evil.example", NULL, "=evil.example" },
		{ "*.evil.example", NULL, "*.evil.example" },
		{ "http://u@evil.example:80/a?b=c@d", "=evil.example",
		  "=evil.example" },
		{ "https://[2001:db8::9]/x", "2001:db8::9", "2001:db8::9" },
		{ "evil.example/path", "=evil.example", "=evil.example" },
		{ "com", NULL, NULL }, { "*.com", NULL, NULL },
		{ "*", NULL, NULL }, { "!evil.example", NULL, NULL },
		{ "", NULL, NULL }, { "a b.example", NULL, NULL },
		{ "1.2.3", NULL, NULL }, { "http://", NULL, NULL },
		{ "[::1", NULL, NULL }, { "http://@/", NULL, NULL },
		{ "\xff.example", NULL, NULL },
	};
	char out[SERVER_STRLEN];
	size_t i;
	int exact;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (exact = 0; exact < 2; exact++) {
			const char *want = exact ? t[i].exact : t[i].any;
			int rv = server_read(out, t[i].s, exact);

			ck_assert_msg(rv == (want != NULL ? 0 : ERR_FORMAT),
			    "%s: %d", t[i].s, rv);
			if (want != NULL)
				ck_assert_str_eq(out, want);
		}
}
END

TEST(a_name_as_long_as_dns_has_it_is_read)
{
	char name[300], out[SERVER_STRLEN];
	size_t i;

	for (i = 0; i < 253; i++)
		name[i] = i % 64 == 63 ? '.' : 'a';
	name[253] = '\0';
	ck_assert_int_eq(server_read(out, name, 1), 0);
	ck_assert_uint_eq(strlen(out), 254);
	name[253] = 'a';
	name[254] = '\0';
	ck_assert_int_eq(server_read(out, name, 1), ERR_FORMAT);
}
END

/* The servers of a line about an endpoint, as "a b". */
static const char *
of(const char *line, const char *who)
{
	static const struct conf_products own;
	static struct text message, out;
	static struct fields fields;
	struct endpoint e = { 0 };
	struct sighting s;
	struct servers v;
	char *copy = strdup(line);
	const char *why = NULL;
	size_t i;

	ck_assert_int_eq(fields_make(&message, 0, 0, copy, strlen(copy),
	    &why), 0);
	free(copy);
	ck_assert_int_eq(fields_read(&fields, message.s, message.len), 0);
	sighting_read(&s, &own, &fields);
	if (who != NULL)
		ck_assert_int_eq(endpoint_parse(&e, who), 0);
	servers_of(&v, &s, who != NULL ? &e : NULL);
	text_clear(&out);
	for (i = 0; i < v.n; i++)
		text_printf(&out, "%s%s", i > 0 ? " " : "", v.v[i]);
	return out.s != NULL ? out.s : "";
}

#define EVE "{\"event_type\":\"alert\",\"src_ip\":\"10.0.0.1\","	\
	"\"dest_ip\":\"203.0.113.9\",\"alert\":{\"severity\":1}"

TEST(servers_are_what_the_endpoint_spoke_with)
{
	ck_assert_str_eq(of(EVE "}", "10.0.0.1"), "203.0.113.9");
	ck_assert_str_eq(of("{\"event_type\":\"alert\",\"src_ip\":"
	    "\"203.0.113.9\",\"dest_ip\":\"10.0.0.1\",\"alert\":{}}",
	    "10.0.0.1"), "203.0.113.9");
	ck_assert_str_eq(of(EVE ",\"tls\":{\"sni\":\"c2.example\"}}",
	    "10.0.0.1"), "203.0.113.9 =c2.example");
	ck_assert_str_eq(of(EVE ",\"http\":{\"hostname\":\"c2.example:81\"}}",
	    "10.0.0.1"), "203.0.113.9 =c2.example");
	ck_assert_str_eq(of("LEEF:1.0|Trend Micro|Deep Discovery Inspector|3|"
	    "X|src=203.0.113.9\tdst=10.0.0.1\tinterestedIp=10.0.0.1\t"
	    "peerIp=203.0.113.9\tcccaDestination=http://c2.example/x",
	    "10.0.0.1"), "=c2.example 203.0.113.9");
	ck_assert_str_eq(of("{\"note\":\"A::B\",\"src\":\"10.0.0.1\","
	    "\"dst\":\"203.0.113.9\"}", "10.0.0.1"), "203.0.113.9");
	/* Zeek's signatures: the one that sent what was found is its src. */
	ck_assert_str_eq(of("{\"note\":\"A::B\",\"src\":\"203.0.113.9\","
	    "\"dst\":\"10.0.0.1\",\"id.orig_h\":\"10.0.0.1\","
	    "\"id.resp_h\":\"203.0.113.9\"}", "10.0.0.1"), "203.0.113.9");
	/* ... which is the endpoint's own otherwise, even if none is known. */
	ck_assert_str_eq(of("{\"note\":\"A::B\",\"src\":\"2001:db8::1\"}",
	    NULL), "");
	ck_assert_str_eq(of("{\"note\":\"A::B\",\"src\":\"2001:db8::1\","
	    "\"dst\":\"203.0.113.9\"}", NULL), "203.0.113.9");
}
END

TEST(an_address_that_the_client_wrote_is_no_server)
{
	ck_assert_str_eq(of(EVE ",\"http\":{\"hostname\":\"8.8.8.8\"},"
	    "\"tls\":{\"sni\":\"1.1.1.1\"}}", "10.0.0.1"), "203.0.113.9");
	ck_assert_str_eq(of(EVE ",\"http\":{\"hostname\":\"com\"}}",
	    "10.0.0.1"), "203.0.113.9");
}
END

TEST(a_resolver_is_not_what_a_query_of_dns_is_about)
{
	ck_assert_str_eq(of("{\"event_type\":\"alert\",\"src_ip\":"
	    "\"10.0.0.1\",\"dest_ip\":\"8.8.8.8\",\"dest_port\":53,"
	    "\"alert\":{},\"dns\":{\"query\":[{\"rrname\":\"c2.example\"}]}}",
	    "10.0.0.1"), "=c2.example");
	ck_assert_str_eq(of("{\"event_type\":\"alert\",\"src_ip\":"
	    "\"8.8.8.8\",\"dest_ip\":\"10.0.0.1\",\"app_proto\":\"dns\","
	    "\"alert\":{}}", "10.0.0.1"), "");
	ck_assert_str_eq(of("LEEF:1.0|Trend Micro|Deep Discovery Inspector|3|"
	    "X|src=10.0.0.1\tdst=8.8.8.8\tdstPort=53\tpeerIp=8.8.8.8\t"
	    "cccaDestination=c2.example", "10.0.0.1"), "=c2.example");
}
END

TEST(without_an_endpoint_nobody_knows_which_end_is_the_server)
{
	ck_assert_str_eq(of(EVE "}", NULL), "");
	ck_assert_str_eq(of(EVE "}", "10.0.0.7"), "");
	ck_assert_str_eq(of(EVE ",\"tls\":{\"sni\":\"c2.example\"}}", NULL),
	    "=c2.example");
}
END

SUITE("server", servers_are_read_as_people_and_products_write_them,
    a_name_as_long_as_dns_has_it_is_read,
    servers_are_what_the_endpoint_spoke_with,
    an_address_that_the_client_wrote_is_no_server,
    a_resolver_is_not_what_a_query_of_dns_is_about,
    without_an_endpoint_nobody_knows_which_end_is_the_server)
