/*
 * The metrics page, and the server for it (libevent's evhttp).
 */
#include "admin/metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/chains.h"
#include "admin/captured.h"
#include "admin/contained.h"
#include "admin/measures.h"
#include "admin/notices.h"
#include "admin/rest.h"
#include "admin/say.h"
#include "http/spool.h"
#include "tls/ca.h"
#include "util/budget.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define TIMEOUT		10	/* s for a request, and for its answer */
#define HEADERS		8192	/* bytes of a request's head */
#define REASONS		8	/* of a mirror's losses, told apart; the last
				 * stands for the rest */

/*
 * A sink knows only the reason of its latest loss. The bytes lost since the
 * last page are counted under the reason that it has now.
 */
struct losses {
	char		*mirror;
	uint64_t	 seen;
	struct {
		const char	*reason;	/* static */
		uint64_t	 bytes;
	} v[REASONS];
	size_t		 n;
};

struct metrics {
	struct admin_env *env;
	struct evhttp	*http;
	struct losses	*losses;	/* one for each mirror there was */
	size_t		 nlosses;
};

static void
session_sample(void *arg, const char *action, const char *rule, uint64_t n)
{
	say_sample(arg, "sessions_total", "action", action, "rule", rule, n);
}

static void
page_sessions(struct metrics *m, struct text *t,
    const struct worker_counts *c)
{
	say_metric(t, "sessions_total", "counter",
	    "Sessions that ended, by what was done and the rule.");
	tally_each(m->env->tally, session_sample, t);
	say_metric(t, "sessions_open", "gauge", "Sessions open now.");
	text_printf(t, "clearspan_sessions_open %llu\n",
	    (unsigned long long)c->open);
	say_metric(t, "bytes_total", "counter", "Payload bytes carried.");
	say_sample(t, "bytes_total", "direction", "toserver", NULL, NULL,
	    c->bytes[DIR_UP]);
	say_sample(t, "bytes_total", "direction", "toclient", NULL, NULL,
	    c->bytes[DIR_DOWN]);
}

/* What is not read of HTTP/2 that passes. */
static void
page_unread_http2(struct text *t, const struct worker_counts *c)
{
	static const char *const reason[UNREAD_HTTP2_REASONS] = { "broken",
	    "limit", "stream", "memory" };
	unsigned i;

	say_metric(t, "http2_unread_total", "counter",
	    "Connections and streams of HTTP/2 that were not read to the end.");
	for (i = 0; i < UNREAD_HTTP2_REASONS; i++)
		say_sample(t, "http2_unread_total", "reason", reason[i], NULL,
		    NULL, c->unread_http2[i]);
}

/* What no service saw although the rule has one. */
static void
page_unread(struct text *t, const struct worker_counts *c)
{
	static const char *const reason[UNREAD_REASONS] = { NULL, "other",
	    "server-first", "connect", "upgrade" };
	unsigned i;

	say_metric(t, "uninspected_total", "counter",
	    "What no ICAP service saw because it was not HTTP.");
	for (i = UNREAD_NONE + 1; i < UNREAD_REASONS; i++) {
		say_sample(t, "uninspected_total", "reason", reason[i],
		    "result", "allowed", c->unread[i][0]);
		say_sample(t, "uninspected_total", "reason", reason[i],
		    "result", "blocked", c->unread[i][1]);
	}
}

static void
page_starttls(struct text *t, const struct worker_counts *c)
{
	unsigned i;

	say_metric(t, "starttls_total", "counter",
	    "Requests for TLS in the middle of a session, by what came of "
	    "them.");
	for (i = 0; i < RESULT_MAX; i++)
		say_sample(t, "starttls_total", "result",
		    starttls_result_str(i), NULL, NULL, c->starttls[i]);
}

