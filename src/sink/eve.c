/*
 * Records as EVE events. Unknown members are left out.
 */
#include "sink/eve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/community.h"
#include "codec/packet.h"
#include "policy/policy.h"
#include "proxy/sink.h"
#include "sink/jtext.h"
#include "sink/put.h"
#include "util/mem.h"
#include "util/text.h"

json_t *
eve_string(const char *s)
{
	struct text t = { 0 };
	json_t *v;

	if (s == NULL)
		return json_null();
	if ((v = json_string(s)) != NULL)
		return v;
	text_puts_utf8(&t, s);
	v = json_string(t.s != NULL ? t.s : "");
	text_free(&t);
	return v;
}

json_t *
eve_time(const struct timespec *ts)
{
	char all[JTEXT_TIME];

	jtext_time_str(all, ts);
	return json_string_nocheck(all);
}

static void
put_end(struct text *o, const char *ip, const char *port, const struct addr *a)
{
	char buf[ADDR_STRLEN];

	if (a->sa.sa_family == AF_UNSPEC)
		return;
	jtext_string(o, ip, addr_ip_str(a, buf));
	jtext_count(o, port, addr_port(a));
}

/*
 * The community ID that a tool computes if it sees these two ends. If only one
 * is IPv4, the packets have both as IPv6, by to6.
 */
