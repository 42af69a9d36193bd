/*
 * Configurations that do not load: the exact place and words.
 */
#include <stdio.h>

#include "sample.h"
#include "util/mem.h"


TEST(all_errors_come_in_one_run_in_order)
{
	bad("timeouts: {hello: 10 minutes}\n"
	    "minrors: []\n"
	    "listen:\n"
	    "  - name: a\n"
	    "    address: 127.0.0.1\n",
	    "c:1:19: \"10 minutes\" is not a time; write 500ms, 10s, 5m or "
	    "2h\n"
	    "c:2:1: unknown key \"minrors\", did you mean \"mirrors\"?\n"
	    "c:4:5: a listener needs \"mode\"; write transparent or explicit\n"
	    "c:5:14: \"127.0.0.1\" is not an address with a port; write "
	    "192.0.2.1:8080 or \"[::1]:8080\"\n");
}
END

TEST(records_are_own_or_of_libssl)
{
	bad_part("tls:\n  alpn: mirror\n  records: openssl\n",
	    "c:4:12: \"openssl\" is no \"records\"; write own or libssl\n");
	bad_part("tls: {record: own}\n",
	    "c:2:7: unknown key \"record\", did you mean \"records\"?\n");
}
END

TEST(sensors_have_what_their_way_needs)
{
	bad_part("sensors:\n"
	    "  - {name: a, syslog: \"tls://[::]:6514\", certificate: x}\n"
	    "  - {name: b, syslog: \"tcp://[::]:6514\", client-ca: x}\n"
	    "  - {name: c, syslog: \"ssl://[::]:6514\"}\n",
	    "c:3:5: syslog over TLS needs \"certificate\" and \"key\"; write "
	    "the PEM files that senders are shown\n"
	    "c:4:42: \"client-ca\" goes with syslog: tls:// and listen only; "
	    "take it out\n"
	    "c:5:23: \"ssl://[::]:6514\" is not an address for syslog; write "
	    "udp://0.0.0.0:5514, tcp://[::1]:5514 or tls://0.0.0.0:6514\n");
}
END

TEST(own_certificates_say_whose_they_are_and_have_their_keys)
{
	bad_part("certificates:\n"
	    "  - {certificate: a, key: b}\n"
	    "  - {site: [a.example], certificate: [a, b], key: c}\n"
	    "  - {site: [a.example], certificate: a, key: c, verify: no}\n",
	    "c:3:5: a certificate needs \"site\" or \"server\", to say whose "
	    "it is; write the names in it, such as site: [www.example.com]\n"
	    "c:4:51: each \"certificate\" has its \"key\", in the same order: "
	    "2 and 1 are given\n"
	    "c:5:57: \"verify: no\" needs \"server\": anybody could take such "
	    "a name; write the addresses of the servers\n");
}
END

TEST(a_client_certificate_is_for_rules_that_decrypt_and_has_its_key)
{
	static const char part[] = "rules:\n"
	    "  - {name: a, site: a.example, action: %s, client-certificate: "
	    "{%s}}\n"
	    "  - {name: default, action: decrypt}\n";
	char yaml[256];

	snprintf(yaml, sizeof(yaml), part, "bypass", "certificate: a, key: b");
	bad_part(yaml, "c:3:48: \"client-certificate\" goes with action "
	    "decrypt only; take it out\n");
	snprintf(yaml, sizeof(yaml), part, "decrypt", "certificate: a");
	bad_part(yaml, "c:3:69: a client certificate has a \"certificate\" "
	    "and a \"key\"\n");
}
END

