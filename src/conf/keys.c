/*
 * The table of the whole configuration, and those of the sections that have no
 * file of their own. Defaults are written as a user would write them. A range
 * has its reason beside it, unless it is obvious.
 */
#include "conf/keys.h"

#include "conf/contained.h"
#include "conf/group.h"
#include "conf/segment.h"
#include "conf/value.h"
#include "conf/verdicts.h"
#include "util/log.h"

#define AT(member)	offsetof(struct conf, member)

static const struct word modes[] = {
	{ "transparent", CONF_TRANSPARENT }, { "explicit", CONF_EXPLICIT },
	{ NULL }
};
static const struct word ways[] = {
	{ "intercept", 0 }, { "monitor", 1 }, { NULL }
};
static const struct word versions[] = {
	{ "1.0", 0x0301, 1 }, { "1.1", 0x0302, 1 }, { "1.2", 0x0303 },
	{ "1.3", 0x0304 }, { NULL }
};
static const struct word alpns[] = {
	{ "mirror", 0 }, { "http/1.1", 1 }, { NULL }
};
static const struct word records_words[] = {
	{ "own", 0 }, { "libssl", 1 }, { NULL }
};
static const struct word hellos[] = {
	{ "client", 0 }, { "own", 1 }, { NULL }
};
static const struct word on_bad_server[] = {
	{ "untrusted", ON_UNTRUSTED }, { "block", ON_BLOCK },
	{ "bypass", ON_BYPASS }, { NULL }
};
static const struct word on_incomplete[] = {
	{ "fetch", ON_FETCH }, { "untrusted", ON_UNTRUSTED },
	{ "block", ON_BLOCK }, { "bypass", ON_BYPASS }, { NULL }
};
static const struct word on_client_cert[] = {
	{ "bypass", ON_BYPASS }, { "block", ON_BLOCK }, { NULL }
};
static const struct word on_hello[] = {
	{ "decrypt", ON_DECRYPT }, { "bypass", ON_BYPASS },
	{ "block", ON_BLOCK }, { NULL }
};
static const struct word forge_names[] = {
	{ "asked", FORGE_ASKED }, { "all", FORGE_ALL }, { NULL }
};
static const struct word on_failure[] = {
	{ "block", ON_BLOCK }, { "bypass", ON_BYPASS }, { NULL }
};
static const struct word on_overload[] = {
	{ "wait", ON_WAIT }, { "bypass", ON_BYPASS }, { "block", ON_BLOCK },
	{ NULL }
};
static const struct word levels[] = {
	{ "error", LOG_LVL_ERROR }, { "warn", LOG_LVL_WARN },
	{ "info", LOG_LVL_INFO }, { "debug", LOG_LVL_DEBUG }, { NULL }
};
static const struct word events[] = {
	{ "flow", EVENT_FLOW }, { "tls", EVENT_TLS }, { "http", EVENT_HTTP },
	{ "icap", EVENT_ICAP }, { "alert", EVENT_ALERT },
	{ "stats", EVENT_STATS }, { "ws", EVENT_WS }, { NULL }
};

static const struct word scanned[] = {
	{ "off", 0 }, { "message", 1 }, { NULL }
};
static const struct word fails[] = { { "closed", 0 }, { "open", 1 }, { NULL } };
static const struct word oversizes[] = {
	{ "stream", OVERSIZE_STREAM }, { "bypass", OVERSIZE_BYPASS },
	{ "block", OVERSIZE_BLOCK }, { NULL }
};
static const struct word balances[] = {
	{ "least-busy", 0 }, { "client-address", 1 }, { NULL }
};

/* Lists, by the type of their elements. */
static const struct listof
    prefixes = { sizeof(struct prefix), { NULL, &type_prefix } },
    paths = { sizeof(char *), { NULL, &type_text, .flags = KEY_EXISTS } },
    servers = { sizeof(struct conf_icap_url), { NULL, &type_short,
	.arg = &map_icap_url } },
    fields = { sizeof(char *), { NULL, &type_field } },
    field_names = { sizeof(char *), { NULL, &type_field_name } },
    media = { sizeof(char *), { NULL, &type_media } },
    sources = { sizeof(char *), { NULL, &type_source } },
    domains = { sizeof(char *), { NULL, &type_domain } };

