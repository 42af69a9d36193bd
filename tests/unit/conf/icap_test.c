/*
 * The section icap, and the services of rules.
 */
#include <stdio.h>

#include "conf/conf.h"
#include "sample.h"
#include "util/mem.h"

#define AV	"- {name: av, respmod: \"icap://h/av\"}\n"

TEST(defaults_of_a_service)
{
	struct conf *c = good(LISTEN
	    "icap: [{name: av, reqmod: \"icap://av.example/avscan?x=1&y\"}]\n");
	const struct conf_icap *s = c->icaps;

	ck_assert_uint_eq(c->nicaps, 1);
	ck_assert_str_eq(s->name, "av");
	ck_assert_uint_eq(s->pos.line, 2);
	ck_assert_uint_eq(s->nreqmod, 1);
	ck_assert_uint_eq(s->nrespmod, 0);
	ck_assert_str_eq(s->reqmod[0].url, "icap://av.example/avscan?x=1&y");
	ck_assert_str_eq(s->reqmod[0].host, "av.example");
	ck_assert_uint_eq(s->reqmod[0].port, 1344);
	ck_assert_int_eq(s->reqmod[0].tls, 0);
	ck_assert_uint_eq(s->reqmod[0].weight, 1);
	ck_assert_uint_eq(s->reqmod[0].tier, 0);
	ck_assert_int_eq(s->fail.reqmod | s->fail.respmod, 0);
	ck_assert_int_eq(s->tls_fail_open, 0);
	ck_assert_int_eq(s->preview, ICAP_PREVIEW_AUTO);
	ck_assert_uint_eq(s->connect_timeout, 2000);
	ck_assert_uint_eq(s->first_byte_timeout, 10000);
	ck_assert_uint_eq(s->idle_timeout, 30000);
	ck_assert_uint_eq(s->max_body, 64 << 20);
	ck_assert_int_eq(s->oversize, OVERSIZE_DEFAULT);
	ck_assert_uint_eq(s->stream_after, 60000);
	ck_assert_int_eq(s->monitor, 0);
	ck_assert_uint_eq(s->sample, 1);
	ck_assert_int_eq(s->options, 1);
	ck_assert_int_eq(s->allow_204, 1);
	ck_assert_int_eq(s->allow_206, 1);
	ck_assert_uint_eq(s->connections, 0);
	ck_assert_uint_eq(s->queue, 256);
	ck_assert_uint_eq(s->queue_timeout, 5000);
	ck_assert_uint_eq(s->keep_idle, 4000);
	ck_assert_int_eq(s->persist, 0);
	ck_assert_ptr_null(s->trust);
	ck_assert_ptr_null(s->certificate);
	ck_assert_ptr_null(s->key);
	ck_assert_ptr_null(s->auth);
	ck_assert_int_eq(s->proxy_auth, 1);
	ck_assert_uint_eq(s->headers.n, 0);
	ck_assert_uint_eq(s->encodings.n, 0);
	ck_assert_int_eq(s->messages[MESSAGES_WEBSOCKET], 0);
	ck_assert_int_eq(s->messages[MESSAGES_GRPC], 0);
	ck_assert_uint_eq(s->echo.n, 0);
	ck_assert_uint_eq(s->bypass_types.n, 5);
	ck_assert_str_eq(s->bypass_types.v[2], "application/grpc*");
	conf_unref(c);
}
END

