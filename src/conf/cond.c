/*
 * Types of the conditions of rules that only rules have.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "codec/basic.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mac.h"
#include "util/mem.h"

#define JA3_LEN		32
#define JA4_LEN		36	/* t13d1516h2_8daaf6152771_e5627efa2ab1 */

/* Whether s has only characters of a fingerprint; *star: and a "*". */
static int
print_valid(const char *s, int *star)
{
	*star = 0;
	for (; *s != '\0'; s++) {
		if (*s == '*')
			*star = 1;
		else if (!isalnum((unsigned char)*s) && *s != '_')
			return 0;
	}
	return 1;
}

static int
ja3_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (strlen(s) != JA3_LEN ||
	    strspn(s, "0123456789abcdefABCDEF") != JA3_LEN) {
		text_printf(why, "\"%.64s\" is not a JA3; write its 32 "
		    "hexadecimal digits", s);
		return ERR_FORMAT;
	}
	*(char **)field = name_lower(s);
	return 0;
}

static int
ja4_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	int star;

	if (!print_valid(s, &star) || strlen(s) > JA4_LEN ||
	    (!star && strlen(s) != JA4_LEN)) {
		text_printf(why, "\"%.64s\" is not a JA4; write one as in the "
		    "log, and \"*\" for any part, as in "
		    "\"t13d*_8daaf6152771_*\"", s);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

static int
mac_rule_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	struct mac_pattern p;
	char text[MAC_STRLEN];

	if (mac_pattern_parse(&p, s, (unsigned)strnlen(s, MAC_STRLEN)) != 0) {
		text_printf(why, "\"%.64s\" is not an Ethernet address; write "
		    "\"02:00:5e:00:00:07\", or \"02:00:5e:*\" for all that "
		    "begin so", s);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(mac_pattern_str(&p, text));
	return 0;
}

static int
user_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (s[0] == '@')
		return type_pattern.parse(l, k, s, field, why);
	if (!basic_name_valid(s, strlen(s))) {
		text_printf(why, "\"%.64s\" is not the name of a user; write "
		    "it as in the file of users, or \"@list\"", s);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

const struct word conf_statuses[] = {
	{ "ok", VERIFY_OK }, { "untrusted", VERIFY_UNTRUSTED },
	{ "expired", VERIFY_EXPIRED }, { "name-mismatch", VERIFY_NAME },
	{ "revoked", VERIFY_REVOKED }, { NULL }
};

const char *
conf_status_str(enum tls_verify v)
{
	const struct word *w;

	for (w = conf_statuses; w->name != NULL; w++)
		if (w->value == (int)v)
			return w->name;
	return "unknown";
}

int
conf_status(const char *s, enum tls_verify *v)
{
	const struct word *w;

	for (w = conf_statuses; w->name != NULL; w++)
		if (strcmp(w->name, s) == 0) {
			*v = (enum tls_verify)w->value;
			return 0;
		}
	return ERR_FORMAT;
}

void
check_certificate(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const keys[] = { "issuer", "subject", "status",
	    NULL };

	check_filled(l, n, keys);
	if (n->data.mapping.pairs.start == n->data.mapping.pairs.top)
		load_problem(l, n, "\"certificate\" has no conditions; give "
		    "it issuer, subject or status, or take it out");
}

const struct type type_user = { user_parse, NULL, text_drop };
const struct type type_mac_pattern = { mac_rule_parse, NULL, text_drop };
const struct type type_ja3 = { ja3_parse, NULL, text_drop };
const struct type type_ja4 = { ja4_parse, NULL, text_drop };