#define F(member)	offsetof(struct conf_listen, member)
static const struct key listen_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "mode", &type_word, F(mode), .arg = modes, .flags = KEY_REQUIRED,
	    .hint = "transparent or explicit" },
	{ "address", &type_addr, F(address), .flags = KEY_REQUIRED,
	    .hint = "192.0.2.1:8080 or \"[::]:8080\"" },
	{ "v6only", &type_bool, F(v6only), "no" },
	{ "dns", &type_bool, F(dns), "no" },
	{ "allow", &type_list, F(allow), .arg = &prefixes },
	{ "allow-destinations", &type_list, F(destinations), .arg = &prefixes,
	    .given = F(destinations_given) },
	{ "authentication", &type_map, F(auth), .arg = &map_auth },
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

static const struct key upstream_keys[] = {
	{ "trust", &type_text, AT(trust), "system", .flags = KEY_SYSTEM },
	{ "trust-also", &type_list, AT(trust_also), .arg = &paths },
	{ "crl", &type_list, AT(crl), .arg = &paths, .max = 256 },
	{ "intermediates", &type_text, AT(intermediates),
	    .flags = KEY_EXISTS },
	{ "fetch-inside", &type_list, AT(fetch_inside), .arg = &prefixes },
	{ "keep-client-address", &type_bool, AT(keep_client_address), "no" },
	{ "connect-timeout", &type_time, AT(connect_timeout), "10s",
	    100, HOUR },
	{ "max-chain", &type_size, AT(max_chain), "64k", 4 * K, M },
	{ NULL }
};
static const struct map map_upstream = { "upstream", upstream_keys, NULL };

#define F(member)	offsetof(struct tls_side, member)
static const struct key side_keys[] = {
	{ "min", &type_word, F(min), "1.2", .arg = versions },
	{ "max", &type_word, F(max), "1.3", .arg = versions },
	{ "ciphers", &type_ciphers, F(ciphers) },
	{ "groups", &type_groups, F(groups) },
	{ NULL }
};
static const struct key server_side_keys[] = {
	{ "min", &type_word, F(min), "1.2", .arg = versions },
	{ "max", &type_word, F(max), "1.3", .arg = versions },
	{ "ciphers", &type_ciphers, F(ciphers) },
	{ "groups", &type_groups, F(groups) },
	{ "hello", &type_word, F(own_hello), "client", .arg = hellos },
	{ NULL }
};
#undef F
static const struct map map_side = { "a side of tls", side_keys, check_side };
static const struct map map_server_side = { "the server's side of tls",
    server_side_keys, check_side };
static const struct key tls_keys[] = {
	{ "client", &type_map, AT(tls.profile.client), .arg = &map_side },
	{ "server", &type_map, AT(tls.profile.server),
	    .arg = &map_server_side },
	{ "alpn", &type_word, AT(tls.alpn_http11), "mirror", .arg = alpns },
	{ "records", &type_word, AT(tls.profile.libssl), "own",
	    .arg = records_words },
	{ NULL }
};
static const struct map map_tls = { "tls", tls_keys, NULL };

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
	{ "reqmod", &type_list, F(reqmod), .arg = &servers, .max = 32 },
	{ "respmod", &type_list, F(respmod), .arg = &servers, .max = 32 },
	{ "fail", &type_fail, F(fail), .arg = &map_icap_fail },
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
	{ "headers", &type_list, F(headers), .arg = &fields, .max = 64 },
	{ "echo-headers", &type_list, F(echo), .arg = &field_names, .max = 16 },
	{ "bypass-types", &type_list, F(bypass_types), .arg = &media,
	    .max = 256, .given = F(types_given) },
	{ "accept-encoding", &type_list, F(encodings), .arg = &coding_list,
	    .max = 64 },
	{ "websocket", &type_word, F(messages[MESSAGES_WEBSOCKET]), "off",
	    .arg = scanned },
	{ "grpc", &type_word, F(messages[MESSAGES_GRPC]), "off",
	    .arg = scanned },
	{ NULL }
};
#undef F
const struct map map_icap = {
	"an ICAP service", icap_keys, check_icap
};
static const struct listof icap_list = {
	sizeof(struct conf_icap), { "icap", &type_map, .arg = &map_icap }
};

