/*
 * Configurations that load, and what they say.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "sample.h"
#include "util/mem.h"
#include "util/log.h"

TEST(defaults_are_those_of_the_page)
{
	struct conf *c = good(LISTEN);

	ck_assert_uint_ge(c->workers, 1);
	ck_assert_ptr_null(c->user);
	ck_assert_str_eq(c->ca.cert, "/etc/clearspan/ca.pem");
	ck_assert_str_eq(c->ca.key, "/etc/clearspan/ca.key");
	ck_assert_ptr_null(c->ca.untrusted_cert);
	ck_assert_uint_eq(c->listens[0].allow.n, 8);
	ck_assert_int_eq(c->listens[0].destinations_given, 0);
	ck_assert_str_eq(c->trust, "system");
	ck_assert_int_eq(c->keep_client_address, 0);
	ck_assert_uint_eq(c->connect_timeout, 10000);
	ck_assert_int_eq(c->tls.profile.client.min, 0x0303);
	ck_assert_int_eq(c->tls.profile.server.max, 0x0304);
	ck_assert_int_eq(c->on.untrusted_server, ON_UNTRUSTED);
	ck_assert_int_eq(c->on.revoked_server, ON_BLOCK);
	ck_assert_int_eq(c->on.client_certificate_wanted, ON_BYPASS);
	ck_assert_int_eq(c->on.no_sni, ON_DECRYPT);
	ck_assert_int_eq(c->on.ech, ON_DECRYPT);
	ck_assert_int_eq(c->inspect.host_mismatch, MISMATCH_BLOCK);
	ck_assert_int_eq(c->log.level, LOG_LVL_INFO);
	ck_assert_uint_eq(c->log.events, 1u << EVENT_FLOW);
	ck_assert_ptr_null(c->log.file);
	ck_assert_ptr_null(c->log.keys);
	ck_assert_str_eq(c->control_socket, "/run/clearspan/control.sock");
	ck_assert_int_eq(c->metrics.sa.sa_family, AF_UNSPEC);
	ck_assert_uint_eq(c->limits.connections, 50000);
	ck_assert_uint_eq(c->limits.memory, 1u << 30);
	ck_assert_uint_eq(c->timeouts.idle, 600000);
	conf_unref(c);
}
END

/* The warnings that this mirror brings, as one text. */
static void
warns(const char *mirror, const char *want)
{
	struct text t = { 0 }, out = { 0 };
	struct conf *c;

	text_printf(&t, "%smirrors: [{name: m, %s}]\n", LISTEN, mirror);
	c = good(t.s);
	conf_warnings(c, &out);
	if (want == NULL)
		ck_assert_uint_eq(out.len, 0);
	else
		ck_assert_msg(out.len > 0 && strstr(out.s, want) != NULL,
		    "%s", t.s);
	conf_unref(c);
	text_free(&out);
	text_free(&t);
}

TEST(pcap_over_ip_for_everybody_is_warned_of)
{
	static const char every[] = "every host of the private nets";
	static const char others[] = "others than private nets";

	warns("pcap-over-ip: \"127.0.0.1:5\"", NULL);
	warns("pcap-over-ip: \"10.1.2.3:5\"", NULL);
	warns("pcap-over-ip: \"[::1]:5\"", NULL);
	warns("pcap-over-ip: \"[fd00::1]:5\"", NULL);
	warns("pcap: /tmp/x.pcap", NULL);
	warns("pcap-over-ip: \"0.0.0.0:5\"", every);
	warns("pcap-over-ip: \"[::]:5\"", every);
	warns("pcap-over-ip: \"192.0.2.1:5\"", every);
	warns("pcap-over-ip: \"[2001:db8::1]:5\"", "c:2:11: warning: ");
	warns("pcap-over-ip: \"0.0.0.0:5\", allow: [10.0.0.9]", NULL);
	warns("pcap-over-ip: \"0.0.0.0:5\", allow: []", NULL);
	warns("pcap-over-ip: \"0.0.0.0:5\", allow: [0.0.0.0/0]", others);
	warns("pcap-over-ip: \"0.0.0.0:5\", allow: [10.0.0.0/7]", others);
	warns("pcap-over-ip: \"[::]:5\", allow: [\"::/0\"]", others);
}
END