static void
page_handshakes(struct text *t, const struct worker_counts *c)
{
	static const char *const side[] = { "client", "server" };
	static const char *const version[] = { "older", "TLSv1.2", "TLSv1.3" };
	static const char *const resumed[] = { "no", "yes" };
	static const char *const result[] = { "failed", "ok" };
	static const char *const undecrypted[] = { "rule",
	    "client-certificate", "no-sni", "ech", "verification", "failure",
	    "monitor", "client-refused", "exempt", "overload", "segment",
	    "starttls", "tunnel", "upgrade", "other" };
	static const char *const confirmed[] = { "ok", "other-name",
	    "untrusted", "failed" };
	static const char *const refused[] = { "malformed", "too-long",
	    "stalled", "cut-off" };
	unsigned i;

	say_metric(t, "handshakes_total", "counter", "TLS handshakes.");
	for (i = 0; i < 8 * TLS_VERSION_CLASSES; i++)
		text_printf(t, "clearspan_handshakes_total{side=\"%s\","
		    "version=\"%s\",resumed=\"%s\",result=\"%s\"} %llu\n",
		    side[i & 1], version[i >> 3], resumed[i >> 1 & 1],
		    result[i >> 2 & 1], (unsigned long long)
		    c->handshakes[i & 1][i >> 3][i >> 1 & 1][i >> 2 & 1]);
	say_metric(t, "forged_total", "counter", "Forged certificates used.");
	say_sample(t, "forged_total", "cache", "miss", NULL, NULL,
	    c->forged[0]);
	say_sample(t, "forged_total", "cache", "hit", NULL, NULL, c->forged[1]);
	say_metric(t, "undecrypted_total", "counter",
	    "Sessions that passed undecrypted or uninspected.");
	for (i = 0; i < UNDECRYPTED_REASONS; i++)
		say_sample(t, "undecrypted_total", "reason", undecrypted[i],
		    NULL, NULL, c->undecrypted[i]);
	say_metric(t, "issuers_fetched_total", "counter",
	    "Fetches of certificates that servers left out of their chains.");
	say_sample(t, "issuers_fetched_total", "result", "failed", NULL, NULL,
	    c->issuers[0]);
	say_sample(t, "issuers_fetched_total", "result", "ok", NULL, NULL,
	    c->issuers[1]);
	say_metric(t, "confirmations_total", "counter",
	    "Servers probed before a bypass by name.");
	for (i = 0; i < PROBE_RESULTS; i++)
		say_sample(t, "confirmations_total", "result", confirmed[i],
		    NULL, NULL, c->confirmations[i]);
	page_unread(t, c);
	page_starttls(t, c);
	page_unread_http2(t, c);
	say_metric(t, "hellos_refused_total", "counter",
	    "Clients whose hello could not be read.");
	for (i = 0; i < HELLO_REASONS; i++)
		say_sample(t, "hellos_refused_total", "reason", refused[i],
		    NULL, NULL, c->hellos_refused[i]);
}

static struct losses *
losses_of(struct metrics *m, const char *mirror)
{
	size_t i;

	for (i = 0; i < m->nlosses; i++)
		if (strcmp(m->losses[i].mirror, mirror) == 0)
			return &m->losses[i];
	m->losses = xrealloc(m->losses, (i + 1) * sizeof(m->losses[0]));
	memset(&m->losses[i], 0, sizeof(m->losses[i]));
	m->losses[i].mirror = xstrdup(mirror);
	m->nlosses++;
	return &m->losses[i];
}

static void
losses_add(struct losses *l, const struct sink_stats *st)
{
	const char *why = st->lost_reason != NULL ? st->lost_reason : "other";
	uint64_t more;
	size_t i;

	if (st->lost_bytes < l->seen)	/* another one, by a reload */
		l->seen = 0;
	more = st->lost_bytes - l->seen;
	if (more == 0)
		return;
	l->seen = st->lost_bytes;
	for (i = 0; i < l->n && strcmp(l->v[i].reason, why) != 0; i++)
		;
	if (i == REASONS)
		i--;
	else if (i == l->n)
		l->v[l->n++].reason = why;
	l->v[i].bytes += more;
}

/* Of a mirror that shows streams by themselves. */
static void
mirror_streams(struct text *t, const char *mirror, const struct sink_stats *st)
{
	static const char *const results[] = {
		[SINK_WHOLE] = "whole", [SINK_CUT] = "cut",
		[SINK_REFUSED] = "refused", [SINK_UNSHOWN] = "unshown"
	};
	size_t i;

	for (i = 0; i < SINK_STREAMS; i++)
		say_sample(t, "mirror_streams_total", "mirror", mirror,
		    "result", results[i], st->streams[i]);
}

