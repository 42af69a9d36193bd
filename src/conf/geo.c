/*
 * The section geo, and the condition country.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define GEO_MAX		((size_t)512 << 20)

/* ISO 3166-1, and XK, which databases have for Kosovo. */
static const char codes[] =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI "
    "BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN "
    "CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK "
    "FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM "
    "HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK "
    "ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP "
    "NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW "
    "SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF "
    "TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW XK ";

/* Upper case into out; 0 or ERR_FORMAT. */
static int
country_canon(const char *s, char out[4])
{
	const char *p;

	if (strlen(s) != 2)
		return ERR_FORMAT;
	out[0] = (char)toupper((unsigned char)s[0]);
	out[1] = (char)toupper((unsigned char)s[1]);
	out[2] = ' ';
	out[3] = '\0';
	p = strstr(codes, out);
	out[2] = '\0';
	return p != NULL ? 0 : ERR_FORMAT;
}

static int
country_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	char code[4];

	if (!l->conf->geo.given) {
		text_puts(why, "\"country\" needs a database of addresses; "
		    "write where it is: geo: {database: "
		    "/var/lib/GeoIP/GeoLite2-Country.mmdb}");
		return ERR_FORMAT;
	}
	if (strcasecmp(s, GEO_UNKNOWN) == 0) {
		*(char **)field = xstrdup(GEO_UNKNOWN);
		return 0;
	}
	if (country_canon(s, code) != 0) {
		text_printf(why, "\"%.64s\" is not a country; write two "
		    "letters of ISO 3166-1, such as DE or GB, or unknown", s);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(code);
	return 0;
}

static void
database_set(struct load *l, const struct key *k, yaml_node_t *n,
    void *field)
{
	struct text t = { 0 }, why = { 0 };
	const char *path;
	int r;

	l->conf->geo.given = 1;
	if ((path = node_text(l, k->name, n)) == NULL)
		return;
	load_file(l, path);
	if (l->world->read == NULL)
		return;
	r = l->world->read(path, GEO_MAX, &t);
	if (r != 0)
		text_puts(&why, r == ERR_LIMIT ? "it is longer than 512 MiB" :
		    err_str(r));
	else
		r = geo_new(t.s != NULL ? t.s : "", t.len, field, &why);
	if (r != 0)
		load_problem(l, n, "cannot use \"%.256s\": %s; get a database "
		    "of countries such as GeoLite2-Country.mmdb", path, why.s);
	text_free(&t);
	text_free(&why);
}

static void
database_drop(const struct key *k, void *field)
{
	geo_free(*(struct geo **)field);
}

static const struct type type_database = { NULL, database_set, database_drop };
static const struct type type_country = { country_parse, NULL, text_drop };

#define AT(member)	offsetof(struct conf, member)
static const struct key geo_keys[] = {
	{ "database", &type_database, AT(geo.db), .flags = KEY_REQUIRED,
	    .hint = "the path of a file of MaxMind's format" },
	{ NULL }
};
const struct map map_geo = { "geo", geo_keys, NULL };
const struct listof rule_countries = {
	sizeof(char *), { NULL, &type_country }
};