static const struct key on_keys[] = {
	{ "untrusted-server", &type_word, AT(on.untrusted_server),
	    "untrusted", .arg = on_bad_server },
	{ "expired-server", &type_word, AT(on.expired_server),
	    "untrusted", .arg = on_bad_server },
	{ "name-mismatch", &type_word, AT(on.name_mismatch),
	    "untrusted", .arg = on_bad_server },
	{ "revoked-server", &type_word, AT(on.revoked_server),
	    "block", .arg = on_bad_server },
	{ "incomplete-chain", &type_word, AT(on.incomplete_chain), "fetch",
	    .arg = on_incomplete },
	{ "client-certificate-wanted", &type_word,
	    AT(on.client_certificate_wanted), "bypass",
	    .arg = on_client_cert },
	{ "no-sni", &type_word, AT(on.no_sni), "decrypt", .arg = on_hello },
	{ "ech", &type_word, AT(on.ech), "decrypt", .arg = on_hello },
	{ "ech-names", &type_list, AT(ech_names), .arg = &domains,
	    .max = 64 },
	{ "handshake-failure", &type_word, AT(on.handshake_failure), "block",
	    .arg = on_failure },
	{ "client-refused", &type_word, AT(on.client_refused), "block",
	    .arg = on_failure },
	{ "overload", &type_word, AT(on.overload), "wait",
	    .arg = on_overload },
	{ NULL }
};
static const struct map map_on = { "on", on_keys, NULL };

static const struct key learn_keys[] = {
	{ "failures", &type_uint, AT(learn.failures), "3", 1, 1000 },
	{ "clients", &type_uint, AT(learn.clients), "2",
	    1, CONF_LEARN_CLIENTS },
	{ "for", &type_time, AT(learn.keep), "12h", SEC, 366 * DAY },
	{ "probe", &type_time, AT(learn.probe), "1h", SEC, 366 * DAY },
	{ NULL }
};
static const struct map map_learn = { "learn", learn_keys, NULL };

static const struct word when_downs[] = {
	{ "keep", 0 }, { "release", 1 }, { NULL }
};
static const struct word identities[] = {
	{ "mac", 0 }, { "address", 1 }, { NULL }
};
static const struct listof interface_list = {
	sizeof(char *), { NULL, &type_name }
};
static const struct key endpoints_keys[] = {
	{ "inside", &type_list, AT(inside), .arg = &prefixes, .max = 1000 },
	{ "never", &type_list, AT(endpoints.never), .arg = &sources,
	    .max = 1000 },
	{ "never-denied", &type_list, AT(endpoints.never_denied),
	    .arg = &never_denied_list, .max = 1000 },
	{ "state", &type_text, AT(endpoints.state),
	    "/var/lib/clearspan/quarantine.state", .flags = KEY_NONE },
	{ "cases", &type_text, AT(endpoints.cases),
	    "/var/lib/clearspan/cases.jsonl", .flags = KEY_NONE },
	{ "when-down", &type_word, AT(endpoints.release), "keep",
	    .arg = when_downs },
	{ "identity", &type_word, AT(endpoints.by_address), "mac",
	    .arg = identities },
	{ "tags", &type_tagfile, AT(endpoints.tags) },
	{ "leases", &type_text, AT(endpoints.leases) },
	{ "interfaces", &type_list, AT(endpoints.interfaces),
	    .arg = &interface_list, .max = 64 },
	{ NULL }
};
static const struct map map_endpoints = { "endpoints", endpoints_keys, NULL };

static const struct word page_languages[] = {
	{ "en", PAGE_EN }, { "ja", PAGE_JA }, { NULL }
};
static const struct listof languages = {
	sizeof(int), { "languages", &type_word, .arg = page_languages }
};
static const struct key captive_keys[] = {
	{ "name", &type_text, AT(pages.captive_name), .max = 253 },
	{ NULL }
};
static const struct map map_captive = {
	"captive", captive_keys, check_captive
};
static const struct key pages_keys[] = {
	{ "directory", &type_text, AT(pages.directory), .flags = KEY_EXISTS },
	{ "contact", &type_text, AT(pages.contact), .max = 200 },
	{ "languages", &type_list, AT(pages.languages), .arg = &languages,
	    .max = PAGE_LANGUAGES },
	{ "remember", &type_time, AT(pages.remember), "1h", SEC, 30 * DAY },
	{ "ca", &type_bool, AT(pages.ca), "yes" },
	{ "captive", &type_map, 0, .arg = &map_captive },
	{ NULL }
};
static const struct map map_pages = { "pages", pages_keys, check_pages };

static const struct word reloads[] = {
	{ "asked", RELOAD_ASKED }, { "watch", RELOAD_WATCH }, { NULL }
};

