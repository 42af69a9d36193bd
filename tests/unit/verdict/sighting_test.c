/*
 * Lines of products, up to who is meant and what is done.
 */
#include "verdict/sighting.h"

#include <stdio.h>
#include <string.h>

#include "conf/verdicts.h"
#include "test.h"
#include "util/err.h"
#include "verdict/respond.h"

static struct text message;
static struct fields fields;
static struct sighting seen;
static struct conf_products own;	/* the operator's */

/* Read a line as far as a sighting. */
static int
sees(const char *line)
{
	char *copy = strdup(line);
	const char *why = NULL;
	int rv = fields_make(&message, 3, 77, copy, strlen(copy), &why);

	free(copy);
	if (rv != 0)
		return rv;
	ck_assert_int_eq(fields_read(&fields, message.s, message.len), 0);
	ck_assert_uint_eq(fields.head.sensor, 3);
	ck_assert_uint_eq(fields.head.at, 77);
	ck_assert_str_eq(fields.line, line);
	sighting_read(&seen, &own, &fields);
	return 0;
}

static int
inside(void *arg, const struct addr *a)
{
	struct prefix p;

	prefix_parse(&p, "10.0.0.0/8");
	return prefix_has(&p, a);
}

static const char *
text(const char *s)
{
	return s != NULL ? s : "-";
}