TEST(values_out_of_range_or_of_a_wrong_kind)
{
	bad_part("limits: {connections: 0, handshakes: many, memory: 1k}\n",
	    "c:2:23: 0 is out of range; write 1 to 10000000\n"
	    "c:2:38: \"many\" is not a number; write 1 to 1000000\n"
	    "c:2:52: 1k is out of range; write 16M to 1024G\n");
	bad_part("limits: {memory: 99999999999999999999999999G}\n",
	    "c:2:18: 99999999999999999999999999G is out of range; write 16M "
	    "to 1024G\n");
	bad_part("limits: {memory: 3 apples}\ntimeouts: {idle: 10}\n",
	    "c:2:18: \"3 apples\" is not a size; write 65536, 64k, 16M or "
	    "1G\n"
	    "c:3:18: \"10\" is not a time; write 500ms, 10s, 5m or 2h\n");
	bad_part("limits: 5\nworkers: [1]\nupstream: {trust-also: {a: b}}\n",
	    "c:2:9: limits is a mapping (\"key: value\"), not a single "
	    "value\n"
	    "c:3:10: \"workers\" is a single value, not a list\n"
	    "c:4:24: \"trust-also\" is a list; write [a, b, c]\n");
	bad_part("upstream: {keep-client-address: maybe}\n",
	    "c:2:33: \"maybe\" is not yes or no\n");
	bad_part("log: {level: loud, events: [flow, foo]}\n",
	    "c:2:14: \"loud\" is no \"level\"; write error, warn, info or "
	    "debug\n"
	    "c:2:35: \"foo\" is no \"events\"; write flow, tls, http, icap, "
	    "alert, stats or ws\n");
}
END

TEST(keys_and_names_given_twice)
{
	bad_part("user: a\nuser: b\n",
	    "c:3:1: \"user\" is given twice; the first is in line 2\n");
	bad("listen:\n"
	    "- {name: a, mode: explicit, address: \"127.0.0.1:1\"}\n"
	    "- {name: a, mode: explicit, address: \"127.0.0.1:1\"}\n",
	    "c:3:10: there is a listener \"a\" already; give each a name of "
	    "its own\n"
	    "c:3:38: the listener \"a\" has this address already\n");
	bad_part("lists:\n  a: /x\n  a: /y\n",
	    "c:4:3: the list \"a\" is given twice\n");
	bad_part("rules:\n- {name: a, port: 1, action: block}\n"
	    "- {name: a, action: block}\n",
	    "c:4:10: there is a rule \"a\" already; give each a name of its "
	    "own\n");
}
END

TEST(what_nothing_defines)
{
	bad_part("lists: {banks: /b}\n"
	    "mirrors: [{name: disk, pcap: /d}]\n"
	    "rules:\n"
	    "- {name: a, sni: \"@bank\", action: bypass}\n"
	    "- {name: b, client: \"@nix\", action: bypass}\n"
	    "- {name: c, listener: proxy, action: bypass}\n"
	    "- {name: d, action: decrypt, mirror: [disk, dusk]}\n",
	    "c:5:18: no list \"bank\" under \"lists\", did you mean "
	    "\"@banks\"?\n"
	    "c:6:21: no list \"nix\" under \"lists\"; define it there, or "
	    "write names without \"@\"\n"
	    "c:7:23: no listener \"proxy\" under \"listen\"; define it there, "
	    "or take it out\n"
	    "c:8:45: no mirror \"dusk\" under \"mirrors\", did you mean "
	    "\"disk\"?\n");
}
END

TEST(lists_of_the_wrong_kind)
{
	sample_list = "a.example\n";
	bad_part("lists: {l: /l}\n"
	    "rules:\n"
	    "- {name: a, client: \"@l\", action: block}\n"
	    "- {name: d, action: block}\n",
	    "c:4:21: \"client\" wants addresses, and the list \"l\" has only "
	    "names\n");
	sample_list = "10.0.0.1\n";
	bad_part("lists: {l: /l}\n"
	    "rules:\n"
	    "- {name: a, sni: \"@l\", action: block}\n"
	    "- {name: d, action: block}\n",
	    "c:4:18: \"sni\" wants names, and the list \"l\" has only "
	    "addresses\n");
}
END

TEST(order_of_rules)
{
	bad_part("rules:\n"
	    "- {name: a, action: block}\n"
	    "- {name: b, port: 1, action: block}\n"
	    "- {name: c, action: decrypt}\n",
	    "c:4:3: this rule is never reached: \"a\" before it (line 3) has "
	    "no conditions; move that one to the end\n");
	bad_part("rules:\n- {name: b, port: 1, action: block}\n",
	    "c:3:3: the last rule must have no conditions, to decide for all "
	    "the rest; add such as \"- {name: default, action: decrypt}\"\n");
	bad_part("rules: []\n",
	    "c:2:8: \"rules\" is empty; fill it or take it out\n");
}
END

