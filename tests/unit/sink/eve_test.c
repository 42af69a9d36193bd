/*
 * Events: what is written parses to what the record says.
 */
#include "sink/eve.h"

#include <jansson.h>
#include <string.h>

#include "record.h"
#include "test.h"
#include "util/mem.h"

static const struct timespec now = { 1795417200, 123456789 };

/* An event, as a reader has it. */
static json_t *
event(enum conf_event type, const struct record *r,
    const struct http_record *h, const struct icap_record *i,
    const struct timespec *when)
{
	struct text t = { NULL, 0, 0 };
	json_t *o;

	eve_event(&t, type, r, h, i, when);
	ck_assert_ptr_null(strchr(t.s, '\n'));
	o = json_loads(t.s, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(o);
	text_free(&t);
	return o;
}

#define ck_text(o, path, want)						\
	ck_assert_str_eq(json_string_value(at(o, path)), want)
#define ck_number(o, path, want)					\
	ck_assert_int_eq(json_integer_value(at(o, path)), want)

TEST(eve_flow_says_what_the_record_says)
{
	struct record r;
	json_t *o;

	record_fill(&r);
	o = event(EVENT_FLOW, &r, NULL, NULL, &now);
	ck_text(o, "timestamp", "2026-11-23T07:00:00.123456+00:00");
	ck_text(o, "event_type", "flow");
	ck_number(o, "flow_id", 7);
	ck_text(o, "community_id", "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	ck_text(o, "src_ip", "128.232.110.120");
	ck_number(o, "dest_port", 80);
	ck_text(o, "proto", "TCP");
	ck_text(o, "app_proto", "tls");
	ck_number(o, "flow.bytes_toclient", 5000000000);
	ck_number(o, "flow.age", 9);
	ck_text(o, "flow.reason", "client closed");
	ck_text(o, "tls.version", "TLS 1.3");
	ck_text(o, "tls.ja3.hash", "0149f47eabf9a20d0893e2a44e5a6323");
	ck_text(o, "clearspan.rule", "default");
	ck_text(o, "clearspan.action", "decrypt");
	ck_text(o, "clearspan.forged.ca", "trusted");
	ck_number(json_array_get(at(o, "clearspan.mirrors"), 0), "lost", 5);
	ck_assert_ptr_null(at(o, "clearspan.server"));
	json_decref(o);
}
END

TEST(eve_flow_has_the_devices_of_the_chain)
{
	static const struct record_hop hops[] = {
		{ "ips", "ips2", "failed", 0 },
		{ "ips", "ips1", "reset_by_device", 1500 },
		{ "dlp", NULL, "skipped", 0 },
	};
	struct conf_chain chain = { .ports_map = 1 };
	struct record r;
	json_t *o, *all;

	record_fill(&r);
	o = event(EVENT_FLOW, &r, NULL, NULL, &now);
	ck_assert_ptr_null(at(o, "clearspan.chain"));
	json_decref(o);
	r.hops = hops;
	r.nhops = NELEM(hops);
	rule.chain = &chain;
	addr_set_port(&facts.server, 443);
	o = event(EVENT_FLOW, &r, NULL, NULL, &now);
	rule.chain = NULL;
	all = at(o, "clearspan.chain");
	ck_assert_uint_eq(json_array_size(all), 3);
	ck_text(json_array_get(all, 1), "slot", "ips");
	ck_text(json_array_get(all, 1), "device", "ips1");
	ck_text(json_array_get(all, 1), "event", "reset_by_device");
	ck_assert_double_eq(json_real_value(at(json_array_get(all, 1), "ms")),
	    1.5);
	/* The device sees port 80. */
	ck_text(json_array_get(all, 1), "community_id",
	    "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	ck_assert_ptr_null(at(json_array_get(all, 0), "ms"));
	ck_assert_ptr_null(at(json_array_get(all, 2), "device"));
	json_decref(o);
}
END

TEST(eve_flow_of_an_undecided_session_leaves_out_what_is_not_known)
{
	struct verdict undecided = { 0 };
	struct facts f = { 0 };
	struct record r = { .facts = &f, .verdict = &undecided };
	json_t *o;

	addr_parse(&f.client, "[2001:db8::1]:5");
	o = event(EVENT_FLOW, &r, NULL, NULL, &now);
	ck_text(o, "src_ip", "2001:db8::1");
	ck_assert_ptr_null(at(o, "dest_ip"));
	ck_assert_ptr_null(at(o, "community_id"));
	ck_assert_ptr_null(at(o, "tls"));
	ck_assert_ptr_null(at(o, "clearspan.action"));
	json_decref(o);
}
END

TEST(eve_text_that_is_not_utf8_is_shown_escaped)
{
	struct record r;
	json_t *o;

	record_fill(&r);
	facts.sni = "a\xff\xc0\xafz\n\xed\xa0\x80\xc3\xa9\xf4\x90\x80\x80";
	o = event(EVENT_FLOW, &r, NULL, NULL, &now);
	ck_text(o, "tls.sni", "a\\xff\\xc0\\xafz\n\\xed\\xa0\\x80\xc3\xa9"
	    "\\xf4\\x90\\x80\\x80");
	json_decref(o);
}
END

static void
exchange_fill(struct http_record *h, const char *request,
    const char *response)
{
	static const struct timespec start = { 1795417199, 0 };
	struct http_text head = { 0 };

	ck_assert_int_eq(http_request(&head, request, strlen(request)), 0);
	http_record_request(h, &head.head, &start);
	if (response == NULL)
		return;
	memset(&head, 0, sizeof(head));
	ck_assert_int_eq(http_response(&head, response, strlen(response)),
	    0);
	http_record_response(h, &head.head, &now);
}

TEST(eve_http_has_the_names_of_eve)
{
	struct http_record h = { .number = 2 };
	struct record r;
	json_t *o;

	record_fill(&r);
	exchange_fill(&h, "POST /a?b=\xff HTTP/1.1\r\nHost: WWW.Example:81\r\n"
	    "User-Agent: curl/8\r\nReferer: http://x/\r\n"
	    "Content-Type: text/plain; charset=x\r\nContent-Length: 3\r\n\r\n",
	    "HTTP/1.1 302 Found\r\nContent-Type: text/html ; a=b\r\n"
	    "Location: /there\r\nContent-Length: 9\r\n\r\n");
	h.length[0] = 3;
	h.length[1] = 9;
	h.end = now;
	o = event(EVENT_HTTP, &r, &h, NULL, &now);
	ck_text(o, "event_type", "http");
	ck_text(o, "app_proto", "http");
	ck_number(o, "flow_id", 7);
	ck_number(o, "tx_id", 2);
	ck_text(o, "http.hostname", "www.example");
	ck_number(o, "http.http_port", 81);
	ck_text(o, "http.url", "/a?b=\\xff");
	ck_text(o, "http.http_user_agent", "curl/8");
	ck_text(o, "http.http_refer", "http://x/");
	ck_text(o, "http.http_method", "POST");
	ck_text(o, "http.protocol", "HTTP/1.1");
	ck_number(o, "http.status", 302);
	ck_text(o, "http.redirect", "/there");
	ck_text(o, "http.http_content_type", "text/html");
	ck_number(o, "http.length", 9);
	ck_text(o, "clearspan.request_content_type", "text/plain");
	ck_number(o, "clearspan.request_length", 3);
	ck_assert(json_is_true(at(o, "clearspan.tls")));
	ck_assert_double_eq_tol(json_real_value(at(o,
	    "clearspan.total_ms")), 1123.457, 0.01);
	json_decref(o);
	http_record_next(&h);
	ck_assert_uint_eq(h.number, 3);
	ck_assert(h.method == NULL);
}
END

TEST(eve_http_of_a_request_without_an_answer)
{
	struct http_record h = { 0 };
	struct record r;
	json_t *o;

	record_fill(&r);
	exchange_fill(&h, "GET http://[2001:db8::1]/ HTTP/1.0\r\n\r\n", NULL);
	h.why = "client closed";
	o = event(EVENT_HTTP, &r, &h, NULL, &now);
	ck_text(o, "http.hostname", "2001:db8::1");
	ck_assert_ptr_null(at(o, "http.http_port"));
	ck_text(o, "http.protocol", "HTTP/1.0");
	ck_assert_ptr_null(at(o, "http.status"));
	ck_assert_ptr_null(at(o, "clearspan.answer_ms"));
	ck_text(o, "clearspan.reason", "client closed");
	json_decref(o);
	http_record_free(&h);
}
END

TEST(eve_icap_joins_the_flow_and_the_exchange)
{
	struct icap_record i = { .service = "av", .server = "icap://h/av",
	    .method = ICAP_RESPMOD, .result = ICAP_R_BLOCK,
	    .outcome = "block", .status = 200, .istag = "", .bytes_out = 9,
	    .bytes_in = 7, .queue = -1, .connect = 0.5, .total = 3,
	    .attempts = 1, .finding = "Eicar\xff" };
	struct http_record h = { .number = 4 };
	struct record r;
	json_t *o;

	record_fill(&r);
	exchange_fill(&h, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL);
	o = event(EVENT_ICAP, &r, &h, &i, &now);
	ck_text(o, "event_type", "icap");
	ck_number(o, "flow_id", 7);
	ck_number(o, "tx_id", 4);
	ck_text(o, "http.hostname", "x");
	ck_text(o, "icap.service", "av");
	ck_text(o, "icap.method", "RESPMOD");
	ck_text(o, "icap.outcome", "block");
	ck_number(o, "icap.status", 200);
	ck_text(o, "icap.finding", "Eicar\\xff");
	ck_number(o, "icap.bytes_toserver", 9);
	ck_assert_ptr_null(at(o, "icap.istag"));
	ck_assert_ptr_null(at(o, "icap.reason"));
	ck_assert_ptr_null(at(o, "icap.queue_ms"));
	ck_assert_double_eq(json_real_value(at(o, "icap.connect_ms")), 0.5);
	json_decref(o);
	o = event(EVENT_ALERT, &r, NULL, &i, &now);
	ck_text(o, "event_type", "alert");
	ck_text(o, "alert.action", "blocked");
	ck_text(o, "alert.signature", "Eicar\\xff");
	ck_assert_ptr_null(at(o, "http"));
	json_decref(o);
	http_record_free(&h);
}
END

SUITE("eve", eve_flow_says_what_the_record_says,
    eve_flow_has_the_devices_of_the_chain,
    eve_flow_of_an_undecided_session_leaves_out_what_is_not_known,
    eve_text_that_is_not_utf8_is_shown_escaped, eve_http_has_the_names_of_eve,
    eve_http_of_a_request_without_an_answer,
    eve_icap_joins_the_flow_and_the_exchange)
