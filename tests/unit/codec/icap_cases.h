/*
 * Heads of ICAP responses and what becomes of them: READ with status, kind
 * and bytes of the HTTP head, kind of body; BAD with error and reason. The
 * first ones are c-icap's and e2guardian's own bytes.
 */
struct icap_case {
	const char	*name;
	char		 method;	/* O, Q (REQMOD), R (RESPMOD) */
	const char	*text;
	int		 e;
	const char	*why;
	int		 status;
	enum icap_section hdr;
	size_t		 hdr_len;
	enum icap_section body;
};

#define READ(n, m, t, s, h, l, b)	{ n, m, t, 0, NULL, s, ICAP_##h, l, \
	    ICAP_##b }
#define BAD(n, m, t, e, w)	{ n, m, t, e, w, 0, ICAP_NONE, 0, ICAP_NONE }
#define OK	"ICAP/1.0 200 OK\r\n"
#define TAG	"ISTag: \"CI0001-XXXXXXXXX\"\r\n"
#define E	"\r\n"
#define ENC(v)	"Encapsulated: " v "\r\n"

static const struct icap_case cases[] = {
/* As seen on the wire. */
READ("options", 'O', OK "Methods: RESPMOD, REQMOD\r\n"
    "Service: C-ICAP/0.5.10 server - Echo demo service\r\n" TAG
    "Transfer-Preview: *\r\nOptions-TTL: 3600\r\n"
    "Date: Mon, 23 Nov 2026 05:36:55 GMT\r\nPreview: 1024\r\nAllow: 204\r\n"
    "X-Include: X-Authenticated-User, X-Authenticated-Groups\r\n"
    "Encapsulated: null-body=0\r\n\r\n", 200, NONE, 0, NONE),
READ("204", 'Q', "ICAP/1.0 204 Unmodified\r\nServer: C-ICAP/0.5.10\r\n"
    "Connection: keep-alive\r\n" TAG E, 204, NONE, 0, NONE),
READ("100", 'R', "ICAP/1.0 100 Continue\r\n\r\n", 100, NONE, 0, NONE),
READ("reqmod_200", 'Q', OK "Connection: keep-alive\r\n" TAG
    ENC("req-hdr=0, req-body=122") E, 200, REQ_HDR, 122, REQ_BODY),
READ("respmod_200", 'R', OK TAG ENC("res-hdr=0, res-body=118") E,
    200, RES_HDR, 118, RES_BODY),
READ("206", 'R', "ICAP/1.0 206 Partial Content\r\n" TAG
    ENC("res-hdr=0, res-body=127") E, 206, RES_HDR, 127, RES_BODY),
READ("satisfied", 'Q', OK "Connection: keep-alive\r\n"
    "X-Response-Info: BLOCKED\r\n" ENC("res-hdr=0, res-body=108") E,
    200, RES_HDR, 108, RES_BODY),
READ("404", 'O', "ICAP/1.0 404 Service not found\r\n"
    "Server: C-ICAP/0.5.10\r\nConnection: close\r\n\r\n", 404, NONE, 0, NONE),
READ("500", 'R', "ICAP/1.0 500 Server error\r\nServer: C-ICAP/0.5.10\r\n"
    "Connection: close\r\n" TAG E, 500, NONE, 0, NONE),
READ("e2guardian", 'Q', OK "ISTag:1795413770\r\n"
    ENC("req-hdr=0, null-body=90") "Allow:204\r\n" E, 200, REQ_HDR, 90, NONE),
READ("folded", 'R', OK "X-Violations-Found: 1\r\n\t-\r\n\tName\r\n\t0\r\n\t0"
    "\r\n" ENC("res-hdr=0,\r\n res-body=10") E, 200, RES_HDR, 10, RES_BODY),

/* Forms that are as good. */
READ("bare_lf", 'R', "ICAP/1.0 200 OK\nEncapsulated: res-hdr=0, res-body=9\n"
    "\n", 200, RES_HDR, 9, RES_BODY),
READ("bare_lf_mixed", 'R', "ICAP/1.0 204 No\r\nA: b\n\r\n", 204, NONE, 0,
    NONE),
READ("no_reason", 'R', "ICAP/1.0 204\r\n\r\n", 204, NONE, 0, NONE),
READ("encapsulated_tight", 'R', OK "ENCAPSULATED:res-hdr=0,null-body=9\r\n\r\n",
    200, RES_HDR, 9, NONE),
READ("encapsulated_wide", 'R', OK "Encapsulated: res-hdr = 0 ,  Res-Body = 9 "
    "\r\n\r\n", 200, RES_HDR, 9, RES_BODY),
READ("status_201", 'R', "ICAP/1.0 201 Modified\r\n"
    ENC("res-hdr=0, res-body=9") E, 201, RES_HDR, 9, RES_BODY),
READ("null_body_alone", 'Q', "ICAP/1.0 204 x\r\n" ENC("null-body=57") E,
    204, NONE, 0, NONE),
READ("error_with_a_page", 'R', "ICAP/1.0 500 x\r\n"
    ENC("res-hdr=0, res-body=9") E, 500, RES_HDR, 9, RES_BODY),
READ("opt_body", 'O', OK "Methods: REQMOD\r\n" ENC("opt-body=0") E,
    200, NONE, 0, OPT_BODY),
READ("transport_fields", 'R', "ICAP/1.0 204 x\r\nContent-Length: 5\r\n"
    "Transfer-Encoding: chunked\r\n\r\n", 204, NONE, 0, NONE),
READ("status_102", 'R', "ICAP/1.0 102 Processing\r\n\r\n", 102, NONE, 0,
    NONE),

/* First lines. */
BAD("http", 'R', "HTTP/1.1 200 OK\r\n\r\n", ERR_FORMAT, "not ICAP"),
BAD("icap_2", 'R', "ICAP/2.0 200 OK\r\n\r\n", ERR_FORMAT, "not ICAP"),
BAD("empty_line_first", 'R', "\r\n" OK E, ERR_FORMAT, "not ICAP"),
BAD("status_of_two", 'R', "ICAP/1.0 20 OK\r\n\r\n", ERR_FORMAT,
    "three digits"),
BAD("status_of_four", 'R', "ICAP/1.0 2000 OK\r\n\r\n", ERR_FORMAT,
    "three digits"),
BAD("status_099", 'R', "ICAP/1.0 099 OK\r\n\r\n", ERR_FORMAT,
    "does not have"),
BAD("status_600", 'R', "ICAP/1.0 600 OK\r\n\r\n", ERR_FORMAT,
    "does not have"),
BAD("status_101", 'R', "ICAP/1.0 101 Switch\r\n\r\n", ERR_FORMAT,
    "does not have"),

/* Fields. */
BAD("no_colon", 'R', OK "Encapsulated\r\n\r\n", ERR_FORMAT, "colon"),
BAD("blank_before_colon", 'R', OK "ISTag : x\r\n\r\n", ERR_FORMAT, "blank"),
BAD("no_name", 'R', OK ": x\r\n\r\n", ERR_FORMAT, "token"),
BAD("control", 'R', OK "A: \x01\r\n\r\n", ERR_FORMAT, "control"),
BAD("delete", 'R', OK "A: \x7f\r\n\r\n", ERR_FORMAT, "control"),
BAD("bare_cr", 'R', OK "A: b\rC: d\r\n\r\n", ERR_FORMAT, "CR"),

/* Encapsulated. */
BAD("unknown_section", 'R', OK ENC("res-hdr=0, xxx-body=9") E, ERR_FORMAT,
    "name=offset"),
BAD("negative", 'R', OK ENC("res-hdr=0, res-body=-9") E, ERR_FORMAT,
    "name=offset"),
BAD("plus", 'R', OK ENC("res-hdr=0, res-body=+9") E, ERR_FORMAT,
    "name=offset"),
BAD("hex", 'R', OK ENC("res-hdr=0, res-body=0x9") E, ERR_FORMAT,
    "name=offset"),
BAD("no_offset", 'R', OK ENC("res-hdr=0, res-body") E, ERR_FORMAT,
    "name=offset"),
BAD("empty_offset", 'R', OK ENC("res-hdr=, res-body=9") E, ERR_FORMAT,
    "name=offset"),
BAD("stray_comma", 'R', OK ENC("res-hdr=0,, res-body=9") E, ERR_FORMAT,
    "name=offset"),
BAD("huge_offset", 'R', OK ENC("res-hdr=0, res-body=99999999999999999999") E,
    ERR_FORMAT, "name=offset"),
BAD("offset_over_limit", 'R', OK ENC("res-hdr=0, res-body=1310721") E,
    ERR_LIMIT, "too long"),
BAD("empty", 'R', OK ENC("") E, ERR_FORMAT, "name=offset"),
BAD("twice", 'R', OK ENC("res-hdr=0, res-body=9")
    ENC("res-hdr=0, res-body=9") E, ERR_FORMAT, "more than one"),
BAD("head_not_at_0", 'R', OK ENC("res-hdr=1, res-body=9") E, ERR_FORMAT,
    "has not"),
BAD("two_heads", 'R', OK ENC("req-hdr=0, res-hdr=5, res-body=9") E,
    ERR_FORMAT, "has not"),
BAD("head_twice", 'R', OK ENC("res-hdr=0, res-hdr=0, res-body=9") E,
    ERR_FORMAT, "has not"),
BAD("empty_head", 'R', OK ENC("res-hdr=0, res-body=0") E, ERR_FORMAT,
    "ascend"),
BAD("body_alone_not_at_0", 'R', OK ENC("res-body=9") E, ERR_FORMAT,
    "ascend"),
BAD("body_first", 'R', OK ENC("res-body=0, res-hdr=9") E, ERR_FORMAT,
    "behind its body"),
BAD("two_bodies", 'R', OK ENC("res-hdr=0, res-body=9, null-body=10") E,
    ERR_FORMAT, "behind its body"),
BAD("head_without_end", 'R', OK ENC("res-hdr=0") E, ERR_FORMAT, "ends"),
BAD("respmod_with_request", 'R', OK ENC("req-hdr=0, req-body=9") E,
    ERR_FORMAT, "no form"),
BAD("respmod_mixed", 'R', OK ENC("res-hdr=0, req-body=9") E, ERR_FORMAT,
    "no form"),
BAD("reqmod_mixed", 'Q', OK ENC("res-hdr=0, req-body=9") E, ERR_FORMAT,
    "no form"),
BAD("reqmod_opt_body", 'Q', OK ENC("req-hdr=0, opt-body=9") E, ERR_FORMAT,
    "no form"),
BAD("options_with_head", 'O', OK ENC("req-hdr=0, null-body=9") E, ERR_FORMAT,
    "no form"),
BAD("200_without_head", 'R', OK TAG E, ERR_FORMAT, "without an HTTP head"),
BAD("200_with_body_alone", 'R', OK ENC("res-body=0") E, ERR_FORMAT,
    "without an HTTP head"),
BAD("200_null_body_alone", 'R', OK ENC("null-body=0") E, ERR_FORMAT,
    "without an HTTP head"),
BAD("206_without_body", 'R', "ICAP/1.0 206 x\r\n"
    ENC("res-hdr=0, null-body=9") E, ERR_FORMAT, "206 without"),
BAD("204_with_body", 'R', "ICAP/1.0 204 x\r\n" ENC("res-hdr=0, res-body=9") E,
    ERR_FORMAT, "has none"),
BAD("100_with_body", 'R', "ICAP/1.0 100 x\r\n" ENC("res-body=0") E,
    ERR_FORMAT, "has none"),
};

#undef E
#undef OK
