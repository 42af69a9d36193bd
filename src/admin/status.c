/*
 * The state of the daemon as JSON, for the verbs of the control socket and the
 * stats of the event log.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

/*
 * The struct has nothing but 64-bit counters, so they are added as an array,
 * and a new counter needs no line here.
 */
void
admin_sum(const struct admin_env *env, struct worker_counts *sum)
{
	const size_t n = sizeof(*sum) / sizeof(_Atomic uint64_t);
	_Atomic uint64_t *to = (_Atomic uint64_t *)sum;
	const _Atomic uint64_t *from;
	size_t w, i;

	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "only counters");
	memset(sum, 0, sizeof(*sum));
	for (w = 0; w < env->nworkers; w++) {
		from = (const _Atomic uint64_t *)worker_counts(env->workers[w]);
		for (i = 0; i < n; i++)
			to[i] += atomic_load_explicit(&from[i],
			    memory_order_relaxed);
	}
}

static json_t *
count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
address(const struct addr *a)
{
	char buf[ADDR_STRLEN];

	return json_string(addr_str(a, buf));
}

static json_t *
listeners(const struct conf *c)
{
	json_t *all = json_array(), *o;
	size_t i;

	for (i = 0; i < c->nlistens; i++) {
		o = json_object();
		json_object_set_new(o, "name", eve_string(c->listens[i].name));
		json_object_set_new(o, "mode", json_string(
		    c->listens[i].mode == CONF_EXPLICIT ? "explicit" :
		    "transparent"));
		json_object_set_new(o, "address",
		    address(&c->listens[i].address));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *
mirror(const struct conf_mirror *m, const struct proxy_sink *s)
{
	static const char *const kinds[] = { "interface", "pcap",
	    "pcap-over-ip" };
	struct sink_stats st = { 0 };
	json_t *o = json_object();

	s->ops->stats(s->sink, &st);
	json_object_set_new(o, "name", eve_string(m->name));
	json_object_set_new(o, "kind", json_string(kinds[m->kind]));
	json_object_set_new(o, "packets", count(st.packets));
	json_object_set_new(o, "bytes", count(st.bytes));
	json_object_set_new(o, "lost_packets", count(st.lost_packets));
	json_object_set_new(o, "lost_bytes", count(st.lost_bytes));
	if (st.lost_reason != NULL)
		json_object_set_new(o, "lost_reason",
		    eve_string(st.lost_reason));
	if (m->kind == MIRROR_PCAPIP)
		json_object_set_new(o, "readers", count(st.readers));
	return o;
}

static json_t *
mirrors(const struct admin_env *env)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < env->conf->nmirrors; i++)
		json_array_append_new(all, mirror(&env->conf->mirrors[i],
		    &env->sinks[i]));
	return all;
}

static json_t *
event_log(const struct admin_env *env)
{
	json_t *o = json_object();

	json_object_set_new(o, "file", eve_string(env->conf->log.file));
	json_object_set_new(o, "queued_bytes",
	    count(connlog_queued(env->log)));
	json_object_set_new(o, "lost", count(connlog_dropped(env->log)));
	return o;
}

json_t *
admin_status(const struct admin_env *env)
{
	struct worker_counts sum;
	struct timespec now;
	json_t *o = json_object();

	now = clock_wall();
	admin_sum(env, &sum);
	json_object_set_new(o, "version", json_string(VERSION));
	json_object_set_new(o, "state",
	    json_string(env->draining ? "draining" : "running"));
	json_object_set_new(o, "pid", count((uint64_t)getpid()));
	json_object_set_new(o, "configuration", eve_string(env->conf->path));
	json_object_set_new(o, "started", eve_time(&env->started));
	json_object_set_new(o, "uptime",
	    json_integer(now.tv_sec - env->started.tv_sec));
	json_object_set_new(o, "workers", count(env->nworkers));
	json_object_set_new(o, "sessions_open", count(sum.open));
	json_object_set_new(o, "sessions_accepted", count(sum.accepted));
	json_object_set_new(o, "rules", count(env->conf->nrules));
	json_object_set_new(o, "reloads", json_pack("{s:I,s:I}", "done",
	    (json_int_t)env->reloads[1], "failed",
	    (json_int_t)env->reloads[0]));
	json_object_set_new(o, "listeners", listeners(env->conf));
	json_object_set_new(o, "mirrors", mirrors(env));
	if (env->log != NULL)
		json_object_set_new(o, "event_log", event_log(env));
	return o;
}

static void
tally_member(void *arg, const char *action, const char *rule, uint64_t n)
{
	json_array_append_new(arg, json_pack("{s:s,s:o,s:I}", "action",
	    action, "rule", eve_string(rule), "sessions", (json_int_t)n));
}

