/*
 * The tables of the configuration. Defaults are written as a user would write
 * them. A range has its reason beside it, unless it is obvious.
 */
#include "conf/keys.h"

#include "conf/value.h"
#include "util/log.h"

#define K	((uint64_t)1 << 10)
#define M	((uint64_t)1 << 20)
#define G	((uint64_t)1 << 30)
#define T	(G << 10)
#define SEC	((uint64_t)1000)
#define HOUR	(3600 * SEC)
#define DAY	(24 * HOUR)

#define AT(member)	offsetof(struct conf, member)

static const struct word word_auto = { "auto", 0, 0 };
static const struct word word_no_vlan = { "none", -1, 0 };

static const struct word modes[] = {
	{ "transparent", CONF_TRANSPARENT, 0 },
	{ "explicit", CONF_EXPLICIT, 0 },
	{ NULL, 0, 0 }
};
static const struct word actions[] = {
	{ "decrypt", ACTION_DECRYPT, 0 },
	{ "bypass", ACTION_BYPASS, 0 },
	{ "block", ACTION_BLOCK, 0 },
	{ "reset", ACTION_RESET, 0 },
	{ NULL, 0, 0 }
};
static const struct word versions[] = {
	{ "1.0", 0x0301, 1 },
	{ "1.1", 0x0302, 1 },
	{ "1.2", 0x0303, 0 },
	{ "1.3", 0x0304, 0 },
	{ NULL, 0, 0 }
};
static const struct word alpns[] = {
	{ "mirror", 0, 0 },
	{ "http/1.1", 1, 0 },
	{ NULL, 0, 0 }
};
static const struct word records_words[] = {
	{ "own", 0, 0 },
	{ "libssl", 1, 0 },
	{ NULL, 0, 0 }
};
static const struct word ports_words[] = {
	{ "keep", 0, 0 },
	{ "map", 1, 0 },
	{ NULL, 0, 0 }
};
static const struct word offloads[] = {
	{ "auto", OFFLOAD_AUTO, 0 },
	{ "on", OFFLOAD_ON, 0 },
	{ "off", OFFLOAD_OFF, 0 },
	{ NULL, 0, 0 }
};
static const struct word acks[] = {
	{ "burst", 0, 0 },
	{ "2", 2, 0 },
	{ NULL, 0, 0 }
};
static const struct word formats[] = {
	{ "pcap", 0, 0 },
	{ "pcapng", 1, 0 },
	{ NULL, 0, 0 }
};
static const struct word protocols[] = {
	{ "tls", 0, 0 },
	{ "http", 0, 0 },
	{ "other", 0, 0 },
	{ NULL, 0, 0 }
};
static const struct word on_bad_server[] = {
	{ "untrusted", ON_UNTRUSTED, 0 },
	{ "block", ON_BLOCK, 0 },
	{ "bypass", ON_BYPASS, 0 },
	{ NULL, 0, 0 }
};
static const struct word on_revoked[] = {
	{ "block", ON_BLOCK, 0 },
	{ "untrusted", ON_UNTRUSTED, 1 },
	{ "bypass", ON_BYPASS, 1 },
	{ NULL, 0, 0 }
};
static const struct word on_client_cert[] = {
	{ "bypass", ON_BYPASS, 0 },
	{ "block", ON_BLOCK, 0 },
	{ NULL, 0, 0 }
};
static const struct word on_no_sni[] = {
	{ "decrypt", ON_DECRYPT, 0 },
	{ "bypass", ON_BYPASS, 0 },
	{ "block", ON_BLOCK, 0 },
	{ NULL, 0, 0 }
};
static const struct word forge_names[] = {
	{ "asked", FORGE_ASKED, 0 },
	{ "all", FORGE_ALL, 0 },
	{ NULL, 0, 0 }
};
static const struct word on_failure[] = {
	{ "block", ON_BLOCK, 0 },
	{ "bypass", ON_BYPASS, 1 },
	{ NULL, 0, 0 }
};
static const struct word on_overload[] = {
	{ "wait", ON_WAIT, 0 },
	{ "bypass", ON_BYPASS, 1 },
	{ "block", ON_BLOCK, 1 },
	{ NULL, 0, 0 }
};
static const struct word levels[] = {
	{ "error", LOG_LVL_ERROR, 0 },
	{ "warn", LOG_LVL_WARN, 0 },
	{ "info", LOG_LVL_INFO, 0 },
	{ "debug", LOG_LVL_DEBUG, 0 },
	{ NULL, 0, 0 }
};
static const struct word events[] = {
	{ "flow", EVENT_FLOW, 0 },
	{ "tls", EVENT_TLS, 0 },
	{ "http", EVENT_HTTP, 0 },
	{ "icap", EVENT_ICAP, 0 },
	{ "alert", EVENT_ALERT, 0 },
	{ "stats", EVENT_STATS, 0 },
	{ NULL, 0, 0 }
};

