/*
 * The conditions on the server's certificate.
 */
#include "policy/certificate.h"

#include "made.h"

TEST(the_certificate_of_the_server)
{
	struct policy *p = made(
	    "  - {name: a, certificate: {status: [expired, revoked]}, "
	    "action: block}\n"
	    "  - {name: b, certificate: {issuer: \"o=Evil*\", "
	    "subject: [\"CN=*.example\", \"*, C=CH\"]}, action: block}\n"
	    "  - {name: c, not: {certificate: {subject: \"O=A\\\\, B\"}}, "
	    "certificate: {issuer: \"*\"}, action: block}\n");
	static char evil[] = "CN=Root, O=Evil Corp.", none[] = "",
	    www[] = "CN=www.example, O=X", swiss[] = "CN=y, C=CH",
	    comma[] = "CN=z + O=A\\, B, C=DE";
	struct certinfo cert = { .issuer = evil, .subject = none };
	struct facts f = { .protocol = PROTO_TLS };

	ck_assert_str_eq(decides(p, &f), "default");
	f.cert = &cert;
	ck_assert_str_eq(decides(p, &f), "c");
	f.verify = VERIFY_EXPIRED;
	ck_assert_str_eq(decides(p, &f), "a");
	f.verify = VERIFY_NAME;
	cert.subject = www;
	ck_assert_str_eq(decides(p, &f), "b");
	cert.subject = swiss;
	ck_assert_str_eq(decides(p, &f), "b");
	cert.subject = comma;
	ck_assert_str_eq(decides(p, &f), "default");
	cert.issuer = swiss;
	cert.subject = www;
	ck_assert_str_eq(decides(p, &f), "c");
	policy_unref(p);
}
END

static int
waits(const char *yaml, const struct facts *f)
{
	struct policy *p = made(yaml);
	struct verdict v;

	policy_decide(p, f, &v);
	policy_unref(p);
	return v.later;
}

TEST(a_verdict_waits_for_the_certificate_where_a_rule_may_need_it)
{
	static const char by_port[] = "  - {name: p, port: 443, action: "
	    "bypass}\n  - {name: c, certificate: {status: expired}, action: "
	    "block}\n";
	static const char first[] = "  - {name: c, certificate: {status: "
	    "expired}, port: 443, action: block}\n";
	static const char not[] = "  - {name: c, port: 443, not: "
	    "{certificate: {status: ok}}, action: block}\n";
	struct facts f = { .port = 443 };
	struct certinfo cert = { .subject = NULL };
	struct verdict v;
	struct policy *p;

	ck_assert_int_eq(waits(first, &f), 0);	/* it may be no TLS */
	p = made(first);
	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	policy_unref(p);
	f.protocol = PROTO_TLS;
	ck_assert_int_eq(waits(first, &f), 1);
	ck_assert_int_eq(waits(by_port, &f), 0);
	ck_assert_int_eq(waits(not, &f), 1);
	f.cert_none = 1;
	ck_assert_int_eq(waits(first, &f), 0);
	f.cert_none = 0;
	f.cert = &cert;
	ck_assert_int_eq(waits(first, &f), 0);
	f.cert = NULL;
	f.port = 444;
	ck_assert_int_eq(waits(first, &f), 0);
	ck_assert_int_eq(waits(by_port, &f), 1);
	f.protocol = PROTO_HTTP;
	ck_assert_int_eq(waits(by_port, &f), 0);
}
END

SUITE("certificate", the_certificate_of_the_server,
    a_verdict_waits_for_the_certificate_where_a_rule_may_need_it)