TEST(all_that_a_service_may_say)
{
	struct conf *c = good(LISTEN
	    "icap:\n"
	    "- name: av\n"
	    "  respmod:\n"
	    "  - icaps://a.example:11345/av\n"
	    "  - {url: \"icap://[2001:db8::1]:1345/\", weight: 3}\n"
	    "  - {url: \"ICAPS://192.0.2.1/a/b\", tier: 1}\n"
	    "  fail: open\n"
	    "  preview: 4k\n"
	    "  timeout: {connect: 500ms, first-byte: 1s, idle: 1m}\n"
	    "  max-body: 1G\n"
	    "  oversize: block\n"
	    "  stream-after: 0s\n"
	    "  monitor: yes\n"
	    "  sample: 100\n"
	    "  options: off\n"
	    "  allow-204: no\n"
	    "  allow-206: no\n"
	    "  connections: 7\n"
	    "  queue: {size: 0, timeout: 1s}\n"
	    "  keep-idle: 0s\n"
	    "  balance: client-address\n"
	    "  trust: /etc/icap.pem\n"
	    "  certificate: /etc/us.pem\n"
	    "  key: /etc/us.key\n"
	    "  tls-fail-open: yes\n"
	    "  proxy-authorization: no\n"
	    "  accept-encoding: [GZip, zstd]\n"
	    "  auth: \"me:pass:word\"\n"
	    "  headers: [\"X-Gateway: gw 1\", \"X-Empty:\"]\n"
	    "  echo-headers: X-ICAP-E2G\n"
	    "  websocket: message\n"
	    "  grpc: message\n"
	    "  bypass-types: [Video/MP4, \"text/*\"]\n");
	const struct conf_icap *s = c->icaps;

	ck_assert_uint_eq(s->nrespmod, 3);
	ck_assert_str_eq(s->respmod[0].host, "a.example");
	ck_assert_uint_eq(s->respmod[0].port, 11345);
	ck_assert_int_eq(s->respmod[0].tls, 1);
	ck_assert_str_eq(s->respmod[1].host, "2001:db8::1");
	ck_assert_uint_eq(s->respmod[1].port, 1345);
	ck_assert_uint_eq(s->respmod[1].weight, 3);
	ck_assert_uint_eq(s->respmod[2].port, 11344);
	ck_assert_str_eq(s->respmod[2].url, "ICAPS://192.0.2.1/a/b");
	ck_assert_uint_eq(s->respmod[2].tier, 1);
	ck_assert_int_eq(s->fail.reqmod & s->fail.respmod, 1);
	ck_assert_int_eq(s->tls_fail_open, 1);
	ck_assert_int_eq(s->preview, 4096);
	ck_assert_uint_eq(s->connect_timeout, 500);
	ck_assert_uint_eq(s->idle_timeout, 60000);
	ck_assert_int_eq(s->oversize, OVERSIZE_BLOCK);
	ck_assert_uint_eq(s->stream_after, 0);
	ck_assert_int_eq(s->monitor, 1);
	ck_assert_uint_eq(s->sample, 100);
	ck_assert_int_eq(s->options, 0);
	ck_assert_int_eq(s->allow_204 | s->allow_206, 0);
	ck_assert_uint_eq(s->connections, 7);
	ck_assert_uint_eq(s->queue, 0);
	ck_assert_int_eq(s->messages[MESSAGES_WEBSOCKET], 1);
	ck_assert_int_eq(s->messages[MESSAGES_GRPC], 1);
	ck_assert_uint_eq(s->keep_idle, 0);
	ck_assert_int_eq(s->persist, 1);
	ck_assert_str_eq(s->trust, "/etc/icap.pem");
	ck_assert_str_eq(s->certificate, "/etc/us.pem");
	ck_assert_str_eq(s->key, "/etc/us.key");
	ck_assert_str_eq(s->auth, "me:pass:word");
	ck_assert_int_eq(s->proxy_auth, 0);
	ck_assert_uint_eq(s->encodings.n, 2);
	ck_assert_str_eq(s->encodings.v[0], "gzip");
	ck_assert_uint_eq(s->headers.n, 2);
	ck_assert_str_eq(s->headers.v[0], "X-Gateway: gw 1");
	ck_assert_str_eq(s->echo.v[0], "X-ICAP-E2G");
	ck_assert_str_eq(s->bypass_types.v[0], "video/mp4");
	ck_assert_uint_eq(s->bypass_types.n, 2);
	conf_unref(c);
}
END

