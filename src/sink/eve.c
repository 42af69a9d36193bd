/*
 * Records as EVE objects. Unknown members are left out.
 */
#include "sink/eve.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/community.h"
#include "codec/packet.h"
#include "codec/starttls.h"
#include "proxy/sink.h"
#include "util/mem.h"
#include "util/text.h"

/* Set a member unless its value is NULL. */
static void
put(json_t *o, const char *key, json_t *v)
{
	json_object_set_new_nocheck(o, key, v);
}

static void
put_text(json_t *o, const char *key, const char *s)
{
	if (s != NULL && s[0] != '\0')
		put(o, key, eve_string(s));
}

/* Set the texts that are known: keys and values in turn, then NULL. */
static void __attribute__((sentinel))
put_texts(json_t *o, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, o);
	while ((key = va_arg(ap, const char *)) != NULL)
		put_text(o, key, va_arg(ap, const char *));
	va_end(ap);
}

static void
put_count(json_t *o, const char *key, uint64_t n)
{
	put(o, key, json_integer((json_int_t)n));
}

/* The length of the well-formed UTF-8 sequence at s, or 0: jansson knows. */
static size_t
utf8_len(const char *s)
{
	size_t n, most = strnlen(s, 4);
	json_t *v;

	for (n = 1; n <= most; n++)
		if ((v = json_stringn(s, n)) != NULL) {
			json_decref(v);
			return n;
		}
	return 0;
}

json_t *
eve_string(const char *s)
{
	struct text t = { 0 };
	json_t *v;
	size_t n;

	if (s == NULL)
		return json_null();
	if ((v = json_string(s)) != NULL)
		return v;
	for (; *s != '\0'; s += n != 0 ? n : 1) {
		if ((n = utf8_len(s)) != 0)
			text_add(&t, s, n);
		else
			text_printf(&t, "\\x%02x", (unsigned char)*s);
	}
	v = json_string(t.s != NULL ? t.s : "");
	text_free(&t);
	return v;
}