static const struct word ranges[] = {
	{ "strip", 0, 0 },
	{ "pass", 1, 0 },
	{ "whole", 2, 1 },
	{ NULL, 0, 0 }
};
static const struct word allowed[] = {
	{ "allow", 0, 0 },
	{ "block", 1, 0 },
	{ NULL, 0, 0 }
};
static const struct word fails[] = {
	{ "closed", 0, 0 },
	{ "open", 1, 0 },
	{ NULL, 0, 0 }
};
static const struct word oversizes[] = {
	{ "stream", OVERSIZE_STREAM, 0 },
	{ "bypass", OVERSIZE_BYPASS, 0 },
	{ "block", OVERSIZE_BLOCK, 0 },
	{ NULL, 0, 0 }
};
static const struct word balances[] = {
	{ "least-busy", 0, 0 },
	{ "client-address", 1, 0 },
	{ NULL, 0, 0 }
};

static const struct key ca_keys[] = {
	{ "certificate", &type_text, AT(ca_cert),
	    .def = "/etc/clearspan/ca.pem", .flags = KEY_EXISTS | KEY_CA },
	{ "key", &type_text, AT(ca_key),
	    .def = "/etc/clearspan/ca.key", .flags = KEY_EXISTS | KEY_CA },
	{ "untrusted-certificate", &type_text, AT(untrusted_cert),
	    .flags = KEY_EXISTS },
	{ "untrusted-key", &type_text, AT(untrusted_key),
	    .flags = KEY_EXISTS },
	{ NULL }
};
static const struct map map_ca = { "ca", ca_keys, NULL };

#define F(member)	offsetof(struct conf_listen, member)
static const struct listof allow_list = {
	sizeof(struct prefix), { "allow", &type_prefix }
};
static const struct listof destinations_list = {
	sizeof(struct prefix), { "allow-destinations", &type_prefix }
};
static const struct key listen_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "mode", &type_word, F(mode), .arg = modes, .flags = KEY_REQUIRED,
	    .hint = "transparent or explicit" },
	{ "address", &type_addr, F(address), .flags = KEY_REQUIRED,
	    .hint = "192.0.2.1:8080 or \"[::]:8080\"" },
	{ "v6only", &type_bool, F(v6only), "no" },
	{ "allow", &type_list, F(allow), .arg = &allow_list },
	{ "allow-destinations", &type_list, F(destinations),
	    .arg = &destinations_list },
	{ NULL }
};
#undef F
static const struct map map_listen = {
	"a listener", listen_keys, check_listen
};
static const struct listof listen_list = {
	sizeof(struct conf_listen),
	{ "listen", &type_map, .arg = &map_listen }
};

static const struct listof path_list = {
	sizeof(char *), { "trust-also", &type_text, .flags = KEY_EXISTS }
};
static const struct key upstream_keys[] = {
	{ "trust", &type_text, AT(trust), "system", .flags = KEY_SYSTEM },
	{ "trust-also", &type_list, AT(trust_also), .arg = &path_list },
	{ "keep-client-address", &type_bool, AT(keep_client_address), "no" },
	{ "connect-timeout", &type_time, AT(connect_timeout), "10s",
	    100, HOUR },
	{ "max-chain", &type_size, AT(max_chain), "64k", 4 * K, M },
	{ NULL }
};
static const struct map map_upstream = { "upstream", upstream_keys, NULL };