TEST(failure_has_a_word_for_each_direction)
{
	struct conf *c = good(LISTEN "icap:\n"
	    "- {name: a, reqmod: \"icap://h/\", fail: {reqmod: open}}\n"
	    "- {name: b, reqmod: \"icap://h/\", fail: {respmod: open}}\n"
	    "- {name: c, reqmod: \"icap://h/\", "
	    "fail: {reqmod: closed, respmod: open}}\n");

	ck_assert_int_eq(c->icaps[0].fail.reqmod, 1);
	ck_assert_int_eq(c->icaps[0].fail.respmod, 0);
	ck_assert_int_eq(c->icaps[1].fail.reqmod, 0);
	ck_assert_int_eq(c->icaps[1].fail.respmod, 1);
	ck_assert_int_eq(c->icaps[2].fail.reqmod, 0);
	ck_assert_int_eq(c->icaps[2].fail.respmod, 1);
	conf_unref(c);
	bad_part("icap:\n"
	    "- {name: a, reqmod: \"icap://h/\", fail: {reqmod: ajar,"
	    " request: open}}\n",
	    "c:3:49: \"ajar\" is no \"reqmod\"; write closed or open\n"
	    "c:3:55: unknown key \"request\"; the keys of fail are reqmod, "
	    "respmod\n");
}
END

TEST(codings_are_a_list_or_any)
{
	struct conf *c = good(LISTEN "icap:\n"
	    "- {name: a, reqmod: \"icap://h/\", accept-encoding: any}\n"
	    "- {name: b, reqmod: \"icap://h/\", accept-encoding: [ANY]}\n"
	    "- {name: c, reqmod: \"icap://h/\", accept-encoding: br}\n");

	ck_assert_uint_eq(c->icaps[0].encodings.n, 1);
	ck_assert_str_eq(c->icaps[1].encodings.v[0], "any");
	ck_assert_uint_eq(c->icaps[2].encodings.n, 1);
	conf_unref(c);
	bad_part("icap:\n"
	    "- {name: a, reqmod: \"icap://h/\", "
	    "accept-encoding: [any, gzip]}\n"
	    "- {name: b, reqmod: \"icap://h/\", "
	    "accept-encoding: [\"gzip;q=1\"]}\n"
	    "- {name: c, reqmod: \"icap://h/\", accept-encoding: []}\n",
	    "c:3:51: \"any\" stands alone; write accept-encoding: any\n"
	    "c:4:52: \"gzip;q=1\" is not a content coding; write such as "
	    "gzip, deflate or br, or any\n"
	    "c:5:51: \"accept-encoding\" is empty; write identity for none, "
	    "or any\n");
}
END

TEST(what_passes_unseen_is_what_the_service_says_or_the_rule)
{
	static const struct {
		int		 oversize;
		int		 fail[2], open;
		int		 passes[2];
	} cases[] = {
		{ OVERSIZE_DEFAULT, { 0, 0 }, 0, { 0, 0 } },
		{ OVERSIZE_DEFAULT, { 0, 0 }, 1, { 1, 1 } },
		{ OVERSIZE_DEFAULT, { 1, 0 }, 0, { 1, 0 } },
		{ OVERSIZE_DEFAULT, { 0, 1 }, 0, { 0, 1 } },
		{ OVERSIZE_BLOCK, { 1, 1 }, 1, { 0, 0 } },
		{ OVERSIZE_BYPASS, { 0, 0 }, 0, { 1, 1 } },
	};
	struct conf_icap s;
	size_t i, r;

	for (i = 0; i < NELEM(cases); i++) {
		memset(&s, 0, sizeof(s));
		s.oversize = (enum conf_oversize)cases[i].oversize;
		s.fail.reqmod = cases[i].fail[0];
		s.fail.respmod = cases[i].fail[1];
		for (r = 0; r < 2; r++)
			ck_assert_msg(conf_icap_passes(&s, (int)r,
			    cases[i].open) == cases[i].passes[r], "%zu %zu",
			    i, r);
	}
}
END