TEST(conditions)
{
	bad_part("rules:\n"
	    "- {name: a, sni: [\"foo*.com\", 10.0.0.0/8], port: [0, 9-8, x],\n"
	    "   server: example.com, protocol: ssh, action: block}\n"
	    "- {name: b, not: {}, host: [], action: block}\n"
	    "- {name: c, action: block, mirror: []}\n",
	    "c:3:19: \"foo*.com\" is not a name; write \"example.com\" (and "
	    "all below it), \"=example.com\", \"*.example.com\" or "
	    "\"@list\"\n"
	    "c:3:31: \"10.0.0.0/8\" is not a name; write \"example.com\" (and "
	    "all below it), \"=example.com\", \"*.example.com\" or "
	    "\"@list\"\n"
	    "c:3:51: \"0\" is not a port; write 443 or \"8000-8999\", within "
	    "1 to 65535\n"
	    "c:3:54: \"9-8\" is not a port; write 443 or \"8000-8999\", "
	    "within 1 to 65535\n"
	    "c:3:59: \"x\" is not a port; write 443 or \"8000-8999\", within "
	    "1 to 65535\n"
	    "c:4:12: \"example.com\" is not an address or prefix; write "
	    "192.0.2.1, 10.0.0.0/8 or \"2001:db8::/32\"\n"
	    "c:4:35: \"ssh\" is no \"protocol\"; write tls, http, "
	    "other, smtp, imap, pop3, ftp, nntp, sieve, "
	    "ldap, xmpp, pgsql or mysql\n"
	    "c:5:18: \"not\" has no conditions; give it some or take it out\n"
	    "c:5:28: \"host\" is an empty list and would match nothing; fill "
	    "it or take it out\n"
	    "c:6:28: \"mirror\" goes with action decrypt only; take it out\n");
}
END

TEST(what_comes_later)
{
	bad_part("services: []\nprofiles: {}\n"
	    "rules:\n"
	    "- {name: a, profile: x, port: 1, action: block}\n"
	    "- {name: b, action: decrypt, services: [av]}\n"
	    "tls: {client: {min: \"1.0\"}}\n",
	    "c:2:1: \"services\" is not available in this version; take it out\n"
	    "c:3:1: \"profiles\" is not available in this version; take it "
	    "out\n"
	    "c:5:13: \"profile\" is not available in this version; take it "
	    "out\n"
	    "c:6:30: \"services\" is not available in this version; take it "
	    "out\n"
	    "c:7:21: \"1.0\" is not available for \"min\" in this version; "
	    "write 1.2 or 1.3\n");
}
END

/* Two rules and a last one: is the second never reached? */
static int
shadowed(const char *first, const char *second)
{
	struct text t = { 0 }, errors = { 0 };
	struct conf *c;
	int rv;

	text_printf(&t, LISTEN "lists: {l: /l, k: /k}\nrules:\n"
	    "- {name: a, action: block, %s}\n"
	    "- {name: b, action: bypass, %s}\n"
	    "- {name: c, action: block}\n", first, second);
	rv = conf_parse_in(&sample_world, "c", t.s, t.len, &c, &errors);
	if (rv != 0 && strcmp(errors.s, "c:5:3: this rule is never reached: "
	    "\"a\" before it (line 4) matches all that it matches; put it "
	    "before that one, or take it out\n") != 0)
		ck_abort_msg("%s", errors.s);
	conf_unref(c);
	text_free(&t);
	text_free(&errors);
	return rv != 0;
}