#define F(member)	offsetof(struct conf_tls_side, member)
static const struct key side_keys[] = {
	{ "min", &type_word, F(min), "1.2", .arg = versions },
	{ "max", &type_word, F(max), "1.3", .arg = versions },
	{ "ciphers", &type_ciphers, F(ciphers) },
	{ "groups", &type_groups, F(groups) },
	{ NULL }
};
#undef F
static const struct map map_side = { "a side of tls", side_keys, check_side };
#define F(member)	offsetof(struct conf_tls, member)
static const struct key tls_keys[] = {
	{ "client", &type_map, F(client), .arg = &map_side },
	{ "server", &type_map, F(server), .arg = &map_side },
	{ "alpn", &type_word, F(alpn_http11), "mirror", .arg = alpns },
	{ "records", &type_word, F(libssl), "own", .arg = records_words },
	{ NULL }
};
#undef F
const struct map map_tls = { "tls", tls_keys, NULL };

#define F(member)	offsetof(struct conf_mirror, member)
static const struct key rotate_keys[] = {
	{ "size", &type_size, F(rotate_size), NULL, 64 * K, T },
	{ "every", &type_time, F(rotate_ms), NULL, SEC, 366 * DAY },
	{ "keep", &type_uint, F(rotate_keep), NULL, 1, 1000000 },
	{ NULL }
};
static const struct map map_rotate = { "rotate", rotate_keys, check_rotate };
static const struct key mirror_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "interface", &type_text, F(interface), .max = 15 /* IFNAMSIZ - 1 */ },
	{ "pcap", &type_text, F(path) },
	{ "pcap-over-ip", &type_addr, F(listen) },
	{ "allow", &type_list, F(allow), .arg = &allow_list },
	{ "source-mac", &type_mac, F(source_mac), "02:00:5e:10:00:01" },
	{ "destination-mac", &type_mac, F(destination_mac),
	    "ff:ff:ff:ff:ff:ff" },
	{ "mtu", &type_uint, F(mtu), "auto", 576, 65535, &word_auto },
	{ "vlan", &type_uint, F(vlan), "none", 0, 4094, &word_no_vlan },
	{ "offload", &type_word, F(offload), "auto", .arg = offloads },
	{ "acks", &type_word, F(acks), "burst", .arg = acks },
	{ "ports", &type_word, F(ports_map), "keep", .arg = ports_words },
	{ "filter", &type_filter, F(filter) },
	{ "rotate", &type_map, 0, .arg = &map_rotate },
	{ "format", &type_word, F(pcapng), "pcap", .arg = formats },
	{ "queue", &type_size, F(queue), "64M", 64 * K, 64 * G },
	{ NULL }
};
#undef F
static const struct map map_mirror = {
	"a mirror", mirror_keys, check_mirror
};
static const struct listof mirror_list = {
	sizeof(struct conf_mirror),
	{ "mirrors", &type_map, .arg = &map_mirror }
};

#define F(member)	offsetof(struct conf_icap_url, member)
static const struct key icap_url_keys[] = {
	{ "url", &type_icap_url, 0, .flags = KEY_REQUIRED,
	    .hint = "icap://HOST:PORT/SERVICE" },
	{ "weight", &type_uint, F(weight), "1", 1, 1000 },
	{ "tier", &type_uint, F(tier), "0", 0, 15 },
	{ NULL }
};
#undef F
const struct map map_icap_url = { "a server", icap_url_keys, NULL };
static const struct listof reqmod_list = {
	sizeof(struct conf_icap_url), { "reqmod", &type_icap_server }
};
static const struct listof respmod_list = {
	sizeof(struct conf_icap_url), { "respmod", &type_icap_server }
};
static const struct listof headers_list = {
	sizeof(char *), { "headers", &type_field }
};
static const struct listof echo_list = {
	sizeof(char *), { "echo-headers", &type_field_name }
};
static const struct listof media_list = {
	sizeof(char *), { "bypass-types", &type_media }
};
static const struct listof coding_list = {
	sizeof(char *), { "accept-encoding", &type_coding }
};
#define F(member)	offsetof(struct conf_icap, fail.member) - \
	offsetof(struct conf_icap, fail)