TEST(products_say_who_it_is_about)
{
	static const struct {
		const char	*line, *product, *signature, *category, *who;
		int		 severity;
	} t[] = {
		{ "{\"event_type\":\"alert\",\"src_ip\":\"10.0.0.1\","
		  "\"dest_ip\":\"192.0.2.1\",\"alert\":{\"signature\":\"S\","
		  "\"category\":\"C\",\"severity\":2}}",
		  "suricata", "S", "C", "10.0.0.1", 6 },
		{ "{\"event_type\":\"alert\",\"src_ip\":\"192.0.2.1\","
		  "\"dest_ip\":\"10.0.0.2\",\"alert\":{\"signature_id\":7,"
		  "\"severity\":9}}", "suricata", "7", "-", "10.0.0.2", 0 },
		{ "{\"event_type\":\"alert\",\"src_ip\":\"10.0.0.1\","
		  "\"dest_ip\":\"10.0.0.2\",\"alert\":{\"severity\":1,"
		  "\"target\":{\"ip\":\"10.0.0.2\"}}}", "suricata", "-", "-",
		  "10.0.0.2", 9 },
		{ "{\"event_type\":\"alert\",\"src_ip\":\"10.0.0.1\","
		  "\"dest_ip\":\"10.0.0.2\",\"alert\":{\"severity\":1}}",
		  "suricata", "-", "-", "ambiguous", 9 },
		{ "{\"event_type\":\"alert\",\"src_ip\":\"192.0.2.1\","
		  "\"dest_ip\":\"x\",\"alert\":{}}", "suricata", "-", "-",
		  "nobody", 5 },
		{ "{\"note\":\"Scan::Port_Scan\",\"msg\":\"m\",\"src\":"
		  "\"10.0.0.3\",\"dst\":\"10.0.0.4\"}", "zeek",
		  "Scan::Port_Scan", "m", "10.0.0.3", 5 },
		/* A type of no module; and a line that only looks like one. */
		{ "{\"note\":\"Beacon\",\"suppress_for\":3600.0,\"src\":"
		  "\"10.0.0.3\"}", "zeek", "Beacon", "-", "10.0.0.3", 5 },
		{ "{\"note\":\"Beacon\",\"src\":\"10.0.0.3\"}", "generic", "-",
		  "-", "10.0.0.3", 5 },
		{ "LEEF:1.0|Trend Micro|Deep Discovery Inspector|3.8|"
		  "SECURITY_RISK_DETECTION|src=10.0.0.9\tdst=10.0.0.5\t"
		  "interestedIp=10.0.0.5\tsev=8\tmsg=M", "ddi", "M",
		  "SECURITY_RISK_DETECTION", "10.0.0.5", 8 },
		{ "CEF:0|Trend Micro|Deep Security Agent|20|1|Eicar|10|"
		  "dvc=10.0.0.6 src=192.0.2.3", "deep-security", "Eicar", "1",
		  "10.0.0.6", 10 },
		/* As its guides have them. */
		{ "CEF: 0|Trend Micro|Deep Discovery Inspector|3.8.1175|20|"
		  "Malware URL requested - Type 1|6|dvc=10.0.0.250 dhost=x "
		  "src=10.0.0.4 dst=10.0.0.5 c6a1Label=Interested IPv6 c6a1= "
		  "destinationTranslatedAddress=10.0.0.4 "
		  "sourceTranslatedAddress=10.0.0.5 cat=Malware", "ddi",
		  "Malware URL requested - Type 1", "Malware", "10.0.0.5", 6 },
		{ "CEF:0|Trend Micro|Deep Discovery Inspector|6|20|N|8|"
		  "c6a2=2001:db8::1 c6a3=::ffff:10.0.0.3 "
		  "c6a1=::ffff:10.0.0.3", "ddi", "N", "20", "10.0.0.3", 8 },
		{ "<134>Nov 29 04:31:43 10.0.0.200 CEF:0|Trend Micro|Deep "
		  "Security Agent|20|1|Eicar|10|dvchost=::ffff:10.0.0.6 "
		  "src=192.0.2.3", "deep-security", "Eicar", "1", "10.0.0.6",
		  10 },
		{ "<134>Nov 29 04:31:43 10.0.0.200 CEF:0|Trend Micro|Deep "
		  "Security Agent|20|1|Eicar|10|dvchost=pc7 src=192.0.2.3",
		  "deep-security", "Eicar", "1", "nobody", 10 },
		{ "<134>Nov 29 04:31:43 10.0.0.7 CEF:0|Trend Micro|Deep "
		  "Security Agent|20|1|Eicar|10|src=192.0.2.3",
		  "deep-security", "Eicar", "1", "10.0.0.7", 10 },
		{ "<134>Nov 29 04:31:43 10.0.0.200 CEF:0|Trend Micro|Deep "
		  "Security Manager|20|600|Signed In|8|src=10.0.0.9 "
		  "suser=admin", "deep-security", "Signed In", "600",
		  "nobody", 8 },
		{ "CEF:0|Palo Alto Networks|PAN-OS|10.1|Beacon(39040)|THREAT|"
		  "4|src=10.0.0.7 dst=192.0.2.3 cat=Beacon(39040) "
		  "PanOSThreatCategory=spyware", "palo-alto",
		  "Beacon(39040)", "spyware", "10.0.0.7", 8 },
		{ "CEF:0|Palo Alto Networks|PAN-OS|8.1|virus|THREAT|5|"
		  "src=192.0.2.3 dst=10.0.0.7 cat=Eicar(100)", "palo-alto",
		  "Eicar(100)", "virus", "10.0.0.7", 10 },
		{ "LEEF:2.0|Palo Alto Networks|PAN-OS Syslog Integration|10.1|"
		  "Eicar(100)|x7C|cat=THREAT|src=10.0.0.7|dst=192.0.2.3|"
		  "sev=3|Severity=medium", "palo-alto", "Eicar(100)", "THREAT",
		  "10.0.0.7", 5 },
		{ "CEF:0|Fortinet|Fortigate|v7.4|16384|utm:ips signature|7|"
		  "cat=utm:ips FTNTFGTsubtype=ips FTNTFGTseverity=critical "
		  "src=10.0.0.8 dst=192.0.2.3 FTNTFGTattack=A b", "fortigate",
		  "A b", "ips", "10.0.0.8", 10 },
		{ "LEEF:1.0|x|y|1|id|src= 10.0.0.9 \tsev=7 \tmsg=M", "generic",
		  "M", "-", "10.0.0.9", 7 },
		{ "CEF:0|Palo Alto Networks|PAN-OS|11|spyware|Beacon|"
		  "Very-High|src=10.0.0.7 dst=192.0.2.3 cat=c2",
		  "palo-alto", "Beacon", "c2", "10.0.0.7", 10 },
		{ "date=2026-11-29 devid=FG1 logid=\"04\" subtype=ips "
		  "level=alert crlevel=medium srcip=10.0.0.8 dstip=192.0.2.3 "
		  "attack=\"A b\"", "fortigate", "A b", "ips", "10.0.0.8", 5 },
		{ "CEF:0|x|y|1|7|Name|3|src=10.0.0.1 dst=192.0.2.1",
		  "generic", "Name", "-", "10.0.0.1", 3 },
		{ "{\"src_ip\":\"192.0.2.1\",\"dest_ip\":\"10.0.0.1\","
		  "\"severity\":99}", "generic", "-", "-", "10.0.0.1", 10 },
		{ "{\"endpoint\":\"02:00:5E:10:00:01\",\"severity\":\"low\"}",
		  "generic", "-", "-", "02:00:5e:10:00:01", 3 },
		{ "endpoint=10.0.0.1 severity=-4 msg=hm", "generic", "hm",
		  "-", "10.0.0.1", 5 },
		/* A header's place is not taken by a field. */
		{ "{\"@vendor\":\"Trend Micro\",\"src\":\"10.0.0.1\"}",
		  "generic", "-", "-", "10.0.0.1", 5 },
	};
	struct endpoint who;
	char s[ADDR_STRLEN];
	size_t i;
	int rv;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ck_assert_msg(sees(t[i].line) == 0, "%s", t[i].line);
		ck_assert_msg(strcmp(seen.product, t[i].product) == 0,
		    "%s: %s", t[i].line, seen.product);
		ck_assert_str_eq(text(seen.signature), t[i].signature);
		ck_assert_str_eq(text(seen.category), t[i].category);
		ck_assert_msg(seen.severity == t[i].severity, "%s: %d",
		    t[i].line, seen.severity);
		rv = sighting_who(&seen, &who, inside, NULL);
		ck_assert_str_eq(rv == 0 ? endpoint_str(&who, s) :
		    rv == ERR_NOTFOUND ? "nobody" : "ambiguous", t[i].who);
	}
}
END