TEST(allow_destinations_may_be_given_empty)
{
	struct conf *c = good("listen: [{name: p, mode: explicit, address: "
	    "\"127.0.0.1:8080\", allow-destinations: []}, {name: q, mode: "
	    "explicit, address: \"127.0.0.1:81\", allow-destinations: "
	    "[127.0.0.0/8, \"::1\"]}]\n");
	struct addr a;

	ck_assert_int_eq(c->listens[0].destinations_given, 1);
	ck_assert_uint_eq(c->listens[0].destinations.n, 0);
	ck_assert_uint_eq(c->listens[1].destinations.n, 2);
	ck_assert_int_eq(addr_parse_ip(&a, "127.4.0.1"), 0);
	ck_assert_int_eq(conf_prefixes_have(&c->listens[0].destinations, &a),
	    0);
	ck_assert_int_eq(conf_prefixes_have(&c->listens[1].destinations, &a),
	    1);
	conf_unref(c);
}
END

TEST(without_rules_one_decrypts_to_all_mirrors)
{
	struct conf *c = good(LISTEN
	    "mirrors: [{name: a, pcap: /a}, {name: b, interface: lo}]\n");

	ck_assert_uint_eq(c->nrules, 1);
	ck_assert_str_eq(c->rules[0].name, "default");
	ck_assert_int_eq(c->rules[0].action, ACTION_DECRYPT);
	ck_assert_uint_eq(c->rules[0].nmirrors, 2);
	ck_assert_uint_eq(c->rules[0].mirrors[1].mirror, 1);
	conf_unref(c);
}
END

TEST(mirrors_have_their_kinds)
{
	struct conf *c = good(LISTEN
	    "mirrors:\n"
	    "- {name: a, interface: span0, source-mac: \"02:0a:5e:10:00:FF\","
	    " vlan: 0, mtu: 9000, offload: on, acks: 2, ports: map, filter: tcp}\n"
	    "- {name: b, pcap: /x/%Y.pcapng, rotate: {size: 1G, every: 1h,"
	    " keep: 9}}\n"
	    "- {name: c, pcap: /x/y.pcap, queue: 128k}\n"
	    "- {name: d, pcap-over-ip: \"[::1]:57012\", format: pcapng}\n");
	const struct conf_mirror *m = c->mirrors;

	ck_assert_int_eq(m[0].kind, MIRROR_PORT);
	ck_assert_int_eq(m[0].source_mac[5], 0xff);
	ck_assert_int_eq(m[0].reply_mac[5], 0);
	ck_assert_int_eq(m[0].reply_mac[1], 0x0a);
	ck_assert_int_eq(m[0].vlan, 0);
	ck_assert_uint_eq(m[0].mtu, 9000);
	ck_assert_int_eq(m[0].offload, OFFLOAD_ON);
	ck_assert_uint_eq(m[0].acks, 2);
	ck_assert_uint_eq(m[1].acks, 0);
	ck_assert_int_eq(m[0].ports_map, 1);
	ck_assert_str_eq(m[0].filter, "tcp");
	ck_assert_uint_eq(m[0].pos.line, 3);
	ck_assert_uint_eq(m[0].pos.column, 3);
	ck_assert_int_eq(m[1].kind, MIRROR_PCAP);
	ck_assert_int_eq(m[1].pcapng, 1);
	ck_assert_uint_eq(m[1].rotate_size, 1u << 30);
	ck_assert_uint_eq(m[1].rotate_ms, 3600000);
	ck_assert_uint_eq(m[1].rotate_keep, 9);
	ck_assert_int_eq(m[1].vlan, -1);
	ck_assert_int_eq(m[2].pcapng, 0);
	ck_assert_uint_eq(m[2].queue, 128 << 10);
	ck_assert_int_eq(m[3].kind, MIRROR_PCAPIP);
	ck_assert_int_eq(m[3].pcapng, 1);
	ck_assert_uint_eq(m[3].queue, 64 << 20);
	conf_unref(c);
}
END