static const struct key icap_fail_keys[] = {
	{ "reqmod", &type_word, F(reqmod), "closed", .arg = fails },
	{ "respmod", &type_word, F(respmod), "closed", .arg = fails },
	{ NULL }
};
#undef F
const struct map map_icap_fail = { "fail", icap_fail_keys, NULL };
#define F(member)	offsetof(struct conf_icap, member)
static const struct key icap_timeout_keys[] = {
	{ "connect", &type_time, F(connect_timeout), "2s", 100, HOUR },
	{ "first-byte", &type_time, F(first_byte_timeout), "10s", 100, HOUR },
	{ "idle", &type_time, F(idle_timeout), "30s", 100, HOUR },
	{ NULL }
};
static const struct map map_icap_timeout = {
	"timeout", icap_timeout_keys, NULL
};
static const struct key icap_queue_keys[] = {
	{ "size", &type_uint, F(queue), "256", 0, 100000 },
	{ "timeout", &type_time, F(queue_timeout), "5s", 100, HOUR },
	{ NULL }
};
static const struct map map_icap_queue = { "queue", icap_queue_keys, NULL };
static const struct key icap_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	/* Together no more servers than ICAP_SERVERS in icap/server.h. */
	{ "reqmod", &type_list, F(reqmod), .arg = &reqmod_list, .max = 32 },
	{ "respmod", &type_list, F(respmod), .arg = &respmod_list,
	    .max = 32 },
	{ "fail", &type_fail, F(fail), .arg = fails },
	{ "tls-fail-open", &type_bool, F(tls_fail_open), "no" },
	{ "preview", &type_preview, F(preview), "auto",
	    .max = 64 * K /* what the spool's memory holds four times */ },
	{ "timeout", &type_map, 0, .arg = &map_icap_timeout },
	{ "max-body", &type_size, F(max_body), "64M", K, T },
	{ "oversize", &type_word, F(oversize), .arg = oversizes },
	{ "stream-after", &type_time, F(stream_after), "60s", 0, HOUR },
	{ "monitor", &type_bool, F(monitor), "no" },
	{ "sample", &type_uint, F(sample), "1", 1, 1000000 },
	{ "options", &type_bool, F(options), "on" },
	{ "allow-204", &type_bool, F(allow_204), "on" },
	{ "allow-206", &type_bool, F(allow_206), "on" },
	{ "connections", &type_uint, F(connections), "auto", 1, 65535,
	    &word_auto },
	{ "queue", &type_map, 0, .arg = &map_icap_queue },
	{ "keep-idle", &type_time, F(keep_idle), "4s", 0, HOUR },
	{ "balance", &type_word, F(persist), "least-busy", .arg = balances },
	{ "trust", &type_text, F(trust), .flags = KEY_SYSTEM },
	{ "certificate", &type_text, F(certificate), .flags = KEY_EXISTS },
	{ "key", &type_text, F(key), .flags = KEY_EXISTS },
	{ "auth", &type_auth, F(auth) },
	{ "proxy-authorization", &type_bool, F(proxy_auth), "on" },
	{ "headers", &type_list, F(headers), .arg = &headers_list,
	    .max = 64 },
	{ "echo-headers", &type_list, F(echo), .arg = &echo_list, .max = 16 },
	{ "bypass-types", &type_list, F(bypass_types), .arg = &media_list,
	    .max = 256 },
	{ "accept-encoding", &type_list, F(encodings), .arg = &coding_list,
	    .max = 64 },
	{ NULL }
};
#undef F
static const struct map map_icap = {
	"an ICAP service", icap_keys, check_icap
};
static const struct listof icap_list = {
	sizeof(struct conf_icap), { "icap", &type_map, .arg = &map_icap }
};

static const struct word mismatches[] = {
	{ "block", MISMATCH_BLOCK, 0 },
	{ "log", MISMATCH_LOG, 0 },
	{ "allow", MISMATCH_ALLOW, 0 },
	{ NULL, 0, 0 }
};
#define F(member)	offsetof(struct conf_inspect, member)
static const struct listof upgrade_list = {
	sizeof(char *), { "upgrade", &type_upgrade }
};
static const struct listof encodings_list = {
	sizeof(char *), { "encodings", &type_coding }
};
static const struct key inspect_keys[] = {
	{ "non-http", &type_word, F(non_http_block), "allow",
	    .arg = allowed },
	{ "upgrade", &type_list, F(upgrade), .arg = &upgrade_list,
	    .max = 64 },
	{ "encodings", &type_list, F(encodings), .arg = &encodings_list,
	    .max = 64 },
	{ "host-mismatch", &type_word, F(host_mismatch), "block",
	    .arg = mismatches },
	{ "ranges", &type_word, F(ranges_pass), "strip", .arg = ranges },
	{ "trickle", &type_later },
	{ "streams", &type_later },
	{ "endless", &type_word, F(endless_open), "closed", .arg = fails },
	{ NULL }
};
#undef F
const struct map map_inspect = { "inspect", inspect_keys, check_inspect };