TEST(what_is_no_finding_is_no_sighting)
{
	ck_assert_int_eq(sees("{\"event_type\":\"flow\",\"src_ip\":"
	    "\"10.0.0.1\"}"), ERR_NOTFOUND);
	ck_assert_int_eq(sees("{\"event_type\":\"alert\""), ERR_FORMAT);
	ck_assert_int_eq(sees("[1]"), ERR_FORMAT);
	ck_assert_int_eq(sees("hello"), ERR_FORMAT);
}
END

static const char mine[] = "products:\n"
    "  - name: scanner\n"
    "    is: [{scanner: \"x*\"}, {probe: \"*\", kind: \"y*\"}]\n"
    "    endpoint: host\n"
    "    severity: score\n"
    "    range: 0-100\n"
    "    signature: what\n"
    "  - name: zeek\n"
    "    is: {note: \"*::*\"}\n"
    "    endpoint: dst\n"
    "    severity: sev\n"
    "    range: 5-1\n"
    "    scale: {bad: 9}\n";

TEST(an_operator_s_products_come_first)
{
	static const char notice[] = "{\"note\":\"A::B\",\"src\":\"10.0.0.3\","
	    "\"dst\":\"10.0.0.4\",\"sev\":\"%s\"}";
	static const struct {
		const char	*says;
		int		 severity;
	} t[] = { { "1", 10 }, { "5", 0 }, { "3", 5 }, { "9", 0 },
	    { "BAD", 9 }, { "low", 3 }, { "?", 5 } };
	struct text errors = { 0 }, line = { 0 };
	size_t i;

	ck_assert_int_eq(products_parse(&conf_world_none, "p", mine,
	    strlen(mine), &own, &errors), 0);
	ck_assert_int_eq(sees("scanner=x1 host=10.0.0.9 score=75 what=W "
	    "src=10.0.0.1"), 0);
	ck_assert_str_eq(seen.product, "scanner");
	ck_assert_str_eq(seen.named[0], "10.0.0.9");
	ck_assert_int_eq(seen.severity, 7);
	/* One kind of its lines in whole, not parts of two. */
	ck_assert_int_eq(sees("probe=1 kind=y2 host=10.0.0.9"), 0);
	ck_assert_str_eq(seen.product, "scanner");
	ck_assert_int_eq(sees("scanner=z kind=y2 src=10.0.0.9"), 0);
	ck_assert_str_eq(seen.product, "generic");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		text_clear(&line);
		text_printf(&line, notice, t[i].says);
		ck_assert_int_eq(sees(line.s), 0);
		ck_assert_str_eq(seen.product, "zeek");
		ck_assert_str_eq(seen.named[0], "10.0.0.4");
		ck_assert_msg(seen.severity == t[i].severity, "%s: %d",
		    t[i].says, seen.severity);
	}
	ck_assert_int_eq(sees("{\"srcip\":\"10.0.0.7\"}"), 0);
	ck_assert_str_eq(seen.product, "fortindr");
	ck_assert_str_eq(seen.ends[0], "10.0.0.7");
	products_drop(&own);
	text_free(&line);
	text_free(&errors);
}
END