static void
page_mirrors(struct metrics *m, struct text *t)
{
	const struct conf *conf = m->env->conf;
	struct text lost = { 0 }, streams = { 0 };
	struct sink_stats st;
	struct losses *l;
	size_t i, k;

	say_metric(t, "mirror_packets_total", "counter",
	    "Packets made for it.");
	say_metric(&lost, "mirror_lost_bytes_total", "counter",
	    "Payload bytes that did not reach it.");
	say_metric(&streams, "mirror_streams_total", "counter",
	    "Streams of HTTP/2 shown as HTTP/1.1.");
	for (i = 0; i < conf->nmirrors; i++) {
		memset(&st, 0, sizeof(st));
		m->env->sinks[i].ops->stats(m->env->sinks[i].sink, &st);
		say_sample(t, "mirror_packets_total", "mirror",
		    conf->mirrors[i].name, NULL, NULL, st.packets);
		l = losses_of(m, conf->mirrors[i].name);
		losses_add(l, &st);
		for (k = 0; k < l->n; k++)
			say_sample(&lost, "mirror_lost_bytes_total", "mirror",
			    conf->mirrors[i].name, "reason", l->v[k].reason,
			    l->v[k].bytes);
		if (l->n == 0)
			say_sample(&lost, "mirror_lost_bytes_total", "mirror",
			    conf->mirrors[i].name, "reason", "none", 0);
		if (conf->mirrors[i].http11)
			mirror_streams(&streams, conf->mirrors[i].name, &st);
	}
	text_puts(t, lost.s);
	text_puts(t, streams.s);
	text_free(&streams);
	text_free(&lost);
}

static void
transactions(struct text *t, const char *service, const struct icap_stats *st)
{
	static const char *const methods[] = { "OPTIONS", "REQMOD",
	    "RESPMOD" };
	int m, k;

	for (m = ICAP_REQMOD; m <= ICAP_RESPMOD; m++)
		for (k = 0; k < ICAP_R_MAX; k++) {
			text_puts(t, "clearspan_icap_transactions_total{");
			say_label(t, "service", service);
			text_printf(t, ",method=\"%s\",result=\"%s\"} %llu\n",
			    methods[m], icap_result_name((enum icap_result)k),
			    (unsigned long long)st->results[m][k]);
		}
}

static void
seconds(struct text *t, const char *service, const struct icap_stats *st)
{
	static const char *const le[ICAP_BUCKETS] = { "0.0005", "0.001",
	    "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "1",
	    "5", "+Inf" };
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < ICAP_BUCKETS; i++) {
		n += st->seconds[i];
		say_sample(t, "icap_seconds_bucket", "service", service, "le",
		    le[i], n);
	}
	text_puts(t, "clearspan_icap_seconds_sum{");
	say_label(t, "service", service);
	text_printf(t, "} %.6f\n", (double)st->micros / 1e6);
	say_sample(t, "icap_seconds_count", "service", service, NULL, NULL, n);
}

/* The servers of a service, and why transactions and attempts failed. */
static void
icap_state(struct text *up, struct text *faults, const char *service,
    struct icap_service *s, const struct icap_stats *st)
{
	struct icap_server_stats server;
	size_t i;

	for (i = 0; icap_server_stats(s, i, &server) == 0; i++)
		say_sample(up, "icap_server_up", "service", service, "server",
		    server.url, server.state == ICAP_UP);
	for (i = ICAP_F_NONE + 1; i < ICAP_F_MAX; i++)
		say_sample(faults, "icap_faults_total", "service", service,
		    "fault", icap_fault_name((enum icap_fault)i),
		    st->faults[i]);
}

static void
page_icap(struct metrics *m, struct text *t)
{
	struct text hist = { 0 }, up = { 0 }, faults = { 0 }, wait = { 0 };
	const struct icap_stats *st;
	const char *name;
	size_t i;

	if (m->env->conf->nicaps == 0)
		return;
	say_metric(t, "icap_transactions_total", "counter",
	    "ICAP transactions, by what became of them.");
	say_metric(&hist, "icap_seconds", "histogram",
	    "How long ICAP transactions took.");
	say_metric(&up, "icap_server_up", "gauge",
	    "Whether an ICAP server answers.");
	say_metric(&faults, "icap_faults_total", "counter",
	    "Failed attempts of ICAP transactions.");
	say_metric(&wait, "icap_waiting", "gauge",
	    "Transactions that wait for a connection.");
	for (i = 0; i < m->env->conf->nicaps; i++) {
		name = icap_service_conf(m->env->icaps[i])->name;
		st = icap_service_stats(m->env->icaps[i]);
		transactions(t, name, st);
		seconds(&hist, name, st);
		icap_state(&up, &faults, name, m->env->icaps[i], st);
		say_sample(&wait, "icap_waiting", "service", name, NULL, NULL,
		    st->waiting);
	}
	text_puts(t, hist.s);
	text_puts(t, up.s);
	text_puts(t, faults.s);
	text_puts(t, wait.s);
	text_free(&hist);
	text_free(&up);
	text_free(&faults);
	text_free(&wait);
}