static const struct listof client_list = {
	sizeof(char *), { "client", &type_source }
};
static const struct listof server_list = {
	sizeof(char *), { "server", &type_source }
};
static const struct listof sni_list = {
	sizeof(char *), { "sni", &type_pattern }
};
static const struct listof host_list = {
	sizeof(char *), { "host", &type_pattern }
};
static const struct listof site_list = {
	sizeof(char *), { "site", &type_pattern }
};
static const struct listof alpn_list = {
	sizeof(char *), { "alpn", &type_text, .max = 255 /* RFC 7301 */ }
};
static const struct listof listener_list = {
	sizeof(char *), { "listener", &type_listener }
};
static const struct listof protocol_list = {
	sizeof(char *), { "protocol", &type_protocol, .arg = protocols }
};
static const struct listof port_list = {
	sizeof(struct conf_ports), { "port", &type_ports }
};
#define MATCH_KEYS(base)						\
	{ "client", &type_list, (base) +				\
	    offsetof(struct conf_match, client), .arg = &client_list },	\
	{ "server", &type_list, (base) +				\
	    offsetof(struct conf_match, server), .arg = &server_list },	\
	{ "port", &type_list, (base) +					\
	    offsetof(struct conf_match, port), .arg = &port_list },	\
	{ "sni", &type_list, (base) +					\
	    offsetof(struct conf_match, sni), .arg = &sni_list },	\
	{ "host", &type_list, (base) +					\
	    offsetof(struct conf_match, host), .arg = &host_list },	\
	{ "site", &type_list, (base) +					\
	    offsetof(struct conf_match, site), .arg = &site_list },	\
	{ "alpn", &type_list, (base) +					\
	    offsetof(struct conf_match, alpn), .arg = &alpn_list },	\
	{ "listener", &type_list, (base) +				\
	    offsetof(struct conf_match, listener), .arg = &listener_list },\
	{ "protocol", &type_list, (base) +				\
	    offsetof(struct conf_match, protocol), .arg = &protocol_list },\
	{ "ja4", &type_later },						\
	{ "certificate", &type_later },					\
	{ "country", &type_later },					\
	{ "time", &type_later }

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
	    .flags = KEY_REQUIRED, .hint = "decrypt, bypass, block or reset" },
	MATCH_KEYS(F(match)),
	{ "not", &type_map, F(except), .arg = &map_not },
	{ "mirror", &type_rule_mirrors, 0 },
	{ "icap", &type_list, F(icaps), .arg = &rule_icaps,
	    .max = CONF_RULE_ICAPS },
	{ "inspect", &type_inspect, F(inspect) },
	{ "must-decrypt", &type_bool, F(must_decrypt), "no" },
	{ "services", &type_later },
	{ "chain", &type_chain, F(chain) },
	{ "profile", &type_later },
	{ "profiles", &type_later },
	{ NULL }
};
#undef F
static const struct map map_rule = { "a rule", rule_keys, check_rule };
static const struct listof rule_list = {
	sizeof(struct conf_rule), { "rules", &type_map, .arg = &map_rule }
};

static const struct key on_keys[] = {
	{ "untrusted-server", &type_word, AT(on.untrusted_server),
	    "untrusted", .arg = on_bad_server },
	{ "expired-server", &type_word, AT(on.expired_server),
	    "untrusted", .arg = on_bad_server },
	{ "name-mismatch", &type_word, AT(on.name_mismatch),
	    "untrusted", .arg = on_bad_server },
	{ "revoked-server", &type_word, AT(on.revoked_server),
	    "block", .arg = on_revoked },
	{ "client-certificate-wanted", &type_word,
	    AT(on.client_certificate_wanted), "bypass",
	    .arg = on_client_cert },
	{ "no-sni", &type_word, AT(on.no_sni), "decrypt", .arg = on_no_sni },
	{ "handshake-failure", &type_word, AT(on.handshake_failure),
	    "block", .arg = on_failure },
	{ "overload", &type_word, AT(on.overload), "wait",
	    .arg = on_overload },
	{ NULL }
};
static const struct map map_on = { "on", on_keys, NULL };

static const struct key forge_keys[] = {
	{ "names", &type_word, AT(forge_names), "asked",
	    .arg = forge_names },
	{ NULL }
};
static const struct map map_forge = { "forge", forge_keys, NULL };