TEST(wrong_products_are_told_where)
{
	static const char text[] = "products:\n"
	    "  - {name: a, is: {x: y}}\n"
	    "  - {name: b, endpoint: c}\n"
	    "  - {name: c, is: {x: y}, ends: src}\n"
	    "  - {name: d, is: {x: y}, endpoint: e, range: 5, scale: {f: 11},"
	    " peers: g}\n"
	    "  - {name: e, is: [{x: y}, {}], endpoint: f}\n"
	    "  - {name: f, is: {}, endpoint: f}\n"
	    "  - {name: g, is: [x, {y: z}], endpoint: f}\n"
	    "  - {name: h, is: [{x: [y]}, {y: z}], endpoint: f}\n";
	struct text errors = { 0 };

	ck_assert_int_eq(products_parse(&conf_world_none, "p", text,
	    strlen(text), &own, &errors), ERR_USAGE);
	ck_assert_str_eq(errors.s,
	    "p:2:5: nothing says who is meant; write \"endpoint\", the field "
	    "with the endpoint's address, or \"ends\", both of a connection\n"
	    "p:3:5: nothing says which lines are its own; write \"is\", as in "
	    "{\"@vendor\": Example}\n"
	    "p:4:33: \"ends\" are two fields, of which one is the endpoint; "
	    "write [src, dst]\n"
	    "p:5:47: \"5\" is not a range of severities; write what is 0 and "
	    "what is 10, as in 0-100 or 5-1\n"
	    "p:5:61: \"11\" is not a severity; write a number from 0 to 10\n"
	    "p:5:66: unknown key \"peers\", did you mean \"peer\"?\n"
	    "p:6:28: an entry of \"is\" without a field would have all lines; "
	    "write one, as in {\"@vendor\": Example}, or take it out\n"
	    "p:7:5: nothing says which lines are its own; write \"is\", as in "
	    "{\"@vendor\": Example}\n"
	    "p:8:20: \"is\" is a mapping, as in {malType: \"RANSOM*\"}\n"
	    "p:9:24: \"is\" is a single value, not a list\n");
	products_drop(&own);
	text_free(&errors);
}
END

