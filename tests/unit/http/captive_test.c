/*
 * The captive portal: what is a probe, and what the API says.
 */
#include "http/captive.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "util/mem.h"

static int
probes(const char *line, const char *host)
{
	struct http_text *h = xcalloc(1, sizeof(*h));
	char *text = xasprintf("%s HTTP/1.1\r\nHost: %s\r\n\r\n", line, host);
	int rv;

	ck_assert_int_eq(http_request(h, text, strlen(text)), 0);
	rv = captive_probe(&h->head);
	free(text);
	free(h);
	return rv;
}

TEST(a_host_that_is_for_probes_alone_is_one_with_any_path)
{
	ck_assert(probes("GET /redirect", "www.msftconnecttest.com"));
	ck_assert(probes("HEAD /", "Captive.Apple.com:80"));
	ck_assert(probes("GET http://nmcheck.gnome.org", "nmcheck.gnome.org"));
	ck_assert(!probes("GET /", "msftconnecttest.com"));
	ck_assert(!probes("GET /", "x.www.msftconnecttest.com"));
}
END

TEST(another_host_is_one_with_its_path_alone)
{
	ck_assert(probes("GET /gen_204?a", "www.google.com"));
	ck_assert(!probes("GET /gen_2045", "www.google.com"));
	ck_assert(!probes("GET /", "www.google.com"));
	ck_assert(!probes("GET /a?/gen_204", "www.google.com"));
}
END

TEST(nobody_probes_by_other_methods)
{
	ck_assert(!probes("POST /", "captive.apple.com"));
	ck_assert(!probes("OPTIONS *", "captive.apple.com"));
}
END

TEST(the_api_says_what_rfc_8908_does)
{
	struct captive c = { .host = "portal.test", .reference =
	    "quarantine 7", .reason = "a \"b\"", .until =
	    "2026-01-01T00:00:00Z", .left = 61 };
	size_t len;
	char *page = captive_api(&c, 0, &len);

	ck_assert_uint_eq(strlen(page), len);
	ck_assert_str_eq(strstr(page, "\r\n\r\n") + 4, "{\"captive\":true,"
	    "\"user-portal-url\":\"https://portal.test/captive/\","
	    "\"can-extend-session\":false,\"quarantine\":{\"reference\":"
	    "\"quarantine 7\",\"reason\":\"a \\\"b\\\"\",\"until\":"
	    "\"2026-01-01T00:00:00Z\",\"seconds-remaining\":61}}\n");
	ck_assert(strstr(page,
	    "Content-Type: application/captive+json\r\n") != NULL);
	ck_assert(strstr(page, "Cache-Control: private\r\n") != NULL);
	free(page);
	c.reference = NULL;
	page = captive_api(&c, 0, &len);
	ck_assert_str_eq(strstr(page, "\r\n\r\n") + 4,
	    "{\"captive\":false}\n");
	free(page);
	page = captive_api(&c, 1, &len);
	ck_assert_mem_eq(page + len - 4, "\r\n\r\n", 4);
	ck_assert(strstr(page, "Content-Length: 18\r\n") != NULL);
	free(page);
}
END

TEST(an_address_of_ipv6_has_brackets)
{
	struct text t = { 0 };

	captive_url(&t, "http", "2001:db8::1", CAPTIVE_PAGE);
	ck_assert_str_eq(t.s, "http://[2001:db8::1]/captive/");
	text_free(&t);
}
END

SUITE("captive", a_host_that_is_for_probes_alone_is_one_with_any_path,
    another_host_is_one_with_its_path_alone, nobody_probes_by_other_methods,
    the_api_says_what_rfc_8908_does, an_address_of_ipv6_has_brackets)