TEST(macros_are_found_in_their_order)
{
	static const char s[] = "%{src}:%{src-port} 5% %{none} %{tx";
	enum conf_macro which;
	const char *end, *at = conf_macro(s, &end, &which);

	ck_assert_ptr_eq(at, s);
	ck_assert_int_eq(which, MACRO_SRC);
	ck_assert_str_eq(end, ":%{src-port} 5% %{none} %{tx");
	at = conf_macro(end, &end, &which);
	ck_assert_int_eq(which, MACRO_SRC_PORT);
	at = conf_macro(end, &end, &which);
	ck_assert_int_eq(which, MACRO_MAX);
	ck_assert_str_eq(at, "%{none} %{tx");
	at = conf_macro(end, &end, &which);
	ck_assert_int_eq(which, MACRO_MAX);
	ck_assert_str_eq(end, "");
	ck_assert_ptr_null(conf_macro(end, &end, &which));
	ck_assert_ptr_null(conf_macro("100% {src}", &end, &which));
}
END

TEST(keys_that_go_with_others)
{
#define MACROS	" is not known; write one of %{src} %{src-port} " \
		"%{dst} %{dst-port} %{sni} %{host} %{listener} " \
		"%{rule} %{ja4} %{cert-subject} %{user} " \
		"%{user-uri} %{flow} %{tx}\n"
	bad_part("icap:\n"
	    "- name: a\n"
	    "  reqmod: icaps://h/x\n"
	    "  certificate: /us.pem\n"
	    "- name: b\n"
	    "  reqmod: icaps://h/x\n"
	    "  key: /us.key\n"
	    "- name: c\n"
	    "  reqmod: icap://h/x\n"
	    "  certificate: /us.pem\n"
	    "  key: /us.key\n"
	    "  tls-fail-open: yes\n"
	    "  sample: 3\n"
	    "- name: d\n"
	    "  reqmod: icap://h/x\n"
	    "  monitor: yes\n"
	    "  sample: 0\n"
	    "  stream-after: 2h\n"
	    "- name: e\n"
	    "  reqmod: icap://h/x\n"
	    "  headers: [\"X: %{sni}\", \"X: %{snow}\", \"X: %{src\"]\n",
	    "c:3:3: \"certificate\" and \"key\" go together; write both\n"
	    "c:6:3: \"certificate\" and \"key\" go together; write both\n"
	    "c:11:3: \"certificate\" goes with icaps:// only; take it out\n"
	    "c:12:3: \"key\" goes with icaps:// only; take it out\n"
	    "c:13:3: \"tls-fail-open\" goes with icaps:// only; take it "
	    "out\n"
	    "c:14:3: \"sample\" goes with monitor: yes only; take it out\n"
	    "c:18:11: 0 is out of range; write 1 to 1000000\n"
	    "c:19:17: 2h is out of range; write 0ms to 1h\n"
	    "c:22:26: \"%{snow}\"" MACROS
	    "c:22:40: \"%{src\"" MACROS);
}
END

TEST(previews_are_sizes_or_words)
{
	struct conf *c = good(LISTEN "icap:\n"
	    "- {name: a, reqmod: \"icap://h/\", preview: off}\n"
	    "- {name: b, reqmod: \"icap://h/\", preview: 0}\n"
	    "- {name: c, reqmod: \"icap://h/\", preview: 64k, trust: system,"
	    " respmod: \"icaps://h/\", bypass-types: []}\n");

	ck_assert_int_eq(c->icaps[0].preview, ICAP_PREVIEW_OFF);
	ck_assert_int_eq(c->icaps[1].preview, 0);
	ck_assert_int_eq(c->icaps[2].preview, 65536);
	ck_assert_ptr_null(c->icaps[2].trust);
	ck_assert_uint_eq(c->icaps[2].bypass_types.n, 0);
	conf_unref(c);
}
END

