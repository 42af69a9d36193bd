/*
 * The questions of `ctl icap check`, and how it judges the answers.
 */
#include "admin/icapcheck.h"

#include <stdlib.h>
#include <string.h>

#include "admin/icapwire.h"
#include "codec/icap.h"
#include "codec/icap_options.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/err.h"

#define ANSWER_MAX	(1 << 20)	/* bytes: a page, not a film */

struct answer {
	struct text	 in;		/* as it came */
	struct icap_head head;		/* slices into in */
	struct http_text http;		/* ... when head.hdr says so */
	struct text	 body;		/* without its chunks */
	uint64_t	 us;
};

struct check {
	const struct conf_icap *conf;
	struct icap_service *service;
	struct icap_server *server;	/* the present one */
	struct icapwire	*wire;
	struct text	 echo;		/* from REQMOD, for RESPMOD */
	int64_t		 preview;	/* from OPTIONS, or -1 */
	int		 good;
	int		 eicar;		/* 1 passes, 0 stopped, -1 unknown */
	uint64_t	 start;		/* us */
	json_t		*checks, *lines;
};

/* One message: HTTP heads and a body. */
struct sample {
	enum icap_method method;
	struct text	 req, res, body;
};

static const char *
method_name(enum icap_method m)
{
	return m == ICAP_OPTIONS ? "OPTIONS" : m == ICAP_REQMOD ? "REQMOD" :
	    "RESPMOD";
}

/* Show the lines of a head, without passwords. */
static void
show_lines(struct check *c, const char *mark, const char *p, size_t len)
{
	const char *end = p + len, *eol;
	struct text t = { 0 };
	size_t n;

	for (; p < end; p = eol + 1) {
		if ((eol = memchr(p, '\n', (size_t)(end - p))) == NULL)
			eol = end;
		n = (size_t)(eol - p);
		n -= n > 0 && p[n - 1] == '\r';
		text_clear(&t);
		if (n > 14 && strncasecmp(p, "Authorization:", 14) == 0)
			text_printf(&t, "%s Authorization: (not shown)", mark);
		else
			text_printf(&t, "%s %.*s", mark, (int)n, p);
		json_array_append_new(c->lines, json_pack("{s:o}", "wire",
		    eve_string(t.s)));
		if (eol == end)
			break;
	}
	text_free(&t);
}

static void
show_body(struct check *c, const char *mark, size_t n)
{
	json_array_append_new(c->lines, json_pack("{s:o}", "wire",
	    json_sprintf("%s (%zu bytes of body)", mark, n)));
}

static void
told(struct check *c, const char *what, enum icap_method m, int status,
    const char *result, uint64_t us, int good)
{
	c->good &= good;
	json_array_append_new(c->checks, json_pack("{s:s,s:s,s:s,s:i,s:I,s:o}",
	    "server", c->server->conf->url, "check", what, "method",
	    method_name(m), "icap", status, "microseconds", (json_int_t)us,
	    "result", eve_string(result)));
}

static void
answer_free(struct answer *a)
{
	text_free(&a->in);
	text_free(&a->body);
}

/* Read more of the answer. The first bytes may take longer than the next. */
static int
answer_more(struct check *c, struct answer *a, struct text *why)
{
	uint64_t spent = (clock_us() - c->start) / 1000, ms;

	if (a->in.len > ANSWER_MAX) {
		text_puts(why, "the answer is too long");
		return ERR_LIMIT;
	}
	ms = a->in.len == 0 ? c->conf->first_byte_timeout :
	    c->conf->idle_timeout;
	if (spent >= ICAPCHECK_MS) {
		text_puts(why, "the whole check took too long");
		return ERR_TIMEOUT;
	}
	if (ms > ICAPCHECK_MS - spent)
		ms = ICAPCHECK_MS - spent;
	return icapwire_recv(c->wire, &a->in, ms, why);
}

/* Read the ICAP head and the HTTP head after it. Skip 100: everything has been
 * sent. */
static int
answer_heads(struct check *c, struct answer *a, enum icap_method m,
    struct text *why)
{
	int rv;