json_t *
eve_time(const struct timespec *ts)
{
	char day[32], all[48];
	struct tm tm;

	gmtime_r(&ts->tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(all, sizeof(all), "%s.%06u+00:00", day,
	    (unsigned)(ts->tv_nsec / 1000) % 1000000);
	return json_string_nocheck(all);
}

static const char *
app_proto(const struct record *r)
{
	switch (r->facts->protocol) {
	case PROTO_TLS:
		return "tls";
	case PROTO_HTTP:
		return r->facts->http_unsure ? "failed" : "http";
	case PROTO_UNKNOWN:
	case PROTO_OTHER:
		return "failed";	/* EVE's word for unrecognized */
	default:
		return starttls_name(r->facts->protocol - PROTO_DIALOGUE);
	}
}

static void
put_end(json_t *o, const char *ip, const char *port, const struct addr *a)
{
	char buf[ADDR_STRLEN];

	if (a->sa.sa_family == AF_UNSPEC)
		return;
	put(o, ip, json_string(addr_ip_str(a, buf)));
	put_count(o, port, addr_port(a));
}

/*
 * The community ID that a tool computes if it sees these two ends. If only one
 * is IPv4, the packets have both as IPv6, by to6.
 */
static void
put_community_of(json_t *o, struct addr client, struct addr server,
    void (*to6)(struct addr *))
{
	char community[COMMUNITY_LEN + 1];

	if (client.sa.sa_family != server.sa.sa_family) {
		to6(&client);
		to6(&server);
	}
	if (community_id(community, &client, &server) == 0)
		put_text(o, "community_id", community);
}

/* That of the session with this port of the server; 0: the server's own. */
static void
put_community(json_t *o, const struct record *r, uint16_t port,
    void (*to6)(struct addr *))
{
	struct addr server = r->facts->server;

	if (server.sa.sa_family == AF_UNSPEC)
		return;
	if (port != 0)
		addr_set_port(&server, port);
	put_community_of(o, r->facts->client, server, to6);
}

/* The members that begin every event. */
static json_t *
eve_new(const char *type, const struct timespec *now)
{
	json_t *o = json_object();

	put(o, "timestamp", eve_time(now));
	put(o, "event_type", json_string_nocheck(type));
	return o;
}

/* OpenSSL says "TLSv1.3", EVE "TLS 1.3". */
static void
put_version(json_t *o, const char *v)
{
	char eve[32];

	if (v == NULL)
		return;
	if (strncmp(v, "TLSv", 4) == 0) {
		snprintf(eve, sizeof(eve), "TLS %s%s", v + 4,
		    strchr(v, '.') == NULL ? ".0" : "");
		v = eve;
	}
	put_text(o, "version", v);
}

static json_t *
tls_object(const struct record *r)
{
	const struct facts *f = r->facts;
	const struct certinfo *c = f->cert;
	json_t *o = json_object();

	put_text(o, "sni", f->sni);
	put_version(o, f->tls_client.version != NULL ? f->tls_client.version :
	    f->tls_server.version);
	if (c != NULL)
		put_texts(o, "subject", c->subject, "issuerdn", c->issuer,
		    "serial", c->serial, "fingerprint", c->fingerprint,
		    "notbefore", c->notbefore, "notafter", c->notafter, NULL);
	if (f->ja3[0] != '\0')
		put(o, "ja3", json_pack("{s:s}", "hash", f->ja3));
	put_text(o, "ja4", f->ja4);
	return o;
}

static json_t *
used_object(const struct tls_used *u)
{
	json_t *o = json_object();

	put_version(o, u->version);
	put_texts(o, "cipher", u->cipher, "group", u->group, "alpn", u->alpn,
	    NULL);
	put(o, "resumed", json_boolean(u->resumed));
	return o;
}

static json_t *
mirrors_array(const struct record *r)
{
	json_t *all = json_array(), *o;
	const struct tap_counts *c;
	size_t i;

	for (i = 0; i < r->nmirrors && i < RECORD_MIRRORS; i++) {
		c = &r->mirrors[i].counts;
		o = json_object();
		put_text(o, "name", r->mirrors[i].name);
		if (c->split)
			put_count(o, "streams", c->streams);
		else
			put_community(o, r, c->port, addr_map6);
		put_count(o, "packets", c->packets);
		put_count(o, "bytes", c->bytes);
		put_count(o, "lost", c->lost);
		json_array_append_new(all, o);
	}
	return all;
}

/* The devices of its chain, as it was put through them. */
static json_t *
chain_array(const struct record *r)
{
	const struct conf_rule *rule = r->verdict->rule;
	uint16_t port = addr_port(&r->facts->server);
	json_t *all = json_array(), *o;
	size_t i;

	if (rule != NULL && rule->chain != NULL && facts_tls(r->facts) &&
	    r->verdict->action == ACTION_DECRYPT)	/* in the clear */
		port = packet_shown_port(port, rule->chain->ports_map);
	for (i = 0; i < r->nhops; i++) {
		o = json_object();
		put_text(o, "slot", r->hops[i].slot);
		put_text(o, "device", r->hops[i].device);
		put_text(o, "event", r->hops[i].event);
		if (r->hops[i].device != NULL)
			put_community(o, r, port, addr_translate6);
		if (r->hops[i].us != 0)
			put(o, "ms", json_real((double)r->hops[i].us / 1e3));
		json_array_append_new(all, o);
	}
	return all;
}

/* The verdict, once there is one. */
static void
put_verdict(json_t *o, const struct record *r)
{
	if (r->verdict->rule != NULL)
		put_texts(o, "action", conf_action_str(r->verdict->action),
		    "rule", r->verdict->rule->name, NULL);
	put_text(o, "why", r->verdict->why != NULL ? r->verdict->why :
	    r->unread_why);
}

/* Bytes that no service saw although the rule has one. */
static json_t *
unread_object(const struct record *r)
{
	static const char *const what[UNREAD_REASONS] = { NULL, "other",
	    "server-first", "connect", "upgrade" };
	json_t *o = json_object();

	put_texts(o, "what", what[r->unread.what], "protocol",
	    r->unread.protocol, "result",
	    r->unread.blocked ? "blocked" : "allowed", NULL);
	put_count(o, "bytes_toserver", r->unread.bytes[0]);
	put_count(o, "bytes_toclient", r->unread.bytes[1]);
	return o;
}

/* The reference on a page of ours for a session, or for an exchange, by which
 * the operator finds the event. */
static void
put_reference(json_t *o, const struct record *r, const struct http_record *h)
{
	unsigned long long id = r->id;
	char reference[40];

	if (h == NULL)
		snprintf(reference, sizeof(reference), "%llu", id);
	else
		snprintf(reference, sizeof(reference), "%llu.%u", id,
		    h->number);
	put_text(o, "reference", reference);
}

/* The answer that we gave in a peer's place. */
static json_t *
answer_object(const struct record *r)
{
	json_t *o = json_object();

	put_text(o, "how", r->answer);
	if (r->status != 0) {
		put_count(o, "status", (uint64_t)r->status);
		put_reference(o, r, NULL);
	}
	return o;
}

static json_t *
clearspan_object(const struct record *r)
{
	const struct facts *f = r->facts;
	json_t *o = json_object(), *server;

	put_texts(o, "listener", f->listener, "mode", f->mode == CONF_EXPLICIT ?
	    "explicit" : "transparent", "host", f->host, NULL);
	put_verdict(o, r);
	if (f->tls_client.version != NULL)
		put(o, "client", used_object(&f->tls_client));
	if (f->tls_server.version != NULL) {
		server = used_object(&f->tls_server);
		put_text(server, "verify", f->verify_text != NULL ?
		    f->verify_text : f->verify == VERIFY_OK ? "ok" : NULL);
		put(o, "server", server);
	}
	if (r->forged)
		put(o, "forged", json_pack("{s:s, s:b}", "ca",
		    r->verdict->untrusted ? "untrusted" : "trusted",
		    "cached", r->forged_cached));
	if (r->answer != NULL)
		put(o, "answer", answer_object(r));
	if (r->unread.what != UNREAD_NONE)
		put(o, "uninspected", unread_object(r));
	put(o, "mirrors", mirrors_array(r));
	if (r->nhops > 0)
		put(o, "chain", chain_array(r));
	return o;
}

static json_t *
flow_object(const struct record *r, const struct timespec *now)
{
	const struct timespec *end = r->end.tv_sec != 0 ? &r->end : now;
	json_t *o = json_object();

	put_count(o, "bytes_toserver", r->bytes[0]);
	put_count(o, "bytes_toclient", r->bytes[1]);
	put(o, "start", eve_time(&r->start));
	put(o, "end", eve_time(end));
	put_count(o, "age", end->tv_sec > r->start.tv_sec ?
	    (uint64_t)(end->tv_sec - r->start.tv_sec) : 0);
	put_texts(o, "state", r->state, "reason", r->reason, NULL);
	return o;
}

/* EVE's object for a request and its response. */
static json_t *
http_object(const struct http_record *h)
{
	int version = h->version[DIR_UP];
	json_t *o = json_object();

	put_text(o, "hostname", h->host);
	if (h->port != 0)
		put_count(o, "http_port", h->port);
	put_texts(o, "url", h->url, "http_user_agent", h->user_agent,
	    "http_content_type", h->content_type[DIR_DOWN],
	    "http_refer", h->referer, "http_method", h->method, NULL);
	if (version != 0)
		put_text(o, "protocol", version == 20 ? "HTTP/2" :
		    version == 10 ? "HTTP/1.0" : "HTTP/1.1");
	if (h->status != 0)
		put_count(o, "status", (uint64_t)h->status);
	put_text(o, "redirect", h->location);
	put_count(o, "length", h->length[DIR_DOWN]);
	return o;
}

/* The milliseconds from a to b, if both are known. */
static void
put_ms(json_t *o, const char *key, const struct timespec *a,
    const struct timespec *b)
{
	double ms = (double)(b->tv_sec - a->tv_sec) * 1e3 +
	    (double)(b->tv_nsec - a->tv_nsec) / 1e6;

	if (a->tv_sec != 0 && b->tv_sec != 0)
		put(o, key, json_real(ms < 0 ? 0 : ms));
}

/* The stream of an exchange, and how a mirror shows it by itself. */
static json_t *
stream_object(const struct record *r, const struct http_record *h)
{
	struct addr client, server;
	json_t *o = json_object();

	put_count(o, "stream", h->stream);
	if (shown_ends(r->shown, h->stream, &client, &server)) {
		put_count(o, "port", addr_port(&client));
		put_community_of(o, client, server, addr_map6);
	}
	return o;
}

/* The members of an exchange that EVE has no name for. */
static json_t *
exchange_object(const struct record *r, const struct http_record *h)
{
	json_t *o = json_object();

	put_text(o, "listener", r->facts->listener);
	put_verdict(o, r);
	put(o, "tls", json_boolean(facts_tls(r->facts)));
	if (h->stream != 0)
		put(o, "http2", stream_object(r, h));
	put_text(o, "request_content_type", h->content_type[DIR_UP]);
	put_count(o, "request_length", h->length[DIR_UP]);
	put_text(o, "answered_by", h->by);
	if (h->by != NULL && strcmp(h->by, HTTP_BY_US) == 0)
		put_reference(o, r, h);
	if (h->origin.status != 0)
		put(o, "origin", json_pack("{s:i,s:I}", "status",
		    h->origin.status, "length",
		    (json_int_t)h->origin.length));
	put(o, "start", eve_time(&h->start));
	put_ms(o, "answer_ms", &h->start, &h->answered);
	put_ms(o, "total_ms", &h->start, &h->end);
	put_text(o, "reason", h->why);
	return o;
}

static void
put_real(json_t *o, const char *key, double ms)
{
	if (ms >= 0)
		put(o, key, json_real(ms));
}

static json_t *
icap_object(const struct icap_record *i)
{
	json_t *o = json_object();

	put_texts(o, "service", i->service, "server", i->server, "method",
	    i->method == ICAP_REQMOD ? "REQMOD" : i->method == ICAP_RESPMOD ?
	    "RESPMOD" : "OPTIONS", "outcome", i->outcome, NULL);
	if (i->status != 0)
		put_count(o, "status", (uint64_t)i->status);
	put_texts(o, "reason", i->why, "finding", i->finding, "istag", i->istag,
	    NULL);
	put_count(o, "bytes_toserver", i->bytes_out);
	put_count(o, "bytes_toclient", i->bytes_in);
	put_real(o, "queue_ms", i->queue);
	put_real(o, "connect_ms", i->connect);
	put_real(o, "first_byte_ms", i->first_byte);
	put_real(o, "total_ms", i->total);
	put_count(o, "attempts", i->attempts);
	put(o, "reused", json_boolean(i->reused));
	return o;
}

static json_t *
alert_object(const struct icap_record *i)
{
	return json_pack("{s:s, s:o*, s:s, s:i}", "action",
	    i->result == ICAP_R_BLOCK ? "blocked" : "allowed", "signature",
	    eve_string(i->finding != NULL ? i->finding :
	    "stopped without a reason"), "category", "ICAP", "severity", 1);
}

/* The members of every event of a session. */
static json_t *
eve_of(const char *type, const char *app, const struct record *r,
    const struct timespec *now)
{
	json_t *o = eve_new(type, now);

	put_count(o, "flow_id", r->id);
	put_community(o, r, r->shown_port, addr_map6);
	put_end(o, "src_ip", "src_port", &r->facts->client);
	put_end(o, "dest_ip", "dest_port", &r->facts->server);
	put_texts(o, "proto", "TCP", "app_proto", app, NULL);
	return o;
}

json_t *
eve_event(enum conf_event type, const struct record *r,
    const struct http_record *h, const struct icap_record *i,
    const struct timespec *now)
{
	static const char *const names[] = { [EVENT_FLOW] = "flow",
	    [EVENT_TLS] = "tls", [EVENT_HTTP] = "http", [EVENT_ICAP] = "icap",
	    [EVENT_ALERT] = "alert" };
	int whole = type == EVENT_FLOW || type == EVENT_TLS;
	json_t *o = eve_of(names[type], whole ? app_proto(r) : "http", r, now);

	if (type == EVENT_FLOW)
		put(o, "flow", flow_object(r, now));
	if (type == EVENT_TLS || (whole && facts_tls(r->facts)))
		put(o, "tls", tls_object(r));
	if (h != NULL && h->method != NULL) {
		put_count(o, "tx_id", h->number);
		put(o, "http", http_object(h));
	}
	if (i != NULL)
		put(o, "icap", icap_object(i));
	if (type == EVENT_ALERT)
		put(o, "alert", alert_object(i));
	if (type == EVENT_HTTP)
		put(o, "clearspan", exchange_object(r, h));
	else if (whole)
		put(o, "clearspan", clearspan_object(r));
	return o;
}

json_t *
eve_message(const struct record *r, const struct ws_message *m,
    const struct timespec *now)
{
	static const char *const opcodes[] = { [WS_TEXT] = "text",
	    [WS_BINARY] = "binary", [WS_CLOSE] = "close", [WS_PING] = "ping",
	    [WS_PONG] = "pong" };
	json_t *o = eve_of("ws", "http", r, now);

	put_count(o, "tx_id", m->tx);
	put(o, "ws", json_pack("{s:s, s:s, s:I, s:b}", "direction",
	    m->dir == DIR_UP ? "to_server" : "to_client", "opcode",
	    opcodes[m->opcode], "length", (json_int_t)m->length, "deflated",
	    m->deflated));
	return o;
}

json_t *
eve_stats(json_t *stats, const struct timespec *now)
{
	json_t *o = eve_new("stats", now);

	put(o, "stats", stats);
	return o;
}