TEST(rules_hold_what_they_say)
{
	struct conf *c = good(LISTEN
	    "mirrors: [{name: a, pcap: /a}, {name: b, pcap: /b}]\n"
	    "lists: {banks: /l}\n"
	    "rules:\n"
	    "- {name: x, sni: [\"@banks\", \"*.A.example.\"], port: [1, 5-9],"
	    " not: {client: 10.0.0.0/8}, action: bypass}\n"
	    "- {name: y, listener: p, action: decrypt, mirror: b}\n"
	    "- {name: n, protocol: tls, action: decrypt, mirror: []}\n"
	    "- {name: z, action: reset}\n");
	const struct conf_rule *r = c->rules;

	ck_assert_uint_eq(c->nrules, 4);
	ck_assert_str_eq(r[0].match.sni.v[0], "@banks");
	ck_assert_str_eq(r[0].match.sni.v[1], "*.a.example");
	ck_assert_uint_eq(r[0].match.nport, 2);
	ck_assert_uint_eq(r[0].match.port[0].hi, 1);
	ck_assert_uint_eq(r[0].match.port[1].lo, 5);
	ck_assert_str_eq(r[0].except.client.v[0], "10.0.0.0/8");
	ck_assert_uint_eq(r[0].pos.line, 5);
	ck_assert_uint_eq(r[1].nmirrors, 1);
	ck_assert_uint_eq(r[1].mirrors[0].mirror, 1);
	ck_assert_uint_eq(r[2].nmirrors, 0);
	ck_assert_int_eq(r[3].action, ACTION_RESET);
	ck_assert_uint_eq(c->lists[0].nnames, 1);
	ck_assert_uint_eq(c->lists[0].naddresses, 1);
	conf_unref(c);
}
END

#define AS_ENTRY "example.com, =example.com, *.example.com, " \
	"!www.example.com or 10.0.0.0/8, one a line\n"

TEST(host_bits_in_a_prefix_are_warned_of)
{
	struct text out = { 0 };
	struct conf *c;

	sample_list = "10.0.0.0/8\n # x\n  192.0.2.7/24\n192.0.2.8/25\n";
	c = good(LISTEN "lists: {l: /l}\nrules:\n"
	    "- {name: a, client: [10.0.0.7/8, 10.0.0.7, 10.0.0.0/8],\n"
	    "   not: {server: \"2001:db8::1/32\"}, action: block}\n"
	    "- {name: z, action: reset}\n");
	conf_warnings(c, &out);
	ck_assert_str_eq(out.s,
	    "c:4:3: warning: client: 10.0.0.7/8 has bits behind its length "
	    "and means 10.0.0.0/8; write that, or 10.0.0.7 for the one "
	    "address\n"
	    "c:4:3: warning: server: 2001:db8::1/32 has bits behind its "
	    "length and means 2001:db8::/32; write that, or 2001:db8::1 for "
	    "the one address\n"
	    "/l:3:3: warning: 192.0.2.7/24 has bits behind its length and "
	    "means 192.0.2.0/24; write that, or 192.0.2.7 for the one "
	    "address\n");
	text_free(&out);
	conf_unref(c);
}
END

/* What is left of the list, as text. */
static const char *
addresses_of(const char *entries)
{
	static char out[512];
	struct conf *c;
	struct addr a;
	char ip[ADDR_STRLEN];
	size_t i;

	sample_list = entries;
	c = good(LISTEN "lists: {l: /l}\n");
	for (i = 0, out[0] = '\0'; i < c->lists[0].naddresses; i++) {
		a = prefix_addr(&c->lists[0].addresses[i], 0);
		snprintf(out + strlen(out), sizeof(out) - strlen(out),
		    "%s/%u ", addr_ip_str(&a, ip),
		    c->lists[0].addresses[i].bits);
	}
	conf_unref(c);
	return out;
}

TEST(a_prefix_in_a_list_may_be_excepted)
{
	ck_assert_str_eq(addresses_of("!10.128.0.0/10\n10.0.0.0/8\n"
	    "10.129.2.3\n"),
	    "10.0.0.0/9 10.129.2.3/32 10.192.0.0/10 ");
	ck_assert_str_eq(addresses_of("192.0.2.0/30\n!192.0.2.1\n"
	    "2001:db8::/127\n!2001:db8::1/128\n!::/0\n"),
	    "192.0.2.0/32 192.0.2.2/31 2001:db8::/128 ");
	ck_assert_str_eq(addresses_of("0.0.0.0/0\n!10.0.0.7/8\n!0.0.0.0/1\n"
	    "!128.0.0.0/1\n10.1.0.0/16\n!10.1.0.0/16\n"), "");
	ck_assert_str_eq(addresses_of("!10.0.0.0/8\n"), "");
}
END

