/*
 * The names of a certificate as text.
 */
#include "tls/certinfo.h"

#include "mint.h"

static struct text	 names;

TEST(names_are_in_lower_case_and_a_wildcard_is_one_it_covers)
{
	static const char want[] = "a.example\0wildcard.b.example\0c.example";
	struct minted root = mint_ca("Root", NULL);
	struct minted m = mint_leaf(&root, "DNS:A.example,IP:192.0.2.1,"
	    "DNS:*.b.example,DNS:not a name,email:a@d.example,"
	    "DNS:c.example.");

	certnames(m.cert, &names);
	ck_assert_uint_eq(names.len, sizeof(want));
	ck_assert_mem_eq(names.s, want, sizeof(want));
	mint_done(&m);
	mint_done(&root);
	text_free(&names);
}
END

TEST(more_names_than_there_is_room_for_are_left_out)
{
	struct minted root = mint_ca("Root", NULL), m;
	struct text san = { NULL, 0, 0 };
	int i;

	for (i = 0; i < 500; i++)
		text_printf(&san, "%sDNS:host-%d.example", i > 0 ? "," : "",
		    i);
	m = mint_leaf(&root, san.s);
	certnames(m.cert, &names);
	ck_assert_uint_gt(names.len, CERTNAMES_MAX / 2);
	ck_assert_uint_le(names.len, CERTNAMES_MAX);
	ck_assert_int_eq(names.s[names.len - 1], '\0');
	text_free(&san);
	mint_done(&m);
	mint_done(&root);
	text_free(&names);
}
END

TEST(no_names_are_nothing)
{
	struct minted root = mint_ca("Root", NULL), m;
	struct mint w = { .cn = "a.example", .by = &root };

	m = mint(&w);
	certnames(m.cert, &names);
	ck_assert_uint_eq(names.len, 0);
	mint_done(&m);
	mint_done(&root);
}
END

SUITE("certinfo", names_are_in_lower_case_and_a_wildcard_is_one_it_covers,
    more_names_than_there_is_room_for_are_left_out, no_names_are_nothing)