TEST(rules_name_services_in_their_order)
{
	struct conf *c = good(LISTEN "icap:\n" AV
	    "- {name: dlp, reqmod: \"icap://h/dlp\"}\n"
	    "rules:\n"
	    "- {name: a, port: 1, action: decrypt, icap: [dlp, av]}\n"
	    "- {name: b, port: 2, action: decrypt, icap: dlp}\n"
	    "- {name: c, action: decrypt}\n");

	ck_assert_uint_eq(c->rules[0].nicaps, 2);
	ck_assert_uint_eq(c->rules[0].icaps[0], 1);
	ck_assert_uint_eq(c->rules[0].icaps[1], 0);
	ck_assert_uint_eq(c->rules[1].nicaps, 1);
	ck_assert_uint_eq(c->rules[2].nicaps, 0);
	conf_unref(c);
}
END

TEST(without_rules_all_services_are_asked)
{
	struct conf *c = good(LISTEN "icap:\n" AV
	    "- {name: dlp, reqmod: \"icap://h/dlp\"}\n");

	ck_assert_uint_eq(c->rules[0].nicaps, 2);
	ck_assert_uint_eq(c->rules[0].icaps[1], 1);
	conf_unref(c);
	bad_part("icap:\n"
	    "- {name: a, reqmod: \"icap://h/\"}\n"
	    "- {name: b, reqmod: \"icap://h/\"}\n"
	    "- {name: c, reqmod: \"icap://h/\"}\n"
	    "- {name: d, reqmod: \"icap://h/\"}\n"
	    "- {name: e, reqmod: \"icap://h/\"}\n"
	    "- {name: f, reqmod: \"icap://h/\"}\n"
	    "- {name: g, reqmod: \"icap://h/\"}\n"
	    "- {name: h, reqmod: \"icap://h/\"}\n"
	    "- {name: i, reqmod: \"icap://h/\"}\n",
	    "c:2:1: without \"rules\" all services are used, and that can be "
	    "8 at most; write rules that name them\n");
}
END

TEST(urls_that_are_none)
{
#define RIGHT	"; write icap://HOST:PORT/SERVICE, or icaps:// for TLS\n"
	bad_part("icap:\n"
	    "- name: a\n"
	    "  reqmod: http://h/x\n"
	    "  respmod:\n"
	    "  - icap://h\n"
	    "  - icap:///x\n"
	    "  - icap://h:0/x\n"
	    "  - icap://h:65536/x\n"
	    "  - icap://h:/x\n"
	    "  - icap://h:1344x/x\n"
	    "  - \"icap://[::1/x\"\n"
	    "  - \"icap://[::1]x/x\"\n"
	    "  - \"icap://[1.2.3.4]/x\"\n"
	    "  - \"icap://::1/x\"\n"
	    "  - \"icap://h/x y\"\n"
	    "  - \"icap://h/x#y\"\n"
	    "  - icap://a_b..c/x\n"
	    "  - icap://me:pw@h/x\n"
	    "  - 7\n",
	    "c:4:11: \"http://h/x\" is not an ICAP URL" RIGHT
	    "c:6:5: \"icap://h\" names no service" RIGHT
	    "c:7:5: \"icap:///x\" has no valid host and port" RIGHT
	    "c:8:5: \"icap://h:0/x\" has no valid host and port" RIGHT
	    "c:9:5: \"icap://h:65536/x\" has no valid host and port" RIGHT
	    "c:10:5: \"icap://h:/x\" has no valid host and port" RIGHT
	    "c:11:5: \"icap://h:1344x/x\" has no valid host and port" RIGHT
	    "c:12:5: \"icap://[::1/x\" has no valid host and port" RIGHT
	    "c:13:5: \"icap://[::1]x/x\" has no valid host and port" RIGHT
	    "c:14:5: \"icap://[1.2.3.4]/x\" has no valid host and port" RIGHT
	    "c:15:5: \"icap://::1/x\" has no valid host and port" RIGHT
	    "c:16:5: \"icap://h/x y\" has a character that a URL cannot have"
	    RIGHT
	    "c:17:5: \"icap://h/x#y\" has a character that a URL cannot have"
	    RIGHT
	    "c:18:5: \"icap://a_b..c/x\" has no valid host and port" RIGHT
	    "c:19:5: a user does not go into the URL; write auth: "
	    "\"USER:PASSWORD\" beside \"respmod\"\n"
	    "c:20:5: \"7\" is not an ICAP URL" RIGHT);
}
END