	for (;;) {
		a->head.scanned = 0;
		rv = a->in.len == 0 ? ERR_SHORT : icap_response(&a->head, m,
		    a->in.s, a->in.len);
		if (rv == 0 && a->head.status / 100 == 1) {
			show_lines(c, "<", a->in.s, a->head.len);
			memmove(a->in.s, a->in.s + a->head.len,
			    a->in.len - a->head.len + 1);
			a->in.len -= a->head.len;
			continue;
		}
		if (rv == 0 && a->in.len >= a->head.len + a->head.hdr_len)
			break;
		if (rv != 0 && rv != ERR_SHORT) {
			text_printf(why, "ICAP head: %s", a->head.why);
			return rv;
		}
		if ((rv = answer_more(c, a, why)) != 0)
			return rv;
	}
	return 0;
}

static int
answer_body(struct check *c, struct answer *a, struct text *why)
{
	size_t at = a->head.len + a->head.hdr_len;
	struct slice in, payload;
	struct icap_body b;
	int rv;

	icap_body_init(&b);
	for (;;) {
		in = slice_of(a->in.s + at, a->in.len - at);
		while ((rv = icap_body_next(&b, &in, &payload)) == 1)
			text_add(&a->body, payload.p, payload.len);
		at = a->in.len - in.len;
		if (rv == 0)
			return 0;
		if (rv != ERR_SHORT) {
			text_printf(why, "body: %s", b.why);
			return rv;
		}
		if ((rv = answer_more(c, a, why)) != 0)
			return rv;
	}
}

/* Read the whole answer, then its heads again, now that the bytes stay put. */
static int
answer_read(struct check *c, struct answer *a, enum icap_method m,
    struct text *why)
{
	int rv;

	if ((rv = answer_heads(c, a, m, why)) != 0)
		return rv;
	show_lines(c, "<", a->in.s, a->head.len + a->head.hdr_len);
	if (a->head.body != ICAP_NONE) {
		if ((rv = answer_body(c, a, why)) != 0)
			return rv;
		show_body(c, "<", a->body.len);
	}
	a->head.scanned = 0;
	rv = icap_response(&a->head, m, a->in.s, a->in.len);
	if (rv == 0 && a->head.hdr != ICAP_NONE)
		rv = icap_http_head(&a->http, a->head.hdr,
		    a->in.s + a->head.len, a->head.hdr_len);
	if (rv != 0)
		text_printf(why, "HTTP head: %s", a->http.why != NULL ?
		    a->http.why : err_str(rv));
	return rv;
}

static int
ask_once(struct check *c, enum icap_method m, const struct text *out,
    struct answer *a, struct text *why)
{
	int rv = 0;

	if (!icapwire_is_open(c->wire))
		rv = icapwire_open(c->wire, c->server, why);
	if (rv == 0)
		rv = icapwire_send(c->wire, out, c->conf->idle_timeout, why);
	if (rv == 0)
		rv = answer_read(c, a, m, why);
	if (rv != 0 || a->head.close)
		icapwire_close(c->wire);
	return rv;
}

/*
 * Send the request and read the answer. Keeps the connection if it may. A kept
 * connection that has died is not a failure. Returns 0 or ERR_* with why.
 */
static int
ask(struct check *c, enum icap_method m, const struct text *out,
    struct answer *a, struct text *why)
{
	uint64_t start = clock_us();
	int kept = icapwire_is_open(c->wire), rv;

	rv = ask_once(c, m, out, a, why);
	if (rv != 0 && rv != ERR_TIMEOUT && kept && a->in.len == 0) {
		text_clear(why);
		start = clock_us();
		rv = ask_once(c, m, out, a, why);
	}
	a->us = clock_us() - start;
	return rv;
}

static struct icap_request
request_of(const struct check *c, enum icap_method m)
{
	return (struct icap_request){
		.method = m,
		.uri = c->server->conf->url,
		.host = c->server->authority,
		.preview = -1,
		.fields = c->service->fields.s,
	};
}

