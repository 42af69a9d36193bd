/*
 * Records as EVE objects. Unknown members are left out.
 */
#include "sink/eve.h"

#include <stdio.h>
#include <string.h>

#include "codec/community.h"
#include "codec/packet.h"
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

static void
put_count(json_t *o, const char *key, uint64_t n)
{
	put(o, key, json_integer((json_int_t)n));
}

/* The length of the well-formed UTF-8 sequence at s (RFC 3629), or 0. */
static size_t
utf8_len(const unsigned char *s)
{
	static const unsigned min[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	unsigned c;

	if (s[0] < 0x80)
		return 1;
	n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
	    s[0] < 0xf5 ? 4 : 0;
	if (n == 0)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < min[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
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
		if ((n = utf8_len((const unsigned char *)s)) != 0)
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
	default:
		return "failed";	/* EVE's word for unrecognized */
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
 * The community ID that a tool computes if it sees the session with this port
 * of the server. If only one end is IPv4, the packets have both as IPv6.
 */
static void
put_community(json_t *o, const struct record *r, uint16_t port)
{
	struct addr client = r->facts->client, server = r->facts->server;
	char community[COMMUNITY_LEN + 1];

	if (server.sa.sa_family == AF_UNSPEC)
		return;
	if (client.sa.sa_family != server.sa.sa_family) {
		addr_map6(&client);
		addr_map6(&server);
	}
	addr_set_port(&server, port);
	if (community_id(community, &client, &server) == 0)
		put_text(o, "community_id", community);
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

/* app: EVE's app_proto. */
static json_t *
eve_of(const char *type, const struct record *r, const char *app,
    const struct timespec *now)
{
	json_t *o = eve_new(type, now);

	put_count(o, "flow_id", r->id);
	put_community(o, r, r->shown_port != 0 ? r->shown_port :
	    addr_port(&r->facts->server));
	put_end(o, "src_ip", "src_port", &r->facts->client);
	put_end(o, "dest_ip", "dest_port", &r->facts->server);
	put(o, "proto", json_string_nocheck("TCP"));
	put(o, "app_proto", json_string_nocheck(app));
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
	json_t *o = json_object(), *ja3;

	put_text(o, "sni", f->sni);
	put_version(o, f->tls_client.version != NULL ? f->tls_client.version :
	    f->tls_server.version);
	if (c != NULL) {
		put_text(o, "subject", c->subject);
		put_text(o, "issuerdn", c->issuer);
		put_text(o, "serial", c->serial);
		put_text(o, "fingerprint", c->fingerprint);
		put_text(o, "notbefore", c->notbefore);
		put_text(o, "notafter", c->notafter);
	}
	if (f->ja3[0] != '\0') {
		ja3 = json_object();
		put_text(ja3, "hash", f->ja3);
		put(o, "ja3", ja3);
	}
	put_text(o, "ja4", f->ja4);
	return o;
}

static json_t *
used_object(const struct tls_used *u)
{
	json_t *o = json_object();

	put_version(o, u->version);
	put_text(o, "cipher", u->cipher);
	put_text(o, "group", u->group);
	put_text(o, "alpn", u->alpn);
	put(o, "resumed", json_boolean(u->resumed));
	return o;
}

static json_t *
server_object(const struct facts *f)
{
	json_t *o = used_object(&f->tls_server);

	put_text(o, "verify", f->verify_text != NULL ? f->verify_text :
	    f->verify == VERIFY_OK ? "ok" : NULL);
	return o;
}

static json_t *
mirrors_array(const struct record *r)
{
	json_t *all = json_array(), *o;
	size_t i;

	for (i = 0; i < r->nmirrors && i < RECORD_MIRRORS; i++) {
		o = json_object();
		put_text(o, "name", r->mirrors[i].name);
		put_community(o, r, r->mirrors[i].counts.port != 0 ?
		    r->mirrors[i].counts.port : addr_port(&r->facts->server));
		put_count(o, "packets", r->mirrors[i].counts.packets);
		put_count(o, "bytes", r->mirrors[i].counts.bytes);
		put_count(o, "lost", r->mirrors[i].counts.lost);
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

	if (rule != NULL && rule->chain != NULL &&
	    r->facts->protocol == PROTO_TLS &&
	    r->verdict->action == ACTION_DECRYPT)	/* in the clear */
		port = packet_shown_port(port, rule->chain->ports_map);
	for (i = 0; i < r->nhops; i++) {
		o = json_object();
		put_text(o, "slot", r->hops[i].slot);
		put_text(o, "device", r->hops[i].device);
		put_text(o, "event", r->hops[i].event);
		if (r->hops[i].device != NULL)
			put_community(o, r, port);
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
	if (r->verdict->rule != NULL) {
		put_text(o, "action", conf_action_str(r->verdict->action));
		put_text(o, "rule", r->verdict->rule->name);
	}
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

	put_text(o, "what", what[r->unread.what]);
	put_text(o, "protocol", r->unread.protocol);
	put_text(o, "result", r->unread.blocked ? "blocked" : "allowed");
	put_count(o, "bytes_toserver", r->unread.bytes[0]);
	put_count(o, "bytes_toclient", r->unread.bytes[1]);
	return o;
}

/* The reference on a page of ours, by which the operator finds the event. */
/* Add the reference that a page shows for a session or an exchange. */
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
	json_t *o = json_object(), *forged;

	put_text(o, "listener", f->listener);
	put_text(o, "mode",
	    f->mode == CONF_EXPLICIT ? "explicit" : "transparent");
	put_text(o, "host", f->host);
	put_verdict(o, r);
	if (f->tls_client.version != NULL)
		put(o, "client", used_object(&f->tls_client));
	if (f->tls_server.version != NULL)
		put(o, "server", server_object(f));
	if (r->forged) {
		forged = json_object();
		put_text(forged, "ca",
		    r->verdict->untrusted ? "untrusted" : "trusted");
		put(forged, "cached", json_boolean(r->forged_cached));
		put(o, "forged", forged);
	}
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
	put_text(o, "state", r->state);
	put_text(o, "reason", r->reason);
	return o;
}

json_t *
eve_flow(const struct record *r, const struct timespec *now)
{
	json_t *o = eve_of("flow", r, app_proto(r), now);

	put(o, "flow", flow_object(r, now));
	if (r->facts->protocol == PROTO_TLS)
		put(o, "tls", tls_object(r));
	put(o, "clearspan", clearspan_object(r));
	return o;
}

json_t *
eve_tls(const struct record *r, const struct timespec *now)
{
	json_t *o = eve_of("tls", r, app_proto(r), now);

	put(o, "tls", tls_object(r));
	put(o, "clearspan", clearspan_object(r));
	return o;
}

/* EVE's object for a request and its response. */
static json_t *
http_object(const struct http_record *h)
{
	json_t *o = json_object();

	put_text(o, "hostname", h->host);
	if (h->port != 0)
		put_count(o, "http_port", h->port);
	put_text(o, "url", h->url);
	put_text(o, "http_user_agent", h->user_agent);
	put_text(o, "http_content_type", h->content_type[DIR_DOWN]);
	put_text(o, "http_refer", h->referer);
	put_text(o, "http_method", h->method);
	if (h->version[DIR_UP] != 0)
		put_text(o, "protocol", h->version[DIR_UP] == 10 ?
		    "HTTP/1.0" : "HTTP/1.1");
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

/* The members of an exchange that EVE has no name for. */
static json_t *
exchange_object(const struct record *r, const struct http_record *h)
{
	json_t *o = json_object();

	put_text(o, "listener", r->facts->listener);
	put_verdict(o, r);
	put(o, "tls", json_boolean(r->facts->protocol == PROTO_TLS));
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

json_t *
eve_http(const struct record *r, const struct http_record *h,
    const struct timespec *now)
{
	json_t *o = eve_of("http", r, "http", now);

	put_count(o, "tx_id", h->number);
	put(o, "http", http_object(h));
	put(o, "clearspan", exchange_object(r, h));
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

	put_text(o, "service", i->service);
	put_text(o, "server", i->server);
	put_text(o, "method", i->method == ICAP_REQMOD ? "REQMOD" :
	    i->method == ICAP_RESPMOD ? "RESPMOD" : "OPTIONS");
	put_text(o, "outcome", i->outcome);
	if (i->status != 0)
		put_count(o, "status", (uint64_t)i->status);
	put_text(o, "reason", i->why);
	put_text(o, "finding", i->finding);
	put_text(o, "istag", i->istag);
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

/* Include what is known of the exchange so far. */
static json_t *
eve_of_icap(const char *type, const struct record *r,
    const struct http_record *h, const struct icap_record *i,
    const struct timespec *now)
{
	json_t *o = eve_of(type, r, "http", now);

	if (h != NULL && http_record_used(h)) {
		put_count(o, "tx_id", h->number);
		put(o, "http", http_object(h));
	}
	put(o, "icap", icap_object(i));
	return o;
}

json_t *
eve_icap(const struct record *r, const struct http_record *h,
    const struct icap_record *i, const struct timespec *now)
{
	return eve_of_icap("icap", r, h, i, now);
}

json_t *
eve_icap_alert(const struct record *r, const struct http_record *h,
    const struct icap_record *i, const struct timespec *now)
{
	json_t *o = eve_of_icap("alert", r, h, i, now), *alert = json_object();

	put_text(alert, "action", i->result == ICAP_R_BLOCK ? "blocked" :
	    "allowed");
	put_text(alert, "signature", i->finding != NULL ? i->finding :
	    "stopped without a reason");
	put_text(alert, "category", "ICAP");
	put_count(alert, "severity", 1);
	put(o, "alert", alert);
	return o;
}

json_t *
eve_stats(json_t *stats, const struct timespec *now)
{
	json_t *o = eve_new("stats", now);

	put(o, "stats", stats);
	return o;
}