static uint64_t
mirrors_queued(struct metrics *m)
{
	struct sink_stats st;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < m->env->conf->nmirrors; i++) {
		memset(&st, 0, sizeof(st));
		m->env->sinks[i].ops->stats(m->env->sinks[i].sink, &st);
		sum += st.queued;
	}
	return sum;
}

static void
page_http2(struct text *t, const struct worker_counts *c)
{
	unsigned i;

	say_metric(t, "http2_streams_total", "counter",
	    "Streams of HTTP/2 that were read, by their end.");
	for (i = 0; i < STREAM_RESULTS; i++)
		say_sample(t, "http2_streams_total", "result",
		    streamed_str((enum streamed)i), NULL, NULL, c->streams[i]);
	say_metric(t, "http2_abuse_total", "counter",
	    "What peers did to HTTP/2 that is bounded.");
	for (i = 0; i < 2 * H2_ABUSE_MAX; i++)
		say_sample(t, "http2_abuse_total", "kind",
		    abuse_str((enum h2_abuse)(i / 2)), "side", i % 2 == 0 ?
		    "client" : "server", c->abuses[i / 2][i % 2]);
}

/* Negative when it is over. */
static void
page_ca(struct metrics *m, struct text *t)
{
	const struct conf *c = m->env->conf;
	size_t i;
	X509 *ca;

	say_metric(t, "ca_expiry_seconds", "gauge",
	    "Until a CA is no longer valid.");
	for (i = 0; m->env->tls != NULL && i < conf_ca_count(c); i++) {
		if ((ca = tls_ca_cert(m->env->tls, i)) == NULL)
			continue;
		text_puts(t, "clearspan_ca_expiry_seconds{");
		say_label(t, "ca", conf_ca_name(conf_ca(c, i)));
		text_printf(t, "} %lld\n", (long long)
		    (ca_time(X509_get0_notAfter(ca)) - clock_wall().tv_sec));
	}
}

static void
page_owns(struct metrics *m, struct text *t)
{
	const struct conf *c = m->env->conf;
	size_t i;

	say_metric(t, "certificate_expiry_seconds", "gauge",
	    "Until an own server's certificate is no longer valid.");
	for (i = 0; i < c->nowns; i++) {
		text_puts(t, "clearspan_certificate_expiry_seconds{");
		say_label(t, "certificate", c->owns[i].certificate.v[0]);
		text_printf(t, "} %lld\n", (long long)
		    (own_until(m->env->owns[i]) - clock_wall().tv_sec));
	}
}