static void
options_tell(struct check *c, const struct answer *a,
    const struct icap_options *o)
{
	struct text t = { 0 };

	text_printf(&t, "%s%s", o->flags & ICAP_OPT_REQMOD ? "REQMOD " : "",
	    o->flags & ICAP_OPT_RESPMOD ? "RESPMOD " : "");
	text_printf(&t, "%s%s", o->flags & ICAP_OPT_204 ? "204 " : "",
	    o->flags & ICAP_OPT_206 ? "206 " : "");
	if (o->preview >= 0)
		text_printf(&t, "preview %lld ", (long long)o->preview);
	if (o->max_connections >= 0)
		text_printf(&t, "connections %lld ",
		    (long long)o->max_connections);
	text_printf(&t, "(%s)", o->service);
	told(c, "options", ICAP_OPTIONS, a->head.status, t.s, a->us, 1);
	text_free(&t);
}

/* Returns 0 if the server answers, so that further checks make sense. */
static int
check_options(struct check *c)
{
	struct text out = { 0 }, why = { 0 };
	struct answer a = { 0 };
	struct icap_options o = { 0 };
	struct icap_request r = request_of(c, ICAP_OPTIONS);
	int rv;

	icap_put_request(&out, &r);
	show_lines(c, ">", out.s, out.len);
	rv = ask(c, ICAP_OPTIONS, &out, &a, &why);
	c->preview = -1;
	if (rv == 0 && a.head.status == 200 &&
	    icap_options_read(&o, &a.head) == 0) {
		c->preview = o.preview;
		options_tell(c, &a, &o);
	} else {
		if (rv == 0)
			text_puts(&why, "no OPTIONS; if the service has none, "
			    "write options: off");
		told(c, "options", ICAP_OPTIONS, a.head.status, why.s, a.us,
		    rv == 0 && !c->conf->options);
	}
	icap_options_free(&o);
	answer_free(&a);
	text_free(&out);
	text_free(&why);
	return rv;
}

static void
sample_new(struct sample *s, enum icap_method m, const char *first,
    const char *second)
{
	struct text *framed = m == ICAP_REQMOD ? &s->req : &s->res;

	memset(s, 0, sizeof(*s));
	s->method = m;
	text_puts(&s->body, first);
	text_puts(&s->body, second);
	text_printf(&s->req, "%s http://clearspan.invalid/check.txt HTTP/1.1"
	    "\r\nHost: clearspan.invalid\r\n", m == ICAP_REQMOD ? "POST" :
	    "GET");
	if (m == ICAP_RESPMOD)
		text_puts(&s->res, "HTTP/1.1 200 OK\r\n");
	text_printf(framed, "Content-Type: text/plain\r\n"
	    "Content-Length: %zu\r\n", s->body.len);
	text_puts(&s->req, "\r\n");
	if (m == ICAP_RESPMOD)
		text_puts(&s->res, "\r\n");
}

static void
sample_free(struct sample *s)
{
	text_free(&s->req);
	text_free(&s->res);
	text_free(&s->body);
}

/* Write the whole message, as a preview if it fits into one. */
static void
sample_put(struct check *c, const struct sample *s, struct text *out)
{
	int64_t preview = c->conf->preview == ICAP_PREVIEW_AUTO ? c->preview :
	    c->conf->preview;
	struct icap_request r = request_of(c, s->method);
	char chunk[HTTP_CHUNK_MAX];

	if (s->method == ICAP_RESPMOD)
		r.more = c->echo.s;
	r.allow = c->conf->allow_204 ? ICAP_ALLOW_204 : 0;
	r.client_ip = r.server_ip = "127.0.0.1";
	r.req_hdr = s->req.len;
	r.res_hdr = s->res.len;
	r.body = 1;
	if (preview >= (int64_t)s->body.len)
		r.preview = preview;
	icap_put_request(out, &r);
	text_add(out, s->req.s, s->req.len);
	if (s->res.len > 0)
		text_add(out, s->res.s, s->res.len);
	show_lines(c, ">", out->s, out->len);
	show_body(c, ">", s->body.len);
	text_add(out, chunk, http_chunk(chunk, s->body.len));
	text_add(out, s->body.s, s->body.len);
	text_puts(out, ICAP_CRLF);
	text_puts(out, r.preview >= 0 ? ICAP_END_IEOF : ICAP_END);
}

