/*
 * The section `rules`: its keys. The conditions stand in a rule and under its
 * `not:`; their types are in cond.c, the checks in check.c and checkchain.c.
 */
#include "conf/keys.h"
#include "conf/value.h"

static const struct word actions[] = {
	{ "decrypt", ACTION_DECRYPT }, { "bypass", ACTION_BYPASS },
	{ "block", ACTION_BLOCK }, { "reset", ACTION_RESET },
	{ "warn", ACTION_WARN }, { NULL }
};
static const struct word protocols[] = {
	{ "tls", 0 }, { "http", 0 }, { "other", 0 }, { "smtp", 0 },
	{ "imap", 0 }, { "pop3", 0 }, { "ftp", 0 }, { "nntp", 0 },
	{ "sieve", 0 }, { "ldap", 0 }, { "xmpp", 0 }, { "pgsql", 0 },
	{ "mysql", 0 }, { NULL }
};

/* Lists, by the type of their elements. */
static const struct listof
    sources = { sizeof(char *), { NULL, &type_source } },
    patterns = { sizeof(char *), { NULL, &type_pattern } },
    alpn_names = { sizeof(char *), { NULL, &type_text,
	.max = 255 /* RFC 7301 */ } },
    listeners = { sizeof(char *), { NULL, &type_listener } },
    protocol_list = { sizeof(char *), { NULL, &type_protocol,
	.arg = protocols } },
    dn_patterns = { sizeof(char *), { NULL, &type_text } },
    windows = { sizeof(struct conf_window), { NULL, &type_window } },
    users = { sizeof(char *), { NULL, &type_user } },
    macs = { sizeof(char *), { NULL, &type_mac_pattern } },
    ja3s = { sizeof(char *), { NULL, &type_ja3 } },
    ja4s = { sizeof(char *), { NULL, &type_ja4 } },
    ports = { sizeof(struct conf_ports), { NULL, &type_ports } };

#define F(member)	offsetof(struct conf_match, certificate.member) - \
	offsetof(struct conf_match, certificate)
static const struct key certificate_keys[] = {
	{ "issuer", &type_list, F(issuer), .arg = &dn_patterns },
	{ "subject", &type_list, F(subject), .arg = &dn_patterns },
	{ "status", &type_events, F(status), .arg = conf_statuses },
	{ NULL }
};
#undef F
static const struct map map_certificate = {
	"certificate", certificate_keys, check_certificate
};

#define IN(member)	offsetof(struct conf_match, member)
#define MATCH_KEYS(base)						\
	{ "client", &type_list, (base) + IN(client), .arg = &sources },	\
	{ "server", &type_list, (base) + IN(server), .arg = &sources },	\
	{ "port", &type_list, (base) + IN(port), .arg = &ports },	\
	{ "sni", &type_list, (base) + IN(sni), .arg = &patterns },	\
	{ "host", &type_list, (base) + IN(host), .arg = &patterns },	\
	{ "site", &type_list, (base) + IN(site), .arg = &patterns },	\
	{ "alpn", &type_list, (base) + IN(alpn), .arg = &alpn_names },	\
	{ "listener", &type_list, (base) + IN(listener),		\
	    .arg = &listeners },					\
	{ "protocol", &type_list, (base) + IN(protocol),		\
	    .arg = &protocol_list },					\
	{ "user", &type_list, (base) + IN(user), .arg = &users },	\
	{ "mac", &type_list, (base) + IN(mac), .arg = &macs },		\
	{ "group", &type_list, (base) + IN(group),			\
	    .arg = &rule_groups },					\
	{ "tag", &type_list, (base) + IN(tag), .arg = &rule_tags },	\
	{ "ja3", &type_list, (base) + IN(ja3), .arg = &ja3s },		\
	{ "ja4", &type_list, (base) + IN(ja4), .arg = &ja4s },		\
	{ "certificate", &type_map, (base) + IN(certificate),		\
	    .arg = &map_certificate },					\
	{ "time", &type_list, (base) + IN(time), .arg = &windows },	\
	{ "category", &type_list, (base) + IN(category),		\
	    .arg = &rule_categories },					\
	{ "country", &type_list, (base) + IN(country),			\
	    .arg = &rule_countries }

static const struct key not_keys[] = { MATCH_KEYS(0), { NULL } };
static const struct map map_not = { "not", not_keys, check_match };

#define F(member)	offsetof(struct conf_rule, member)
static const struct listof rule_icaps = {
	sizeof(size_t), { "icap", &type_service }
};
static const struct key rule_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "action", &type_word, F(action), .arg = actions,
	    .flags = KEY_REQUIRED, .hint = "decrypt, bypass, block, reset or "
	    "warn" },
	MATCH_KEYS(F(match)),
	{ "not", &type_map, F(except), .arg = &map_not },
	{ "mirror", &type_list, F(mirrors), .arg = &rule_mirrors,
	    .max = CONF_RULE_MIRRORS },
	{ "icap", &type_list, F(icaps), .arg = &rule_icaps,
	    .max = CONF_RULE_ICAPS },
	{ "inspect", &type_inspect, F(inspect), .arg = &map_inspect },
	{ "must-decrypt", &type_bool, F(must_decrypt), "no" },
	{ "never-decrypt", &type_bool, F(never_decrypt), "no" },
	{ "ca", &type_ca, F(ca), .given = F(ca_given) },
	{ "services", &type_later },
	{ "chain", &type_chain, F(chain) },
	{ "upstream-proxy", &type_list, F(proxies), .arg = &rule_proxies,
	    .max = VIA_HOPS },
	{ "client-certificate", &type_map, F(client), .arg = &map_client },
	{ "profile", &type_later },
	{ "profiles", &type_later },
	{ NULL }
};
#undef F
static const struct map map_rule = { "a rule", rule_keys, check_rule_chain };
const struct listof rule_list = {
	sizeof(struct conf_rule), { "rules", &type_map, .arg = &map_rule }
};