TEST(a_rule_behind_a_wider_one_is_never_reached)
{
	static const struct {
		const char *first, *second;
		int shadowed;
	} pairs[] = {
		{ "port: 443", "port: 443", 1 },
		{ "port: [80, 400-500]", "port: 443, sni: a.example", 1 },
		{ "port: 443", "port: 400-500", 0 },
		{ "port: 443, sni: a.example", "port: 443", 0 },
		{ "sni: example.com", "sni: [www.Example.com, \"*.example.com\", "
		    "\"=example.com\", example.com]", 1 },
		{ "sni: \"*.example.com\"", "sni: example.com", 0 },
		{ "sni: \"*.example.com\"", "sni: \"=example.com\"", 0 },
		{ "sni: \"*.example.com\"", "sni: a.b.example.com", 1 },
		{ "sni: \"=example.com\"", "sni: example.com", 0 },
		{ "sni: example.com", "sni: [example.com, example.net]", 0 },
		{ "sni: example.com", "sni: badexample.com", 0 },
		{ "sni: \"*\"", "sni: com", 1 },
		{ "sni: example.com", "site: www.example.com", 0 },
		{ "sni: \"@l\"", "sni: \"@l\", port: 1", 1 },
		{ "sni: \"@l\"", "sni: \"@k\"", 0 },
		{ "sni: bank.example", "sni: \"@l\"", 0 },
		{ "host: 192.0.2.1", "host: 192.0.2.1", 1 },
		{ "client: 10.0.0.0/8", "client: [10.1.0.0/16, 10.2.3.4]", 1 },
		{ "client: 10.1.0.0/16", "client: 10.0.0.0/8", 0 },
		{ "client: 0.0.0.0/0", "client: \"::1\"", 0 },
		{ "client: 10.0.0.0/8", "server: 10.1.0.0/16", 0 },
		{ "alpn: [h2, h3]", "alpn: h2", 1 },
		{ "ja4: \"t13*\"", "ja4: \"t13d*\"", 1 },
		{ "certificate: {status: [ok, expired]}",
		    "certificate: {status: ok, issuer: x}", 1 },
		{ "certificate: {status: ok}",
		    "certificate: {status: [ok, expired]}", 0 },
		{ "port: 1-9, not: {port: 5}", "port: 5", 0 },
		{ "port: 1-9, not: {port: 5}", "port: 1-9, not: {port: 5}",
		    1 },
		{ "port: 1-9, not: {port: 5}", "port: 1-9, not: {port: 4-6}",
		    1 },
		{ "port: 1-9, not: {port: 4-6}", "port: 1-9, not: {port: 5}",
		    0 },
		{ "port: 1-9", "port: 5, not: {sni: a.example}", 1 },
		{ "not: {port: 5}", "not: {port: 5}, sni: a.example", 1 },
	};
	size_t i;

	for (i = 0; i < NELEM(pairs); i++)
		ck_assert_msg(shadowed(pairs[i].first, pairs[i].second) ==
		    pairs[i].shadowed, "%s | %s", pairs[i].first,
		    pairs[i].second);
}
END

#define NO_WINDOW " is not a window of time; write \"mon-fri " \
	"08:00-18:00\", \"22:00-06:00 Europe/Berlin\" or \"sat,sun\"\n"

TEST(windows_of_time_have_their_form)
{
	bad_part("rules:\n"
	    "- {name: a, time: [25:00-26:00, 8:00-9:00, UTC, 08:00-08:00,\n"
	    "  mon-fro, \"sun sun\", /etc/passwd, \"\"], action: block}\n"
	    "- {name: b, action: block}\n",
	    "c:3:20: \"25:00-26:00\"" NO_WINDOW
	    "c:3:33: \"8:00-9:00\"" NO_WINDOW
	    "c:3:44: \"UTC\"" NO_WINDOW
	    "c:3:49: \"08:00-08:00\"" NO_WINDOW
	    "c:4:3: \"mon-fro\": no such time zone in /usr/share/zoneinfo/; "
	    "write one as in Europe/Berlin, or UTC\n"
	    "c:4:12: \"sun sun\"" NO_WINDOW
	    "c:4:23: \"/etc/passwd\"" NO_WINDOW
	    "c:4:36: \"\"" NO_WINDOW);
}
END

TEST(fingerprints_have_their_form)
{
	bad_part("rules:\n"
	    "- {name: a, ja3: abc, ja4: t13d, action: block}\n"
	    "- {name: b, action: block}\n",
	    "c:3:18: \"abc\" is not a JA3; write its 32 hexadecimal "
	    "digits\n"
	    "c:3:28: \"t13d\" is not a JA4; write one as in the log, and "
	    "\"*\" for any part, as in \"t13d*_8daaf6152771_*\"\n");
}
END

TEST(inspect_has_two_places)
{
	bad_part("inspect: {streams: {afer: 3s}, trickle: slowly}\n"
	    "rules:\n"
	    "- {name: a, port: 1, action: decrypt, inspect: {trickel: off}}\n"
	    "- {name: b, port: 2, action: block, inspect: {}}\n"
	    "- {name: c, action: decrypt, inspect: {trickle: {every: 1ms}}}\n",
	    "c:2:21: unknown key \"afer\", did you mean \"after\"?\n"
	    "c:2:41: \"slowly\" is not off, nor what trickles; write "
	    "{after: 5s, bytes: 1k, every: 1s}\n"
	    "c:4:49: unknown key \"trickel\", did you mean \"trickle\"?\n"
	    "c:5:37: \"inspect\" goes with action decrypt only; take it out\n"
	    "c:6:57: 1ms is out of range; write 100ms to 1h\n");
}
END