TEST(list_files_have_comments_and_their_own_lines)
{
	static const char names[] = "a.example\0b.example\0*.c.example\0"
	    "=d.example\0!*.e.example\0xn--bcher-kva.example\0"
	    "!=a.xn--fiq\0";
	struct conf *c;

	sample_list = "\xef\xbb\xbf# top\r\nA.Example. # x\r\n\r\n"
	    ".b.example\n *.c.example\n10.0.0.0/8\n=D.example\n"
	    "!*.E.example\nb\xc3\xbc" "cher.example\n!=a.\xe4\xb8\xad";
	c = good(LISTEN "lists: {l: /l}\n");
	ck_assert_uint_eq(c->lists[0].nnames, 7);
	ck_assert_uint_eq(c->lists[0].naddresses, 1);
	ck_assert_uint_eq(c->lists[0].names.len, sizeof(names) - 1);
	ck_assert_mem_eq(c->lists[0].names.s, names, sizeof(names));
	conf_unref(c);

	sample_list = "ok.example\n  http://x/\n10.0.0.300\n*\n";
	bad(LISTEN "lists: {l: /l}\nx: y\n",
	    "c:3:1: unknown key \"x\"; the keys of the configuration are "
	    "workers, user, ca, cas, listen, upstream, tls, mirrors, icap, "
	    "devices, chains, upstream-proxies, lists, endpoints, groups, "
	    "segments, segments-default, quarantines, products, sensors, "
	    "responses, breaker, notify, categories, "
	    "geo, certificates, inspect, rules, on, learn, pages, mode, reload, "
	    "confirm-bypass, forge, log, control, metrics, limits, timeouts, "
	    "history\n"
	    "/l:2:3: \"http://x/\" is not a name or address; write " AS_ENTRY
	    "/l:3:1: \"10.0.0.300\" is not a name or address; write " AS_ENTRY
	    "/l:4:1: \"*\" is not a name or address; write " AS_ENTRY);
}
END

TEST(log_and_control_can_be_off_or_on)
{
	struct conf *c = good(LISTEN
	    "log: {events: [tls, stats], level: debug, file: \"-\","
	    " keys: none}\n"
	    "control: {socket: none}\nmetrics: {listen: 127.0.0.1:9911}\n");

	ck_assert_uint_eq(c->log.events, 1u << EVENT_TLS | 1u << EVENT_STATS);
	ck_assert_str_eq(c->log.file, "-");
	ck_assert_ptr_null(c->log.keys);
	ck_assert_ptr_null(c->control_socket);
	ck_assert_uint_eq(addr_port(&c->metrics), 9911);
	conf_unref(c);
}
END

TEST(references_keep_it)
{
	struct conf *c = good(LISTEN);

	ck_assert_ptr_eq(conf_ref(c), c);
	conf_unref(c);
	ck_assert_str_eq(c->path, "c");
	conf_unref(c);
	conf_unref(NULL);
}
END

/* In the real world: files, a filter, a missing CA. */
TEST(load_looks_at_files)
{
	char dir[] = "/tmp/conf_test.XXXXXX", path[64], pem[64], yaml[512];
	struct text errors = { 0 }, want = { 0 };
	struct conf *c;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	snprintf(pem, sizeof(pem), "%s/ca.pem", dir);
	snprintf(yaml, sizeof(yaml), "ca:\n  certificate: %s\n  key: %s\n"
	    LISTEN "mirrors: [{name: m, pcap: /m, filter: tcpp port}]\n"
	    "lists: {l: /nowhere/l}\n", pem, pem);
	ck_assert_int_eq(conf_load(path, &c, &errors), ERR_USAGE);
	text_printf(&want, "%s:1:1: cannot be read: No such file or "
	    "directory; -c names another file\n", path);
	ck_assert_str_eq(errors.s, want.s);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	fputs(yaml, f);
	fclose(f);
	text_clear(&errors);
	ck_assert_int_eq(conf_load(path, &c, &errors), ERR_USAGE);
	ck_assert_ptr_nonnull(strstr(errors.s, ":2:16: \"certificate\": no "
	    "such file"));
	text_printf(&want, "make a CA with \"clearspan ca create --dir %s\"",
	    dir);
	ck_assert_ptr_nonnull(strstr(errors.s, strchr(want.s, '\n') + 1));
	ck_assert_ptr_nonnull(strstr(errors.s, ":5:39: \"tcpp port\" is not a "
	    "filter ("));
	ck_assert_ptr_nonnull(strstr(errors.s, ":6:12: cannot read "
	    "\"/nowhere/l\": No such file"));
	unlink(path);
	rmdir(dir);
	text_free(&errors);
	text_free(&want);
}
END