static void
put_community_of(struct text *o, struct addr client, struct addr server,
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
put_community(struct text *o, const struct record *r, uint16_t port,
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
static void
begin_event(struct text *o, const char *type, const struct timespec *now)
{
	jtext_open(o, NULL, '{');
	jtext_time(o, "timestamp", now);
	jtext_string(o, "event_type", type);
}

static void
put_mirrors(struct text *o, const struct record *r)
{
	const struct tap_counts *c;
	size_t i;

	jtext_open(o, "mirrors", '[');
	for (i = 0; i < r->nmirrors && i < RECORD_MIRRORS; i++) {
		c = &r->mirrors[i].counts;
		jtext_open(o, NULL, '{');
		put_text(o, "name", r->mirrors[i].name);
		if (c->split)
			jtext_count(o, "streams", c->streams);
		else
			put_community(o, r, c->port, addr_map6);
		jtext_count(o, "packets", c->packets);
		jtext_count(o, "bytes", c->bytes);
		jtext_count(o, "lost", c->lost);
		jtext_close(o, '}');
	}
	jtext_close(o, ']');
}

/* A try with a device, which sees the server's port as this. */
static void
put_hop(struct text *o, const struct record *r, const struct record_hop *hop,
    uint16_t port)
{
	jtext_open(o, NULL, '{');
	put_texts(o, "slot", hop->slot, "device", hop->device, "event",
	    hop->event, NULL);
	if (hop->device != NULL)
		put_community(o, r, port, addr_translate6);
	if (hop->us != 0)
		jtext_ms(o, "ms", (double)hop->us / 1e3);
	jtext_close(o, '}');
}

/* The devices of its chain, as it was put through them. */
static void
put_chain(struct text *o, const struct record *r)
{
	const struct conf_rule *rule = r->verdict->rule;
	uint16_t port = addr_port(&r->facts->server);
	size_t i;

	if (r->nhops == 0)
		return;
	if (rule != NULL && rule->chain != NULL && facts_tls(r->facts) &&
	    r->verdict->action == ACTION_DECRYPT)	/* in the clear */
		port = packet_shown_port(port, rule->chain->ports_map);
	jtext_open(o, "chain", '[');
	for (i = 0; i < r->nhops; i++)
		put_hop(o, r, &r->hops[i], port);
	jtext_close(o, ']');
}

/* The verdict, once there is one. */
static void
put_verdict(struct text *o, const struct record *r)
{
	if (r->verdict->rule != NULL)
		put_texts(o, "action", conf_action_str(r->verdict->action),
		    "rule", r->verdict->rule->name, NULL);
	put_text(o, "why", r->verdict->why != NULL ? r->verdict->why :
	    r->unread_why);
}

/* What the feeds say of the name asked for. */
static void
put_categories(struct text *o, const struct record *r)
{
	struct text t = { 0 };

	if (r->policy != NULL)
		policy_categories(r->policy, r->facts, &t);
	jtext_words(o, "category", t.s);
	text_free(&t);
}

/* Bytes that no service saw although the rule has one. */
static void
put_unread(struct text *o, const struct record *r)
{
	static const char *const what[UNREAD_REASONS] = { NULL, "other",
	    "server-first", "connect", "upgrade" };

	jtext_open(o, "uninspected", '{');
	put_texts(o, "what", what[r->unread.what], "protocol",
	    r->unread.protocol, "result",
	    r->unread.blocked ? "blocked" : "allowed", NULL);
	jtext_count(o, "bytes_toserver", r->unread.bytes[0]);
	jtext_count(o, "bytes_toclient", r->unread.bytes[1]);
	jtext_close(o, '}');
}

/* The reference on a page of ours for a session, or for an exchange, by which
 * the operator finds the event. */
static void
put_reference(struct text *o, const struct record *r,
    const struct http_record *h)
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
static void
put_answer(struct text *o, const struct record *r)
{
	jtext_open(o, "answer", '{');
	put_text(o, "how", r->answer);
	if (r->status != 0) {
		jtext_count(o, "status", (uint64_t)r->status);
		put_reference(o, r, NULL);
	}
	jtext_close(o, '}');
}

static void
put_forged(struct text *o, const struct record *r)
{
	jtext_open(o, "forged", '{');
	put_texts(o, "ca", r->own ? "own" : r->verdict->untrusted ?
	    "untrusted" : "trusted", "name", r->ca, NULL);
	jtext_bool(o, "cached", r->forged_cached);
	jtext_close(o, '}');
}

static void
put_tags(struct text *o, const struct facts *f)
{
	char *words = f->tags != NULL ? xstrdup(f->tags) : NULL;

	jtext_words(o, "tags", words);
	free(words);
}

/* The members of a session that EVE has no name for. */
static void
put_session(struct text *o, const struct record *r)
{
	const struct facts *f = r->facts;

	jtext_open(o, "clearspan", '{');
	put_texts(o, "listener", f->listener, "mode", f->mode == CONF_EXPLICIT ?
	    "explicit" : "transparent", "host", f->host, "user", f->user,
	    NULL);
	put_tags(o, f);
	put_categories(o, r);
	put_geo(o, f);
	put_verdict(o, r);
	put_client(o, f);
	put_server(o, f);
	if (r->forged)
		put_forged(o, r);
	put_text(o, "upstream_proxy", r->proxy);
	if (r->answer != NULL)
		put_answer(o, r);
	if (r->unread.what != UNREAD_NONE)
		put_unread(o, r);
	put_mirrors(o, r);
	put_chain(o, r);
	jtext_close(o, '}');
}

static void
put_flow(struct text *o, const struct record *r, const struct timespec *now)
{
	const struct timespec *end = r->end.tv_sec != 0 ? &r->end : now;

	jtext_open(o, "flow", '{');
	jtext_count(o, "bytes_toserver", r->bytes[0]);
	jtext_count(o, "bytes_toclient", r->bytes[1]);
	jtext_time(o, "start", &r->start);
	jtext_time(o, "end", end);
	jtext_count(o, "age", end->tv_sec > r->start.tv_sec ?
	    (uint64_t)(end->tv_sec - r->start.tv_sec) : 0);
	put_texts(o, "state", r->state, "reason", r->reason, NULL);
	jtext_close(o, '}');
}

/* EVE's object for a request and its response. */
static void
put_http(struct text *o, const struct http_record *h)
{
	int version = h->version[DIR_UP];

	jtext_open(o, "http", '{');
	put_text(o, "hostname", h->host);
	if (h->port != 0)
		jtext_count(o, "http_port", h->port);
	put_texts(o, "url", h->url, "http_user_agent", h->user_agent,
	    "http_content_type", h->content_type[DIR_DOWN],
	    "http_refer", h->referer, "http_method", h->method, NULL);
	if (version != 0)
		put_text(o, "protocol", version == 20 ? "HTTP/2" :
		    version == 10 ? "HTTP/1.0" : "HTTP/1.1");
	if (h->status != 0)
		jtext_count(o, "status", (uint64_t)h->status);
	put_text(o, "redirect", h->location);
	jtext_count(o, "length", h->length[DIR_DOWN]);
	jtext_close(o, '}');
}

/* The milliseconds from a to b, if both are known. */
static void
put_ms(struct text *o, const char *key, const struct timespec *a,
    const struct timespec *b)
{
	double ms = (double)(b->tv_sec - a->tv_sec) * 1e3 +
	    (double)(b->tv_nsec - a->tv_nsec) / 1e6;

	if (a->tv_sec != 0 && b->tv_sec != 0)
		jtext_ms(o, key, ms < 0 ? 0 : ms);
}

/* The stream of an exchange, and how a mirror shows it by itself. */
static void
put_stream(struct text *o, const struct record *r,
    const struct http_record *h)
{
	struct addr client, server;

	jtext_open(o, "http2", '{');
	jtext_count(o, "stream", h->stream);
	if (shown_ends(r->shown, h->stream, &client, &server)) {
		jtext_count(o, "port", addr_port(&client));
		put_community_of(o, client, server, addr_map6);
	}
	jtext_close(o, '}');
}

/* The server's own answer, where the client got another. */
static void
put_origin(struct text *o, const struct http_record *h)
{
	jtext_open(o, "origin", '{');
	jtext_count(o, "status", (uint64_t)h->origin.status);
	jtext_count(o, "length", h->origin.length);
	jtext_close(o, '}');
}

/* The members of an exchange that EVE has no name for. */
static void
put_exchange(struct text *o, const struct record *r,
    const struct http_record *h)
{
	jtext_open(o, "clearspan", '{');
	put_text(o, "listener", r->facts->listener);
	put_text(o, "user", r->facts->user);
	put_verdict(o, r);
	jtext_bool(o, "tls", facts_tls(r->facts));
	if (h->stream != 0)
		put_stream(o, r, h);
	put_text(o, "request_content_type", h->content_type[DIR_UP]);
	jtext_count(o, "request_length", h->length[DIR_UP]);
	put_text(o, "answered_by", h->by);
	if (h->by != NULL && strcmp(h->by, HTTP_BY_US) == 0)
		put_reference(o, r, h);
	if (h->origin.status != 0)
		put_origin(o, h);
	if (h->trickled > 0)
		jtext_count(o, "trickled", h->trickled);
	jtext_time(o, "start", &h->start);
	put_ms(o, "answer_ms", &h->start, &h->answered);
	put_ms(o, "total_ms", &h->start, &h->end);
	put_text(o, "reason", h->why);
	jtext_close(o, '}');
}

static void
put_real(struct text *o, const char *key, double ms)
{
	if (ms >= 0)
		jtext_ms(o, key, ms);
}

static void
put_icap(struct text *o, const struct icap_record *i)
{
	jtext_open(o, "icap", '{');
	put_texts(o, "service", i->service, "server", i->server, "method",
	    i->method == ICAP_REQMOD ? "REQMOD" : i->method == ICAP_RESPMOD ?
	    "RESPMOD" : "OPTIONS", "outcome", i->outcome, NULL);
	if (i->status != 0)
		jtext_count(o, "status", (uint64_t)i->status);
	put_texts(o, "reason", i->why, "finding", i->finding, "istag", i->istag,
	    NULL);
	jtext_count(o, "bytes_toserver", i->bytes_out);
	jtext_count(o, "bytes_toclient", i->bytes_in);
	put_real(o, "queue_ms", i->queue);
	put_real(o, "connect_ms", i->connect);
	put_real(o, "first_byte_ms", i->first_byte);
	put_real(o, "total_ms", i->total);
	jtext_count(o, "attempts", i->attempts);
	jtext_bool(o, "reused", i->reused);
	jtext_close(o, '}');
}

/* A bypass was learned. */
static void
put_learned(struct text *o, const struct record *r)
{
	jtext_open(o, "alert", '{');
	jtext_string(o, "action", "allowed");
	jtext_string(o, "signature", "not decrypted from now on");
	jtext_string(o, "category", "learned bypass");
	jtext_count(o, "severity", 3);
	jtext_close(o, '}');
	jtext_open(o, "clearspan", '{');
	put_text(o, "why", r->reason[0] != '\0' ? r->reason :
	    r->verdict->why);
	jtext_close(o, '}');
}

static void
put_alert(struct text *o, const struct icap_record *i)
{
	jtext_open(o, "alert", '{');
	jtext_string(o, "action", i->result == ICAP_R_BLOCK ? "blocked" :
	    "allowed");
	jtext_string(o, "signature", i->finding != NULL ? i->finding :
	    "stopped without a reason");
	jtext_string(o, "category", "ICAP");
	jtext_count(o, "severity", 1);
	jtext_close(o, '}');
}

/* The members that begin every event of a session. */
static void
begin_of(struct text *o, const char *type, const char *app,
    const struct record *r, const struct timespec *now)
{
	begin_event(o, type, now);
	jtext_count(o, "flow_id", r->id);
	put_community(o, r, r->shown_port, addr_map6);
	put_end(o, "src_ip", "src_port", &r->facts->client);
	put_end(o, "dest_ip", "dest_port", &r->facts->server);
	put_texts(o, "proto", "TCP", "app_proto", app, NULL);
}

void
eve_event(struct text *o, enum conf_event type, const struct record *r,
    const struct http_record *h, const struct icap_record *i,
    const struct timespec *now)
{
	static const char *const names[] = { [EVENT_FLOW] = "flow",
	    [EVENT_TLS] = "tls", [EVENT_HTTP] = "http", [EVENT_ICAP] = "icap",
	    [EVENT_ALERT] = "alert" };
	int whole = type == EVENT_FLOW || type == EVENT_TLS;
	int learned = type == EVENT_ALERT && i == NULL;

	begin_of(o, names[type], whole || learned ? put_app(r->facts) :
	    "http", r, now);
	if (type == EVENT_FLOW)
		put_flow(o, r, now);
	if (whole)
		put_ether(o, r->facts);
	if (type == EVENT_TLS || learned || (whole && facts_tls(r->facts)))
		put_tls(o, r->facts);
	if (h != NULL && (h->method != NULL || h->by != NULL)) {
		jtext_count(o, "tx_id", h->number);
		put_http(o, h);
	}
	if (i != NULL)
		put_icap(o, i);
	if (learned)
		put_learned(o, r);
	else if (type == EVENT_ALERT)
		put_alert(o, i);
	if (type == EVENT_HTTP)
		put_exchange(o, r, h);
	else if (whole)
		put_session(o, r);
	jtext_close(o, '}');
}

void
eve_message(struct text *o, const struct record *r,
    const struct ws_message *m, const struct timespec *now)
{
	static const char *const opcodes[] = { [WS_TEXT] = "text",
	    [WS_BINARY] = "binary", [WS_CLOSE] = "close", [WS_PING] = "ping",
	    [WS_PONG] = "pong" };

	begin_of(o, "ws", "http", r, now);
	jtext_count(o, "tx_id", m->tx);
	jtext_open(o, "ws", '{');
	jtext_string(o, "direction", m->dir == DIR_UP ? "to_server" :
	    "to_client");
	jtext_string(o, "opcode", opcodes[m->opcode]);
	jtext_count(o, "length", m->length);
	jtext_bool(o, "deflated", m->deflated);
	jtext_close(o, '}');
	jtext_close(o, '}');
}

void
eve_object(struct text *o, const char *type, json_t *what,
    const struct timespec *now)
{
	char *json = json_dumps(what, JSON_COMPACT);

	begin_event(o, type, now);
	jtext_raw(o, type, json != NULL ? json : "{}");
	jtext_close(o, '}');
	free(json);
	json_decref(what);
}