static json_t *
handshakes(const struct worker_counts *c)
{
	static const char *const side[] = { "client", "server" };
	static const char *const version[] = { "older", "TLS 1.2", "TLS 1.3" };
	json_t *all = json_array();
	unsigned i, s, v, r, ok;

	for (i = 0; i < 8 * TLS_VERSION_CLASSES; i++) {
		s = i & 1;
		v = i >> 3;
		r = i >> 1 & 1;
		ok = !(i >> 2 & 1);
		if (c->handshakes[s][v][r][ok] == 0)
			continue;
		json_array_append_new(all, json_pack("{s:s,s:s,s:b,s:s,s:I}",
		    "side", side[s], "version", version[v], "resumed", (int)r,
		    "result", ok ? "ok" : "failed", "count",
		    (json_int_t)c->handshakes[s][v][r][ok]));
	}
	return all;
}

json_t *
admin_counters(const struct admin_env *env)
{
	struct worker_counts c;
	json_t *o = json_object(), *rules = json_array();

	admin_sum(env, &c);
	json_object_set_new(o, "accepted", count(c.accepted));
	json_object_set_new(o, "refused", count(c.refused));
	json_object_set_new(o, "open", count(c.open));
	json_object_set_new(o, "ended", count(c.ended));
	json_object_set_new(o, "bytes_toserver", count(c.bytes[DIR_UP]));
	json_object_set_new(o, "bytes_toclient", count(c.bytes[DIR_DOWN]));
	json_object_set_new(o, "handshaking", count(c.handshaking));
	json_object_set_new(o, "forged", count(c.forged[0]));
	json_object_set_new(o, "forged_from_cache", count(c.forged[1]));
	json_object_set_new(o, "undecrypted_client_certificate",
	    count(c.undecrypted[UNDECRYPTED_CERT]));
	json_object_set_new(o, "undecrypted_rule",
	    count(c.undecrypted[UNDECRYPTED_RULE]));
	json_object_set_new(o, "undecrypted_no_sni",
	    count(c.undecrypted[UNDECRYPTED_NO_SNI]));
	json_object_set_new(o, "undecrypted_verification",
	    count(c.undecrypted[UNDECRYPTED_VERIFY]));
	json_object_set_new(o, "undecrypted_failure",
	    count(c.undecrypted[UNDECRYPTED_FAILURE]));
	json_object_set_new(o, "unread_starttls",
	    count(c.undecrypted[UNDECRYPTED_STARTTLS]));
	json_object_set_new(o, "unread_tunnel",
	    count(c.undecrypted[UNDECRYPTED_TUNNEL]));
	json_object_set_new(o, "unread_upgrade",
	    count(c.undecrypted[UNDECRYPTED_UPGRADE]));
	json_object_set_new(o, "unread_other",
	    count(c.undecrypted[UNDECRYPTED_OTHER]));
	json_object_set_new(o, "buffer_bytes", count(c.buffers));
	json_object_set_new(o, "accept_paused", count(c.accept_paused));
	json_object_set_new(o, "worker_late", count(c.late));
	json_object_set_new(o, "gave_way", count(c.gave_way));
	json_object_set_new(o, "stalled_reset", count(c.stalled));
	json_object_set_new(o, "log_lines_lost", count(log_dropped()));
	json_object_set_new(o, "events_lost", count(connlog_dropped(env->log)));
	json_object_set_new(o, "handshakes", handshakes(&c));
	tally_each(env->tally, tally_member, rules);
	json_object_set_new(o, "sessions", rules);
	json_object_set_new(o, "mirrors", mirrors(env));
	return o;
}

/* asked: the cache counts its questions and hits itself. */
static json_t *
cache(const struct cache_stats *st, int asked)
{
	json_t *o = json_object();

	json_object_set_new(o, "entries", count(st->entries));
	json_object_set_new(o, "bytes", count(st->bytes));
	json_object_set_new(o, "limit", count(st->max));
	json_object_set_new(o, "evicted", count(st->evicted));
	if (!asked)
		return o;
	json_object_set_new(o, "asked", count(st->asked));
	json_object_set_new(o, "hits", count(st->hits));
	return o;
}

json_t *
admin_caches(const struct admin_env *env)
{
	struct leaf_stats leaf = { 0 };
	struct tls_stats tls = { 0 };
	json_t *all = json_object(), *o;

	leaf_stats(tls_leafs(env->tls), &leaf);
	tls_stats(env->tls, &tls);
	o = cache(&leaf.cache, 0);
	json_object_set_new(o, "hits", count(leaf.hits));
	json_object_set_new(o, "misses", count(leaf.misses));
	json_object_set_new(o, "forged", count(leaf.forged));
	json_object_set_new(o, "waited", count(leaf.waited));
	json_object_set_new(all, "leaf_certificates", o);
	json_object_set_new(all, "upstream_sessions", cache(&tls.sessions, 1));
	json_object_set_new(all, "chain_verdicts", cache(&tls.verdicts, 1));
	json_object_set_new(all, "server_certificates",
	    cache(&tls.certificates, 1));
	json_object_set_new(all, "certificate_texts", cache(&tls.texts, 1));
	return all;
}