static const struct key forge_keys[] = {
	{ "names", &type_word, AT(forge_names), "asked", .arg = forge_names },
	{ "lifetime", &type_time, AT(forge_lifetime), "90d", 2 * DAY,
	    825 * DAY },
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
	{ "idle-stream", &type_time, AT(timeouts.idle_stream), "1h", SEC,
	    30 * DAY },
	{ "linger", &type_time, AT(timeouts.linger), "30s", 100, HOUR },
	{ "keepalive", &type_time, AT(timeouts.keepalive), "60s", 0, DAY },
	{ NULL }
};
static const struct map map_timeouts = { "timeouts", timeouts_keys, NULL };

/* In the order of reading: a thing stands before those that refer to it. */
static const struct key conf_keys[] = {
	{ "workers", &type_uint, AT(workers), "auto", 1, 1024, &word_auto },
	{ "user", &type_text, AT(user), .max = 255, .flags = KEY_NONE },
	{ "ca", &type_map, AT(ca), .arg = &map_ca },
	{ "cas", &type_list, AT(cas), .arg = &ca_list, .max = CONF_CAS },
	{ "listen", &type_list, AT(listens), .arg = &listen_list, .max = 256,
	    .flags = KEY_REQUIRED,
	    .hint = "a list of listeners, each with name, mode and address" },
	{ "upstream", &type_map, 0, .arg = &map_upstream },
	{ "tls", &type_map, 0, .arg = &map_tls },
	{ "profiles", &type_later },
	{ "mirrors", &type_list, AT(mirrors), .arg = &mirror_list, .max = 256 },
	{ "icap", &type_list, AT(icaps), .arg = &icap_list, .max = 64 },
	{ "services", &type_later },
	{ "devices", &type_list, AT(devices), .arg = &device_list,
	    .max = CONF_DEVICES },
	{ "chains", &type_list, AT(chains), .arg = &chain_list, .max = 256 },
	{ "upstream-proxies", &type_list, AT(proxies), .arg = &proxy_list,
	    .max = 256 },
	{ "lists", &type_lists, AT(lists) },
	{ "endpoints", &type_map, 0, .arg = &map_endpoints },
	{ "groups", &type_list, AT(groups), .arg = &group_list,
	    .max = CONF_GROUPS },
	{ "segments", &type_list, AT(segments), .arg = &segment_list,
	    .max = CONF_SEGMENTS },
	{ "segments-default", &type_word, AT(segments_deny), "allow",
	    .arg = segment_defaults },
	{ "quarantines", &type_list, AT(quarantines), .arg = &quarantine_list,
	    .max = 64 },
	{ "products", &type_products, AT(products) },
	{ "sensors", &type_list, AT(sensors), .arg = &sensor_list, .max = 64 },
	{ "responses", &type_list, AT(responses), .arg = &response_list,
	    .max = 1000 },
	{ "breaker", &type_map, AT(breaker), .arg = &map_breaker },
	{ "notify", &type_map, AT(notify), .arg = &map_notify },
	{ "categories", &type_feeds, AT(feeds), .arg = &feed_list, .max = 64 },
	{ "geo", &type_map, 0, .arg = &map_geo },
	{ "certificates", &type_list, AT(owns), .arg = &own_list,
	    .max = 10000 },
	{ "inspect", &type_map, AT(inspect), .arg = &map_inspect },
	{ "rules", &type_list, AT(rules), .arg = &rule_list, .max = 10000 },
	{ "on", &type_map, 0, .arg = &map_on },
	{ "learn", &type_map, 0, .arg = &map_learn },
	{ "pages", &type_map, 0, .arg = &map_pages },
	{ "mode", &type_word, AT(monitor), "intercept", .arg = ways },
	{ "reload", &type_word, AT(reload), "asked", .arg = reloads },
	{ "confirm-bypass", &type_bool, AT(confirm_bypass), "yes" },
	{ "forge", &type_map, 0, .arg = &map_forge },
	{ "log", &type_map, 0, .arg = &map_log },
	{ "control", &type_map, 0, .arg = &map_control },
	{ "metrics", &type_map, 0, .arg = &map_metrics },
	{ "limits", &type_map, 0, .arg = &map_limits },
	{ "timeouts", &type_map, 0, .arg = &map_timeouts },
	{ "history", &type_map, AT(history), .arg = &map_history,
	    .given = AT(history.given) },
	{ NULL }
};
const struct map map_conf = {
	"the configuration", conf_keys, check_conf_chain
};