TEST(no_field_of_a_line_passes_for_one_of_ours)
{
	struct text t = { 0 };
	char *copy;
	const char *why;
	int i;

	ck_assert_int_eq(sees("{\"@vendor\":\"Palo Alto Networks\","
	    "\"@sender\":\"x\",\"src\":\"10.0.0.1\",\"a\":{\"@b\":1}}"), 0);
	ck_assert_str_eq(seen.product, "generic");
	ck_assert_ptr_null(fields_get(&fields, "@sender"));
	ck_assert_str_eq(fields_get(&fields, "a.@b"), "1");
	fields_add(&message, "@sender", "fw1.test");
	ck_assert_int_eq(fields_read(&fields, message.s, message.len), 0);
	ck_assert_str_eq(fields_get(&fields, "@sender"), "fw1.test");
	/* There is room for it whatever a line has. */
	text_puts(&t, "{\"x\":1");
	for (i = 0; i < 2 * FIELDS_MAX; i++)
		text_printf(&t, ",\"f%d\":%d", i, i);
	text_puts(&t, "}");
	copy = strdup(t.s);
	ck_assert_int_eq(fields_make(&message, 1, 1, copy, t.len, &why), 0);
	fields_add(&message, "@sender", "fw1.test");
	ck_assert_int_eq(fields_read(&fields, message.s, message.len), 0);
	ck_assert_uint_eq(fields.n, FIELDS_MAX);
	ck_assert_str_eq(fields_get(&fields, "@sender"), "fw1.test");
	free(copy);
	text_free(&t);
}
END

TEST(messages_that_lie_are_not_read)
{
	struct fields_head h = { .n = 1 };
	char m[sizeof(h) + 16];
	size_t n;

	ck_assert_int_eq(fields_read(&fields, "", 0), ERR_FORMAT);
	memcpy(m, &h, sizeof(h));
	memcpy(m + sizeof(h), "line\0a\0b\0", 9);
	n = sizeof(h) + 9;
	ck_assert_int_eq(fields_read(&fields, m, n), 0);
	ck_assert_str_eq(fields_get(&fields, "A"), "b");
	while (n-- > 0)		/* cut anywhere */
		ck_assert_int_eq(fields_read(&fields, m, n), ERR_FORMAT);
	h.n = FIELDS_MAX + 1;
	memcpy(m, &h, sizeof(h));
	ck_assert_int_eq(fields_read(&fields, m, sizeof(h) + 9), ERR_FORMAT);
}
END

/* A configuration of these responses. */
static struct conf *
made(const char *responses)
{
	struct text t = { 0 }, errors = { 0 };
	struct conf *c = NULL;

	text_printf(&t, "listen: [{name: g, mode: transparent, address: "
	    "\"[::]:8443\"}]\nquarantines: [{name: all}]\n"
	    "sensors: [{name: ids, eve: /a}, {name: ddi, syslog: "
	    "\"udp://[::1]:5514\"}]\nbreaker: {quarantines: 2, per: 10s}\n"
	    "responses:\n%s", responses);
	if (conf_parse_in(&conf_world_none, "c", t.s, t.len, &c,
	    &errors) != 0)
		ck_abort_msg("%s", errors.s);
	text_free(&t);
	return c;
}

/* The place of the response, from 1; 0: none. */
static size_t
answers(struct respond *d, const struct conf *c, const char *sensor,
    uint64_t now)
{
	struct endpoint who;
	const struct conf_response *r;

	endpoint_parse(&who, "10.0.0.1");
	r = respond_match(d, c, sensor, &seen, &who, now);
	return r == NULL ? 0 : (size_t)(r - c->responses) + 1;
}