TEST(keys_that_do_not_go_together)
{
	bad_part("mirrors:\n"
	    "- {name: a, pcap: /a, interface: b}\n"
	    "- {name: b}\n"
	    "- {name: c, pcap: /c, vlan: 4}\n"
	    "- {name: d, interface: e, rotate: {keep: 4}}\n"
	    "- {name: e, interface: e, source-mac: \"01:00:00:00:00:00\"}\n"
	    "ca: {untrusted-key: /k}\n"
	    "tls: {server: {min: \"1.3\", max: \"1.2\"}}\n",
	    "c:3:13: a mirror is one of \"interface\", \"pcap\" and "
	    "\"pcap-over-ip\"; make a second one\n"
	    "c:4:3: a mirror needs \"interface\", \"pcap\" or "
	    "\"pcap-over-ip\"; write one of them\n"
	    "c:5:23: \"vlan\" goes with \"interface\" only; take it out\n"
	    "c:6:27: \"rotate\" goes with \"pcap\" only; take it out\n"
	    "c:6:35: \"rotate\" needs \"size\" or \"every\"; write {size: 1G, "
	    "every: 1h, keep: 100}\n"
	    "c:7:39: a source address cannot be a multicast one; make its "
	    "first octet even, as in 02:00:5e:10:00:01\n"
	    "c:8:5: \"untrusted-certificate\" and \"untrusted-key\" go "
	    "together; give both or none\n"
	    "c:9:21: \"min\" is above \"max\"; write min: \"1.2\", max: "
	    "\"1.3\"\n");
	bad("listen: [{name: t, mode: transparent, address: \"1.2.3.4:5\","
	    " allow: [1.2.3.4]}]\n",
	    "c:1:61: \"allow\" goes with mode explicit only; take it out\n");
	bad("listen: [{name: t, mode: transparent, address: \"[::]:1\","
	    " allow-destinations: [1.2.3.4]}]\n",
	    "c:1:58: \"allow-destinations\" goes with mode explicit only; "
	    "take it out\n");
	bad_part("mirrors: [{name: a, pcap: /a, allow: [10.0.0.1]}]\n",
	    "c:2:31: \"allow\" goes with \"pcap-over-ip\" only; take it "
	    "out\n");
}
END

TEST(keep_wants_names_of_digits)
{
	bad_part("mirrors:\n"
	    "- {name: a, pcap: /%b.pcap, rotate: {size: 1G, keep: 2}}\n"
	    "- {name: b, pcap: /%-d.pcap, rotate: {size: 1G, keep: 2}}\n"
	    "- {name: c, pcap: /%F-%T%j%s.pcap, rotate: {size: 1G, keep: 2}}\n"
	    "- {name: d, pcap: /%b.pcap, rotate: {size: 1G}}\n"
	    "- {name: e, pcap: /%, rotate: {size: 1G, keep: 2}}\n",
	    "c:3:54: \"keep\" cannot tell the names %b gives from those of "
	    "other files; use digits in \"pcap\", such as %Y%m%d-%H%M%S\n"
	    "c:4:55: \"keep\" cannot tell the names %- gives from those of "
	    "other files; use digits in \"pcap\", such as %Y%m%d-%H%M%S\n"
	    "c:7:48: \"keep\" cannot tell the names %% gives from those of "
	    "other files; use digits in \"pcap\", such as %Y%m%d-%H%M%S\n");
}
END