TEST(filters_that_let_nothing_through_are_told)
{
	static const char *const none[] = { "vlan 42 and tcp", "udp",
	    "ip6 and host 10.0.0.1", "arp or vlan" };
	static const char *const some[] = { "tcp", "ip6", "not vlan 42",
	    "vlan or port 443", "tcp[tcpflags] & tcp-syn != 0 or udp" };
	struct text why = { 0 };
	size_t i;

	for (i = 0; i < NELEM(none); i++) {
		text_clear(&why);
		ck_assert_int_eq(conf_world_real.filter(none[i], &why),
		    ERR_FORMAT);
	}
	text_clear(&why);
	conf_world_real.filter("vlan 42 and tcp", &why);
	ck_assert_str_eq(why.s, "it lets no TCP frame through; what it sees "
	    "has no VLAN tag");
	for (i = 0; i < NELEM(some); i++)
		ck_assert_msg(conf_world_real.filter(some[i], &why) == 0,
		    "%s", some[i]);
	text_free(&why);
}
END

TEST(a_key_is_the_same_or_differs)
{
	static const char base[] = LISTEN "ca: {untrusted-key: k, "
	    "untrusted-certificate: c}\nuser: u\n"
	    "upstream: {trust: t, trust-also: [a, b]}\n"
	    "mirrors: [{name: m, pcap: f.pcap}]\n"
	    "icap: [{name: i, reqmod: [\"icap://h/s\", {url: \"icap://g/s\", "
	    "weight: 2}], headers: [\"A: b\"]}]\n"
	    "metrics: {listen: \"127.0.0.1:1\"}\nlog: {keys: k, file: f}\n";
	static const struct {
		const char	*key, *from, *to;
	} cases[] = {
		{ "listen", "8080", "8081" },
		{ "listen", "name: p", "name: q" },
		{ "listen", "{name: p", "{allow-destinations: [], name: p" },
		{ "listen", "{name: p", "{allow: [10.0.0.0/8], name: p" },
		{ "ca", "untrusted-key: k", "untrusted-key: l" },
		{ "user", "user: u", "user: v" },
		{ "workers", "user: u", "user: u\nworkers: 77" },
		{ "upstream.trust", "trust: t", "trust: u" },
		{ "upstream.trust-also", "[a, b]", "[a]" },
		{ "tls", "user: u", "tls: {client: {groups: X25519}}" },
		{ "mirrors", "f.pcap", "f.pcapng" },
		{ "mirrors", "pcap: f.pcap", "interface: f" },
		{ "icap", "weight: 2", "weight: 3" },
		{ "icap", "icap://h", "icaps://h" },
		{ "icap", "A: b", "A: c" },
		{ "icap", "name: i", "name: i, fail: {reqmod: open}" },
		{ "icap", "name: i", "name: i, bypass-types: [\"video/*\"]" },
		{ "icap", "name: i", "name: i, preview: off" },
		{ "metrics", "127.0.0.1:1", "127.0.0.1:2" },
		{ "log.events", "file: f", "file: f, events: [tls]" },
		{ "log.keys", "keys: k", "keys: none" },
	};
	struct conf *a = good(base), *b = good(base);
	struct text t = { 0 };
	const char *at;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		ck_assert_msg(conf_same(a, b, cases[i].key), "%s",
		    cases[i].key);
		at = strstr(base, cases[i].from);
		text_clear(&t);
		text_add(&t, base, (size_t)(at - base));
		text_puts(&t, cases[i].to);
		text_puts(&t, at + strlen(cases[i].from));
		conf_unref(b);
		b = good(t.s);
		ck_assert_msg(!conf_same(a, b, cases[i].key), "%s", t.s);
		ck_assert(conf_same(a, b, "limits.memory"));
		conf_unref(b);
		b = good(base);
	}
	conf_unref(a);
	conf_unref(b);
	text_free(&t);
}
END

SUITE("conf", defaults_are_those_of_the_page,
    pcap_over_ip_for_everybody_is_warned_of,
    allow_destinations_may_be_given_empty,
    without_rules_one_decrypts_to_all_mirrors, mirrors_have_their_kinds,
    rules_hold_what_they_say, host_bits_in_a_prefix_are_warned_of,
    a_prefix_in_a_list_may_be_excepted,
    list_files_have_comments_and_their_own_lines,
    log_and_control_can_be_off_or_on, references_keep_it,
    load_looks_at_files, filters_that_let_nothing_through_are_told,
    a_key_is_the_same_or_differs)
