/*
 * The section geo, and rules by country.
 */
#include <stdlib.h>

#include "../mmdb.h"
#include "sample.h"

#define REST	"- {name: rest, action: decrypt}\n"

static int
geo_read(const char *path, size_t max, struct text *out)
{
	struct mmdb m = { 0 };

	if (strcmp(path, "/geo") == 0) {
		mmdb_add(&m, "192.0.2.0/24", "DE");
		mmdb_write(&m, out);
	} else {
		text_puts(out, "what is this?\n");
	}
	return 0;
}

static struct conf *
read_in(const char *yaml, struct text *errors)
{
	static const struct conf_world world = { .read = geo_read };
	struct conf *c;

	conf_parse_in(&world, "c", yaml, strlen(yaml), &c, errors);
	return c;
}

static void
wrong(const char *yaml, const char *want)
{
	struct text errors = { 0 };

	ck_assert_ptr_null(read_in(yaml, &errors));
	ck_assert_str_eq(errors.s, want);
	text_free(&errors);
}

TEST(a_rule_names_countries)
{
	struct text errors = { 0 };
	struct addr a;
	char is[GEO_LEN];
	struct conf *c = read_in(LISTEN "geo: {database: /geo}\nrules:\n"
	    "- {name: a, country: [de, Unknown, XK], not: {country: Gb}, "
	    "action: block}\n" REST, &errors);

	ck_assert_msg(c != NULL, "%s", errors.s);
	ck_assert_str_eq(c->rules[0].match.country.v[0], "DE");
	ck_assert_str_eq(c->rules[0].match.country.v[1], "unknown");
	ck_assert_str_eq(c->rules[0].except.country.v[0], "GB");
	ck_assert_str_eq(c->files[0].path, "/geo");	/* it is watched */
	addr_parse_ip(&a, "192.0.2.1");
	geo_country(c->geo.db, &a, is);
	ck_assert_str_eq(is, "DE");
	conf_unref(c);
}
END

TEST(what_is_no_country_and_no_database)
{
	wrong(LISTEN "rules:\n- {name: a, country: DE, action: block}\n" REST,
	    "c:3:22: \"country\" needs a database of addresses; write where "
	    "it is: geo: {database: /var/lib/GeoIP/GeoLite2-Country.mmdb}\n");
	wrong(LISTEN "geo: {database: /geo}\nrules:\n"
	    "- {name: a, country: [UK, D], action: block}\n"
	    "- {name: b, not: {country: \"AA \"}, action: block}\n"
	    "- {name: c, country: [], action: block}\n"
	    "- {name: d, country: [CH, FR], action: block}\n"
	    "- {name: e, country: fr, action: bypass}\n" REST,
	    "c:4:23: \"UK\" is not a country; write two letters of ISO "
	    "3166-1, such as DE or GB, or unknown\n"
	    "c:4:27: \"D\" is not a country; write two letters of ISO "
	    "3166-1, such as DE or GB, or unknown\n"
	    "c:5:28: \"AA \" is not a country; write two letters of ISO "
	    "3166-1, such as DE or GB, or unknown\n"
	    "c:6:22: \"country\" is an empty list and would match nothing; "
	    "fill it or take it out\n");
	wrong(LISTEN "geo: {database: /geo}\nrules:\n"
	    "- {name: d, country: [CH, FR], action: block}\n"
	    "- {name: e, country: fr, port: 1, action: bypass}\n" REST,
	    "c:5:3: this rule is never reached: \"d\" before it (line 4) "
	    "matches all that it matches; put it before that one, or take it "
	    "out\n");
	wrong(LISTEN "geo: {database: /odd}\nrules:\n"
	    "- {name: a, country: DE, action: block}\n" REST,
	    "c:2:17: cannot use \"/odd\": it is not a database of MaxMind's "
	    "format, or broken; get a database of countries such as "
	    "GeoLite2-Country.mmdb\n");
	wrong(LISTEN "geo: {}\n",
	    "c:2:6: geo needs \"database\"; write the path of a file of MaxMind's "
	    "format\n");
}
END

SUITE("geo", a_rule_names_countries, what_is_no_country_and_no_database)