TEST(farms_that_cannot_be)
{
	bad_part("icap:\n"
	    "- {name: a}\n"
	    "- {name: b, reqmod: []}\n"
	    "- {name: c, reqmod: [\"icap://h/\", \"icap://h/\"]}\n"
	    "- {name: d, reqmod: [{url: \"icap://h/\", tier: 1}]}\n"
	    "- {name: e, reqmod: [{weight: 0, tear: 1}]}\n"
	    "- {name: f, reqmod: {url: \"icap://h/\"}}\n"
	    "- {name: a, respmod: [[x]]}\n",
	    "c:3:3: an ICAP service needs \"reqmod\", \"respmod\" or both; "
	    "write icap://HOST:PORT/SERVICE\n"
	    "c:4:21: \"reqmod\" is empty; give it a URL or take it out\n"
	    "c:5:21: the server \"icap://h/\" is named twice; take one out, "
	    "or give it more weight\n"
	    "c:6:21: no server is of tier 0, the first; number them from "
	    "there\n"
	    "c:7:22: a server needs \"url\"; write "
	    "icap://HOST:PORT/SERVICE\n"
	    "c:7:31: 0 is out of range; write 1 to 1000\n"
	    "c:7:34: unknown key \"tear\", did you mean \"tier\"?\n"
	    "c:8:21: \"reqmod\" is a list; write [a, b, c]\n"
	    "c:9:10: there is a service \"a\" already; give each a name of "
	    "its own\n"
	    "c:9:23: \"respmod\" is a single value, not a list\n");
}
END

TEST(values_of_a_service_that_are_wrong)
{
	bad_part("icap:\n"
	    "- name: a\n"
	    "  respmod: icap://h/x\n"
	    "  fail: ajar\n"
	    "  preview: 65k\n"
	    "  timeout: {connect: 0s, total: 1s}\n"
	    "  max-body: 0\n"
	    "  oversize: drop\n"
	    "  monitor: perhaps\n"
	    "  connections: 0\n"
	    "  queue: {size: many}\n"
	    "  balance: round-robin\n"
	    "  trust: /x.pem\n"
	    "  auth: secret\n"
	    "- {name: b, preview: some, reqmod: \"icap://h/\"}\n",
	    "c:5:9: \"ajar\" is no \"fail\"; write closed or open\n"
	    "c:6:12: 65k is out of range; write 0 to 64k, or auto, or off\n"
	    "c:7:22: 0s is out of range; write 100ms to 1h\n"
	    "c:7:26: unknown key \"total\"; the keys of timeout are connect, "
	    "first-byte, idle\n"
	    "c:8:13: 0 is out of range; write 1k to 1024G\n"
	    "c:9:13: \"drop\" is no \"oversize\"; write stream, bypass or "
	    "block\n"
	    "c:10:12: \"perhaps\" is not yes or no\n"
	    "c:11:16: 0 is out of range; write auto or 1 to 65535\n"
	    "c:12:17: \"many\" is not a number; write 0 to 100000\n"
	    "c:13:12: \"round-robin\" is no \"balance\"; write least-busy or "
	    "client-address\n"
	    "c:14:3: \"trust\" goes with icaps:// only; take it out\n"
	    "c:15:9: \"auth\" is a user and a password; write "
	    "\"USER:PASSWORD\"\n"
	    "c:16:22: \"some\" is not a size; write 65536, 64k, 16M or 1G, "
	    "or auto, or off\n");
}
END