TEST(history_is_shared_by_workers_and_within_the_memory)
{
	bad_part("workers: 8\nhistory: {size: 7M}\n",
	    "c:3:17: the 8 workers share \"size\", and need 1M each; write at "
	    "least 8M\n");
	bad_part("workers: 8\nlimits: {memory: 16M}\nhistory: {size: 9M}\n",
	    "c:4:17: \"size\" is more than half of \"limits: memory\"; make "
	    "that twice as large, or this smaller\n");
	bad_part("workers: 1\nhistory: {keep: 3, at-once: 4}\n",
	    "c:3:17: \"keep\" is less than \"at-once\"; a capture would "
	    "remove one that is being written\n");
	bad_part("workers: 100\nhistory: {age: 1m}\n",
	    "c:3:10: the 100 workers share \"size\", and need 1M each; write "
	    "at least 100M\n");
	bad_part("history: {age: 1ms, at-once: 65}\n",
	    "c:2:16: 1ms is out of range; write 1s to 7d\n"
	    "c:2:30: 65 is out of range; write 1 to 64\n");
}
END

#define NINE	"mirrors: [{name: m1, pcap: /1}, {name: m2, pcap: /2}, " \
		"{name: m3, pcap: /3}, {name: m4, pcap: /4}, " \
		"{name: m5, pcap: /5}, {name: m6, pcap: /6}, " \
		"{name: m7, pcap: /7}, {name: m8, pcap: /8}, " \
		"{name: m9, pcap: /9}]\n"			/* line 2 */

TEST(a_rule_has_eight_mirrors_at_most)
{
	bad_part(NINE, "c:2:1: without \"rules\" all mirrors are used, and "
	    "that can be 8 at most; write \"rules\" and name those "
	    "wanted\n");
	bad_part(NINE "rules:\n"
	    "- {name: x, port: 1, action: decrypt, "
	    "mirror: [m1, m2, m3, m4, m5, m6, m7, m8, m9]}\n"
	    "- {name: y, action: decrypt}\n",
	    "c:4:47: too many entries in \"mirror\"; at most 8\n"
	    "c:5:3: without \"mirror\" all mirrors are used, and that can be "
	    "8 at most; write \"mirror\" and name those wanted\n");
}
END

TEST(yaml_that_is_none)
{
	bad("listen:\n\t- a\n", "c:2:1: YAML: while scanning for the next "
	    "token: found character that cannot start any token; a tab "
	    "cannot indent, use spaces\n");
	bad("a:\n  sni: *.example.com\n", "c:2:8: YAML: while scanning an "
	    "alias: did not find expected alphabetic or numeric character; "
	    "put what starts with \"*\" in quotes: \"*.example.com\"\n");
	bad("a:\n  sni: @banks\n", "c:2:8: YAML: while scanning for the next "
	    "token: found character that cannot start any token; put what "
	    "starts with \"@\" in quotes: \"@list\"\n");
	bad("a: \xff\n", "c:1:4: not UTF-8 text, or a control character; "
	    "write the file in UTF-8\n");
	bad("", "c:1:1: nothing in it; write at least \"listen\"\n");
	bad("# only words\n", "c:1:1: nothing in it; write at least "
	    "\"listen\"\n");
	bad("a: b\n---\nc: d\n", "c:2:1: a second YAML document; write all "
	    "in one, without \"---\"\n");
	bad("- a\n", "c:1:1: the configuration is a mapping (\"key: "
	    "value\"), not a list\n");
}
END

TEST(yaml_that_we_do_not_take)
{
	bad("a: &x b\n", "c:1:4: anchors (\"&\") are not supported; take it "
	    "out, or put the value in quotes\n");
	bad("a: *x\n", "c:1:4: aliases are not supported; write the value "
	    "out, and put a name that starts with \"*\" in quotes\n");
	bad("a: !!str b\n", "c:1:4: tags (\"!\") are not supported; take it "
	    "out, or put the value in quotes\n");
	bad("[[[[[[[[[[[[[[[[[[[[", "c:1:17: nested too deep; no key needs "
	    "that\n");
	bad_part("user: \"a\\0b\"\nlog:\n",
	    "c:2:7: \"user\" has a NUL character in it; take it out\n"
	    "c:3:1: \"log\" has no value; give it one or take it out\n");
}
END

TEST(what_is_huge_is_refused)
{
	struct text t = { 0 };
	int i;

	while (t.len <= (16 << 20))
		text_puts(&t, "# words, words, words, words, words, words\n");
	bad(t.s, "c:1:1: longer than 16 MiB; move long lists to files under "
	    "\"lists\"\n");
	text_clear(&t);
	text_puts(&t, "a: [");
	for (i = 0; i < 600000; i++)
		text_puts(&t, "a,");
	bad(t.s, "c:1:999999: too many values; move long lists to files "
	    "under \"lists\"\n");
	text_free(&t);
}
END