TEST(the_first_response_that_matches)
{
	struct conf *c = made(
	    "  - {when: {sensor: ddi}, do: notify}\n"
	    "  - {when: {severity: \">8\"}, do: notify}\n"
	    "  - {when: {severity: 2-3, product: suri*}, do: notify}\n"
	    "  - {when: {signature: [x, \"*beacon*\"], category: \"*\"}, "
	    "do: quarantine, profile: all}\n"
	    "  - {when: {fields: {Extra.A: \"b*\", extra.c: \"*\"}}, "
	    "do: notify}\n");
	struct respond *d = respond_new(7);
	static const struct {
		const char	*more, *sensor;
		size_t		 want;
	} t[] = {
		{ "\"alert\":{\"severity\":1}", "ids", 2 },
		{ "\"alert\":{\"severity\":1}", "ddi", 1 },
		{ "\"alert\":{\"severity\":3}", "ids", 3 },
		{ "\"alert\":{\"severity\":2}", "ids", 0 },
		{ "\"alert\":{\"severity\":2,\"signature\":\"A BEACON!\","
		  "\"category\":\"c\"}", "ids", 4 },
		{ "\"alert\":{\"severity\":2,\"signature\":\"A BEACON!\"}",
		  "ids", 0 },
		{ "\"alert\":{\"severity\":2},\"extra\":{\"a\":\"Bc\","
		  "\"c\":0}", "ids", 5 },
		{ "\"alert\":{\"severity\":2},\"extra\":{\"a\":\"Bc\"}",
		  "ids", 0 },
	};
	struct text line = { 0 };
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		text_clear(&line);
		text_printf(&line, "{\"event_type\":\"alert\",%s}", t[i].more);
		ck_assert_int_eq(sees(line.s), 0);
		ck_assert_msg(answers(d, c, t[i].sensor, 0) == t[i].want,
		    "%s", line.s);
	}
	text_free(&line);
	respond_free(d);
	conf_unref(c);
}
END

TEST(a_count_is_within_its_time)
{
	struct conf *c = made("  - {when: {count: {of: 3, within: 10s}}, "
	    "do: notify}\n");
	struct respond *d = respond_new(7);

	sees("src=10.0.0.1 msg=x sev=1");
	ck_assert_uint_eq(answers(d, c, "ids", 0), 0);
	ck_assert_uint_eq(answers(d, c, "ids", 6000), 0);
	ck_assert_uint_eq(answers(d, c, "ids", 11000), 0);	/* 2 are */
	ck_assert_uint_eq(answers(d, c, "ids", 12000), 1);
	ck_assert_uint_eq(answers(d, c, "ids", 12001), 0);	/* anew */
	respond_free(d);
	conf_unref(c);
}
END

TEST(the_breaker_holds_and_closes_again)
{
	struct conf *c = made("  - {do: notify}\n");
	struct respond *d = respond_new(7);

	ck_assert_int_eq(respond_may(d, &c->breaker, 1000), 1);
	ck_assert_int_eq(respond_may(d, &c->breaker, 2000), 1);
	ck_assert_int_eq(respond_may(d, &c->breaker, 10999), 0);
	ck_assert_int_eq(respond_may(d, &c->breaker, 11000), 1);
	ck_assert_int_eq(respond_may(d, &c->breaker, 11001), 0);
	respond_free(d);
	conf_unref(c);
}
END

TEST(the_same_is_told_once_a_minute)
{
	struct conf *c = made("  - {do: notify}\n  - {do: notify}\n");
	struct respond *d = respond_new(7);
	struct endpoint a, b;

	endpoint_parse(&a, "10.0.0.1");
	endpoint_parse(&b, "10.0.0.2");
	sees("src=10.0.0.1 msg=x sev=1");
	ck_assert_int_eq(respond_again(d, &c->responses[0], &seen, &a, 1, 0),
	    0);
	ck_assert_int_eq(respond_again(d, &c->responses[0], &seen, &a, 1,
	    59999), 1);
	ck_assert_int_eq(respond_again(d, &c->responses[0], &seen, &a, 2, 0),
	    0);
	ck_assert_int_eq(respond_again(d, &c->responses[0], &seen, &b, 1, 0),
	    0);
	ck_assert_int_eq(respond_again(d, &c->responses[1], &seen, &a, 1, 0),
	    0);
	ck_assert_int_eq(respond_again(d, &c->responses[0], &seen, &a, 1,
	    60000), 0);
	respond_free(d);
	conf_unref(c);
}
END