static void
page_rest(struct metrics *m, struct text *t, const struct worker_counts *c)
{
	unsigned i;

	say_metric(t, "memory_bytes", "gauge", "Bytes held.");
	say_sample(t, "memory_bytes", "pool", "buffers", NULL, NULL,
	    c->buffers);
	say_sample(t, "memory_bytes", "pool", "tls", NULL, NULL,
	    budget_held(BUDGET_TLS));
	say_sample(t, "memory_bytes", "pool", "caches", NULL, NULL,
	    budget_held(BUDGET_CACHES));
	say_sample(t, "memory_bytes", "pool", "event-log", NULL, NULL,
	    connlog_queued(m->env->log));
	say_sample(t, "memory_bytes", "pool", "mirrors", NULL, NULL,
	    mirrors_queued(m));
	say_sample(t, "memory_bytes", "pool", "history", NULL, NULL,
	    budget_held(BUDGET_HISTORY));
	say_sample(t, "memory_bytes", "pool", "spool", NULL, NULL,
	    budget_held(BUDGET_SPOOL));
	say_sample(t, "memory_bytes", "pool", "spool-disk", NULL, NULL,
	    spool_disk());
	say_metric(t, "requests_judged_total", "counter",
	    "HTTP requests for another name than their connection's.");
	for (i = 0; i < JUDGED_MAX; i++)
		say_sample(t, "requests_judged_total", "result",
		    judged_str((enum judged)i), NULL, NULL, c->judged[i]);
	page_http2(t, c);
	say_metric(t, "destinations_refused_total", "counter",
	    "Connections that clients asked for and Clearspan refused.");
	for (i = 0; i < REACH_MAX; i++)
		say_sample(t, "destinations_refused_total", "reason",
		    reach_str((enum reach)i), NULL, NULL, c->unreached[i]);
	say_metric(t, "worker_late_total", "counter",
	    "Times a worker did not answer for two seconds.");
	text_printf(t, "clearspan_worker_late_total %llu\n",
	    (unsigned long long)c->late);
	say_metric(t, "handshakes_gave_way_total", "counter",
	    "Stalled handshakes reset because limits.handshakes were under "
	    "way.");
	text_printf(t, "clearspan_handshakes_gave_way_total %llu\n",
	    (unsigned long long)c->gave_way);
	say_metric(t, "stalled_reset_total", "counter",
	    "Sessions reset because limits.memory was spent.");
	text_printf(t, "clearspan_stalled_reset_total %llu\n",
	    (unsigned long long)c->stalled);
	say_metric(t, "reloads_total", "counter", "Configurations read again.");
	say_sample(t, "reloads_total", "result", "ok", NULL, NULL,
	    m->env->reloads[1]);
	say_sample(t, "reloads_total", "result", "failed", NULL, NULL,
	    m->env->reloads[0]);
}

void
metrics_page(struct metrics *m, struct text *out)
{
	struct worker_counts sum;

	admin_sum(m->env, &sum);
	page_sessions(m, out, &sum);
	page_handshakes(out, &sum);
	page_mirrors(m, out);
	page_icap(m, out);
	chains_metrics(m->env->conf, out);
	contained_metrics(m->env, out);
	captured_metrics(m->env, out);
	measures_metrics(m->env->measures, out);
	notices_metrics(m->env->notices, out);
	rest_metrics(m->env->rest, out);
	page_ca(m, out);
	page_owns(m, out);
	metrics_dns(out, &sum);
	page_rest(m, out, &sum);
}

/* One that closes its own descriptor: evhttp would close it first, and then
 * take it out of the loop, when it may be another thread's already. */
static struct bufferevent *
metrics_bev(struct event_base *base, void *arg)
{
	return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

static void
metrics_serve(struct evhttp_request *req, void *arg)
{
	struct text page = { 0 };

	metrics_page(arg, &page);
	evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	evbuffer_add(evhttp_request_get_output_buffer(req), page.s, page.len);
	evhttp_send_reply(req, HTTP_OK, "OK", NULL);
	text_free(&page);
}

static int
metrics_listen(const struct addr *a)
{
	int fd, on = 1;

	fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a->sa, addr_len(a)) == 0 && listen(fd, 16) == 0)
		return fd;
	close(fd);
	return -1;
}

int
metrics_new(struct admin_env *env, const struct addr *a,
    struct metrics **out, struct text *why)
{
	char buf[ADDR_STRLEN];
	struct metrics *m;
	int fd;

	*out = NULL;
	if ((fd = metrics_listen(a)) < 0) {
		text_printf(why, "cannot serve metrics on %s: %s",
		    addr_str(a, buf), strerror(errno));
		return ERR_SYS;
	}
	m = xcalloc(1, sizeof(*m));
	m->env = env;
	m->http = evhttp_new(env->base);
	evhttp_set_bevcb(m->http, metrics_bev, NULL);
	evhttp_set_timeout(m->http, TIMEOUT);
	evhttp_set_max_headers_size(m->http, HEADERS);
	evhttp_set_max_body_size(m->http, 0);
	evhttp_set_allowed_methods(m->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_cb(m->http, "/metrics", metrics_serve, m);
	evhttp_accept_socket(m->http, fd);
	*out = m;
	return 0;
}

void
metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	evhttp_free(m->http);
	while (m->nlosses > 0)
		free(m->losses[--m->nlosses].mirror);
	free(m->losses);
	free(m);
}