TEST(fields_and_media_types_that_are_wrong)
{
	bad_part("icap:\n"
	    "- name: a\n"
	    "  respmod: icap://h/x\n"
	    "  headers:\n"
	    "  - X-A\n"
	    "  - \"X A: b\"\n"
	    "  - \"X-A: b\\r\\nX-B: c\"\n"
	    "  - \"host: x\"\n"
	    "  - \"Encapsulated: null-body=0\"\n"
	    "  echo-headers: [\"X-A: b\", preview]\n"
	    "  bypass-types: [video, \"*/mp4\", a/b/c, \"a/*b\", \"*\"]\n",
	    "c:6:5: \"X-A\" is not a field; write \"Name: value\"\n"
	    "c:7:5: \"X A: b\" is not a field; write \"Name: value\"\n"
	    "c:8:5: \"X-A: b??X-B: c\" is not a field; write \"Name: "
	    "value\"\n"
	    "c:9:5: \"host\" is written by clearspan itself; take it out, "
	    "see \"reqmod\"\n"
	    "c:10:5: \"Encapsulated\" is written by clearspan itself; take "
	    "it out\n"
	    "c:11:18: \"X-A: b\" is not the name of a field; write such as "
	    "X-ICAP-E2G\n"
	    "c:11:28: \"preview\" is written by clearspan itself; take it "
	    "out, see \"preview\"\n"
	    "c:12:18: \"video\" is not a media type; write such as "
	    "video/mp4, \"video/*\" or \"application/grpc*\"\n"
	    "c:12:25: \"*/mp4\" is not a media type; write such as "
	    "video/mp4, \"video/*\" or \"application/grpc*\"\n"
	    "c:12:34: \"a/b/c\" is not a media type; write such as "
	    "video/mp4, \"video/*\" or \"application/grpc*\"\n"
	    "c:12:41: \"a/*b\" is not a media type; write such as "
	    "video/mp4, \"video/*\" or \"application/grpc*\"\n");
}
END

TEST(services_of_rules_that_are_wrong)
{
	bad_part("icap:\n" AV
	    "rules:\n"
	    "- {name: a, port: 1, action: bypass, icap: av}\n"
	    "- {name: b, port: 2, action: decrypt, icap: [aw]}\n"
	    "- {name: d, action: decrypt, icap: [av,av,av,av,av,av,av,av,"
	    "av]}\n",
	    "c:5:38: \"icap\" goes with action decrypt only; take it out\n"
	    "c:6:46: no service \"aw\" under \"icap\", did you mean \"av\"?\n"
	    "c:7:36: too many entries in \"icap\"; at most 8\n");
	bad_part("icap:\n" AV
	    "rules: [{name: a, action: decrypt, icap: [av, av]}]\n",
	    "c:4:42: the service \"av\" is named twice\n");
	bad_part("rules: [{name: a, action: decrypt, icap: [av]}]\n",
	    "c:2:43: no service \"av\" under \"icap\"; define it there, or "
	    "take it out\n");
}
END

SUITE("icap", defaults_of_a_service, all_that_a_service_may_say,
    failure_has_a_word_for_each_direction, codings_are_a_list_or_any,
    what_passes_unseen_is_what_the_service_says_or_the_rule,
    macros_are_found_in_their_order, keys_that_go_with_others,
    previews_are_sizes_or_words,
    rules_name_services_in_their_order,
    without_rules_all_services_are_asked, urls_that_are_none,
    farms_that_cannot_be, values_of_a_service_that_are_wrong,
    fields_and_media_types_that_are_wrong,
    services_of_rules_that_are_wrong)
