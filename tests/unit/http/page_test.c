/*
 * Pages of our own: the status line, and nothing of a peer's that is markup.
 */
#include <stdio.h>
#include <string.h>

#include "http/page.h"
#include "test.h"
#include "util/mem.h"

TEST(each_status_has_its_own_phrase)
{
	static const char *const lines[] = { "400 Bad Request",
	    "403 Forbidden", "431 Request Header Fields Too Large",
	    "502 Bad Gateway", "503 Service Unavailable",
	    "504 Gateway Timeout" };
	char want[64], *page;
	size_t i, len;

	for (i = 0; i < NELEM(lines); i++) {
		page = page_http(atoi(lines[i]), "why", "session 7", &len);
		snprintf(want, sizeof(want), "HTTP/1.1 %s\r\n", lines[i]);
		ck_assert_msg(strncmp(page, want, strlen(want)) == 0,
		    "%s: %.50s", want, page);
		free(page);
	}
}
END

TEST(what_a_peer_said_is_no_markup)
{
	size_t len;
	char *page = page_http(502, "<script>&", "session 7", &len);

	ck_assert_ptr_nonnull(strstr(page, "&lt;script&gt;&amp;"));
	ck_assert_uint_eq(strlen(page), len);
	free(page);
}
END

SUITE("page", each_status_has_its_own_phrase, what_a_peer_said_is_no_markup)