static void
bad(const char *part, const char *want)
{
	struct text t = { 0 }, errors = { 0 };
	struct conf *c;

	text_printf(&t, "listen: [{name: g, mode: transparent, address: "
	    "\"[::]:8443\"}]\nquarantines: [{name: all}]\n%s\n", part);
	ck_assert_int_eq(conf_parse_in(&conf_world_none, "c", t.s, t.len, &c,
	    &errors), ERR_USAGE);
	ck_assert_msg(strstr(errors.s, want) != NULL, "%s: %s", part,
	    errors.s);
	text_free(&t);
	text_free(&errors);
}

TEST(wrong_sensors_and_responses_are_told_where)
{
	bad("sensors: [{name: a}]", "c:3:11: a sensor has either \"eve\"");
	bad("sensors: [{name: a, eve: x}]", "c:3:26: \"x\" is not where");
	bad("sensors: [{name: a, eve: \"unix:x\"}]", "is not where events");
	bad("sensors: [{name: a, syslog: \"dtls://[::1]:1\"}]",
	    "write udp://");
	bad("sensors: [{name: a, eve: /x, from: [10.0.0.1]}]",
	    "\"from\" goes with syslog and listen only");
	bad("sensors: [{name: a, eve: /x}, {name: a, eve: /y}]",
	    "there is a sensor \"a\" already");
	bad("sensors: [{name: a, eve: /x, listen: \"127.0.0.1:1\"}]",
	    "a sensor has either");
	bad("sensors: [{name: a, listen: \"127.0.0.1:1\"}]",
	    "anybody could quarantine");
	bad("sensors: [{name: a, listen: \"192.0.2.1:1\", token: a.token}]",
	    "c:3:21: tokens would cross the network in the clear");
	bad("sensors: [{name: a, listen: \"0.0.0.0:1\", token: a.token}]",
	    "in the clear");
	bad("sensors: [{name: a, eve: /x, role: viewer}]",
	    "\"role\" goes with listen only");
	bad("responses: [{do: quarantine}]", "needs the \"profile\"");
	bad("responses: [{do: quarantine, profile: al}]",
	    "c:3:39: there is no quarantine \"al\"");
	bad("responses: [{do: notify, profile: all}]",
	    "\"profile\" goes with do: quarantine only");
	bad("responses: [{when: {sensor: x}, do: notify}]", "sensor");
	bad("responses: [{when: {severity: \">11\"}, do: notify}]",
	    "c:3:31: \">11\" is not a severity");
	bad("responses: [{when: {severity: 7-3}, do: notify}]", "severity");
	bad("responses: [{when: {severity: \">\"}, do: notify}]", "severity");
	bad("responses: [{when: {fields: a}, do: notify}]", "is a mapping");
	bad("responses: [{do: notify, approval: yes}]", "\"approval\" goes "
	    "with do: quarantine, deny-server and step-up only");
	bad("responses: [{do: step-up, mirror: [x]}]", "mirror");
	bad("responses: [{do: deny-server, cut: yes}]",
	    "\"cut\" goes with do: step-up only");
	bad("responses: [{do: step-up, server: name}]",
	    "\"server\" goes with do: deny-server only");
	bad("responses: [{do: deny-server, approve-within: 1h}]",
	    "\"approve-within\" goes with approval only");
	bad("responses: [{do: deny-server, approval: maybe}]", "second-sensor");
	bad("rules: [{name: a, action: decrypt, never-decrypt: yes}]",
	    "\"never-decrypt\" goes with action bypass only");
	bad("responses: [{when: {count: {of: 65}}, do: notify}]", "64");
}
END

SUITE("sighting", products_say_who_it_is_about,
    what_is_no_finding_is_no_sighting,
    an_operator_s_products_come_first, wrong_products_are_told_where,
    no_field_of_a_line_passes_for_one_of_ours, messages_that_lie_are_not_read,
    the_first_response_that_matches, a_count_is_within_its_time,
    the_breaker_holds_and_closes_again, the_same_is_told_once_a_minute,
    wrong_sensors_and_responses_are_told_where)