static const struct key log_keys[] = {
	{ "level", &type_word, AT(log.level), "info", .arg = levels },
	{ "events", &type_events, AT(log.events), .arg = events },
	{ "file", &type_text, AT(log.file), .flags = KEY_NONE },
	{ "keys", &type_text, AT(log.keys), .flags = KEY_NONE },
	{ NULL }
};
static const struct map map_log = { "log", log_keys, NULL };

static const struct key control_keys[] = {
	{ "socket", &type_text, AT(control_socket),
	    "/run/clearspan/control.sock", .max = 107 /* sun_path */,
	    .flags = KEY_NONE },
	{ NULL }
};
static const struct map map_control = { "control", control_keys, NULL };

static const struct key metrics_keys[] = {
	{ "listen", &type_addr, AT(metrics), .flags = KEY_REQUIRED,
	    .hint = "127.0.0.1:9911" },
	{ NULL }
};
static const struct map map_metrics = { "metrics", metrics_keys, NULL };

static const struct key limits_keys[] = {
	{ "connections", &type_uint, AT(limits.connections), "50000",
	    1, 10000000 },
	{ "handshakes", &type_uint, AT(limits.handshakes), "256",
	    1, 1000000 },
	{ "per-client", &type_uint, AT(limits.per_client), "1000",
	    1, 10000000 },
	{ "memory", &type_size, AT(limits.memory), "1G", 16 * M, T },
	{ "head", &type_size, AT(limits.head), "256k", 16 * K, M },
	{ NULL }
};
static const struct map map_limits = { "limits", limits_keys, NULL };

static const struct key timeouts_keys[] = {
	{ "hello", &type_time, AT(timeouts.hello), "5s", 100, HOUR },
	{ "handshake", &type_time, AT(timeouts.handshake), "10s", 100, HOUR },
	{ "idle", &type_time, AT(timeouts.idle), "10m", SEC, 30 * DAY },
	{ "linger", &type_time, AT(timeouts.linger), "30s", 100, HOUR },
	{ "keepalive", &type_time, AT(timeouts.keepalive), "60s", 0, DAY },
	{ NULL }
};
static const struct map map_timeouts = { "timeouts", timeouts_keys, NULL };

/* In the order of reading: a thing stands before those that refer to it. */
static const struct key conf_keys[] = {
	{ "workers", &type_uint, AT(workers), "auto", 1, 1024, &word_auto },
	{ "user", &type_text, AT(user), .max = 255, .flags = KEY_NONE },
	{ "ca", &type_map, 0, .arg = &map_ca },
	{ "listen", &type_list, AT(listens), .arg = &listen_list, .max = 256,
	    .flags = KEY_REQUIRED,
	    .hint = "a list of listeners, each with name, mode and address" },
	{ "upstream", &type_map, 0, .arg = &map_upstream },
	{ "tls", &type_tls, AT(tls), .arg = &map_tls },
	{ "profiles", &type_later },
	{ "mirrors", &type_list, AT(mirrors), .arg = &mirror_list,
	    .max = 256 },
	{ "icap", &type_list, AT(icaps), .arg = &icap_list, .max = 64 },
	{ "services", &type_later },
	{ "devices", &type_devices, AT(devices), .arg = &device_list,
	    .max = CONF_DEVICES },
	{ "chains", &type_chains, AT(chains), .arg = &chain_list,
	    .max = 256 },
	{ "lists", &type_lists, AT(lists) },
	{ "inspect", &type_map, AT(inspect), .arg = &map_inspect },
	{ "rules", &type_list, AT(rules), .arg = &rule_list, .max = 10000 },
	{ "on", &type_map, 0, .arg = &map_on },
	{ "confirm-bypass", &type_bool, AT(confirm_bypass), "yes" },
	{ "forge", &type_map, 0, .arg = &map_forge },
	{ "log", &type_map, 0, .arg = &map_log },
	{ "control", &type_map, 0, .arg = &map_control },
	{ "metrics", &type_map, 0, .arg = &map_metrics },
	{ "limits", &type_map, 0, .arg = &map_limits },
	{ "timeouts", &type_map, 0, .arg = &map_timeouts },
	{ NULL }
};
const struct map map_conf = { "the configuration", conf_keys, check_conf };