/* 1: the message passes unchanged; 0: it is replaced; -1: failed. */
static int
judge(const struct sample *s, const struct answer *a, struct text *said)
{
	int same = a->body.len == s->body.len &&
	    memcmp(a->body.s, s->body.s, s->body.len) == 0;

	if (a->head.status == 204) {
		text_puts(said, "passes");
		return 1;
	}
	if (a->head.status / 100 != 2) {
		text_printf(said, "failed: ICAP %d %.*s", a->head.status,
		    SLICE(a->head.reason));
		return -1;
	}
	if (a->head.hdr == ICAP_RES_HDR && (s->method == ICAP_REQMOD ||
	    a->http.head.status != 200)) {
		text_printf(said, "is stopped: HTTP %d",
		    a->http.head.status);
		return 0;
	}
	text_puts(said, same || a->head.status == 206 ? "passes, sent back" :
	    "is changed");
	return same || a->head.status == 206;
}

/* Keep the fields of the answer to REQMOD that go into RESPMOD. */
static void
echo_keep(struct check *c, const struct icap_head *h)
{
	struct slice v;
	size_t i;

	text_clear(&c->echo);
	for (i = 0; i < c->conf->echo.n; i++)
		if ((v = icap_value(h, c->conf->echo.v[i])).len > 0)
			icap_field(&c->echo, c->conf->echo.v[i], v);
}

static void
check_sample(struct check *c, const char *what, const struct sample *s,
    int harmless)
{
	struct text out = { 0 }, said = { 0 }, why = { 0 }, found = { 0 };
	struct answer a = { 0 };
	int rv, passes = -1;

	sample_put(c, s, &out);
	if ((rv = ask(c, s->method, &out, &a, &why)) == 0) {
		passes = judge(s, &a, &said);
		if (icap_finding(&a.head, &found))
			text_printf(&said, ", %s", found.s);
		if (s->method == ICAP_REQMOD)
			echo_keep(c, &a.head);
	} else
		text_printf(&said, "failed: %s", why.s);
	told(c, what, s->method, rv == 0 ? a.head.status : 0, said.s, a.us,
	    passes == 1 || (passes == 0 && !harmless));
	if (!harmless && c->eicar != 0 && passes >= 0)
		c->eicar = passes;
	answer_free(&a);
	text_free(&out);
	text_free(&said);
	text_free(&why);
	text_free(&found);
}

/* The EICAR test file, in two halves so that no scanner stops clearspan. */
static void
check_method(struct check *c, enum icap_method m)
{
	struct sample s;

	sample_new(&s, m, "Clearspan asks whether this ", "is harmless.\r\n");
	check_sample(c, "clean", &s, 1);
	sample_free(&s);
	sample_new(&s, m, "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-",
	    "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*");
	check_sample(c, "eicar", &s, 0);
	sample_free(&s);
}

static void
check_server(struct check *c, struct icap_server *v)
{
	c->server = v;
	if (check_options(c) == 0 || !c->conf->options) {
		if (icap_serves(v, ICAP_REQMOD))
			check_method(c, ICAP_REQMOD);
		if (icap_serves(v, ICAP_RESPMOD))
			check_method(c, ICAP_RESPMOD);
	}
	icapwire_close(c->wire);
}

json_t *
icapcheck_run(const struct conf_icap *s)
{
	struct check c = { .conf = s, .good = 1, .eicar = -1,
	    .start = clock_us() };
	struct text why = { 0 };
	json_t *o;
	size_t i;

	if (icap_service_new(s, &c.service, &why) != 0) {
		o = json_pack("{s:s}", "error", why.s);
		text_free(&why);
		return o;
	}
	c.wire = icapwire_new(c.service);
	c.checks = json_array();
	c.lines = json_array();
	for (i = 0; i < c.service->n; i++)
		check_server(&c, &c.service->servers[i]);
	o = json_pack("{s:s,s:b,s:s,s:o,s:o}", "service", s->name, "good",
	    c.good, "eicar", c.eicar < 0 ? "not known" : c.eicar == 0 ?
	    "stopped" : "not stopped: this may be no scanner", "checks",
	    c.checks, "wire", c.lines);
	icapwire_free(c.wire);
	icap_service_free(c.service);
	text_free(&c.echo);
	return o;
}