/* No message repeats what may be a password. */
TEST(upstream_proxies_that_are_none)
{
#define AS_URL	"write http://HOST:PORT or socks5://HOST:PORT, with " \
		"USER:PASSWORD@ before the host if it is not in " \
		"\"credentials\"\n"
	bad_part("upstream-proxies:\n"
	    "  - {name: a, url: \"https://h:1\"}\n"
	    "  - {name: b, url: \"http://me:pw@h\"}\n"
	    "  - {name: c, url: \"socks5://pw@h:1\"}\n"
	    "  - {name: d, url: \"http://%zz:pw@h:1\"}\n"
	    "  - {name: direct, url: \"http://[::1]:3128/\"}\n"
	    "rules:\n"
	    "  - {name: r, action: decrypt, upstream-proxy: [e, direct]}\n",
	    "c:3:20: \"url\" is neither an HTTP nor a SOCKS5 proxy; " AS_URL
	    "c:4:20: \"url\" has no valid host and port; " AS_URL
	    "c:5:20: \"url\" has no valid user and password; " AS_URL
	    "c:6:20: \"url\" has no valid user and password; " AS_URL
	    "c:7:12: \"direct\" stands for no proxy; give it another name\n"
	    "c:9:49: no upstream proxy \"e\" under \"upstream-proxies\"; "
	    "define it there, or take it out\n");
}
END

TEST(who_asks_has_somebody_to_ask)
{
	bad("listen:\n"
	    "  - {name: a, mode: explicit, address: \"127.0.0.1:1\",\n"
	    "     authentication: {realm: 'a\"b'}}\n"
	    "  - {name: b, mode: explicit, address: \"127.0.0.1:2\",\n"
	    "     authentication: {header: X-User}}\n"
	    "  - {name: c, mode: transparent, address: \"127.0.0.1:3\",\n"
	    "     authentication: {users: /u.htpasswd}}\n"
	    "rules:\n"
	    "  - {name: u, user: [\"\"], action: block}\n"
	    "  - {name: r, action: decrypt}\n",
	    "c:3:22: \"authentication\" needs \"users\", the file of users; "
	    "or \"header\" and \"from\"\n"
	    "c:3:30: \"realm\" is shown to people who are asked for their "
	    "password; write up to 100 characters of ASCII, without quotes\n"
	    "c:5:22: \"header\" and \"from\" go together: the field that has "
	    "the user, and who may send it\n"
	    "c:7:6: \"authentication\" goes with mode explicit only; take it "
	    "out\n"
	    "c:9:22: \"\" is not the name of a user; write it as in the file "
	    "of users, or \"@list\"\n");
}
END

TEST(errors_past_200_are_counted)
{
	struct text t = { 0 }, errors = { 0 };
	struct conf *c;
	int i;

	text_puts(&t, LISTEN);
	for (i = 0; i < 300; i++)
		text_printf(&t, "zz%d: 1\n", i);
	ck_assert_int_eq(conf_parse_in(&sample_world, "c", t.s, t.len, &c,
	    &errors), ERR_USAGE);
	ck_assert_ptr_nonnull(strstr(errors.s, "\nand 100 more\n"));
	text_free(&t);
	text_free(&errors);
}
END

SUITE("errors", all_errors_come_in_one_run_in_order,
    upstream_proxies_that_are_none,
    who_asks_has_somebody_to_ask,
    records_are_own_or_of_libssl, sensors_have_what_their_way_needs,
    own_certificates_say_whose_they_are_and_have_their_keys,
    a_client_certificate_is_for_rules_that_decrypt_and_has_its_key,
    values_out_of_range_or_of_a_wrong_kind, keys_and_names_given_twice,
    what_nothing_defines, lists_of_the_wrong_kind, order_of_rules,
    conditions,
    a_rule_behind_a_wider_one_is_never_reached,
    windows_of_time_have_their_form, fingerprints_have_their_form, what_comes_later, inspect_has_two_places,
    keys_that_do_not_go_together,
    keep_wants_names_of_digits,
    history_is_shared_by_workers_and_within_the_memory, a_rule_has_eight_mirrors_at_most,
    yaml_that_is_none, yaml_that_we_do_not_take, what_is_huge_is_refused,
    errors_past_200_are_counted)
